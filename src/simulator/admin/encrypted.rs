//! A user's data as a mini program gets it from WeChat: encrypted and signed with the user's session key.
//!
//! WeChat: AES-128-CBC with PKCS#7, the key being what the session key's base64 stands for; the signature is
//! SHA-1 over the raw data and the session key as text.

use actix_web::web::{Bytes, Data, Json};
use aws_lc_rs::cipher::{AES_128, EncryptionContext, PaddedBlockEncryptingKey, UnboundCipherKey};
use aws_lc_rs::iv::FixedLength;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Value, json};
use sha1::{Digest as _, Sha1};

use super::codes::kind_of;
use super::error::AdminError;
use super::input;
use crate::simulator::platform::Platform;
use crate::simulator::settings::AppKind;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    app_id: String,
    user: String,
    #[serde(default)]
    kind: Kind,
    /// With the key before the current one, as a client has it that encrypts too early.
    #[serde(default)]
    stale: bool,
    /// As `wx.getUserInfo` answers nowadays: nobody's name, no picture.
    #[serde(default)]
    anonymous: bool,
    /// Another app in the watermark.
    watermark_app_id: Option<String>,
}

#[derive(Deserialize, Default, Clone, Copy)]
#[serde(rename_all = "snake_case")]
enum Kind {
    #[default]
    Userinfo,
    Phone,
}

pub(super) async fn create(platform: Data<Platform>, body: Bytes) -> Result<Json<Value>, AdminError> {
    let wanted: Wanted = input::body(&body)?;
    let (now, mut world) = (platform.clock.now(), platform.world());
    if kind_of(&world, &wanted.app_id)? != AppKind::Mini {
        return Err(AdminError::Invalid("only mini programs have session keys".into()));
    }
    let iv = world.random.session_key();
    let index = world
        .users
        .find(&wanted.user)
        .ok_or(AdminError::NotFound("user"))?;
    let user = world.users.get(index).ok_or(AdminError::NotFound("user"))?;
    let app = world
        .apps
        .get(&wanted.app_id)
        .ok_or(AdminError::NotFound("app"))?;
    let key = if wanted.stale {
        app.sessions.stale_key(index)
    } else {
        app.sessions.key(index, now)
    };
    let key = key.ok_or(AdminError::NotFound("session key; the user has to log in first"))?;
    let (nickname, avatar_url) = if wanted.anonymous {
        ("微信用户", "")
    } else {
        (user.nickname.as_str(), user.avatar_url.as_str())
    };
    let shown = json!({
        "nickName": nickname, "gender": 0, "language": "zh_CN", "city": "", "province": "", "country": "",
        "avatarUrl": avatar_url,
    });
    let app_id = wanted.watermark_app_id.as_deref().unwrap_or(&app.id);
    let watermark = json!({"timestamp": now.seconds(), "appid": app_id});
    let plain = match wanted.kind {
        Kind::Phone => json!({
            "phoneNumber": user.shown_phone(), "purePhoneNumber": user.phone,
            "countryCode": user.country_code, "watermark": watermark,
        }),
        Kind::Userinfo => {
            let mut plain = json!({"openId": world.identities.openid(&app.id, &user.id)});
            if let (Some(plain), Some(shown)) = (plain.as_object_mut(), shown.as_object()) {
                plain.extend(shown.clone());
            }
            if let Some(account) = &app.switches.open_account {
                plain["unionId"] = world.identities.unionid(account, &user.id).into();
            }
            plain["watermark"] = watermark;
            plain
        }
    };
    let encrypted = encrypt(key, &iv, plain.to_string().into_bytes())
        .ok_or_else(|| AdminError::Invalid("the session key is no key".into()))?;
    let mut answer = json!({"encryptedData": encrypted, "iv": iv});
    // The phone number button's event has no signed data.
    if matches!(wanted.kind, Kind::Userinfo) {
        let raw = shown.to_string();
        answer["signature"] = hex::encode(Sha1::digest(format!("{raw}{key}"))).into();
        answer["rawData"] = raw.into();
    }
    Ok(Json(answer))
}

fn encrypt(key: &str, iv: &str, mut bytes: Vec<u8>) -> Option<String> {
    let iv: [u8; 16] = STANDARD.decode(iv).ok()?.try_into().ok()?;
    let key = UnboundCipherKey::new(&AES_128, &STANDARD.decode(key).ok()?).ok()?;
    let key = PaddedBlockEncryptingKey::cbc_pkcs7(key).ok()?;
    let context = EncryptionContext::Iv128(FixedLength::from(iv));
    key.less_safe_encrypt(&mut bytes, context).ok()?;
    Some(STANDARD.encode(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_wechat_encrypted_is_encrypted_to_the_same_bytes() {
        let file: Value = serde_json::from_str(include_str!("../../../tests/it/vectors.json")).unwrap();
        let vectors = file["vectors"].as_array().unwrap();
        let mut tried = 0;
        for vector in vectors {
            if vector["kind"] == "miniprogram_encrypted_data" {
                let input = |name| vector["inputs"][name].as_str().unwrap();
                let plain = vector["expected"]["plain"].as_str().unwrap();
                let encrypted = encrypt(input("session_key"), input("iv"), plain.into());
                assert_eq!(encrypted.as_deref(), Some(input("encryptedData")));
                tried += 1;
            }
        }
        assert_eq!(tried, 2);
    }
}
