//! What WeChat documents of messages and events: their names, the types of their members, and which of them can be
//! answered. (接收普通消息, 接收事件推送, 小程序消息推送.) What is not listed here passes all the same.

/// Messages.
const MESSAGES: &[&str] = &[
    "text",
    "image",
    "voice",
    "video",
    "shortvideo",
    "location",
    "link",
    "miniprogrampage",
];

/// Events after which WeChat shows a reply: the person is in the chat and waits.
const ANSWERED: &[&str] = &[
    "subscribe",
    "SCAN",
    "CLICK",
    "scancode_push",
    "scancode_waitmsg",
    "pic_sysphoto",
    "pic_photo_or_album",
    "pic_weixin",
    "location_select",
];

/// Events that tell of something. A reply to them reaches nobody, or is shown as a fault of the account.
const TOLD: &[&str] = &[
    "unsubscribe",
    "LOCATION",
    "VIEW",
    "view_miniprogram",
    "TEMPLATESENDJOBFINISH",
    "MASSSENDJOBFINISH",
    "PUBLISHJOBFINISH",
    "subscribe_msg_popup_event",
    "subscribe_msg_change_event",
    "subscribe_msg_sent_event",
    "kf_create_session",
    "kf_close_session",
    "kf_switch_session",
    "user_info_modified",
    "user_authorization_revoke",
    "user_authorization_cancellation",
    "qualification_verify_success",
    "qualification_verify_fail",
    "naming_verify_success",
    "naming_verify_fail",
    "annual_renew",
    "verify_expired",
    "card_pass_check",
    "card_not_pass_check",
    "user_get_card",
    "user_gifting_card",
    "user_del_card",
    "user_consume_card",
    "user_pay_from_pay_cell",
    "user_view_card",
    "user_enter_session_from_card",
    "update_member_card",
    "card_sku_remind",
    "card_pay_order",
    "submit_membercard_user_info",
    "guide_qrcode_scan_event",
    "poi_check_notify",
    "WifiConnected",
    "ShakearoundUserShake",
    "merchant_order",
    "user_enter_tempsession",
    "wxa_media_check",
    "notify_service_msg_send_result",
    "wxa_comment_bad_score",
    "debug_demo",
];

/// Events about somebody else than their sender, which is an account of the platform's.
const ABOUT_ANOTHER: &[&str] = &[
    "user_info_modified",
    "user_authorization_revoke",
    "user_authorization_cancellation",
];

/// What a member's value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Type {
    /// Digits without a fraction, which fit into 64 bits.
    Integer,
    /// A number with a fraction.
    Decimal,
    /// A text, even if it looks like a number: ids have more digits than a double keeps.
    Text,
    /// Any number of entries; one of them may stand there alone.
    List,
    /// Any number of integers.
    Integers,
}

/// Members whose values are not what they look like in one of the two formats.
const MEMBERS: &[(Type, &[&str])] = &[
    (
        Type::Integer,
        &[
            "ArticleIdx",
            "AuditState",
            "CanReprint",
            "CheckState",
            "ConnectTime",
            "Count",
            "ErrorCode",
            "ErrorCount",
            "ExpireTime",
            "ExpiredTime",
            "FailTime",
            "FilterCount",
            "Idx",
            "NeedReplaceContent",
            "NeedShowReprintSource",
            "OriginalArticleType",
            "PopupScene",
            "Scale",
            "SentCount",
            "TotalCount",
            "UserDeclareState",
            "card_status",
            "count",
            "errcode",
            "fail_ret",
            "idx",
            "label",
            "notify_type",
            "prob",
            "publish_status",
            "version",
        ],
    ),
    (
        Type::Decimal,
        &["Latitude", "Location_X", "Location_Y", "Longitude", "Precision"],
    ),
    (
        Type::Text,
        &[
            "BusinessId",
            "Content",
            "EventKey",
            "MenuId",
            "MsgDataId",
            "MsgID",
            "MsgId",
            "PlaceId",
            "PluginID",
            "RevokeInfo",
            "ScanResult",
            "SessionFrom",
            "TemplateId",
            "VendorId",
            "article_id",
            "bizmsgmenuid",
            "comment_id",
            "notify_code",
            "publish_id",
            "trace_id",
        ],
    ),
    (Type::List, &["List", "PicList", "ResultList", "detail", "item"]),
    (Type::Integers, &["fail_idx"]),
];

/// Members that have another name with us, because one thing has several names with WeChat.
const RENAMED: &[(&str, &str)] = &[
    ("Location_X", "latitude"),
    ("Location_Y", "longitude"),
    ("OpenID", "openid"),
    ("OpenId", "openid"),
    ("UnionID", "unionid"),
    ("UnionId", "unionid"),
    ("appid", "app_id"),
    ("Poiname", "poi_name"),
    ("bizmsgmenuid", "biz_msg_menu_id"),
];

/// WeChat's spelling of a message's type.
pub(super) fn message(given: &str) -> Option<&'static str> {
    spelling(MESSAGES, given)
}

/// WeChat's spelling of an event.
pub(super) fn event(given: &str) -> Option<&'static str> {
    spelling(ANSWERED, given).or_else(|| spelling(TOLD, given))
}

/// Whether WeChat shows a reply to this event.
pub(super) fn is_answered(event: &str) -> bool {
    spelling(ANSWERED, event).is_some()
}

/// Whether the member `OpenID` says whom the event is about.
pub(super) fn is_about_another(event: &str) -> bool {
    spelling(ABOUT_ANOTHER, event).is_some()
}

/// The documented type of a member.
pub(super) fn type_of(member: &str) -> Option<Type> {
    let found = MEMBERS.iter().find(|(_, names)| names.contains(&member));
    found.map(|(kind, _)| *kind)
}

/// Our own name of a member, if it is not made by the general rule.
pub(super) fn renamed(member: &str) -> Option<&'static str> {
    let found = RENAMED.iter().find(|(theirs, _)| *theirs == member);
    found.map(|(_, ours)| *ours)
}

fn spelling(names: &[&'static str], given: &str) -> Option<&'static str> {
    names
        .iter()
        .copied()
        .find(|name| name.eq_ignore_ascii_case(given))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = include_str!("../../../docs/events.md");

    #[test]
    fn whatever_is_known_is_documented() {
        for name in MESSAGES.iter().chain(ANSWERED).chain(TOLD) {
            assert!(PAGE.contains(&format!("`{name}`")), "{name}");
        }
        for (theirs, ours) in RENAMED {
            assert!(
                PAGE.contains(&format!("`{theirs}`")) && PAGE.contains(&format!("`{ours}`")),
                "{theirs}"
            );
        }
    }

    #[test]
    fn no_name_is_listed_twice() {
        let all: Vec<&str> = ANSWERED.iter().chain(TOLD).copied().collect();
        let members: Vec<&str> = MEMBERS
            .iter()
            .flat_map(|(_, names)| names.iter().copied())
            .collect();
        for names in [all, members, MESSAGES.to_vec()] {
            let mut once = names.clone();
            once.sort_unstable();
            once.dedup();
            assert_eq!(once.len(), names.len());
        }
        assert!(ABOUT_ANOTHER.iter().all(|name| event(name).is_some()));
    }
}
