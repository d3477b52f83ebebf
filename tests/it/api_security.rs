//! The keys of the signed and encrypted mode: how they are configured, and that calls of ours are made with them.

use std::fs;
use std::path::Path;

use wxgate::config::{Config, Invalid};

use crate::vectors;

const RSA: &str = "api_security_rsa_pss_sha256";
const RSA_CERTIFICATE: &str = "api_security_rsa_pss_sha256_verify";
const SM2: &str = "api_security_sm2_sm3_sign";
const SM2_CERTIFICATE: &str = "api_security_sm2_sm3_verify";
const AES: &str = "api_security_aes256gcm";
const SM4: &str = "api_security_sm4gcm";

fn input(kind: &str, name: &str) -> String {
    vectors::of(&[kind])[0].input(name).to_owned()
}

fn pem(label: &str, base64: &str) -> String {
    format!("-----BEGIN {label}-----\n{base64}\n-----END {label}-----\n")
}

/// A mini program with every key in a file, and the values of `change` instead.
fn load(change: &[(&str, &str)]) -> Result<Config, Invalid> {
    let folder = tempfile::tempdir().unwrap();
    let files = [
        ("aes", input(AES, "key_b64")),
        ("sm4", input(SM4, "key_base64")),
        ("rsa", input(RSA, "private_key_pem")),
        ("sm2", pem("PRIVATE KEY", &input(SM2, "private_key_pkcs8_base64"))),
        ("rsa.pem", input(RSA_CERTIFICATE, "certificate_pem")),
        (
            "sm2.pem",
            pem("CERTIFICATE", &input(SM2_CERTIFICATE, "certificate_der_base64")),
        ),
    ];
    for (name, text) in files {
        fs::write(folder.path().join(name), text).unwrap();
    }
    let mut env = vec![
        ("KIND", "mini"),
        ("APP_ID", "wxba6223c06417af7b"),
        ("APP_SECRET", "s3cret"),
        ("API_SECURITY__SYMMETRIC_KEY_FILE", "aes"),
        ("API_SECURITY__SYMMETRIC_SN", "fa05fe1e5bcc79b81ad5ad4b58acf787"),
        ("API_SECURITY__PRIVATE_KEY_FILE", "rsa"),
        ("API_SECURITY__PRIVATE_KEY_SN", "97845f6ed842ea860df6fdf65941ff56"),
        ("API_SECURITY__CERTIFICATE_FILE", "rsa.pem"),
        ("API_SECURITY__CERTIFICATE_SN", "79ba700ea147819f640941bceb38b1d1"),
    ];
    for (name, value) in change {
        env.retain(|(known, _)| known != name);
        env.push((name, value));
    }
    let env = env
        .iter()
        .map(|(name, value)| (format!("WXGATE__APPS__GAME__{name}"), (*value).to_owned()));
    Config::from_layers(None::<&Path>, folder.path(), env)
}

fn problems(result: Result<Config, Invalid>) -> Vec<String> {
    result.unwrap_err().0.iter().map(ToString::to_string).collect()
}

#[test]
fn either_kind_of_keys_can_be_given_in_files() {
    let sm = [
        ("API_SECURITY__SYMMETRIC_KEY_FILE", "sm4"),
        ("API_SECURITY__CIPHER", "SM4_GCM"),
        ("API_SECURITY__PRIVATE_KEY_FILE", "sm2"),
        ("API_SECURITY__SIGNER", "SM2"),
        ("API_SECURITY__CERTIFICATE_FILE", "sm2.pem"),
        ("API_SECURITY__ALSO", "/wxa/own, /wxa/more/*"),
    ];
    for change in [&[][..], &sm] {
        let config = load(change).unwrap();
        let security = config.apps.named("game").unwrap().api_security.as_ref().unwrap();
        assert!(security.paths.cover("/wxa/getuserriskrank"));
        assert_eq!(security.paths.cover("/wxa/more/of/them"), !change.is_empty());
        let shown = format!("{config:?}");
        assert!(
            !shown.contains(&input(AES, "key_b64")) && !shown.contains("BEGIN"),
            "{shown}"
        );
    }
}

#[test]
fn keys_that_do_not_belong_together_are_told() {
    let other = [
        ("API_SECURITY__CIPHER", "SM4_GCM"),
        ("API_SECURITY__SIGNER", "SM2"),
        ("API_SECURITY__CERTIFICATE_FILE", "rsa"),
    ];
    insta::assert_snapshot!(problems(load(&other)).join("\n"), @r"
    apps.0.api_security.symmetric_key must be 16 bytes in base64 for SM4_GCM
    apps.0.api_security.private_key is no SM2 key
    apps.0.api_security.certificate must be one certificate in PEM: -----BEGIN CERTIFICATE-----…
    ");
    let none = [
        ("API_SECURITY__SYMMETRIC_KEY_FILE", ""),
        ("API_SECURITY__PRIVATE_KEY_FILE", ""),
        ("API_SECURITY__CERTIFICATE_FILE", ""),
        ("API_SECURITY__PRIVATE_KEY_SN", ""),
    ];
    insta::assert_snapshot!(problems(load(&none)).join("\n"), @r"
    apps.0.api_security.private_key_sn is missing; the console shows it beside the key
    apps.0.api_security.symmetric_key is missing
    apps.0.api_security.private_key is missing
    apps.0.api_security.certificate is missing
    ");
    let all = none.into_iter().chain([
        ("API_SECURITY__SYMMETRIC_SN", ""),
        ("API_SECURITY__CERTIFICATE_SN", ""),
    ]);
    let config = load(&all.collect::<Vec<_>>()).unwrap();
    assert!(config.apps.named("game").unwrap().api_security.is_none());
}
