//! Whether WeChat is there, is WeChat, and has the same time. No secret is sent here.

use std::time::UNIX_EPOCH;

use actix_web::http::header::HttpDate;

use super::finding::Finding;
use super::table::{self, Row};
use crate::clock::Clock;
use crate::config::Config;
use crate::wechat::{Client, Error};

const SUBJECT: &str = "WeChat";
/// WeChat and pages compare timestamps of ours with their own clocks.
const MOST_SECONDS: i64 = 60;

pub(super) async fn look(config: &Config, client: &Client, clock: &Clock) -> Finding {
    let platform = &config.platform;
    if !platform.is_wechat() && !platform.simulated {
        let cause = format!(
            "{} is not WeChat's, and platform.simulated is false",
            platform.api_url
        );
        return Finding::failure(&table::PLATFORM_NOT_WECHAT, SUBJECT, cause);
    }
    let asked = clock.now().millis();
    let date = match client.server_date().await {
        Ok(date) => date,
        Err(error) => {
            return Finding::failure(row(&error), SUBJECT, format!("{}: {error}", platform.api_url));
        }
    };
    let here = asked.midpoint(clock.now().millis()) / 1000;
    let ahead = date
        .and_then(|date| seconds(&date))
        .map_or(0, |there| here - there);
    if ahead.abs() > MOST_SECONDS {
        let direction = if ahead > 0 { "ahead of" } else { "behind" };
        let cause = format!(
            "this machine's clock is {} s {direction} that of {}",
            ahead.abs(),
            platform.api_url
        );
        return Finding::failure(&table::CLOCK_OFF, SUBJECT, cause);
    }
    let simulated = if platform.is_wechat() { "" } else { " (simulated)" };
    Finding::ok(
        "platform",
        SUBJECT,
        format!("{}{simulated} answers", platform.api_url),
    )
}

/// The row of a call that has no answer of WeChat's.
pub(super) fn row(error: &Error) -> &'static Row {
    match error {
        Error::Lost(lost) if lost.is_tls() => &table::PLATFORM_TLS,
        Error::Lost(lost) if lost.is_timeout() => &table::PLATFORM_TIMEOUT,
        Error::Silent => &table::PLATFORM_TIMEOUT,
        Error::Lost(_) => &table::PLATFORM_UNREACHABLE,
        Error::Unusable(_) | Error::Refused { .. } => &table::PLATFORM_NOT_JSON,
    }
}

/// The seconds since 1970 of an HTTP date. (RFC 9110, 5.6.7.)
fn seconds(date: &str) -> Option<i64> {
    let date: HttpDate = date.parse().ok()?;
    let since = std::time::SystemTime::from(date)
        .duration_since(UNIX_EPOCH)
        .ok()?;
    i64::try_from(since.as_secs()).ok()
}
