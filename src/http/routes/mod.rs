//! The routes, a file for each subject. This list is all there is besides the site's files.

mod access_token;
mod accounts;
mod audit;
mod avatars;
mod callback;
mod codes;
mod compat;
mod deliveries;
mod events;
mod facade;
mod fallback;
mod gateway;
mod jsapi;
mod jwks;
mod mini_program;
mod oauth;
mod opened;
mod operations;
mod reply_rules;
mod rooms;
mod sessions;
mod token;
mod typed;
mod users;
mod webhooks;

use utoipa_actix_web::service_config::ServiceConfig;

pub(super) use facade::serve_under;
pub(super) use fallback::{MethodTable, fallback};

/// The one route that a demo has besides.
pub(super) fn demo(config: &mut actix_web::web::ServiceConfig) {
    config.service(codes::kept);
}

/// Every route.
pub(super) fn all(config: &mut ServiceConfig<'_>) {
    hot(config);
    others(config);
}

/// Those that are asked for most. The router tries one after the other, so they come first.
pub(super) fn hot(config: &mut ServiceConfig<'_>) {
    config
        .service(callback::check_default)
        .service(callback::receive_default)
        .service(jsapi::sign_default)
        .service(gateway::call)
        .service(access_token::show)
        .service(callback::check_named)
        .service(callback::receive_named)
        .service(jsapi::sign_named)
        .service(token::create_default)
        .service(token::verify);
}

/// All others.
pub(super) fn others(config: &mut ServiceConfig<'_>) {
    config
        .service(access_token::refresh)
        .service(access_token::ticket)
        .service(events::follow)
        .service(jsapi::sign_body_default)
        .service(jsapi::sign_body_named)
        .service(token::create_named)
        .service(avatars::set)
        .service(avatars::show)
        .service(rooms::list)
        .service(rooms::create)
        .service(sessions::refresh)
        .service(sessions::revoke)
        .service(sessions::list)
        .service(sessions::end_others)
        .service(sessions::end_one)
        .service(sessions::show)
        .service(accounts::register)
        .service(accounts::set_password)
        .service(accounts::link)
        .service(accounts::unlink)
        .service(compat::register)
        .service(compat::log_in)
        .service(compat::log_in_to_rooms)
        .service(compat::refresh)
        .service(compat::rooms)
        .service(users::show)
        .service(users::change)
        .service(users::delete)
        .service(codes::send)
        .service(mini_program::phone)
        .service(mini_program::decrypt)
        .service(mini_program::raw_data)
        .service(mini_program::check_session)
        .service(mini_program::reset_session)
        .service(oauth::authorize)
        .service(oauth::callback)
        .service(webhooks::create)
        .service(webhooks::list)
        .service(webhooks::show)
        .service(webhooks::change)
        .service(webhooks::delete)
        .service(webhooks::rotate)
        .service(deliveries::list)
        .service(deliveries::replay)
        .service(reply_rules::list)
        .service(reply_rules::create)
        .service(reply_rules::show)
        .service(reply_rules::replace)
        .service(reply_rules::delete)
        .service(audit::list)
        .service(typed::messages::subscribe)
        .service(typed::messages::template)
        .service(typed::messages::custom)
        .service(typed::checks::text)
        .service(typed::checks::media)
        .service(typed::checks::media_result)
        .service(typed::codes::wxacode)
        .service(typed::links::create)
        .service(typed::qrcodes::create)
        .service(jwks::keys)
        .service(operations::healthz)
        .service(operations::readyz)
        .service(operations::metrics);
}
