//! Whether WeChat gives each app a token: the one call that proves AppID, AppSecret and IP list at once.

use futures_util::future::join_all;
use secrecy::ExposeSecret as _;

use super::finding::Finding;
use super::platform;
use super::table;
use crate::config::{App, Config, TokenMode};
use crate::wechat::{AppCredentials, Client, Error};

pub(super) async fn look(config: &Config, client: &Client) -> Vec<Finding> {
    join_all(
        config
            .apps
            .iter()
            .map(|app| ask(app, config.platform.token_mode, client)),
    )
    .await
}

async fn ask(app: &App, mode: TokenMode, client: &Client) -> Finding {
    let credentials = AppCredentials {
        app_id: app.app_id.clone(),
        secret: app.app_secret.clone(),
    };
    let fetched = match mode {
        TokenMode::Stable => client.stable_token(&credentials, false).await,
        TokenMode::Classic => client.token(&credentials).await,
    };
    let subject = format!("app {}", app.name);
    match fetched {
        Ok(_) => Finding::ok("token", subject, "WeChat gives it a token"),
        Err(error) => match &error {
            Error::Refused { errcode, errmsg } => {
                let errmsg = redacted(errmsg, app);
                refused(subject, *errcode, &errmsg, error.refused_address())
            }
            _ => Finding::failure(platform::row(&error), subject, error.to_string()),
        },
    }
}

fn refused(subject: String, errcode: i64, errmsg: &str, address: Option<&str>) -> Finding {
    let row = table::of_errcode(errcode);
    let cause = if row.code == table::WECHAT_OTHER.code {
        format!("WeChat refuses with errcode {errcode} ({errmsg})")
    } else {
        format!("{} ({errmsg})", row.cause)
    };
    let finding = Finding::failure(row, subject, cause);
    Finding {
        action: row.action(address),
        ..finding
    }
}

/// WeChat does not repeat secrets, but what answers in its place may.
fn redacted(errmsg: &str, app: &App) -> String {
    errmsg.replace(app.app_secret.expose_secret(), "***")
}
