//! Return codes of the APIs for mini programs: subscribe messages, mini-program codes, links, content checks.

/// A path of the template library was called by the wrong method.
pub(crate) const NO_SUCH_METHOD: i32 = 404;
/// A `media_type` that does not exist.
pub(crate) const INVALID_MEDIA_TYPE: i32 = 40_004;
/// A template that the app does not have.
pub(crate) const INVALID_TEMPLATE: i32 = 40_037;
/// The page of a short link is not one of the mini program's.
pub(crate) const INVALID_PAGE_URL: i32 = 40_066;
/// A scene that does not exist, or has characters that none may have.
pub(crate) const INVALID_SCENE: i32 = 40_129;
/// A path is missing or too long.
pub(crate) const INVALID_PATH_LENGTH: i32 = 40_159;
/// A path that a link cannot lead to.
pub(crate) const INVALID_LINK_PATH: i32 = 40_165;
/// A scene is missing or too long.
pub(crate) const INVALID_SCENE_LENGTH: i32 = 40_169;
/// A query that a link cannot carry.
pub(crate) const INVALID_QUERY: i32 = 40_212;
/// A short link without a title.
pub(crate) const INVALID_TITLE: i32 = 40_225;
/// A page that the released mini program does not have.
pub(crate) const INVALID_PAGE: i32 = 41_030;
/// The user has not agreed to this message, or to no more of them.
pub(crate) const SUBSCRIPTION_REFUSED: i32 = 43_101;
/// The `AppID` in the body is not the caller's.
pub(crate) const APP_ID_MISMATCH: i32 = 43_104;
/// The second's calls about links are used up.
pub(crate) const SECOND_QUOTA: i32 = 44_990;
/// The minute's content checks are used up.
pub(crate) const CHECKS_A_MINUTE: i32 = 44_991;
/// The day's calls about links are used up.
pub(crate) const LINKS_A_DAY: i32 = 44_993;
/// No more mini-program codes can be made.
pub(crate) const TOO_MANY_CODES: i32 = 45_029;
/// A value of a template message breaks the rule of its kind.
pub(crate) const INVALID_VALUE: i32 = 47_003;
/// The user was not here within the last two hours.
pub(crate) const VISIT_TOO_OLD: i32 = 61_010;
/// The app has no cloud development.
pub(crate) const NO_CLOUD: i32 = 85_088;
/// No more permanent links can be made.
pub(crate) const TOO_MANY_PERMANENT_LINKS: i32 = 85_400;
/// The end of a link is too near or too far away.
pub(crate) const INVALID_END: i32 = 85_401;
/// An `env_version` that does not exist.
pub(crate) const INVALID_VERSION: i32 = 85_402;
/// A link that is unknown or past its end.
pub(crate) const NO_SUCH_LINK: i32 = 85_403;
/// The day's opens of links are used up.
pub(crate) const OPENED_TOO_OFTEN: i32 = 85_406;
/// A path with a query member that is WeChat's own.
pub(crate) const RESERVED_MEMBER: i32 = 85_096;
/// The text is not acceptable.
pub(crate) const RISKY_CONTENT: i32 = 87_014;
/// Template library: parameters that make no sense.
pub(crate) const LIBRARY_PARAMETERS: i32 = 200_002;
/// Template library: the app has as many templates as it may have.
pub(crate) const LIBRARY_FULL: i32 = 200_012;
/// Template library: there is no such template.
pub(crate) const LIBRARY_UNKNOWN: i32 = 200_014;
/// Template library: `start` is no number.
pub(crate) const LIBRARY_START: i32 = 200_016;
/// Template library: `limit` is none from 1 to 30.
pub(crate) const LIBRARY_LIMIT: i32 = 200_017;
/// Template library: no `ids`.
pub(crate) const LIBRARY_NO_IDS: i32 = 200_018;
/// Template library: `ids` are no numbers.
pub(crate) const LIBRARY_IDS: i32 = 200_019;
/// Template library: keywords that the template does not have, or too few or too many.
pub(crate) const LIBRARY_KEYWORDS: i32 = 200_020;
/// Template library: the description is too long.
pub(crate) const LIBRARY_DESCRIPTION: i32 = 200_021;
/// Template library: the app has the same template already.
pub(crate) const LIBRARY_TWICE: i32 = 200_022;

/// The platform's text of one of these codes.
pub(super) fn text(code: i32) -> Option<&'static str> {
    Some(match code {
        NO_SUCH_METHOD => "404 not found",
        INVALID_MEDIA_TYPE => "invalid media type",
        INVALID_TEMPLATE => "invalid template_id",
        INVALID_PAGE_URL => "invalid url",
        INVALID_LINK_PATH => "invalid weapp pagepath",
        INVALID_QUERY => "invalid query",
        INVALID_TITLE => "invalid page title",
        SECOND_QUOTA => "reach max api second frequence limit",
        LINKS_A_DAY => "reach max api day frequence limit",
        NO_CLOUD => "no qbase privilege",
        TOO_MANY_PERMANENT_LINKS => "reach max long time quota limit",
        INVALID_END => "time limit between 1min and 30days",
        INVALID_VERSION => "invalid env_version",
        NO_SUCH_LINK => "not found",
        OPENED_TOO_OFTEN => "daily visit limit",
        INVALID_SCENE => "invalid scene",
        INVALID_PATH_LENGTH => "invalid length for path, or the data is not json string",
        INVALID_SCENE_LENGTH => "invalid length for scene, or the data is not json string",
        INVALID_PAGE => "invalid page",
        SUBSCRIPTION_REFUSED => "user refuse to accept the msg",
        APP_ID_MISMATCH => "this appid does not have permission",
        CHECKS_A_MINUTE => "reach max api minute frequence",
        TOO_MANY_CODES => "qrcode count out of limit",
        INVALID_VALUE => "argument invalid!",
        VISIT_TOO_OLD => "code is expired",
        RESERVED_MEMBER => "not allow include scancode_time field",
        RISKY_CONTENT => "risky content",
        43_107 => "the subscription capability or the template is banned",
        43_108 => "messages are being sent to this user concurrently",
        45_168 => "keyword in blacklist",
        61_080 => "the service of getuserriskrank is unavailable now",
        61_081 => "get riskrank too frequently",
        87_020 => "repeat request limit exceeded",
        LIBRARY_PARAMETERS => "invalid parameters",
        LIBRARY_FULL => "the number of private templates reaches the limit",
        LIBRARY_UNKNOWN => "invalid template",
        LIBRARY_START => "invalid start",
        LIBRARY_LIMIT => "invalid limit",
        LIBRARY_NO_IDS => "ids missing",
        LIBRARY_IDS => "invalid ids",
        LIBRARY_KEYWORDS => "invalid kidList",
        LIBRARY_DESCRIPTION => "invalid sceneDesc",
        LIBRARY_TWICE => "there is a template with the same title and keywords",
        _ => return None,
    })
}
