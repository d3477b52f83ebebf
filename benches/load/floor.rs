//! The floor of the load run: a bare actix-web server that does the computation of `/auth` and `/jsapi` and nothing
//! else. No configuration, no limits, no error bodies, no log, no figures. Started by `benches/load/run.py`.

use actix_web::{App, HttpResponse, HttpServer, get, web};
use rand::RngExt as _;
use rand::distr::Alphanumeric;
use serde::{Deserialize, Serialize};
use wxgate::clock::Clock;
use wxgate::domain::page_url::{JsDomains, PageUrl};
use wxgate::domain::signature;

#[derive(Deserialize)]
struct Check {
    signature: String,
    timestamp: String,
    nonce: String,
    echostr: String,
}

#[derive(Deserialize)]
struct Page {
    url: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Config<'a> {
    app_id: &'a str,
    timestamp: i64,
    nonce_str: &'a str,
    noncestr: &'a str,
    signature: &'a str,
    url: &'a str,
}

#[get("/auth")]
async fn auth(check: web::Query<Check>) -> HttpResponse {
    let token = "benchtoken".into();
    if signature::callback(&token, &[&check.timestamp, &check.nonce]).matches(&check.signature) {
        HttpResponse::Ok()
            .content_type("text/plain")
            .body(check.into_inner().echostr)
    } else {
        HttpResponse::Forbidden().body("Error! No Auth")
    }
}

#[get("/jsapi")]
async fn jsapi(domains: web::Data<JsDomains>, page: web::Query<Page>) -> HttpResponse {
    let Ok(page) = PageUrl::parse(&page.url) else {
        return HttpResponse::BadRequest().finish();
    };
    if !domains.allow(&page) {
        return HttpResponse::Forbidden().finish();
    }
    let ticket =
        "sM4AOVdWfPE4DxkXGEs8VMCPGGVi4C3VM0P37wVUCFvkVAy_90u5h9nbSlYy3-Sl-HhTdfl2fzFy1AOcHKP7qg".into();
    let nonce: String = rand::rng()
        .sample_iter(Alphanumeric)
        .take(16)
        .map(char::from)
        .collect();
    let timestamp = Clock::system().now().secs();
    let signature = signature::jsapi(&ticket, &nonce, timestamp, &page);
    HttpResponse::Ok().json(Config {
        app_id: "wx0123456789abcdef",
        timestamp,
        nonce_str: &nonce,
        noncestr: &nonce,
        signature: signature.as_str(),
        url: page.as_str(),
    })
}

#[actix_web::main]
async fn main() -> std::io::Result<()> {
    let port = std::env::args()
        .nth(1)
        .and_then(|port| port.parse().ok())
        .unwrap_or(3100);
    HttpServer::new(|| {
        let domains = JsDomains::parse(&["example.com".to_owned()]).expect("a host name");
        App::new()
            .app_data(web::Data::new(domains))
            .service(auth)
            .service(jsapi)
    })
    .bind(("127.0.0.1", port))?
    .run()
    .await
}
