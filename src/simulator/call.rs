//! A call as it arrived at the platform: its parameters by name, its body as JSON. Nothing is checked
//! here beyond its form.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::net::IpAddr;

use actix_web::http::Method;
use actix_web::web::Bytes;
use serde_json::{Map, Value};
use url::form_urlencoded;

use super::api_security::exchange::Headers;
use super::errcode;
use super::intake::Form;
use super::reply::Refusal;

/// One received call.
#[derive(Debug)]
pub(crate) struct Call {
    /// The HTTP method.
    pub(crate) method: Method,
    /// The path as sent.
    pub(crate) path: String,
    /// The query as sent, without `?`.
    pub(crate) query: String,
    /// The body.
    pub(crate) body: Bytes,
    /// The host that was called.
    pub(crate) host: String,
    /// The form that was sent; the body is empty then.
    pub(crate) form: Option<Form>,
    /// The headers of a call that is encrypted and signed.
    pub(crate) sealing: Headers,
    /// Where the call came from.
    pub(crate) address: IpAddr,
    json: OnceCell<Option<Map<String, Value>>>,
}

impl Call {
    /// A call with these parts.
    pub(crate) fn new(method: Method, path: &str, query: &str, body: Bytes, address: IpAddr) -> Self {
        Self {
            method,
            path: path.to_owned(),
            query: query.to_owned(),
            body,
            host: String::new(),
            form: None,
            sealing: Headers::default(),
            // A dual-stack socket shows IPv4 callers as ::ffff:1.2.3.4; allow lists are written without.
            address: address.to_canonical(),
            json: OnceCell::new(),
        }
    }

    /// The same call with a form in the place of its body.
    pub(crate) fn with_form(mut self, form: Form) -> Self {
        self.form = Some(form);
        self
    }

    /// A query parameter, percent-decoded. Of repeated ones the first counts; an empty one counts as
    /// missing.
    pub(crate) fn param(&self, name: &str) -> Option<Cow<'_, str>> {
        form_urlencoded::parse(self.query.as_bytes())
            .find_map(|(key, value)| (key == name).then_some(value))
            .filter(|value| !value.is_empty())
    }

    /// The body as a JSON object. WeChat: 44002 for an empty one, 47001 for one that is not JSON.
    pub(crate) fn json(&self) -> Result<&Map<String, Value>, Refusal> {
        if self.body.is_empty() {
            return Err(Refusal::of(errcode::EMPTY_BODY));
        }
        self.json
            .get_or_init(|| serde_json::from_slice(&self.body).ok())
            .as_ref()
            .ok_or_else(|| Refusal::of(errcode::MALFORMED_BODY))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(query: &str, body: &'static str) -> Call {
        Call::new(
            Method::GET,
            "/",
            query,
            Bytes::from_static(body.as_bytes()),
            [127, 0, 0, 1].into(),
        )
    }

    #[test]
    fn the_first_of_repeated_parameters_counts_and_is_decoded() {
        let call = call("a=%E4%B8%AD%2B1&a=2&b=&c", "");
        assert_eq!(call.param("a").as_deref(), Some("中+1"));
        assert_eq!(call.param("b"), None);
        assert_eq!(call.param("c"), None);
        assert_eq!(call.param("d"), None);
    }

    #[test]
    fn bodies_are_objects_or_refused() {
        assert_eq!(
            call("", "").json().map_err(|refusal| refusal.code).err(),
            Some(44_002)
        );
        assert_eq!(
            call("", "a=1").json().map_err(|refusal| refusal.code).err(),
            Some(47_001)
        );
        assert_eq!(
            call("", "[1]").json().map_err(|refusal| refusal.code).err(),
            Some(47_001)
        );
        assert!(call("", r#"{"a":1}"#).json().is_ok());
    }
}
