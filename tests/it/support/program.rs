//! The program itself, as a process: started, read from, signalled. What it should say is not here.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, ChildStdout, Command, ExitStatus, Output, Stdio};

use tempfile::TempDir;

/// The program in a folder of its own, with free ports.
pub(crate) fn wxgate(folder: &TempDir, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wxgate"));
    // PATH is for the curl and sed of pasted commands; no variable of ours is inherited.
    command.env_clear().current_dir(folder.path()).args(arguments);
    command
        .env("WXGATE__SERVER__LISTEN", "127.0.0.1:0")
        .env("WXGATE__SIMULATOR__LISTEN", "127.0.0.1:0");
    command
}

pub(crate) fn run(folder: &TempDir, arguments: &[&str]) -> Output {
    wxgate(folder, arguments).output().unwrap()
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A command that serves. It ends with the test.
pub(crate) struct Serving {
    child: Child,
    stdout: BufReader<ChildStdout>,
}

impl Serving {
    pub(crate) fn start(mut command: Command) -> Self {
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        Self { child, stdout }
    }

    /// Reads what it prints, up to and with the first line that contains this.
    pub(crate) fn read_until(&mut self, part: &str) -> String {
        let mut read = String::new();
        loop {
            let start = read.len();
            assert!(
                self.stdout.read_line(&mut read).unwrap() > 0,
                "it ended after: {read}"
            );
            if read[start..].contains(part) {
                return read;
            }
        }
    }

    pub(crate) fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-s", name, &pid])
                .status()
                .unwrap()
                .success()
        );
    }

    pub(crate) fn wait(mut self) -> ExitStatus {
        self.child.wait().unwrap()
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) fn between<'a>(text: &'a str, before: &str, after: &str) -> &'a str {
    let rest = text
        .split_once(before)
        .unwrap_or_else(|| panic!("no {before:?} in {text}"))
        .1;
    rest.split_once(after)
        .unwrap_or_else(|| panic!("no {after:?} in {rest}"))
        .0
}
