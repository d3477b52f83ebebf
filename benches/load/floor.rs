//! The floor of the load run: a bare actix-web server that does the computation of a route and nothing else. No
//! configuration, no limits, no error bodies, no log, no figures. Started by `benches/load/run.py` as
//! `floor PORT DATABASE X KEY`, where X is the public key of the gateway's tokens, and KEY a caller's.
//!
//! `/v1/apps/shop/access_token` looks for the digest of the caller's key in a table and answers a fixed token. Of the routes
//! for identity it does this: `/v1/token/verify` parses the JSON and verifies the token with
//! `jsonwebtoken`, as anybody would. The others verify the token of the header and then answer: `/v1/rooms?limit=none`
//! with an error, `/getAllRoomInfo` and `/v1/user/sessions` with what two queries of a SQLite file yield (rooms and their
//! one owner; the user and the user's sessions). Reading is done by actix-web's threads for blocking work, each with a
//! connection and prepared statements of its own.

use std::cell::OnceCell;
use std::collections::HashMap;
use std::path::PathBuf;

use actix_web::http::header::AUTHORIZATION;
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, get, post, web};
use aws_lc_rs::digest::{SHA256, digest};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use rand::RngExt as _;
use rand::distr::Alphanumeric;
use rusqlite::Connection;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use wxgate::clock::Clock;
use wxgate::domain::page_url::{JsDomains, PageUrl};
use wxgate::domain::signature;
use wxgate::service::tokens::Claims;

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

/// What verifies the gateway's tokens.
struct Verifier {
    key: DecodingKey,
    validation: Validation,
}

impl Verifier {
    fn new(x: &str) -> Self {
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.set_required_spec_claims(&["exp", "nbf", "aud", "iss", "sub"]);
        validation.set_audience(&["wxgate"]);
        validation.set_issuer(&["wxgate"]);
        validation.validate_nbf = true;
        let key = DecodingKey::from_ed_components(x).expect("the third argument is a public key");
        Self { key, validation }
    }

    fn claims(&self, token: &str) -> Option<Claims> {
        let data = jsonwebtoken::decode(token, &self.key, &self.validation);
        data.ok().map(|data| data.claims)
    }

    fn bearer(&self, request: &HttpRequest) -> Option<Claims> {
        let value = request.headers().get(AUTHORIZATION)?.to_str().ok()?;
        self.claims(value.strip_prefix("Bearer ")?)
    }
}

#[derive(Deserialize)]
struct Verify {
    token: String,
}

#[post("/v1/token/verify")]
async fn verify(verifier: web::Data<Verifier>, body: web::Json<Verify>) -> HttpResponse {
    HttpResponse::Ok().json(json!({"result": verifier.claims(&body.token).is_some()}))
}

#[derive(Deserialize)]
struct Part {
    limit: String,
}

#[get("/v1/rooms")]
async fn refused(
    verifier: web::Data<Verifier>,
    part: web::Query<Part>,
    request: HttpRequest,
) -> HttpResponse {
    match (verifier.bearer(&request), part.limit.parse::<usize>()) {
        (None, _) => HttpResponse::Unauthorized().finish(),
        (Some(_), Err(_)) => {
            let msg = "limit must be a number from 1 to 100";
            HttpResponse::BadRequest()
                .json(json!({"msg": [msg], "error_code": 10001, "request": "GET /v1/rooms"}))
        }
        (Some(_), Ok(_)) => HttpResponse::NotImplemented().finish(),
    }
}

/// Whose key a caller shows, by the key's digest.
type Callers = HashMap<String, &'static str>;

#[get("/v1/apps/shop/access_token")]
async fn access_token(callers: web::Data<Callers>, request: HttpRequest) -> HttpResponse {
    let value = request.headers().get(AUTHORIZATION);
    let key = value.and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    let digest = hex::encode(digest(&SHA256, key.unwrap_or_default().as_bytes()));
    match callers.get(&digest) {
        None => HttpResponse::Unauthorized().finish(),
        Some(_) => HttpResponse::Ok().json(json!({
            "access_token": "T".repeat(136),
            "version": 1,
            "expires_in": 7200,
            "renew_after": 6900,
        })),
    }
}

thread_local! {
    static CONNECTION: OnceCell<Connection> = const { OnceCell::new() };
}

/// The documents that a query yields.
async fn read(path: &web::Data<PathBuf>, sql: &'static str, parameter: String) -> Vec<Value> {
    let path = path.clone();
    let read = web::block(move || {
        CONNECTION.with(|connection| {
            let connection =
                connection.get_or_init(|| Connection::open(&**path).expect("the database is there"));
            let mut statement = connection.prepare_cached(sql).expect("it is SQL");
            let rows = statement
                .query_map([parameter], |row| row.get::<_, String>(0))
                .expect("it takes one parameter");
            rows.map(|text| serde_json::from_str(&text.expect("a text")).expect("JSON"))
                .collect()
        })
    });
    read.await.expect("it does not panic")
}

#[get("/getAllRoomInfo")]
async fn rooms(
    verifier: web::Data<Verifier>,
    path: web::Data<PathBuf>,
    request: HttpRequest,
) -> HttpResponse {
    let Some(claims) = verifier.bearer(&request) else {
        return HttpResponse::Unauthorized().finish();
    };
    let sql = "SELECT fields FROM records WHERE kind = ? ORDER BY id DESC LIMIT 100";
    let mut rooms = read(&path, sql, "room".to_owned()).await;
    let sql = "SELECT fields FROM records WHERE kind = 'user' AND id = ?";
    let owners = read(&path, sql, claims.sub.to_string()).await;
    for room in &mut rooms {
        room["owner"] = json!({"nickname": owners.first().and_then(|owner| owner.get("nickname"))});
    }
    HttpResponse::Ok().json(json!({"code": 0, "data": rooms}))
}

#[get("/v1/user/sessions")]
async fn sessions(
    verifier: web::Data<Verifier>,
    path: web::Data<PathBuf>,
    request: HttpRequest,
) -> HttpResponse {
    let Some(claims) = verifier.bearer(&request) else {
        return HttpResponse::Unauthorized().finish();
    };
    let sql = "SELECT fields FROM records WHERE kind = 'user' AND id = ?";
    let user = read(&path, sql, claims.sub.to_string()).await;
    let sql = "SELECT fields FROM records WHERE kind = ? ORDER BY id DESC LIMIT 100";
    let sessions = read(&path, sql, "session".to_owned()).await;
    HttpResponse::Ok().json(json!({"sessions": sessions, "users": user.len()}))
}

/// Ten rooms and one session, of about the size that the gateway keeps.
fn fill(path: &PathBuf) -> rusqlite::Result<()> {
    let connection = Connection::open(path)?;
    connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
    connection.execute_batch(
        "CREATE TABLE records (kind TEXT NOT NULL, id TEXT NOT NULL, fields TEXT NOT NULL, PRIMARY KEY (kind, id))",
    )?;
    let room = json!({
        "id": "019ab3f2c8717d31a4c6b8d2e0f1a3b5", "name": "茶室", "owner": {}, "created_at": 1_795_000_000,
    });
    let session = json!({
        "id": "019ab3f2c8717d31a4c6b8d2e0f1a3b5", "app": "mini", "device": "wrk", "created_at": 1_795_000_000,
        "used_at": 1_795_000_000, "expires_at": 1_797_592_000, "current": true,
    });
    let mut insert = connection.prepare("INSERT INTO records VALUES (?, ?, ?)")?;
    for number in 0..10 {
        insert.execute(("room", number.to_string(), room.to_string()))?;
    }
    insert.execute(("session", "0", session.to_string()))?;
    Ok(())
}

#[actix_web::main]
async fn main() -> std::io::Result<()> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let [port, path, x, key] = &arguments[..] else {
        panic!("floor PORT DATABASE X KEY");
    };
    let callers = Callers::from([(hex::encode(digest(&SHA256, key.as_bytes())), "load")]);
    let callers = web::Data::new(callers);
    let port: u16 = port.parse().expect("the first argument is a port");
    let path = PathBuf::from(path);
    fill(&path).expect("the second argument is a path where nothing is yet");
    let (path, verifier) = (web::Data::new(path), web::Data::new(Verifier::new(x)));
    HttpServer::new(move || {
        let domains = JsDomains::parse(&["example.com".to_owned()]).expect("a host name");
        App::new()
            .app_data(web::Data::new(domains))
            .app_data(path.clone())
            .app_data(verifier.clone())
            .app_data(callers.clone())
            .service(auth)
            .service(jsapi)
            .service(verify)
            .service(access_token)
            .service(refused)
            .service(rooms)
            .service(sessions)
    })
    .bind(("127.0.0.1", port))?
    .run()
    .await
}
