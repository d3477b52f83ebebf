//! The endpoints that are for mini programs, and the template library of both kinds of app.

use super::{Endpoint, Verb};
use crate::simulator::settings::AppKind;
use crate::simulator::{cgi_bin, errcode, wxa, wxaapi};

const fn post(path: &'static str, serve: super::Serve) -> Endpoint {
    Endpoint::of(path, Verb::Post, AppKind::Mini, serve)
}

const fn link(path: &'static str, serve: super::Serve) -> Endpoint {
    post(path, serve)
        .daily(500_000)
        .refusing(errcode::LINKS_A_DAY, errcode::MINUTE_QUOTA)
}

/// Every endpoint of this table.
pub(super) static ENDPOINTS: &[Endpoint] = &[
    post(
        "/cgi-bin/message/subscribe/send",
        cgi_bin::message::subscribe::mini,
    ),
    Endpoint::of(
        "/cgi-bin/message/subscribe/bizsend",
        Verb::Post,
        AppKind::Official,
        cgi_bin::message::subscribe::official,
    ),
    Endpoint::both("/wxaapi/newtmpl/addtemplate", Verb::Post, wxaapi::newtmpl::add),
    Endpoint::both("/wxaapi/newtmpl/deltemplate", Verb::Post, wxaapi::newtmpl::remove),
    Endpoint::both(
        "/wxaapi/newtmpl/getcategory",
        Verb::Get,
        wxaapi::library::categories,
    ),
    Endpoint::both(
        "/wxaapi/newtmpl/getpubtemplatetitles",
        Verb::Get,
        wxaapi::library::titles,
    ),
    Endpoint::both(
        "/wxaapi/newtmpl/getpubtemplatekeywords",
        Verb::Get,
        wxaapi::library::keywords,
    ),
    Endpoint::both("/wxaapi/newtmpl/gettemplate", Verb::Get, wxaapi::newtmpl::list),
    post("/wxa/getwxacodeunlimit", wxa::getwxacode::unlimited).a_minute(5_000),
    post("/wxa/getwxacode", wxa::getwxacode::limited),
    post("/cgi-bin/wxaapp/createwxaqrcode", cgi_bin::wxaapp::serve),
    link("/wxa/generatescheme", wxa::link::generate::scheme),
    link("/wxa/generate_urllink", wxa::link::generate::url),
    post("/wxa/queryscheme", wxa::link::query::scheme),
    post("/wxa/query_urllink", wxa::link::query::url),
    post("/wxa/genwxashortlink", wxa::link::short::serve).daily(10_000_000),
    post("/wxa/msg_sec_check", wxa::msg_sec_check::serve)
        .daily(2_000_000)
        .a_minute(4_000)
        .refusing(errcode::DAILY_QUOTA, errcode::CHECKS_A_MINUTE),
    post("/wxa/media_check_async", wxa::media_check_async::serve)
        .daily(200_000)
        .a_minute(2_000)
        .refusing(errcode::DAILY_QUOTA, errcode::CHECKS_A_MINUTE),
    post("/wxa/getuserriskrank", wxa::getuserriskrank::serve),
];
