//! Makes pushes of text messages as WeChat encrypts them: `pushes COUNT FIRST_ID TOKEN AES_KEY APP_ID` prints a line for
//! each, the query and the body with a tab in between. Started by `benches/load/run.py`.

use std::io::{BufWriter, Write as _};
use std::time::{SystemTime, UNIX_EPOCH};

use secrecy::SecretString;
use wxgate::domain::ids::AppId;
use wxgate::domain::push::envelope::AesKey;
use wxgate::domain::signature;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let [count, first, token, key, app_id] = &arguments[..] else {
        return Err("pushes COUNT FIRST_ID TOKEN AES_KEY APP_ID".into());
    };
    let (count, first): (u64, u64) = (count.parse()?, first.parse()?);
    let (token, key, app_id): (SecretString, AesKey, AppId) =
        (token.as_str().into(), key.parse()?, app_id.parse()?);
    #[expect(clippy::disallowed_methods, reason = "this is no part of the product")]
    let timestamp = SystemTime::now()
        .duration_since(UNIX_EPOCH)?
        .as_secs()
        .to_string();
    let mut out = BufWriter::new(std::io::stdout().lock());
    for number in first..first + count {
        let message = format!(
            "<xml><ToUserName><![CDATA[gh_7f083739789a]]></ToUserName><FromUserName><![CDATA[oia2TjuEGTNoeX76QEj{:09}]]>\
             </FromUserName><CreateTime>{timestamp}</CreateTime><MsgType><![CDATA[text]]></MsgType>\
             <Content><![CDATA[今天有什么新茶？]]></Content><MsgId>{number}</MsgId></xml>",
            number % 1_000_000_000
        );
        let nonce = number.to_string();
        let encrypted = key.seal(rand::random(), &message, &app_id);
        let plain = signature::callback(&token, &[&timestamp, &nonce]);
        let covering = signature::callback(&token, &[&timestamp, &nonce, &encrypted]);
        writeln!(
            out,
            "signature={}&timestamp={timestamp}&nonce={nonce}&openid=o1&encrypt_type=aes&msg_signature={}\t\
             <xml><ToUserName><![CDATA[gh_7f083739789a]]></ToUserName><Encrypt><![CDATA[{encrypted}]]></Encrypt></xml>",
            plain.as_str(),
            covering.as_str()
        )?;
    }
    out.flush()?;
    Ok(())
}
