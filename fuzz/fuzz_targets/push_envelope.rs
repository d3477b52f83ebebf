//! Envelopes: damaged ones are refused, whatever is sealed opens for its own app alone. The input is taken as the text of
//! an envelope, as its ciphertext, as what was encrypted, and as a text to seal.
#![no_main]

use aws_lc_rs::cipher::{AES_256, EncryptingKey, EncryptionContext, UnboundCipherKey};
use aws_lc_rs::iv::FixedLength;
use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::general_purpose::{GeneralPurpose, NO_PAD};
use base64::prelude::BASE64_STANDARD;
use libfuzzer_sys::fuzz_target;
use wxgate::domain::ids::AppId;
use wxgate::domain::push::envelope::AesKey;

const KEY: &str = "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C";

fuzz_target!(|input: &[u8]| {
    let key: AesKey = KEY.parse().expect("a key");
    let app_id: AppId = "wx5823bf96d3bd56c7".parse().expect("an id");
    let other: AppId = "wx5823bf96d3bd56c8".parse().expect("an id");
    if let Ok(text) = std::str::from_utf8(input) {
        let _ = text.parse::<AesKey>();
        let _ = key.open(text, &app_id);
        let sealed = key.seal([7; 16], text, &app_id);
        assert_eq!(key.open(&sealed, &app_id).as_deref(), Ok(text));
        assert!(key.open(&sealed, &other).is_err());
    }
    let _ = key.open(&BASE64_STANDARD.encode(input), &app_id);
    let mut inside = input.to_vec();
    // The last byte says how much padding there is, so the end stays where it is.
    inside.splice(0..0, std::iter::repeat_n(0, input.len().next_multiple_of(32) - input.len()));
    let _ = key.open(&encrypted(inside), &app_id);
});

/// The envelope in which these bytes are, whatever they are.
fn encrypted(mut bytes: Vec<u8>) -> String {
    let engine = GeneralPurpose::new(&STANDARD, NO_PAD.with_decode_allow_trailing_bits(true));
    let key = engine.decode(KEY).expect("a key");
    let iv: [u8; 16] = key[..16].try_into().expect("the key has 32 bytes");
    let cipher = UnboundCipherKey::new(&AES_256, &key).expect("the key has 32 bytes");
    let cipher = EncryptingKey::cbc(cipher).expect("AES-256 has a CBC mode");
    let context = EncryptionContext::Iv128(FixedLength::from(iv));
    cipher.less_safe_encrypt(&mut bytes, context).expect("whole blocks");
    BASE64_STANDARD.encode(bytes)
}
