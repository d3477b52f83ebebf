//! The command line as a stranger meets it: exit codes, what goes where, and the commands that serve.

use std::process::Command;

use crate::support::program::{Serving, between, run, text, wxgate};

#[test]
fn help_names_every_command_and_has_examples() {
    let folder = tempfile::tempdir().unwrap();
    let help = run(&folder, &["--help"]);
    assert_eq!(help.status.code(), Some(0));
    let help = text(&help.stdout);
    for part in [
        "serve",
        "demo",
        "simulate",
        "check",
        "health",
        "keys",
        "admin",
        "caller",
        "--config <FILE>",
        "Examples:",
        "Exit codes:",
    ] {
        assert!(help.contains(part), "{part}: {help}");
    }
}

#[test]
fn wrong_usage_and_wrong_configuration_are_exit_code_2() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(run(&folder, &["sing"]).status.code(), Some(2));
    assert_eq!(run(&folder, &["check", "--loud"]).status.code(), Some(2));
    for command in ["serve", "demo", "simulate", "health"] {
        let output = wxgate(&folder, &[command])
            .env("WXGATE__AUTH__ISUER", "x")
            .env("WXGATE__LOG__FORMAT", "y")
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(2), "{command}");
        assert!(output.stdout.is_empty(), "{command}");
        let told = text(&output.stderr);
        assert!(
            told.contains("\nauth.isuer is not a key of wxgate\n") && told.contains("\nlog.format is \"y\""),
            "{told}"
        );
    }
    let missing = run(&folder, &["serve", "--config", "nowhere.toml"]);
    assert_eq!(missing.status.code(), Some(2));
    assert!(text(&missing.stderr).contains("nowhere.toml cannot be read"));
}

#[test]
fn what_guards_nothing_stays_on_loopback_unless_told() {
    let folder = tempfile::tempdir().unwrap();
    let told = |command: &mut Command| {
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(2));
        text(&output.stderr)
    };
    let all = "0.0.0.0:0";
    assert!(
        told(wxgate(&folder, &["demo"]).env("WXGATE__SERVER__LISTEN", all))
            .contains("server.listen is 0.0.0.0:0")
    );
    assert!(
        told(wxgate(&folder, &["demo"]).env("WXGATE__SIMULATOR__LISTEN", all))
            .contains("simulator.listen is")
    );
    assert!(told(wxgate(&folder, &["simulate"]).env("WXGATE__SIMULATOR__LISTEN", all)).contains("--expose"));
    assert!(told(&mut wxgate(&folder, &["simulate", "--listen", all])).contains("--expose"));
    let mut exposed = Serving::start(wxgate(&folder, &["simulate", "--expose", "--listen", all]));
    exposed.read_until("http://127.0.0.1:");
}

#[test]
fn a_simulator_without_apps_makes_some_up_and_prints_them() {
    let folder = tempfile::tempdir().unwrap();
    let mut simulator = Serving::start(wxgate(&folder, &["simulate"]));
    let said = simulator.read_until("platform.simulated");
    assert!(
        said.contains("official  app_id wx") && said.contains("mini      app_id wx"),
        "{said}"
    );
    simulator.signal("TERM");
    assert_eq!(simulator.wait().code(), Some(0));
}

#[test]
fn a_simulator_has_the_apps_of_the_configuration_and_prints_no_secret() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = wxgate(&folder, &["simulate"]);
    command
        .env("WXGATE__APPS__SHOP__KIND", "official")
        .env("WXGATE__APPS__SHOP__APP_ID", "wx1");
    command.env("WXGATE__APPS__SHOP__APP_SECRET", "s3cret");
    let mut simulator = Serving::start(command);
    let said = simulator.read_until("platform.simulated");
    assert!(said.contains("app_id wx1") && !said.contains("s3cret"), "{said}");
}

#[test]
fn a_demo_starts_again_in_its_folder_and_serve_refuses_its_store() {
    let folder = tempfile::tempdir().unwrap();
    let mut kept = Vec::new();
    for signal in ["TERM", "INT"] {
        let mut demo = Serving::start(wxgate(&folder, &["demo"]));
        let said = demo.read_until("Ctrl-C");
        kept.push(between(&said, "\"app_id\":\"", "\"").to_owned());
        demo.signal(signal);
        assert_eq!(demo.wait().code(), Some(0));
    }
    assert_eq!(kept[0], kept[1]);
    let output = wxgate(&folder, &["serve"])
        .env("WXGATE__STORE__URL", "sqlite:data/demo/wxgate.db")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let told = text(&output.stderr);
    assert_eq!(told.lines().count(), 1, "{told}");
    assert!(told.contains("wxgate demo"), "{told}");
}

#[test]
fn two_demos_do_not_share_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let mut first = Serving::start(wxgate(&folder, &["demo", "--data", "here"]));
    first.read_until("Ctrl-C");
    let second = run(&folder, &["demo", "--data", "here"]);
    assert_eq!(second.status.code(), Some(1));
    assert!(
        text(&second.stderr).contains("is being served by another process"),
        "{}",
        text(&second.stderr)
    );
}

#[test]
fn health_tells_whether_the_gateway_answers() {
    let folder = tempfile::tempdir().unwrap();
    let mut demo = Serving::start(wxgate(&folder, &["demo"]));
    let address = between(&demo.read_until("Ctrl-C"), "Open", "/\n")
        .replace("http://", "")
        .trim()
        .to_owned();
    let ask = || {
        wxgate(&folder, &["health"])
            .env("WXGATE__SERVER__LISTEN", &address)
            .output()
            .unwrap()
    };
    let healthy = ask();
    assert_eq!(healthy.status.code(), Some(0), "{}", text(&healthy.stderr));
    demo.signal("TERM");
    assert_eq!(demo.wait().code(), Some(0));
    let gone = ask();
    assert_eq!(gone.status.code(), Some(1));
    assert_eq!(text(&gone.stderr).lines().count(), 1, "{}", text(&gone.stderr));
}

#[test]
fn a_taken_port_is_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    for (command, key) in [
        ("serve", "SERVER"),
        ("demo", "SERVER"),
        ("demo", "SIMULATOR"),
        ("simulate", "SIMULATOR"),
    ] {
        let output = wxgate(&folder, &[command])
            .env(format!("WXGATE__{key}__LISTEN"), &address)
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(1), "{command}");
        let told = text(&output.stderr);
        assert!(told.lines().count() == 1 && told.contains(&address), "{told}");
    }
}
