//! What a demo prints works when it is pasted into a shell, on the first start and on the next in the same folder.

use std::process::Command;

use crate::support::program::{Serving, text, wxgate};

/// Pastes the line below the one that begins so.
fn paste(said: &str, heading: &str) -> String {
    let below = said.lines().skip_while(|line| !line.starts_with(heading)).nth(1);
    let line = below.unwrap_or_else(|| panic!("no {heading:?} in {said}"));
    let output = Command::new("sh")
        .args(["-c", &line.replace("curl ", "curl -sS --max-time 20 ")])
        .output()
        .unwrap();
    assert!(output.status.success(), "{line}: {}", text(&output.stderr));
    text(&output.stdout)
}

#[test]
fn the_printed_commands_work_and_do_so_again() {
    let folder = tempfile::tempdir().unwrap();
    let mut users = Vec::new();
    for _ in 0..2 {
        let mut demo = Serving::start(wxgate(&folder, &["demo"]));
        let said = demo.read_until("Ctrl-C");
        assert_eq!(paste(&said, "Server verification"), "hello");
        let session: serde_json::Value = serde_json::from_str(&paste(&said, "Mini-program login")).unwrap();
        assert_eq!(session["token_type"], "Bearer", "{session}");
        users.push(session["user"].clone());
        let signed: serde_json::Value = serde_json::from_str(&paste(&said, "JS-SDK signature")).unwrap();
        assert_eq!(signed["signature"].as_str().map(str::len), Some(40), "{signed}");
        let push: serde_json::Value =
            serde_json::from_str(&paste(&said, "A text that a simulated user")).unwrap();
        assert_eq!(push["outcome"], "replied", "{push}");
        demo.signal("TERM");
        assert_eq!(demo.wait().code(), Some(0));
    }
    assert_eq!(users[0], users[1]);
}
