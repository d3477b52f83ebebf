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
        Err(Error::Refused { errcode, errmsg }) => refused(subject, errcode, &redacted(&errmsg, app)),
        Err(error) => Finding::failure(platform::row(&error), subject, error.to_string()),
    }
}

fn refused(subject: String, errcode: i64, errmsg: &str) -> Finding {
    let row = table::of_errcode(errcode);
    let cause = if row.code == table::WECHAT_OTHER.code {
        format!("WeChat refuses with errcode {errcode} ({errmsg})")
    } else {
        format!("{} ({errmsg})", row.cause)
    };
    let address = (errcode == 40164).then(|| refused_address(errmsg)).flatten();
    let finding = Finding::failure(row, subject, cause);
    Finding {
        action: row.action(address),
        ..finding
    }
}

/// The address in `invalid ip 114.221.21.30 ipv6 ::ffff:114.221.21.30, not in whitelist`.
fn refused_address(errmsg: &str) -> Option<&str> {
    let mut words = errmsg.split([' ', ',']).filter(|word| !word.is_empty());
    let words = words.by_ref().skip_while(|word| *word != "ip").skip(1);
    words
        .map(|word| word.trim_start_matches("::ffff:"))
        .find(|word| word.parse::<std::net::IpAddr>().is_ok())
}

/// WeChat does not repeat secrets, but what answers in its place may.
fn redacted(errmsg: &str, app: &App) -> String {
    errmsg.replace(app.app_secret.expose_secret(), "***")
}

#[cfg(test)]
mod tests {
    use super::refused_address;

    #[test]
    fn the_refused_address_is_found_in_every_known_form_of_the_text() {
        for (errmsg, address) in [
            (
                "invalid ip 114.221.21.30 ipv6 ::ffff:114.221.21.30, not in whitelist rid: 658c",
                Some("114.221.21.30"),
            ),
            (
                "invalid ip 114.221.21.30, not in whitelist hint: [x]",
                Some("114.221.21.30"),
            ),
            (
                "invalid ip  ipv6 2001:db8::1, not in whitelist",
                Some("2001:db8::1"),
            ),
            ("invalid ip, not in whitelist", None),
            ("", None),
        ] {
            assert_eq!(refused_address(errmsg), address, "{errmsg}");
        }
    }
}
