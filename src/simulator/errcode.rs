//! The platform's return codes that the simulator answers with, and their texts. Who answers which code
//! when is decided elsewhere. The codes of what official accounts have are in `accounts`, of mini programs in `mini`.

mod accounts;
mod api_security;
mod mini;

pub(crate) use accounts::*;
pub(crate) use api_security::*;
pub(crate) use mini::*;

/// The platform is busy.
pub(crate) const SYSTEM_ERROR: i32 = -1;
/// A token that was replaced or withdrawn.
pub(crate) const INVALID_CREDENTIAL: i32 = 40_001;
/// The `grant_type` is another.
pub(crate) const INVALID_GRANT_TYPE: i32 = 40_002;
/// The openid is not known to the app.
pub(crate) const INVALID_OPENID: i32 = 40_003;
/// A `media_id` that does not exist.
pub(crate) const INVALID_MEDIA_ID: i32 = 40_007;
/// A `msgtype` that does not exist.
pub(crate) const INVALID_MESSAGE_TYPE: i32 = 40_008;
/// No such app, or not of this kind.
pub(crate) const INVALID_APP_ID: i32 = 40_013;
/// A token that was never issued.
pub(crate) const INVALID_ACCESS_TOKEN: i32 = 40_014;
/// A one-time code that is unknown, expired or another app's.
pub(crate) const INVALID_CODE: i32 = 40_029;
/// A refresh token that is unknown or another app's.
pub(crate) const INVALID_REFRESH_TOKEN: i32 = 40_030;
/// Parameters that make no sense.
pub(crate) const INVALID_ARGUMENTS: i32 = 40_097;
/// The secret is wrong.
pub(crate) const INVALID_SECRET: i32 = 40_125;
/// A one-time code presented again.
pub(crate) const CODE_USED: i32 = 40_163;
/// The caller's address is not on the allow list.
pub(crate) const ADDRESS_REFUSED: i32 = 40_164;
/// The app is of another kind.
pub(crate) const INVALID_ACCOUNT_TYPE: i32 = 40_200;
/// The app has no server.
pub(crate) const INVALID_URL: i32 = 40_201;
/// An `action` that does not exist.
pub(crate) const INVALID_ACTION: i32 = 40_202;
/// A `check_operator` that does not exist.
pub(crate) const INVALID_OPERATOR: i32 = 40_203;
/// The user is held to be high-risk.
pub(crate) const CODE_BLOCKED: i32 = 40_226;
/// The secret is frozen in the console.
pub(crate) const SECRET_FROZEN: i32 = 40_243;
/// No `access_token`.
pub(crate) const TOKEN_MISSING: i32 = 41_001;
/// No `appid`.
pub(crate) const APP_ID_MISSING: i32 = 41_002;
/// No `refresh_token`.
pub(crate) const REFRESH_TOKEN_MISSING: i32 = 41_003;
/// No `secret`.
pub(crate) const SECRET_MISSING: i32 = 41_004;
/// No `js_code`.
pub(crate) const CODE_MISSING: i32 = 41_008;
/// No `openid`.
pub(crate) const OPENID_MISSING: i32 = 41_009;
/// A token past its end.
pub(crate) const TOKEN_EXPIRED: i32 = 42_001;
/// A refresh token past its end: the user has to authorize anew.
pub(crate) const REFRESH_TOKEN_EXPIRED: i32 = 42_002;
/// Only GET is served.
pub(crate) const GET_REQUIRED: i32 = 43_001;
/// Only POST is served.
pub(crate) const POST_REQUIRED: i32 = 43_002;
/// A POST without a body.
pub(crate) const EMPTY_BODY: i32 = 44_002;
/// A text message without a text.
pub(crate) const EMPTY_TEXT: i32 = 44_004;
/// A text is too long.
pub(crate) const CONTENT_SIZE: i32 = 45_002;
/// A message has too many articles.
pub(crate) const ARTICLE_SIZE: i32 = 45_008;
/// The day's calls are used up.
pub(crate) const DAILY_QUOTA: i32 = 45_009;
/// The minute's calls are used up.
pub(crate) const MINUTE_QUOTA: i32 = 45_011;
/// No action of the user's lets the app send now, or the user does not follow.
pub(crate) const RESPONSE_OUT_OF_TIME: i32 = 45_015;
/// The messages that an action allows are used up.
pub(crate) const RESPONSE_COUNT: i32 = 45_047;
/// A `command` that does not exist.
pub(crate) const INVALID_COMMAND: i32 = 45_072;
/// Nothing was said lately.
pub(crate) const TYPING_TOO_LATE: i32 = 45_080;
/// Typing is shown already.
pub(crate) const TYPING_ALREADY: i32 = 45_081;
/// The body is no JSON.
pub(crate) const MALFORMED_BODY: i32 = 47_001;
/// The app may not use this API.
pub(crate) const API_UNAUTHORIZED: i32 = 48_001;
/// The user has no session key, or it is too old.
pub(crate) const NO_SESSION_KEY: i32 = 87_007;
/// The signature method is unknown.
pub(crate) const INVALID_SIGNATURE_METHOD: i32 = 87_008;
/// The signature is wrong, or made with an older key.
pub(crate) const INVALID_SIGNATURE: i32 = 87_009;
/// The address waits for the administrator's confirmation.
pub(crate) const CONFIRMATION_PENDING: i32 = 89_501;
/// This call waits for the administrator's confirmation.
pub(crate) const CONFIRMATION_NEEDED: i32 = 89_503;
/// The administrator refused the address for 24 hours.
pub(crate) const REFUSED_FOR_A_DAY: i32 = 89_506;
/// The administrator refused the address for one hour.
pub(crate) const REFUSED_FOR_AN_HOUR: i32 = 89_507;

/// The codes of the risk confirmation, which an app can be told to answer token calls with.
pub(crate) const RISK: [i32; 4] = [
    CONFIRMATION_PENDING,
    CONFIRMATION_NEEDED,
    REFUSED_FOR_A_DAY,
    REFUSED_FOR_AN_HOUR,
];

/// The platform's text of a code, without the request id that follows it.
///
/// Where WeChat publishes only a Chinese meaning the words are ours: clients must match the code alone.
pub(crate) fn text(code: i32) -> &'static str {
    match code {
        0 => "ok",
        SYSTEM_ERROR => "system error",
        INVALID_CREDENTIAL => {
            "invalid credential, access_token is invalid or not latest, could get access_token by \
             getStableAccessToken, more details at https://mmbizurl.cn/s/JtxxFh33r"
        }
        INVALID_GRANT_TYPE => "invalid grant_type",
        INVALID_OPENID => "invalid openid",
        INVALID_MEDIA_ID => "invalid media_id",
        INVALID_MESSAGE_TYPE => "invalid message type",
        INVALID_APP_ID => "invalid appid",
        INVALID_ACCESS_TOKEN => "invalid access_token",
        INVALID_CODE => "invalid code",
        INVALID_REFRESH_TOKEN => "invalid refresh_token",
        INVALID_ARGUMENTS => "invalid args",
        INVALID_SECRET => "invalid appsecret",
        CODE_USED => "code been used",
        ADDRESS_REFUSED => "invalid ip 127.0.0.1 ipv6 ::ffff:127.0.0.1, not in whitelist",
        INVALID_ACCOUNT_TYPE => "invalid account type",
        INVALID_URL => "invalid url",
        INVALID_ACTION => "invalid action",
        INVALID_OPERATOR => "invalid check_operator",
        CODE_BLOCKED => "code blocked",
        SECRET_FROZEN => "appsecret is frozen",
        TOKEN_MISSING => "access_token missing",
        APP_ID_MISSING => "appid missing",
        REFRESH_TOKEN_MISSING => "refresh_token missing",
        SECRET_MISSING => "appsecret missing",
        CODE_MISSING => "missing code",
        OPENID_MISSING => "missing openid",
        TOKEN_EXPIRED => "access_token expired",
        REFRESH_TOKEN_EXPIRED => "refresh_token expired",
        42_003 => "code expired",
        42_007 => "access_token and refresh_token exception",
        GET_REQUIRED => "require GET method",
        POST_REQUIRED => "require POST method",
        EMPTY_BODY => "empty post data",
        EMPTY_TEXT => "empty content",
        CONTENT_SIZE => "content size out of limit",
        ARTICLE_SIZE => "article size out of limit",
        DAILY_QUOTA => "reach max api daily quota limit",
        MINUTE_QUOTA => "api minute-quota reach limit must slower retry next minute",
        RESPONSE_OUT_OF_TIME => "response out of time limit or subscription is canceled",
        RESPONSE_COUNT => "out of response count limit",
        INVALID_COMMAND => "invalid command",
        TYPING_TOO_LATE => {
            "need sending message to user, or recving message from user in the last 30 seconds before typing"
        }
        TYPING_ALREADY => "you are already typing",
        MALFORMED_BODY => "data format error",
        API_UNAUTHORIZED => "api unauthorized",
        50_002 => "user limited",
        50_004 => "user not allow to use accesstoken, maybe for punishment",
        50_007 => "account is frozen",
        NO_SESSION_KEY => "session_key is not existd or expired",
        INVALID_SIGNATURE_METHOD => "invalid sig_method",
        INVALID_SIGNATURE => "invalid signature",
        CONFIRMATION_PENDING => "pending admin confirmation, please try again later",
        CONFIRMATION_NEEDED => "this call needs admin confirmation, please wait",
        REFUSED_FOR_A_DAY => "ip refused by admin, try again after 24 hours",
        REFUSED_FOR_AN_HOUR => "ip refused by admin, try again after 1 hour",
        _ => accounts::text(code)
            .or_else(|| mini::text(code))
            .or_else(|| api_security::text(code))
            .unwrap_or("simulated error"),
    }
}
