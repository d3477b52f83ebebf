//! Our tokens in another language: `jose` verifies them with nothing but the published keys, before and after a
//! rotation.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

use serde_json::{Value, json};

use crate::signing_keys::{kid, log_in, rotate};
use crate::support::app::TestApp;
use crate::support::eventually;
use crate::support::node::node;

/// A program that verifies tokens. It keeps the published keys between two tokens, as such programs do.
struct Verifier {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Verifier {
    fn start(app: &TestApp) -> Self {
        let mut child = node("jose.mjs")
            .env("WXGATE_URL", format!("http://{}", app.addr()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("node must be installed: tokens are verified in another language");
        let (input, output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        Self {
            child,
            input,
            output: BufReader::new(output),
        }
    }

    fn ask(&mut self, question: &Value) -> Value {
        writeln!(self.input, "{question}").unwrap();
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: it answered {line:?}"))
    }

    /// What it thinks of a token at the gateway's time.
    fn verify(&mut self, app: &TestApp, token: &str) -> Value {
        self.ask(&json!({"token": token, "now": app.now().secs()}))
    }
}

impl Drop for Verifier {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_language_verifies_our_tokens_by_the_published_keys_alone() {
    let app = TestApp::builder().spawn().await;
    let mut verifier = Verifier::start(&app);
    let old = log_in(&app).await;
    let answer = verifier.verify(&app, &old);
    assert_eq!(answer["kid"], kid(&old), "{answer}");
    let user = answer["sub"].clone();
    assert!(user.as_str().is_some_and(|user| !user.is_empty()), "{answer}");

    let (signed, signature) = old.rsplit_once('.').unwrap();
    let (header, claims) = signed.split_once('.').unwrap();
    let turned = if signature.starts_with('A') { "B" } else { "A" };
    let tampered = format!("{signed}.{turned}{}", &signature[1..]);
    let refused = verifier.verify(&app, &tampered);
    assert_eq!(
        refused["error"], "ERR_JWS_SIGNATURE_VERIFICATION_FAILED",
        "{refused}"
    );
    let stripped = format!("{header}.{claims}.");
    assert!(verifier.verify(&app, &stripped)["error"].is_string());
    let refused = verifier.ask(&json!({"token": old, "now": app.now().secs(), "audience": "other"}));
    assert_eq!(refused["error"], "ERR_JWT_CLAIM_VALIDATION_FAILED", "{refused}");
    let ended = app.now().secs() + 7_300;
    let refused = verifier.ask(&json!({"token": old, "now": ended}));
    assert_eq!(refused["error"], "ERR_JWT_EXPIRED", "{refused}");

    let next = rotate(&app).await;
    app.advance(601).await;
    let mut new = String::new();
    eventually("the new key signs", async || {
        new = log_in(&app).await;
        kid(&new) == next
    })
    .await;
    // It has the keys of before in memory, meets a name that is not among them, and looks again.
    let answer = verifier.verify(&app, &new);
    assert_eq!(
        (&answer["kid"], &answer["sub"]),
        (&json!(next), &user),
        "{answer}"
    );
    let answer = verifier.verify(&app, &old);
    assert_eq!(answer["kid"], kid(&old), "{answer}");
    // The new key's name over the old key's signature, and the other way round.
    let ((new_signed, new_signature), refused) = (new.rsplit_once('.').unwrap(), |answer: Value| {
        assert_eq!(
            answer["error"], "ERR_JWS_SIGNATURE_VERIFICATION_FAILED",
            "{answer}"
        );
    });
    refused(verifier.verify(&app, &format!("{new_signed}.{signature}")));
    refused(verifier.verify(&app, &format!("{signed}.{new_signature}")));
}
