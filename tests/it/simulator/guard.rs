//! Who may call the admin API.

use reqwest::Method;
use reqwest::header::{HOST, ORIGIN};

use super::support::{OFFICIAL, SECRET, Sim, token_path};

#[tokio::test]
async fn a_foreign_host_is_refused() {
    let sim = Sim::start();
    for (host, status) in [
        ("evil.example", 403),
        ("evil.example:80", 403),
        ("localhost:1", 200),
    ] {
        let answered = sim
            .send(sim.request(Method::GET, "/_sim/state").header(HOST, host))
            .await;
        assert_eq!(answered.status, status, "{host}");
    }
}

#[tokio::test]
async fn a_foreign_origin_is_refused() {
    let sim = Sim::start();
    let own = format!("http://{}", sim.address);
    for (origin, status) in [("http://evil.example", 403), ("null", 403), (own.as_str(), 200)] {
        let answered = sim
            .send(sim.request(Method::POST, "/_sim/reset").header(ORIGIN, origin))
            .await;
        assert_eq!(answered.status, status, "{origin}");
    }
}

#[tokio::test]
async fn the_platform_itself_may_be_called_by_any_host() {
    let sim = Sim::start();
    let request = sim.request(Method::GET, &token_path(OFFICIAL, SECRET));
    assert_eq!(
        sim.send(request.header(HOST, "api.weixin.qq.com"))
            .await
            .errcode(),
        0
    );
}
