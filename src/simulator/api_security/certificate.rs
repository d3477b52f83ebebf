//! A certificate of the platform's (X.509) that its key signs itself. It is trusted because the console shows it, so there
//! is no chain of issuers, and its dates are wide.

use super::keys::{PrivateKey, Signer, pem};

const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const UTF8: u8 = 0x0c;
const TIME: u8 = 0x17;
const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const VERSION: u8 = 0xa0;

/// `sha256WithRSAEncryption`, with its empty parameter.
const RSA: &[u8] = &[
    0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b, 0x05, 0x00,
];
/// `sm2-with-sm3`.
const SM2: &[u8] = &[0x06, 0x08, 0x2a, 0x81, 0x1c, 0xcf, 0x55, 0x01, 0x83, 0x75];
const COMMON_NAME: &[u8] = &[0x06, 0x03, 0x55, 0x04, 0x03];

/// The certificate of a key, in PEM.
pub(super) fn of(key: &PrivateKey, common_name: &str) -> String {
    let algorithm = tagged(
        SEQUENCE,
        &[match key.signer() {
            Signer::Rsa => RSA,
            Signer::Sm2 => SM2,
        }],
    );
    let name = tagged(SEQUENCE, &[COMMON_NAME, &tagged(UTF8, &[common_name.as_bytes()])]);
    let name = tagged(SEQUENCE, &[&tagged(SET, &[&name])]);
    let dates = [b"200101000000Z", b"491231235959Z"].map(|date| tagged(TIME, &[date]));
    // A number must not be negative, so its first bit is none.
    let mut serial: [u8; 16] = rand::random();
    serial[0] = serial[0] & 0x7f | 0x40;
    let to_sign = tagged(
        SEQUENCE,
        &[
            &tagged(VERSION, &[&tagged(INTEGER, &[&[2]])]),
            &tagged(INTEGER, &[&serial]),
            &algorithm,
            &name,
            &tagged(SEQUENCE, &[&dates[0], &dates[1]]),
            &name,
            &key.public_der(),
        ],
    );
    let signature = key.sign_certificate(&to_sign);
    let signature = tagged(BIT_STRING, &[&[0], &signature]);
    pem(
        "CERTIFICATE",
        tagged(SEQUENCE, &[&to_sign, &algorithm, &signature]),
    )
}

/// One value of DER.
fn tagged(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let body = parts.concat();
    let length = body.len().to_be_bytes();
    let length: Vec<u8> = length.into_iter().skip_while(|byte| *byte == 0).collect();
    let mut value = vec![tag];
    match (length.as_slice(), u8::try_from(length.len())) {
        ([], _) => value.push(0),
        ([short @ 0..0x80], _) => value.push(*short),
        (long, count) => {
            value.push(0x80 | count.unwrap_or_default());
            value.extend_from_slice(long);
        }
    }
    value.extend(body);
    value
}
