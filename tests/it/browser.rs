//! The pages in a real Chromium, against the demo as a user starts it. What is checked stands in tests/browser.

use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};

use crate::support::node::node;

/// The running demo. It is killed when dropped.
struct Demo(Child);

impl Drop for Demo {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn the_pages_work_in_chromium() {
    let mut checks = node("run.mjs");
    let folder = tempfile::TempDir::new().unwrap();
    let (gateway, simulator) = (free_address(), free_address());
    let mut demo = Command::new(env!("CARGO_BIN_EXE_wxgate"));
    demo.args(["demo", "--data"])
        .arg(folder.path().join("demo"))
        .current_dir(folder.path());
    demo.env("WXGATE__SERVER__LISTEN", &gateway)
        .env("WXGATE__SIMULATOR__LISTEN", &simulator)
        // So short that every page refreshes all the time, and nobody may notice.
        .env("WXGATE__AUTH__ACCESS_TTL", "2s");
    let mut demo = Demo(demo.stdout(Stdio::piped()).spawn().unwrap());
    let printed = BufReader::new(demo.0.stdout.take().unwrap());
    let mut lines = printed.lines().map_while(Result::ok);
    let serving = lines.by_ref().find(|line| line.contains("serving"));
    assert!(serving.is_some(), "the demo ended before it served");
    // What it prints from now on must go somewhere, or it would wait for a reader.
    let drain = std::thread::spawn(move || lines.for_each(drop));

    let status = checks
        .env("WXGATE_URL", format!("http://{gateway}"))
        // Time limits are for a quiet machine; docs/performance.md has the figures of one.
        .env("WXGATE_SLOW", "10")
        .status()
        .expect("node must be installed: the pages are tested in a browser");
    drop(demo);
    drain.join().unwrap();
    assert!(status.success(), "the checks in tests/browser failed");
}

fn free_address() -> String {
    TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .to_string()
}
