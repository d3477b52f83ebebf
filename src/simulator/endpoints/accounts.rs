//! The table of what official accounts are served: menus, media, templates, QR codes, users; and of what both kinds of
//! app are told of their quotas. Limits are those of an
//! account that is new (接口调用频次限制).

use super::{Endpoint, Serve, Verb};
use crate::simulator::cgi_bin::message::template as template_message;
use crate::simulator::cgi_bin::{material, media, menu, qrcode, quota, rid, shorten, tags, template, user};
use crate::simulator::settings::AppKind;

/// The endpoints of official accounts; of some, mini programs have a part.
pub(super) static ENDPOINTS: &[Endpoint] = &[
    post("/cgi-bin/menu/create", menu::create).daily(1_000),
    get("/cgi-bin/menu/get", menu::get).daily(10_000),
    get("/cgi-bin/menu/delete", menu::delete).daily(1_000),
    get("/cgi-bin/get_current_selfmenu_info", menu::current),
    post("/cgi-bin/menu/addconditional", menu::add_conditional),
    post("/cgi-bin/menu/delconditional", menu::delete_conditional),
    post("/cgi-bin/menu/trymatch", menu::try_match),
    Endpoint::both("/cgi-bin/media/upload", Verb::Post, media::upload).daily(100_000),
    Endpoint::both("/cgi-bin/media/get", Verb::Get, media::get).daily(200_000),
    get("/cgi-bin/media/get/jssdk", media::get_voice).daily(200_000),
    post("/cgi-bin/media/uploadimg", media::upload_inline),
    post("/cgi-bin/material/add_material", material::add),
    post("/cgi-bin/material/get_material", material::get),
    post("/cgi-bin/material/del_material", material::delete),
    get("/cgi-bin/material/get_materialcount", material::count),
    post("/cgi-bin/material/batchget_material", material::list),
    post("/cgi-bin/template/api_set_industry", template::set_industry),
    get("/cgi-bin/template/get_industry", template::industry),
    post("/cgi-bin/template/api_add_template", template::add),
    get("/cgi-bin/template/get_all_private_template", template::list),
    post("/cgi-bin/template/del_private_template", template::delete),
    post("/cgi-bin/message/template/send", template_message::send).daily(100_000),
    post("/cgi-bin/message/template/subscribe", template_message::subscribe),
    post("/cgi-bin/qrcode/create", qrcode::create).daily(100_000),
    post("/cgi-bin/shorten/gen", shorten::generate),
    post("/cgi-bin/shorten/fetch", shorten::fetch),
    get("/cgi-bin/user/info", user::info).daily(5_000_000),
    post("/cgi-bin/user/info/batchget", user::info_of_many),
    get("/cgi-bin/user/get", user::list).daily(500),
    post("/cgi-bin/user/info/updateremark", user::update_remark).daily(10_000),
    post("/cgi-bin/tags/create", tags::create),
    get("/cgi-bin/tags/get", tags::get),
    post("/cgi-bin/tags/update", tags::update),
    post("/cgi-bin/tags/delete", tags::delete),
    post("/cgi-bin/user/tag/get", tags::members),
    post("/cgi-bin/tags/members/batchtagging", tags::tag_many),
    post("/cgi-bin/tags/members/batchuntagging", tags::untag_many),
    post("/cgi-bin/tags/getidlist", tags::of_user),
    post("/cgi-bin/tags/members/getblacklist", tags::blacklist),
    post("/cgi-bin/tags/members/batchblacklist", tags::blacklist_many),
    post("/cgi-bin/tags/members/batchunblacklist", tags::unblacklist_many),
    Endpoint::both("/cgi-bin/clear_quota", Verb::Post, quota::clear_all),
    Endpoint::open("/cgi-bin/clear_quota/v2", Verb::Post, quota::clear_all_by_secret),
    Endpoint::both("/cgi-bin/openapi/quota/get", Verb::Post, quota::get),
    Endpoint::both("/cgi-bin/openapi/quota/clear", Verb::Post, quota::clear),
    Endpoint::both("/cgi-bin/openapi/rid/get", Verb::Post, rid::get),
];

const fn get(path: &'static str, serve: Serve) -> Endpoint {
    Endpoint::of(path, Verb::Get, AppKind::Official, serve)
}

const fn post(path: &'static str, serve: Serve) -> Endpoint {
    Endpoint::of(path, Verb::Post, AppKind::Official, serve)
}
