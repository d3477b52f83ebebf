//! The return codes about what official accounts have: menus, media, templates, QR codes, users, quotas.

/// A file that is not of the wanted kind.
pub(crate) const INVALID_FILE_TYPE: i32 = 40_005;
/// A picture is too large.
pub(crate) const INVALID_IMAGE_SIZE: i32 = 40_009;
/// A voice message is too large.
pub(crate) const INVALID_VOICE_SIZE: i32 = 40_010;
/// A video is too large.
pub(crate) const INVALID_VIDEO_SIZE: i32 = 40_011;
/// A preview picture is too large.
pub(crate) const INVALID_THUMB_SIZE: i32 = 40_012;
/// A menu has no buttons, or too many.
pub(crate) const BUTTON_COUNT: i32 = 40_016;
/// A button of no known type.
pub(crate) const BUTTON_TYPE: i32 = 40_017;
/// A button without a name, or with a long one.
pub(crate) const BUTTON_NAME: i32 = 40_018;
/// A button without a key, or with a long one.
pub(crate) const BUTTON_KEY: i32 = 40_019;
/// A button without an address, or with a long one.
pub(crate) const BUTTON_URL: i32 = 40_020;
/// A menu within a menu within a menu.
pub(crate) const MENU_LEVEL: i32 = 40_022;
/// A button with too many below it.
pub(crate) const SUB_BUTTON_COUNT: i32 = 40_023;
/// The same of a button below another.
pub(crate) const SUB_BUTTON_TYPE: i32 = 40_024;
/// The same of a button below another.
pub(crate) const SUB_BUTTON_NAME: i32 = 40_025;
/// The same of a button below another.
pub(crate) const SUB_BUTTON_KEY: i32 = 40_026;
/// The same of a button below another.
pub(crate) const SUB_BUTTON_URL: i32 = 40_027;
/// A list of users that is none.
pub(crate) const INVALID_OPENID_LIST: i32 = 40_031;
/// A list of users is empty or too long.
pub(crate) const OPENID_LIST_SIZE: i32 = 40_032;
/// A text stands there in `\u` escapes.
pub(crate) const ESCAPED_TEXT: i32 = 40_033;
/// A kind of QR code that does not exist.
pub(crate) const INVALID_ACTION_NAME: i32 = 40_052;
/// A QR code without a right scene.
pub(crate) const INVALID_ACTION_INFO: i32 = 40_053;
/// The same of a button below another.
pub(crate) const SUB_BUTTON_DOMAIN: i32 = 40_054;
/// A button leads to no page.
pub(crate) const BUTTON_DOMAIN: i32 = 40_055;
/// A button without its medium.
pub(crate) const BUTTON_MEDIA: i32 = 40_117;
/// The same of a button below another.
pub(crate) const SUB_BUTTON_MEDIA: i32 = 40_118;
/// A path that is no page of a mini program.
pub(crate) const INVALID_PAGE_PATH: i32 = 40_165;
/// A mini program that is not linked to the account.
pub(crate) const INVALID_MINI_PROGRAM: i32 = 40_166;
/// An upload without a file.
pub(crate) const MEDIA_MISSING: i32 = 41_005;
/// No `media_id`.
pub(crate) const MEDIA_ID_MISSING: i32 = 41_006;
/// The user does not follow the account.
pub(crate) const FOLLOWER_REQUIRED: i32 = 43_004;
/// The user is on the blacklist.
pub(crate) const BLACKLISTED: i32 = 43_019;
/// The industry was set this month.
pub(crate) const INDUSTRY_TOO_OFTEN: i32 = 43_100;
/// A file without content.
pub(crate) const EMPTY_MEDIA: i32 = 44_001;
/// A file is larger than any may be.
pub(crate) const MEDIA_SIZE: i32 = 45_001;
/// The account has too many templates.
pub(crate) const TEMPLATE_COUNT: i32 = 45_026;
/// The account has too many media.
pub(crate) const MEDIA_COUNT: i32 = 45_034;
/// The account has too many tags.
pub(crate) const TAG_COUNT: i32 = 45_056;
/// A tag that belongs to the platform.
pub(crate) const SYSTEM_TAG: i32 = 45_058;
/// A user has too many tags.
pub(crate) const TAGS_OF_USER: i32 = 45_059;
/// A menu leads to a mini program that is not linked to the account.
pub(crate) const MINI_PROGRAM_IN_MENU: i32 = 45_064;
/// A tag of this name exists, or it has none.
pub(crate) const INVALID_TAG_NAME: i32 = 45_157;
/// A tag with a long name.
pub(crate) const LONG_TAG_NAME: i32 = 45_158;
/// A tag that does not exist.
pub(crate) const INVALID_TAG: i32 = 45_159;
/// The account has no menu.
pub(crate) const NO_MENU: i32 = 46_003;
/// The menu shows the medium.
pub(crate) const MEDIUM_IN_USE: i32 = 48_005;
/// The counters were cleared too often this month.
pub(crate) const CLEARED_TOO_OFTEN: i32 = 48_006;
/// An openid that is not of this app.
pub(crate) const NOT_THE_APPS_USER: i32 = 49_003;
/// No conditional menu has this id.
pub(crate) const NOT_CONDITIONAL: i32 = 65_301;
/// A user whom the account does not know.
pub(crate) const NO_SUCH_USER: i32 = 65_302;
/// A conditional menu without a default one.
pub(crate) const NO_DEFAULT_MENU: i32 = 65_303;
/// A conditional menu without a condition.
pub(crate) const EMPTY_RULE: i32 = 65_304;
/// The account has too many conditional menus.
pub(crate) const CONDITIONAL_COUNT: i32 = 65_305;
/// A conditional menu leads to too many hosts.
pub(crate) const DOMAIN_COUNT: i32 = 65_316;
/// A request id that nobody was given.
pub(crate) const RID_UNKNOWN: i32 = 76_001;
/// A text that is no request id.
pub(crate) const RID_MALFORMED: i32 = 76_002;
/// The request id of another account.
pub(crate) const RID_OF_ANOTHER: i32 = 76_003;
/// A request id of more than seven days ago.
pub(crate) const RID_TOO_OLD: i32 = 76_004;
/// A path that does not exist.
pub(crate) const PATH_UNKNOWN: i32 = 76_021;
/// A path that the app may not call.
pub(crate) const PATH_FORBIDDEN: i32 = 76_022;

/// The text of one of these codes.
pub(super) fn text(code: i32) -> Option<&'static str> {
    Some(match code {
        INVALID_FILE_TYPE => "invalid file type",
        INVALID_IMAGE_SIZE => "invalid image size",
        INVALID_VOICE_SIZE => "invalid voice size",
        INVALID_VIDEO_SIZE => "invalid video size",
        INVALID_THUMB_SIZE => "invalid thumb size",
        BUTTON_COUNT => "invalid button size",
        BUTTON_TYPE => "invalid button type",
        BUTTON_NAME => "invalid button name size",
        BUTTON_KEY => "invalid button key size",
        BUTTON_URL => "invalid button url size",
        MENU_LEVEL => "invalid sub_menu level",
        SUB_BUTTON_COUNT => "invalid sub button size",
        SUB_BUTTON_TYPE => "invalid sub button type",
        SUB_BUTTON_NAME => "invalid sub button name size",
        SUB_BUTTON_KEY => "invalid sub button key size",
        SUB_BUTTON_URL => "invalid sub button url size",
        INVALID_OPENID_LIST => "invalid openid list",
        OPENID_LIST_SIZE => "invalid openid list size",
        ESCAPED_TEXT => "invalid charset. please check your request, if include \\uxxxx will create fail!",
        INVALID_ACTION_NAME => "invalid action name",
        INVALID_ACTION_INFO => "invalid action info, please check document",
        SUB_BUTTON_DOMAIN => "invalid sub button url domain",
        BUTTON_DOMAIN => "invalid button url domain",
        BUTTON_MEDIA => "invalid button media_id size",
        SUB_BUTTON_MEDIA => "invalid sub button media_id size",
        INVALID_PAGE_PATH => "invalid weapp pagepath",
        INVALID_MINI_PROGRAM => "invalid weapp appid",
        MEDIA_MISSING => "media data missing",
        MEDIA_ID_MISSING => "media_id missing",
        FOLLOWER_REQUIRED => "require subscribe",
        BLACKLISTED => "require remove blacklist",
        INDUSTRY_TOO_OFTEN => "change template too frequently",
        EMPTY_MEDIA => "empty media data",
        MEDIA_SIZE => "media size out of limit",
        TEMPLATE_COUNT => "template num exceeds limit",
        MEDIA_COUNT => "media file count is out of limit",
        TAG_COUNT => "too many tag now, no need to add new",
        SYSTEM_TAG => "can't modify sys tag",
        TAGS_OF_USER => "can not tagging one user too much",
        MINI_PROGRAM_IN_MENU => "no permission to use weapp in menu",
        INVALID_TAG_NAME => "invalid tag name",
        LONG_TAG_NAME => "tag name too long",
        INVALID_TAG => "invalid tag id",
        NO_MENU => "menu no exist",
        MEDIUM_IN_USE => "forbid to delete material used by auto-reply or menu",
        CLEARED_TOO_OFTEN => "forbid to clear quota because of reaching the limit",
        NOT_THE_APPS_USER => "not match openid with appid",
        NOT_CONDITIONAL => "this menu is not conditionalmenu",
        NO_SUCH_USER => "no such user",
        NO_DEFAULT_MENU => "there is no selfmenu, please create selfmenu first",
        EMPTY_RULE => "match rule empty",
        CONDITIONAL_COUNT => "menu count limit",
        DOMAIN_COUNT => "domain count reach limit",
        RID_UNKNOWN => "rid not found",
        RID_MALFORMED => "rid is error",
        RID_OF_ANOTHER => "could not query this rid,no permission",
        RID_TOO_OLD => "rid time is error",
        PATH_UNKNOWN => "cgi_path not found, please check",
        PATH_FORBIDDEN => "could not use this cgi_path，no permission",
        _ => return None,
    })
}
