//! Every problem that `wxgate check` can name: its stable code, its cause, and what to do. `docs/check.md` is this
//! table. How a problem is found is not here.

use std::fmt::Write as _;

/// A problem with a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// Its stable name.
    pub code: &'static str,
    /// What it means.
    pub cause: &'static str,
    /// What an operator does about it.
    action: &'static str,
}

/// Stands in an action for the address that WeChat refused.
const ADDRESS: &str = "{address}";

impl Row {
    /// What to do, naming the address that WeChat refused if it said so.
    #[must_use]
    pub fn action(&self, address: Option<&str>) -> String {
        self.action
            .replace(ADDRESS, address.unwrap_or("this server's public address"))
    }
}

/// Declares the rows and the table of them, in one order.
macro_rules! table {
    ($($name:ident $code:literal, $cause:literal, $action:literal;)*) => {
        $(pub(super) static $name: Row = Row { code: $code, cause: $cause, action: $action };)*
        /// Every row.
        pub static TABLE: &[&Row] = &[$(&$name),*];
    };
}

table! {
    CONFIG_INVALID "config.invalid",
        "A key of the configuration is unknown, missing or impossible.",
        "Correct the named keys in the file or the environment; config.toml documents every key. Nothing else was checked.";
    CONFIG_WARNING "config.warning",
        "A setting is allowed but unwise. The check does not fail for it.",
        "Read what the line says and decide.";
    STORE_ADDRESS "store.address",
        "store.url is no address of a store.",
        "Write sqlite:PATH, or mongodb://USER:PASSWORD@HOST/DATABASE with special characters percent-encoded.";
    STORE_UNREACHABLE "store.unreachable",
        "No MongoDB server that takes writes answers.",
        "Check that the server runs, that host and port in store.url are right, and that a firewall lets this machine through; for a replica set, that it has a primary and store.url names it.";
    STORE_REJECTED "store.rejected",
        "The MongoDB server refuses us.",
        "Check user name, password and authSource in store.url, and that the user may read and write the database.";
    STORE_NEWER "store.newer",
        "A newer wxgate has written the store.",
        "Run that version or a newer one; this one would misread the store.";
    STORE_DAMAGED "store.damaged",
        "The database file is damaged.",
        "Stop the gateway and restore the file from a backup, or move it away to begin with an empty store.";
    STORE_NOT_OURS "store.not_ours",
        "The file belongs to another program.",
        "Give store.url another path; nothing was changed in the file.";
    STORE_UNUSABLE "store.unusable",
        "The store cannot be used: its file or folder, or the server's answers.",
        "Check that the path in store.url can be a file, that the user that serves may write it and its folder, and that the disk is not full.";
    STORE_DEMO "store.demo",
        "The store was made by `wxgate demo`.",
        "Give store.url another place: a demo's users and secrets have none in production.";
    STORE_WRONG_KEY "store.wrong_key",
        "store.master_key is not the key that the secrets in the store are wrapped with.",
        "Configure the key that the store was first used with. If it is lost, begin with an empty store.";
    PLATFORM_NOT_WECHAT "platform.not_wechat",
        "platform.api_url is not WeChat's. No AppSecret was sent to it.",
        "Set platform.api_url to https://api.weixin.qq.com, or platform.simulated = true if it is a simulator.";
    PLATFORM_UNREACHABLE "platform.unreachable",
        "There is no connection to platform.api_url, or it breaks off.",
        "Check this machine's DNS and route to the internet, and that a firewall lets it reach the host on port 443.";
    PLATFORM_TIMEOUT "platform.timeout",
        "platform.api_url does not answer in time.",
        "Check the network; if it is slow rather than broken, raise platform.timeout and platform.connect_timeout.";
    PLATFORM_TLS "platform.tls",
        "No TLS connection can be agreed on with platform.api_url.",
        "Check this machine's clock, and whether a proxy stands in between whose certificate is not trusted here.";
    PLATFORM_NOT_JSON "platform.not_json",
        "What answers is not WeChat's API: a proxy's page, a captive portal, a redirect.",
        "Open platform.api_url with curl from this machine and see who answers; let this machine reach WeChat directly.";
    PLATFORM_BUSY "platform.busy",
        "WeChat is busy (errcode -1).",
        "Try again in a minute. The gateway tries again by itself.";
    WECHAT_40002 "wechat.40002",
        "WeChat does not accept the kind of request",
        "Check that platform.api_url is WeChat's API itself, without a path; then report it as a bug of wxgate.";
    WECHAT_40013 "wechat.40013",
        "WeChat knows no such AppID",
        "Copy app_id anew from the console, 开发 > 基本配置 (mini program: 开发管理 > 开发设置); it begins with wx.";
    WECHAT_40125 "wechat.40125",
        "The AppSecret is wrong",
        "Correct app_secret. The console shows a secret only once: if nobody has it, reset it there and change it everywhere it is used.";
    WECHAT_40164 "wechat.40164",
        "WeChat does not accept calls from this server's address",
        "Add {address} to the console's IP list, 开发 > 基本配置 > IP白名单 (mini program: 开发管理 > 开发设置), and wait a few minutes.";
    WECHAT_40243 "wechat.40243",
        "The AppSecret is frozen",
        "Unfreeze it in the console, 开发 > 基本配置 > AppSecret.";
    WECHAT_45009 "wechat.45009",
        "The day's quota of token calls is used up",
        "Find out which other program fetches tokens for this AppID so often and stop it. The quota is renewed at midnight in Beijing; the console can reset it before.";
    WECHAT_45011 "wechat.45011",
        "The minute's quota of token calls is used up",
        "Try again in a minute. If it persists, find out which other program fetches tokens for this AppID so often.";
    WECHAT_48001 "wechat.48001",
        "The account may not use this API",
        "Check in the console, 开发 > 接口权限, what the account's kind and verification (认证) allow.";
    WECHAT_50004 "wechat.50004",
        "WeChat has forbidden the account to use tokens",
        "Read the messages of the platform in the console: it is a punishment, and says there how to object.";
    WECHAT_50007 "wechat.50007",
        "The account is frozen",
        "Read the messages of the platform in the console and have the account unfrozen.";
    WECHAT_89501 "wechat.89501",
        "A confirmation by the account's administrator is under way",
        "Wait until the administrator has confirmed the request in WeChat, then check again.";
    WECHAT_89503 "wechat.89503",
        "The account's administrator has to confirm calls from this address",
        "Ask the administrator to confirm the request that WeChat has sent, then check again.";
    WECHAT_89506 "wechat.89506",
        "The account's administrator has refused this address for 24 hours",
        "Speak to the administrator; calls from this address are refused until 24 hours have passed.";
    WECHAT_89507 "wechat.89507",
        "The account's administrator has refused this address for an hour",
        "Speak to the administrator; calls from this address are refused until an hour has passed.";
    WECHAT_OTHER "wechat.other",
        "WeChat refuses with an errcode that has no row here.",
        "Look the errcode up in WeChat's list of global return codes (全局返回码).";
    CLOCK_OFF "clock.off",
        "This machine's clock and WeChat's differ by more than a minute.",
        "Correct the clock and have it follow a time server (NTP): signatures and tokens carry the time.";
}

/// The row of an errcode that a token call was refused with.
pub(super) fn of_errcode(errcode: i64) -> &'static Row {
    if errcode == -1 {
        return &PLATFORM_BUSY;
    }
    let code = format!("wechat.{errcode}");
    TABLE
        .iter()
        .find(|row| row.code == code)
        .copied()
        .unwrap_or(&WECHAT_OTHER)
}

const INTRODUCTION: &str = "\
# wxgate check

`wxgate check` looks at the configuration, the store and WeChat, and prints one line for each thing it looked at. Below
the lines stands what to do about those that failed. It runs beside a gateway that serves, on both kinds of store. With
an invalid configuration it ends with 2 and looks at nothing else; else with 1 if something failed, and with 0 if not.

For every app it fetches one access_token, as `platform.token_mode` says. In `stable` mode that disturbs nobody. In
`classic` mode each fetch devalues the token before it, the running gateway's too, which then fetches another one.

`wxgate check --json` prints one JSON object and nothing else on standard output:

```json
{\"ok\": false, \"checks\": [{\"code\": \"wechat.40125\", \"status\": \"failed\", \"subject\": \"app shop\", \"cause\": \"…\", \"action\": \"…\"}]}
```

`status` is `ok`, `warning` or `failed`. The `code` of a warning or failure is one of those below and keeps its meaning
in later versions; that of good news is `config`, `store`, `platform` or `token`. No output holds a secret.

This file is made from the table in `src/cli/check/table.rs`; a test compares them.

| Code | Cause | What to do |
|---|---|---|
";

/// The text of `docs/check.md`.
#[must_use]
pub fn document() -> String {
    let mut text = INTRODUCTION.to_owned();
    for row in TABLE {
        let cause = row.cause.trim_end_matches('.');
        // Writing to a String cannot fail.
        let _ = writeln!(text, "| `{}` | {cause} | {} |", row.code, row.action(None));
    }
    text
}
