//! The check of appid and secret that the calls without an access token have in common, and the gates
//! before a token is handed out.

use std::borrow::Cow;
use std::net::IpAddr;

use secrecy::ExposeSecret as _;
use serde::Serialize;
use serde_json::{Map, Value};

use super::call::Call;
use super::errcode;
use super::reply::Refusal;
use super::world::{Desk, Visit};

/// The appid and secret that a call presents.
pub(crate) struct Claim<'a> {
    app_id: Cow<'a, str>,
    secret: Cow<'a, str>,
    grant_type: Option<Cow<'a, str>>,
}

impl<'a> Claim<'a> {
    /// What the query claims.
    pub(crate) fn in_query(call: &'a Call) -> Result<Self, Refusal> {
        Self::complete(
            call.param("appid"),
            call.param("secret"),
            call.param("grant_type"),
        )
    }

    /// What a JSON body claims. A value that is no text counts as missing.
    pub(crate) fn in_body(body: &'a Map<String, Value>) -> Result<Self, Refusal> {
        let text = |name| {
            body.get(name)
                .and_then(Value::as_str)
                .filter(|text| !text.is_empty())
                .map(Cow::Borrowed)
        };
        Self::complete(text("appid"), text("secret"), text("grant_type"))
    }

    /// What a call claims that has its parameters in the query or in the body, and names the secret in full.
    pub(crate) fn of_account(call: &'a Call) -> Result<Self, Refusal> {
        let (app_id, secret) = (call.param("appid"), call.param("appsecret"));
        if app_id.is_some() || secret.is_some() || call.body.is_empty() {
            return Self::complete(app_id, secret, None);
        }
        let body = call.json()?;
        let text = |name| {
            let text = body.get(name).and_then(Value::as_str);
            text.filter(|text| !text.is_empty()).map(Cow::Borrowed)
        };
        Self::complete(text("appid"), text("appsecret"), None)
    }

    fn complete(
        app_id: Option<Cow<'a, str>>,
        secret: Option<Cow<'a, str>>,
        grant_type: Option<Cow<'a, str>>,
    ) -> Result<Self, Refusal> {
        let app_id = app_id.ok_or_else(|| Refusal::of(errcode::APP_ID_MISSING))?;
        let secret = secret.ok_or_else(|| Refusal::of(errcode::SECRET_MISSING))?;
        Ok(Self {
            app_id,
            secret,
            grant_type,
        })
    }

    /// Proves the claim. WeChat: 40002, 40013, 40125 in this order; 40243 for a frozen secret.
    pub(crate) fn prove<'v>(&self, visit: Visit<'v>, grant_type: &str) -> Result<Desk<'v>, Refusal> {
        if self.grant_type.as_deref() != Some(grant_type) {
            return Err(Refusal::of(errcode::INVALID_GRANT_TYPE));
        }
        self.prove_account(visit)
    }

    /// The same for calls without a `grant_type`.
    pub(crate) fn prove_account<'v>(&self, visit: Visit<'v>) -> Result<Desk<'v>, Refusal> {
        let Visit {
            call,
            endpoint,
            now,
            world,
        } = visit;
        let desk = world.desk(&self.app_id, call, endpoint, now)?;
        // Nobody times attacks on a simulator, so the comparison need not be constant-time.
        if desk.app.secret.expose_secret() != self.secret {
            return Err(Refusal::of(errcode::INVALID_SECRET));
        }
        if desk.app.switches.frozen {
            return Err(Refusal::of(errcode::SECRET_FROZEN));
        }
        Ok(desk)
    }
}

/// The gates before a token: allow list, risk confirmation, quota.
pub(crate) fn admit(desk: &mut Desk<'_>) -> Result<(), Refusal> {
    let address = desk.call.address;
    let allowed = desk
        .app
        .switches
        .allow_list
        .as_ref()
        .is_none_or(|list| list.iter().any(|network| network.contains(&address)));
    if !allowed {
        return Err(Refusal::with_text(errcode::ADDRESS_REFUSED, refused(address)));
    }
    desk.app.risk(desk.now)?;
    desk.app.charge(desk.endpoint, desk.now)
}

/// The text of 40164, which operators copy the address from.
fn refused(address: IpAddr) -> String {
    let long = match address {
        IpAddr::V4(address) => address.to_ipv6_mapped(),
        IpAddr::V6(address) => address,
    };
    format!("invalid ip {address} ipv6 {long}, not in whitelist")
}

/// What both token endpoints answer.
#[derive(Debug, Serialize)]
pub(crate) struct TokenBody<'a> {
    /// The token.
    pub(crate) access_token: &'a str,
    /// The seconds it lives.
    pub(crate) expires_in: i64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_address_is_named_in_both_forms() {
        let text = refused(IpAddr::from([114, 221, 21, 30]));
        assert_eq!(
            text,
            "invalid ip 114.221.21.30 ipv6 ::ffff:114.221.21.30, not in whitelist"
        );
    }
}
