//! Which calls change something, as far as their method and path tell. Who may make them is not known here.

/// The paths of WeChat's that change something although they are asked for with GET. (自定义菜单 删除接口; 小程序 重置用户
/// session_key; 客服管理 删除客服帐号; 第三方平台 代码管理 撤回审核, 版本回退.)
const CHANGED_BY_GET: [&str; 5] = [
    "/cgi-bin/menu/delete",
    "/customservice/kfaccount/del",
    "/wxa/resetusersessionkey",
    "/wxa/revertcoderelease",
    "/wxa/undocodeaudit",
];

/// Whether a call may change something: every one but GET and HEAD, and those GETs that do all the same. The path is
/// decoded and has no query.
#[must_use]
pub fn changes_state(method: &str, path: &str) -> bool {
    match method {
        "GET" | "HEAD" => CHANGED_BY_GET.contains(&path),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_gets_change_something() {
        for (method, path) in [
            ("POST", "/cgi-bin/menu/get"),
            ("DELETE", "/v1/apps/shop/webhooks/whk_1"),
            ("BREW", "/"),
            ("GET", "/cgi-bin/menu/delete"),
            ("GET", "/wxa/resetusersessionkey"),
        ] {
            assert!(changes_state(method, path), "{method} {path}");
        }
        for (method, path) in [
            ("GET", "/cgi-bin/menu/get"),
            ("GET", "/cgi-bin/menu/delete/more"),
            ("HEAD", "/cgi-bin/user/info"),
        ] {
            assert!(!changes_state(method, path), "{method} {path}");
        }
        assert!(CHANGED_BY_GET.is_sorted());
    }
}
