//! The admin API under `/_sim/`: makes apps, users and codes, turns the clock, plants faults, tells what
//! was called. It is no part of WeChat's protocol, and no platform path begins so.

mod api_security;
mod apps;
mod calls;
mod checks;
mod clock;
mod codes;
mod credentials;
mod encrypted;
mod error;
mod faults;
mod flood;
mod guard;
mod hazards;
mod input;
mod links;
mod media;
mod push;
mod server;
mod state;
mod subscriptions;
mod users;
mod visitor;

use actix_web::middleware::from_fn;
use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpResponse, Resource};

use error::AdminError;
pub(crate) use guard::Guard;

/// Every route of the admin API.
pub(crate) fn routes(config: &mut ServiceConfig) {
    let scope = web::scope("/_sim")
        .wrap(from_fn(guard::check))
        .service(at("").get(page))
        .service(at("/").get(page))
        .service(at("/state").get(state::show))
        .service(at("/reset").post(state::reset))
        .service(at("/seed").post(state::seed))
        .service(at("/clock").get(clock::show).post(clock::advance))
        .service(at("/apps").get(apps::list).post(apps::create))
        .service(at("/apps/{app_id}").get(apps::show).patch(apps::change))
        .service(
            at("/apps/{app_id}/server")
                .get(server::show)
                .put(server::replace)
                .patch(server::change)
                .delete(server::remove),
        )
        .service(
            at("/apps/{app_id}/api_security")
                .get(api_security::show)
                .put(api_security::replace)
                .patch(api_security::change)
                .delete(api_security::remove),
        )
        .service(at("/apps/{app_id}/server/verify").post(server::verify))
        .service(at("/push").post(push::create))
        .service(at("/push/batch").post(push::batch))
        .service(at("/push/hazards").post(hazards::create))
        .service(at("/push/flood").post(flood::create))
        .service(at("/push/flood/{flood_id}").get(flood::show).delete(flood::stop))
        .service(at("/pushes").get(push::list))
        .service(at("/pushes/{push_id}").get(push::show))
        .service(at("/transcript").get(push::transcript))
        .service(
            at("/subscriptions")
                .get(subscriptions::show)
                .post(subscriptions::grant),
        )
        .service(at("/subscriptions/templates").post(subscriptions::add_template))
        .service(
            at("/checks")
                .get(checks::list)
                .post(checks::add)
                .delete(checks::clear),
        )
        .service(at("/links/open").post(links::open))
        .service(at("/users").get(users::list).post(users::create))
        .service(at("/users/{user}").get(users::show).patch(users::change))
        .service(at("/media").get(media::list).post(media::create))
        .service(at("/media/{media_id}").get(media::show))
        .service(at("/visitor").get(visitor::show).post(visitor::change))
        .service(at("/codes").post(codes::create))
        .service(at("/encrypted").post(encrypted::create))
        .service(at("/tokens/kill").post(credentials::kill_tokens))
        .service(at("/tickets/expire").post(credentials::expire_tickets))
        .service(
            at("/faults")
                .get(faults::list)
                .post(faults::create)
                .delete(faults::clear),
        )
        .service(
            at("/faults/{id}")
                .get(faults::show)
                .put(faults::replace)
                .delete(faults::remove),
        )
        .service(at("/calls").get(calls::list).delete(calls::clear))
        .service(at("/calls/count").get(calls::count))
        .default_service(web::to(nothing_here));
    config.service(scope);
}

/// A path of the admin API and its methods, so that the list above reads as one.
struct At(Resource);

fn at(path: &str) -> At {
    At(web::resource(path).default_service(web::to(wrong_method)))
}

macro_rules! methods {
    ($($method:ident),*) => {
        impl At {$(
            fn $method<F, Args>(self, handler: F) -> Self
            where
                F: actix_web::Handler<Args>,
                Args: actix_web::FromRequest + 'static,
                F::Output: actix_web::Responder + 'static,
            {
                Self(self.0.route(web::$method().to(handler)))
            }
        )*}
    };
}
methods!(get, post, put, patch, delete);

impl actix_web::dev::HttpServiceFactory for At {
    fn register(self, config: &mut actix_web::dev::AppService) {
        self.0.register(config);
    }
}

async fn page() -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/html; charset=utf-8")
        .insert_header((
            "content-security-policy",
            "default-src 'none'; frame-ancestors 'none'",
        ))
        .insert_header(("x-content-type-options", "nosniff"))
        .body(include_str!("page.html"))
}

async fn nothing_here() -> Result<HttpResponse, AdminError> {
    Err(AdminError::NotFound("path"))
}

async fn wrong_method() -> Result<HttpResponse, AdminError> {
    Err(AdminError::WrongMethod)
}
