//! `/sns/oauth2`: tokens of web pages in WeChat.

pub(crate) mod access_token;
pub(crate) mod refresh_token;

use crate::simulator::codes::Grant;

/// How the platform writes what was granted.
fn scope(grant: Grant) -> &'static str {
    if grant.userinfo {
        "snsapi_userinfo"
    } else {
        "snsapi_base"
    }
}
