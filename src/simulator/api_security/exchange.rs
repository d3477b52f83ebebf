//! Calls in this mode are checked and opened, and their answers sealed. What an app's keys are is decided elsewhere.

use actix_web::http::Method;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use serde_json::{Map, Value};

use super::symmetric::Encrypted;
use super::{ApiSecurity, Binding, Mode, PlatformKey};
use crate::simulator::call::Call;
use crate::simulator::clock::Moment;
use crate::simulator::errcode;
use crate::simulator::random::Random;
use crate::simulator::reply::{Refusal, Reply};
use crate::simulator::world::World;

/// WeChat: a timestamp is so many seconds away from the platform's clock at most.
const WINDOW: u64 = 300;

/// The APIs whose pages say that they know this mode (支持加密请求); `*` stands for whatever follows.
const SUPPORTED: &[&str] = &[
    "/cgi-bin/clear_quota",
    "/cgi-bin/openapi/quota/get",
    "/cgi-bin/openapi/rid/get",
    "/cgi-bin/message/custom/send",
    "/cgi-bin/message/subscribe/send",
    "/cgi-bin/message/wxopen/updatablemsg/send",
    "/cgi-bin/express/*",
    "/cgi-bin/soter/verify_signature",
    "/cgi-bin/wxaapp/createwxaqrcode",
    "/datacube/getweanalysisappid*",
    "/wxa/business/checkencryptedmsg",
    "/wxa/business/getuserencryptkey",
    "/wxa/business/getuserphonenumber",
    "/wxa/business/performance/boot",
    "/wxa/devplugin",
    "/wxa/getpluginopenpid",
    "/wxa/getuserriskrank",
    "/wxa/getwxacode",
    "/wxa/getwxacodeunlimit",
    "/wxa/media_check_async",
    "/wxa/msg_sec_check",
    "/wxa/plugin",
    "/wxa/servicemarket",
    "/wxaapi/log/*",
    "/wxaapi/newtmpl/addtemplate",
    "/wxaapi/newtmpl/deltemplate",
];

fn is_supported(path: &str) -> bool {
    SUPPORTED.iter().any(|known| match known.strip_suffix('*') {
        Some(head) => path.starts_with(head),
        None => path == *known,
    })
}

/// The headers of a call in this mode.
#[derive(Debug, Clone, Default)]
pub(crate) struct Headers {
    /// `Wechatmp-Appid`.
    pub(crate) app_id: Option<String>,
    /// `Wechatmp-TimeStamp`.
    pub(crate) timestamp: Option<String>,
    /// `Wechatmp-Signature`.
    pub(crate) signature: Option<String>,
}

impl Headers {
    /// The headers by their names.
    pub(crate) fn of(header: impl Fn(&str) -> Option<String>) -> Self {
        let header = |name| header(name).filter(|value| !value.is_empty());
        Self {
            app_id: header("wechatmp-appid"),
            timestamp: header("wechatmp-timestamp"),
            signature: header("wechatmp-signature"),
        }
    }

    fn is_empty(&self) -> bool {
        self.app_id.is_none() && self.timestamp.is_none() && self.signature.is_none()
    }
}

/// What the answer to a sealed call is sealed with.
pub(crate) struct Envelope {
    security: ApiSecurity,
    app_id: String,
    url: String,
}

/// Opens a call in this mode; `None` if the call is a plain one.
///
/// WeChat publishes the codes but not their order: ours is that of the headers, then app, time, keys, signature and
/// encryption. A call with a dead token is left to the endpoint, which refuses it without any sealing.
pub(crate) fn open(world: &mut World, call: &Call, now: Moment) -> Result<Option<(Call, Envelope)>, Refusal> {
    if call.method != Method::POST || !is_supported(&call.path) {
        return Ok(None);
    }
    let token = call.param("access_token").unwrap_or_default();
    let Ok(app_id) = world.tokens.check(&token, now) else {
        return Ok(None);
    };
    let app_id = app_id.to_owned();
    let security = world.apps.get(&app_id).and_then(|app| app.api_security.clone());
    let required = security.as_ref().is_some_and(|own| own.mode == Mode::Required);
    if call.sealing.is_empty() && !required {
        return Ok(None);
    }
    let refuse = |code| Refusal::of(code);
    let missing = |header: &Option<String>, code| header.clone().ok_or_else(|| refuse(code));
    let named = missing(&call.sealing.app_id, errcode::NO_APP_ID)?;
    let timestamp = missing(&call.sealing.timestamp, errcode::NO_TIMESTAMP)?;
    let signature = missing(&call.sealing.signature, errcode::NO_SIGNATURE)?;
    if named != app_id {
        let known = world.apps.contains_key(&named);
        return Err(refuse(if known {
            errcode::OTHER_APP_ID
        } else {
            errcode::WRONG_APP_ID
        }));
    }
    let sent: Option<i64> = timestamp.parse().ok();
    let sent = sent.filter(|sent| now.seconds().abs_diff(*sent) <= WINDOW);
    let sent = sent.ok_or_else(|| refuse(errcode::STALE_TIMESTAMP))?;
    let security = security.filter(|own| own.mode != Mode::Off);
    let security = security.ok_or_else(|| refuse(errcode::NO_SYMMETRIC_KEY))?;
    let Some(symmetric) = &security.symmetric else {
        return Err(refuse(errcode::NO_SYMMETRIC_KEY));
    };
    let Some(public) = &security.public else {
        return Err(refuse(errcode::NO_PUBLIC_KEY));
    };
    // A client may be told to call us in the platform's place, and bind its calls to either name.
    let urls = [
        format!("http://{}{}", call.host, call.path),
        format!("https://api.weixin.qq.com{}", call.path),
    ];
    let bindings = urls.each_ref().map(|url| Binding {
        url,
        app_id: &app_id,
        timestamp: &timestamp,
    });
    let verified = |bound: &&Binding<'_>| public.verifies(&bound.signed(&call.body), &signature);
    let bound = bindings.iter().find(verified);
    let bound = bound.ok_or_else(|| refuse(errcode::WRONG_SIGNATURE))?;
    let opened = serde_json::from_slice::<Encrypted>(&call.body)
        .ok()
        .and_then(|body| symmetric.open(&bound.associated(symmetric), &body))
        .and_then(|text| fields(&text, &app_id, sent));
    let body = opened.ok_or_else(|| refuse(errcode::WRONG_ENCRYPTION))?;
    let mut inner = Call::new(
        call.method.clone(),
        &call.path,
        &call.query,
        body.into(),
        call.address,
    );
    inner.host.clone_from(&call.host);
    let envelope = Envelope {
        url: bound.url.to_owned(),
        security: security.clone(),
        app_id: app_id.clone(),
    };
    Ok(Some((inner, envelope)))
}

/// The call's own parameters, if the text was made for this app and time.
fn fields(text: &[u8], app_id: &str, sent: i64) -> Option<Vec<u8>> {
    let mut fields: Map<String, Value> = serde_json::from_slice(text).ok()?;
    let nonce = fields.shift_remove("_n")?;
    let fine = fields.shift_remove("_appid")? == app_id
        && fields.shift_remove("_timestamp")? == sent
        && nonce.as_str().is_some_and(|nonce| !nonce.is_empty());
    fine.then(|| Value::from(fields).to_string().into_bytes())
}

impl Envelope {
    /// Seals an answer. One that is no JSON stays as it is: how WeChat answers files in this mode is not published.
    pub(crate) fn seal(&self, mut reply: Reply, random: &mut Random, now: Moment) -> Reply {
        let timestamp = now.seconds().to_string();
        let bound = Binding {
            url: &self.url,
            app_id: &self.app_id,
            timestamp: &timestamp,
        };
        let Ok(answer) = serde_json::from_slice::<Map<String, Value>>(reply.body.head()) else {
            return reply;
        };
        let mut text = Map::new();
        let nonce = STANDARD_NO_PAD.encode(random.printable());
        text.insert("_n".into(), nonce.into());
        text.insert("_appid".into(), self.app_id.as_str().into());
        text.insert("_timestamp".into(), now.seconds().into());
        text.extend(answer);
        let text = Value::from(text).to_string();
        let sealed = self.security.symmetric.as_ref().and_then(|key| {
            let sealed = key.seal(&bound.associated(key), rand::random(), text.as_bytes())?;
            serde_json::to_vec(&sealed).ok()
        });
        // A call was opened with the same key, and answers are short.
        let Some(sealed) = sealed else {
            return reply;
        };
        let signed = bound.signed(&sealed);
        let sign = |own: &PlatformKey| own.key.sign(&own.number, &signed);
        let own = &self.security.platform;
        reply.headers.extend([
            ("Wechatmp-Appid", self.app_id.clone()),
            ("Wechatmp-TimeStamp", timestamp.clone()),
            ("Wechatmp-Serial", own.number.clone()),
            ("Wechatmp-Signature", sign(own)),
        ]);
        if let Some(old) = &self.security.deprecated {
            reply.headers.extend([
                ("Wechatmp-Serial-Deprecated", old.number.clone()),
                ("Wechatmp-Signature-Deprecated", sign(old)),
            ]);
        }
        reply.body = sealed.into();
        reply
    }
}
