//! The life of tokens, by a clock that stands where the test puts it.

use super::clock::Moment;
use super::random::Random;
use super::tokens::{LIFETIME, TokenKind, Tokens};

const NOW: Moment = Moment(1_700_000_000_000);

fn start() -> (Tokens, Random) {
    (Tokens::default(), Random::seeded(1))
}

fn code(tokens: &Tokens, token: &str, at: Moment) -> i32 {
    tokens.check(token, at).map_or_else(|refusal| refusal.code, |_| 0)
}

#[test]
fn a_replaced_classic_token_lives_on_for_the_overlap_and_an_older_one_not() {
    let (mut tokens, mut random) = start();
    let first = tokens.classic("wx1", LIFETIME, 300, NOW, &mut random);
    let second = tokens.classic("wx1", LIFETIME, 300, NOW, &mut random);
    assert_eq!(code(&tokens, &first, NOW.plus(299)), 0);
    assert_eq!(code(&tokens, &first, NOW.plus(300)), 40_001);
    tokens.classic("wx1", LIFETIME, 300, NOW.plus(10), &mut random);
    assert_eq!(code(&tokens, &first, NOW.plus(10)), 40_001);
    assert_eq!(code(&tokens, &second, NOW.plus(309)), 0);
}

#[test]
fn without_overlap_a_replaced_token_dies_at_once() {
    let (mut tokens, mut random) = start();
    let first = tokens.classic("wx1", LIFETIME, 0, NOW, &mut random);
    tokens.classic("wx1", LIFETIME, 0, NOW, &mut random);
    assert_eq!(code(&tokens, &first, NOW), 40_001);
}

#[test]
fn an_expired_token_is_told_from_an_unknown_one() {
    let (mut tokens, mut random) = start();
    let token = tokens.classic("wx1", LIFETIME, 300, NOW, &mut random);
    assert_eq!(code(&tokens, &token, NOW.plus(7_199)), 0);
    assert_eq!(code(&tokens, &token, NOW.plus(7_200)), 42_001);
    assert_eq!(code(&tokens, "50_unknown", NOW), 40_014);
}

#[test]
fn a_stable_token_stays_until_its_last_five_minutes_then_both_live() {
    let (mut tokens, mut random) = start();
    let (first, expires_in) = tokens.stable("wx1", LIFETIME, false, NOW, &mut random);
    assert_eq!(expires_in, 7_200);
    assert_eq!(
        tokens.stable("wx1", LIFETIME, false, NOW.plus(6_899), &mut random),
        (first.clone(), 301)
    );
    let rolled = NOW.plus(7_000);
    let (second, expires_in) = tokens.stable("wx1", LIFETIME, false, rolled, &mut random);
    assert_eq!(expires_in, 7_200);
    assert_ne!(first, second);
    assert_eq!(code(&tokens, &first, rolled.plus(299)), 0);
    assert_eq!(code(&tokens, &first, rolled.plus(300)), 42_001);
    assert_eq!(
        tokens.stable("wx1", LIFETIME, false, rolled, &mut random).0,
        second
    );
}

#[test]
fn a_forced_refresh_kills_the_old_token_and_works_thirty_seconds_apart() {
    let (mut tokens, mut random) = start();
    let (first, _) = tokens.stable("wx1", LIFETIME, false, NOW, &mut random);
    let (second, _) = tokens.stable("wx1", LIFETIME, true, NOW, &mut random);
    assert_ne!(first, second);
    assert_eq!(code(&tokens, &first, NOW), 40_001);
    assert_eq!(
        tokens.stable("wx1", LIFETIME, true, NOW.plus(29), &mut random),
        (second.clone(), 7_171)
    );
    assert_ne!(
        tokens.stable("wx1", LIFETIME, true, NOW.plus(30), &mut random).0,
        second
    );
}

#[test]
fn a_forced_refresh_works_twenty_times_a_day() {
    let (mut tokens, mut random) = start();
    let (mut last, _) = tokens.stable("wx1", LIFETIME, false, NOW, &mut random);
    for turn in 0..20 {
        let (next, _) = tokens.stable("wx1", LIFETIME, true, NOW.plus(turn * 30), &mut random);
        assert_ne!(next, last);
        last = next;
    }
    assert_eq!(
        tokens.stable("wx1", LIFETIME, true, NOW.plus(600), &mut random).0,
        last
    );
    let tomorrow = NOW.plus(86_400);
    let (first, _) = tokens.stable("wx1", LIFETIME, false, tomorrow, &mut random);
    assert_ne!(
        tokens.stable("wx1", LIFETIME, true, tomorrow, &mut random).0,
        first
    );
}

#[test]
fn kinds_and_apps_do_not_affect_each_other() {
    let (mut tokens, mut random) = start();
    let classic = tokens.classic("wx1", LIFETIME, 0, NOW, &mut random);
    let (stable, _) = tokens.stable("wx1", LIFETIME, false, NOW, &mut random);
    tokens.stable("wx1", LIFETIME, true, NOW, &mut random);
    assert_eq!(code(&tokens, &classic, NOW), 0);
    assert_eq!(code(&tokens, &stable, NOW), 40_001);
    tokens.classic("wx2", LIFETIME, 0, NOW, &mut random);
    assert_eq!(tokens.check(&classic, NOW), Ok("wx1"));
}

#[test]
fn killed_tokens_answer_40001_and_may_still_be_served() {
    let (mut tokens, mut random) = start();
    let classic = tokens.classic("wx1", LIFETIME, 300, NOW, &mut random);
    let (stable, _) = tokens.stable("wx1", LIFETIME, false, NOW, &mut random);
    assert_eq!(tokens.kill("wx1", Some(TokenKind::Stable), true, NOW), 1);
    assert_eq!(code(&tokens, &stable, NOW), 40_001);
    assert_eq!(code(&tokens, &classic, NOW), 0);
    assert_eq!(tokens.stable("wx1", LIFETIME, false, NOW, &mut random).0, stable);
    assert_ne!(tokens.stable("wx1", LIFETIME, true, NOW, &mut random).0, stable);
    assert_eq!(tokens.kill("wx1", None, false, NOW), 2);
    let (fresh, _) = tokens.stable("wx1", LIFETIME, false, NOW, &mut random);
    assert_eq!(code(&tokens, &fresh, NOW), 0);
}
