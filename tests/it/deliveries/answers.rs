//! Receivers with answers that nobody expects.

use std::time::{Duration, Instant};

use wxgate::service::deliveries::Failure;
use wxgate::service::records::DeliveryState;

use super::office::Office;
use crate::support::app::TestApp;
use crate::support::receiver::{Answer, Receiver};

/// What is delivered although the answer is odd, and what is not.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_the_status_of_an_answer_matters() {
    let office = Office::open(TestApp::builder()).await;
    let (receiver, elsewhere) = (Receiver::start().await, Receiver::start().await);
    let instance = office.running().await;
    let webhook = instance.webhook(&receiver).await;
    let broken = b"HTTP/1.1 200 x\r\ncontent-length: 100\r\n\r\nbut this is all".to_vec();
    let huge = [
        b"HTTP/1.1 200 x\r\ncontent-length: 10000000\r\n\r\n".to_vec(),
        vec![b'x'; 10_000_000],
    ]
    .concat();
    for (answer, expected) in [
        (Answer::Status(204), Ok(204)),
        (Answer::Status(299), Ok(299)),
        (Answer::Bytes(broken), Ok(200)),
        (Answer::Bytes(huge), Ok(200)),
        (Answer::Endless { fast: true }, Ok(200)),
        (Answer::Endless { fast: false }, Ok(200)),
        (Answer::Status(304), Err((Some(304), "it answered 304"))),
        (
            Answer::Redirect(elsewhere.url()),
            Err((Some(307), "it answered 307")),
        ),
        (Answer::Status(410), Err((Some(410), "it answered 410"))),
        (Answer::HangUp, Err((None, "the connection broke"))),
        (
            Answer::Bytes(b"HTTP/1.1 200".to_vec()),
            Err((None, "the connection broke")),
        ),
        (
            Answer::Bytes(b"no HTTP at all\r\n\r\n".to_vec()),
            Err((None, "the connection broke")),
        ),
        (
            Answer::Bytes(vec![b'x'; 1_000_000]),
            Err((None, "the connection broke")),
        ),
        (Answer::Status(200), Ok(200)),
    ] {
        receiver.answer([answer]);
        let event = office.event(&[&webhook.id]).await;
        instance.expand(&event).await;
        let one = office.until(&event.id, &webhook, |one| one.tries == 1).await;
        let attempt = &one.attempts[0];
        match expected {
            Ok(status) => assert_eq!(
                (one.state, attempt.status),
                (DeliveryState::Delivered, Some(status))
            ),
            Err((status, error)) => {
                assert_eq!((one.state, attempt.status), (DeliveryState::Waiting, status));
                assert_eq!(attempt.error.as_deref(), Some(error));
            }
        }
        assert!(attempt.millis < 5000, "{attempt:?}");
    }
    assert_eq!(elsewhere.connections(), 0, "redirects are not followed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_attempt_ends_after_fifteen_seconds() {
    let office = Office::open(TestApp::builder()).await;
    let receiver = Receiver::start().await;
    receiver.answer([Answer::Never]);
    let instance = office.running().await;
    let webhook = instance.webhook(&receiver).await;
    let event = office.event(&[&webhook.id]).await;
    let began = Instant::now();
    instance.expand(&event).await;
    let one = office.until(&event.id, &webhook, |one| one.tries == 1).await;
    assert!(
        (14_900..16_500).contains(&one.attempts[0].millis),
        "{:?}",
        one.attempts
    );
    assert_eq!(
        one.attempts[0].error.as_deref(),
        Some("it did not answer in time")
    );
    assert!(began.elapsed() >= Duration::from_secs(15));
    assert_eq!(receiver.count(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_receiver_is_asked_and_its_answer_given() {
    let office = Office::open(TestApp::builder()).await;
    let receiver = Receiver::start().await;
    let instance = office.instance().await;
    let webhook = instance.webhook(&receiver).await;
    let event = office.event_to_be(&[]);
    let limit = Duration::from_millis(700);
    let long = "x".repeat(64 * 1024);
    for (answer, expected) in [
        (
            Answer::Body("{\"type\":\"text\"}".to_owned()),
            Ok("{\"type\":\"text\"}".to_owned()),
        ),
        (Answer::Status(204), Ok(String::new())),
        (Answer::Body(long.clone()), Ok(long.clone())),
        (Answer::Body(format!("{long}x")), Err(Failure::TooLong)),
        (Answer::Endless { fast: true }, Err(Failure::TooLong)),
        (Answer::Endless { fast: false }, Err(Failure::TimedOut)),
        // One that takes nothing five times in a row is not asked any more.
        (Answer::Body("{}".to_owned()), Ok("{}".to_owned())),
        (Answer::Never, Err(Failure::TimedOut)),
        (Answer::HangUp, Err(Failure::Broken)),
        (
            Answer::Bytes(b"HTTP/1.1 200 x\r\ncontent-length: 9\r\n\r\nshort".to_vec()),
            Err(Failure::Broken),
        ),
        (Answer::Status(302), Err(Failure::Status(302))),
        (Answer::Status(500), Err(Failure::Status(500))),
    ] {
        receiver.answer([answer]);
        let began = Instant::now();
        let body = event.body.as_deref().unwrap();
        let said = instance.deliveries.ask(&webhook, &event.id, body, limit).await;
        assert_eq!(said.map(|said| String::from_utf8(said).unwrap()), expected);
        assert!(began.elapsed() < limit + Duration::from_millis(500));
    }
    assert!(
        office
            .deliveries
            .get(&format!("{}:{}", event.id, webhook.id))
            .await
            .unwrap()
            .is_none()
    );
}
