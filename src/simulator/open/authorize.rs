//! `GET /connect/oauth2/authorize`: sends a user back to an official account's page with a code.

use std::borrow::Cow;

use url::{Host, Url, form_urlencoded};

use super::page::{self, Asking};
use super::{Decision, redirect, written};
use crate::simulator::app::App;
use crate::simulator::call::Call;
use crate::simulator::clock::Moment;
use crate::simulator::codes::{CodeKind, Grant};
use crate::simulator::reply::Reply;
use crate::simulator::settings::AppKind;
use crate::simulator::users::User;
use crate::simulator::world::World;

/// The parameters in the order that WeChat insists on; the last one is optional.
const ORDER: [&str; 5] = ["appid", "redirect_uri", "response_type", "scope", "state"];

/// What a link may ask for.
#[derive(Debug)]
struct Asked<'a> {
    app_id: Cow<'a, str>,
    back: Url,
    userinfo: bool,
    state: Option<Cow<'a, str>>,
    force_snapshot: bool,
}

/// Why a link is not served: the number that WeChat's page shows, if one is known, and what it says.
struct Problem(Option<u32>, &'static str, &'static str);

/// Serves the page.
pub(super) fn serve(world: &mut World, call: &Call, now: Moment) -> Reply {
    match answer(world, call, now) {
        Ok(reply) => reply,
        Err(Problem(number, text, english)) => {
            written("text/html; charset=utf-8", page::problem(number, text, english))
        }
    }
}

fn answer(world: &mut World, call: &Call, now: Moment) -> Result<Reply, Problem> {
    let asked = asked(world, call)?;
    let chosen = visitor(world, call)?;
    let scripted = world.visitor.decision;
    let decision = match call.param("sim_decision").as_deref() {
        Some("allow") => Decision::Allow,
        Some("refuse") => Decision::Refuse,
        // WeChat: snsapi_base asks nobody.
        _ if !asked.userinfo => Decision::Allow,
        _ => scripted,
    };
    let by_form = call.param("sim_decision").is_some();
    let ticked = call.param("sim_snapshot").as_deref() == Some("true");
    let snapshot = asked.force_snapshot || ticked || (world.visitor.snapshot && !by_form);
    match decision {
        Decision::Ask => {
            let scope = call.param("scope");
            let mut carried = vec![
                ("appid", asked.app_id.as_ref()),
                ("redirect_uri", asked.back.as_str()),
                ("response_type", "code"),
                ("scope", scope.as_deref().unwrap_or_default()),
            ];
            carried.extend(asked.state.as_deref().map(|state| ("state", state)));
            let text = page::asking(&Asking {
                app_id: &asked.app_id,
                carried: &carried,
                users: world.users.all(),
                chosen,
                snapshot,
            });
            Ok(written("text/html; charset=utf-8", text))
        }
        // WeChat: a refusal returns the state alone (unconfirmed).
        Decision::Refuse => Ok(redirect(asked.back_with(None))),
        Decision::Allow => {
            let code = format!("0{}", world.random.word(31));
            let grant = Grant {
                userinfo: asked.userinfo,
                snapshot: snapshot && asked.userinfo,
            };
            if let Some(app) = world.apps.get_mut(asked.app_id.as_ref()) {
                app.codes.add(code.clone(), chosen, CodeKind::OAuth(grant), now);
            }
            Ok(redirect(asked.back_with(Some(&code))))
        }
    }
}

/// What the link asks for, if WeChat would serve it. Apart from 10003 the numbers are unconfirmed.
fn asked<'a>(world: &World, call: &'a Call) -> Result<Asked<'a>, Problem> {
    let required = |name, number| {
        let text = "参数错误";
        call.param(name)
            .ok_or(Problem(Some(number), text, "A parameter is missing or empty"))
    };
    let app_id = required("appid", 10012)?;
    let back = required("redirect_uri", 10011)?;
    let scope = required("scope", 10010)?;
    if !in_order(&call.query) || call.param("response_type").as_deref() != Some("code") {
        let english =
            "The parameters must be appid, redirect_uri, response_type=code, scope, state in this order";
        return Err(Problem(None, "该链接无法访问", english));
    }
    let app = world.apps.get(app_id.as_ref());
    let app = app.filter(|app| app.kind == AppKind::Official).ok_or(Problem(
        Some(10016),
        "不支持的AppID",
        "There is no such official account",
    ))?;
    let userinfo = match scope.as_ref() {
        "snsapi_base" => Some(false),
        "snsapi_userinfo" => Some(true),
        _ => None,
    };
    let userinfo = userinfo.filter(|_| app.switches.verified).ok_or(Problem(
        Some(10005),
        "该公众号没有此scope的权限",
        "The account has no such scope",
    ))?;
    let back = Url::parse(&back)
        .ok()
        .filter(|back| admits(app, back))
        .ok_or(Problem(
            Some(10003),
            "redirect_uri域名与后台配置不一致",
            "The host of redirect_uri is not the one in the console (oauth_domains)",
        ))?;
    let state = call.param("state");
    let any = app.switches.any_state;
    let fine =
        |state: &str| state.len() <= 128 && (any || state.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    if !state.as_deref().is_none_or(fine) {
        let english = "state has at most 128 letters and digits";
        return Err(Problem(Some(10013), "state参数错误", english));
    }
    Ok(Asked {
        app_id,
        back,
        userinfo,
        state,
        force_snapshot: call.param("forceSnapShot").as_deref() == Some("true"),
    })
}

/// WeChat: the order of the parameters is checked by a strict expression. Further ones may follow.
fn in_order(query: &str) -> bool {
    let mut given = form_urlencoded::parse(query.as_bytes()).map(|(name, _)| name);
    let required = ORDER
        .iter()
        .take(4)
        .all(|name| given.next().as_deref() == Some(*name));
    let mut rest = given.skip_while(|name| name == "state");
    required && !rest.any(|name| ORDER.contains(&name.as_ref()))
}

/// WeChat: the host must be exactly the console's; a subdomain of it is another host. Loopback is our own choice,
/// so that a demonstration needs no console.
fn admits(app: &App, back: &Url) -> bool {
    let loopback = match back.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    };
    let known = &app.switches.oauth_domains;
    let named = back
        .host_str()
        .is_some_and(|host| known.iter().any(|known| known.eq_ignore_ascii_case(host)));
    matches!(back.scheme(), "http" | "https") && (loopback || named)
}

/// The user who opens the page: named in the link, set beforehand, or the first one, who is made if there is none.
fn visitor(world: &mut World, call: &Call) -> Result<usize, Problem> {
    let unknown = || Problem(None, "没有这个用户", "There is no such user in the simulator");
    if let Some(id) = call.param("sim_user") {
        return world.users.find(&id).ok_or_else(unknown);
    }
    if let Some(user) = world.visitor.user {
        return Ok(user);
    }
    if world.users.all().is_empty() {
        let first = User::new(1, "user-1".to_owned());
        return world.users.add(first).ok_or_else(unknown);
    }
    Ok(0)
}

impl Asked<'_> {
    /// WeChat: code and state are appended to whatever query there is, before the fragment; the state is not
    /// encoded again, so that one with `&` or `=` in it breaks the query.
    fn back_with(&self, code: Option<&str>) -> String {
        let mut back = self.back.clone();
        let mut query = back.query().unwrap_or_default().to_owned();
        let state = self.state.as_deref();
        for (name, value) in [("code", code), ("state", state)] {
            if let Some(value) = value {
                if !query.is_empty() {
                    query.push('&');
                }
                query.push_str(name);
                query.push('=');
                query.push_str(value);
            }
        }
        back.set_query(Some(query.as_str()).filter(|query| !query.is_empty()));
        back.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_is_wechats() {
        for fine in [
            "appid=1&redirect_uri=2&response_type=code&scope=s",
            "appid=1&redirect_uri=2&response_type=code&scope=s&state=x&forcePopup=true",
        ] {
            assert!(in_order(fine), "{fine}");
        }
        for odd in [
            "redirect_uri=2&appid=1&response_type=code&scope=s&state=x",
            "appid=1&redirect_uri=2&response_type=code&state=x&scope=s",
            "appid=1&redirect_uri=2&response_type=code&scope=s&forcePopup=true&state=x",
        ] {
            assert!(!in_order(odd), "{odd}");
        }
    }
}
