//! Return codes of the signed and encrypted mode. WeChat has one more, 40230, for a header that no request has.

/// No `Wechatmp-TimeStamp`.
pub(crate) const NO_TIMESTAMP: i32 = 40_231;
/// No `Wechatmp-Signature`.
pub(crate) const NO_SIGNATURE: i32 = 40_232;
/// No `Wechatmp-Appid`.
pub(crate) const NO_APP_ID: i32 = 40_233;
/// The signature was not made with the app's key.
pub(crate) const WRONG_SIGNATURE: i32 = 40_234;
/// The body does not open with the app's key, or was made for another call.
pub(crate) const WRONG_ENCRYPTION: i32 = 40_235;
/// `Wechatmp-Appid` is no app's.
pub(crate) const WRONG_APP_ID: i32 = 40_236;
/// `Wechatmp-Appid` is another app's than the token.
pub(crate) const OTHER_APP_ID: i32 = 40_237;
/// The app has no symmetric key.
pub(crate) const NO_SYMMETRIC_KEY: i32 = 40_238;
/// The app has no asymmetric key.
pub(crate) const NO_PUBLIC_KEY: i32 = 40_239;
/// `Wechatmp-TimeStamp` is too old, or not yet.
pub(crate) const STALE_TIMESTAMP: i32 = 40_240;

/// The platform's text of one of these codes.
pub(super) fn text(code: i32) -> Option<&'static str> {
    Some(match code {
        40_230 => "API_Missing_Wechatmp_Serial",
        NO_TIMESTAMP => "API_Missing_Wechatmp_Timestamp",
        NO_SIGNATURE => "API_Missing_Wechatmp_Signature",
        NO_APP_ID => "API_Missing_Wechatmp_Appid",
        WRONG_SIGNATURE => "API_Invalid_Signature",
        WRONG_ENCRYPTION => "API_Invalid_Encrypt",
        WRONG_APP_ID => "API_Invalid_Wechatmp_Appid",
        OTHER_APP_ID => "API_Invalid_Wechatmp_Appidmatch",
        NO_SYMMETRIC_KEY => "API_NoExist_DevSecretSym",
        NO_PUBLIC_KEY => "API_NoExist_DevSecretAsym",
        STALE_TIMESTAMP => "API_Expired_Wechatmp_Timestamp",
        _ => return None,
    })
}
