//! What a demo says before its log begins: what to open, and commands that work when pasted. Nothing is served here.

use std::net::SocketAddr;
use std::path::Path;

use secrecy::SecretString;

use super::keepsake::Keepsake;
use crate::clock::Clock;
use crate::domain::signature;

/// The text, for a gateway and a simulator that this machine reaches at these addresses.
pub(super) fn text(gateway: SocketAddr, simulator: SocketAddr, keepsake: &Keepsake, data: &Path) -> String {
    format!(
        "\
wxgate demo. Nothing here is known to WeChat; the simulated WeChat runs beside the gateway.

  Open              http://{gateway}/
  Simulated WeChat  http://{simulator}/_sim/
  Data and secrets  {data}

Server verification, as WeChat's console does it (answers hello):
  {check}

Mini-program login (gets a code from the simulated phone, answers a token):
  {login}

JS-SDK signature for a page:
  {jsapi}

A text that a simulated user sends to the account, pushed to the gateway as WeChat does it, and what is replied:
  {push}

Ctrl-C ends it.
",
        data = data.display(),
        check = check(gateway, keepsake),
        login = login(gateway, simulator, keepsake),
        jsapi = jsapi(gateway),
        push = push(simulator, keepsake),
    )
}

fn check(gateway: SocketAddr, keepsake: &Keepsake) -> String {
    let token = SecretString::from(keepsake.official.token.as_str());
    let timestamp = (Clock::system().now().millis() / 1000).to_string();
    let nonce = (rand::random::<u32>() % 1_000_000_000).to_string();
    let signature = signature::callback(&token, &[&timestamp, &nonce]);
    let signature = signature.as_str();
    format!(
        "curl 'http://{gateway}/auth?signature={signature}&timestamp={timestamp}&nonce={nonce}&echostr=hello'"
    )
}

fn login(gateway: SocketAddr, simulator: SocketAddr, keepsake: &Keepsake) -> String {
    let app_id = &keepsake.mini.app_id;
    // A code has letters, digits, - and _ only, so it may stand in JSON as it is.
    let code = format!(
        r#"$(curl -s http://{simulator}/_sim/codes -d '{{"app_id":"{app_id}","user":"ann"}}' | sed 's/.*"code":"\([^"]*\)".*/\1/')"#
    );
    format!(
        r#"curl http://{gateway}/v1/token -H 'Content-Type: application/json' -d "{{\"type\":100,\"account\":\"{code}\"}}""#
    )
}

fn push(simulator: SocketAddr, keepsake: &Keepsake) -> String {
    let app_id = &keepsake.official.app_id;
    format!(
        r#"curl http://{simulator}/_sim/push -d '{{"app_id":"{app_id}","user":"ann","message":{{"type":"text","content":"hello"}}}}'"#
    )
}

fn jsapi(gateway: SocketAddr) -> String {
    let page = format!("http://{gateway}/");
    let encoded: String = url::form_urlencoded::byte_serialize(page.as_bytes()).collect();
    format!("curl 'http://{gateway}/jsapi?url={encoded}'")
}
