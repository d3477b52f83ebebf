//! Pushes, envelopes and replies that others have made, to compare ours with.

use serde_json::{Value, json};
use wxgate::domain::ids::{AppId, AppName};
use wxgate::domain::push::envelope::{AesKey, Refused, encrypted_reply};
use wxgate::domain::push::event::Event;
use wxgate::domain::push::payload::{Format, Malformed, Payload};
use wxgate::domain::push::reply::Reply;
use wxgate::domain::signature;

use crate::vectors::{self, Vector};

fn key(vector: &Vector) -> AesKey {
    vector.input("encoding_aes_key").parse().unwrap()
}

fn app_id(vector: &Vector) -> AppId {
    vector.input("appid").parse().unwrap()
}

fn expected<'a>(vector: &'a Vector, names: &[&str]) -> &'a str {
    let found = names.iter().find_map(|name| vector.expected[*name].as_str());
    found.unwrap_or_else(|| panic!("{} has none of {names:?}", vector.name))
}

fn normalised(payload: Payload) -> Result<Event, Malformed> {
    let app: AppName = "shop".parse().unwrap();
    let app_id: AppId = "wx0123456789abcdef".parse().unwrap();
    Event::normalise(&app, &app_id, "evt_1".to_owned(), 1_700_000_000, payload)
}

#[test]
fn envelopes_are_signed_as_others_sign_them() {
    let with_signature = [
        "msg_aes_decrypt",
        "echostr_aes_decrypt",
        "msg_aes_decrypt_error",
        "msg_signature_sha1",
    ];
    let mut vectors = vectors::of(&with_signature);
    vectors.extend(vectors::of(&["push_msg_signature"]));
    assert!(vectors.len() >= 6);
    for vector in vectors {
        let given = vector.inputs["msg_signature"].as_str();
        let right = given.unwrap_or_else(|| expected(&vector, &["msg_signature"]));
        let values = ["timestamp", "nonce", "encrypt"].map(|name| vector.input(name));
        let token = vector.input("token").into();
        assert!(
            signature::callback(&token, &values).matches(right),
            "{}",
            vector.name
        );
        let wrong = [values[0], values[1], "x"];
        assert!(!signature::callback(&token, &wrong).matches(right));
    }
}

#[test]
fn envelopes_of_others_open() {
    for vector in vectors::of(&["msg_aes_decrypt", "echostr_aes_decrypt", "push_aes_decrypt"]) {
        let plain = expected(&vector, &["plaintext", "plain"]);
        let opened = key(&vector).open(vector.input("encrypt"), &app_id(&vector));
        assert_eq!(opened.as_deref(), Ok(plain), "{}", vector.name);
        let other = "wx0000000000000000".parse().unwrap();
        assert_eq!(key(&vector).open(vector.input("encrypt"), &other), Err(Refused));
    }
}

#[test]
fn an_envelope_of_another_app_does_not_open() {
    for vector in vectors::of(&["msg_aes_decrypt_error"]) {
        let encrypt = vector.input("encrypt");
        // The AppID of the vector could not be configured, as it has a blank.
        assert!(vector.input("appid").parse::<AppId>().is_err());
        let wrong: AppId = vector.input("appid").replace(' ', "_").parse().unwrap();
        assert_eq!(key(&vector).open(encrypt, &wrong), Err(Refused));
        let right = "wxb11529c136998cb6".parse().unwrap();
        assert!(
            key(&vector).open(encrypt, &right).is_ok(),
            "nothing else is wrong with it"
        );
    }
}

#[test]
fn envelopes_are_sealed_as_others_seal_them() {
    for vector in vectors::of(&["msg_aes_encrypt", "push_aes_encrypt"]) {
        let random = vector.inputs["random16"]
            .as_str()
            .unwrap_or_else(|| vector.input("random"));
        let random: [u8; 16] = random.as_bytes().try_into().unwrap();
        let text = vector.inputs["plaintext"]
            .as_str()
            .unwrap_or_else(|| vector.input("plain"));
        let (key, app_id) = (key(&vector), app_id(&vector));
        let encrypt = expected(&vector, &["encrypt", "Encrypt"]);
        assert_eq!(key.seal(random, text, &app_id), encrypt, "{}", vector.name);
        let Some(timestamp) = vector.inputs["timestamp"].as_str() else {
            continue;
        };
        let token = vector.input("token").into();
        let (timestamp, nonce) = (timestamp.parse().unwrap(), vector.input("nonce"));
        let signature = expected(&vector, &["msg_signature", "MsgSignature"]);
        for format in [Format::Xml, Format::Json] {
            let reply = encrypted_reply(format, &token, &key, &app_id, timestamp, nonce, random, text);
            let read = Payload::parse(reply.as_bytes()).unwrap();
            assert_eq!(read.format, format);
            assert_eq!(read.text("Encrypt").unwrap(), encrypt);
            assert_eq!(read.text("MsgSignature").unwrap(), signature);
            assert_eq!(read.integer("TimeStamp"), Some(timestamp));
            assert_eq!(read.text("Nonce").unwrap(), nonce);
            if let (Format::Xml, Some(theirs)) = (format, vector.expected["reply_xml"].as_str()) {
                assert_eq!(read.members, Payload::parse(theirs.as_bytes()).unwrap().members);
            }
        }
    }
}

#[test]
fn pushes_are_read_as_others_read_them() {
    for vector in vectors::of(&["push_xml", "push_json"]) {
        let read = Payload::parse(vector.input("body").as_bytes()).unwrap();
        assert_eq!(json!(read.members), vector.expected["fields"], "{}", vector.name);
        assert_eq!(read.text, vector.input("body"));
    }
}

/// The stored form and that of webhooks: a change of it is a change for every receiver.
#[test]
fn pushes_of_others_become_events() {
    let mut events = serde_json::Map::new();
    for vector in vectors::of(&["push_xml", "push_json"]) {
        let payload = Payload::parse(vector.input("body").as_bytes()).unwrap();
        if vector.name == "component_verify_ticket_event" {
            // It is for third-party platforms (第三方平台), and no message of an account's.
            assert_eq!(normalised(payload), Err(Malformed::Missing("MsgType")));
            continue;
        }
        let event = normalised(payload).unwrap();
        let mut json = json!(event);
        assert_eq!(serde_json::from_value::<Event>(json.clone()).unwrap(), event);
        assert_eq!(json["payload"]["text"], vector.input("body"));
        for constant in ["id", "app", "app_id", "received_at", "payload"] {
            json.as_object_mut().unwrap().shift_remove(constant).unwrap();
        }
        events.insert(vector.name, json);
    }
    insta::assert_json_snapshot!(events);
}

#[test]
fn replies_are_written_as_others_write_them() {
    for vector in vectors::of(&["reply_xml"]) {
        let ours = match vector.name.as_str() {
            "text_message_reply" => json!({"type": "text", "content": "你好"}),
            "image_message_reply" => json!({"type": "image", "media_id": "media_id"}),
            "voice_message_reply" => json!({"type": "voice", "media_id": "media_id"}),
            "music_message_reply" => json!({
                "type": "music", "title": "TITLE", "description": "DESCRIPTION", "music_url": "MUSIC_Url",
                "hq_music_url": "HQ_MUSIC_Url", "thumb_media_id": "media_id"
            }),
            "transfer_customer_service_reply" => {
                json!({"type": "transfer_customer_service", "kf_account": "test1@test"})
            }
            other => panic!("{other} is new"),
        };
        let reply: Reply = serde_json::from_value(ours).unwrap();
        let fields = &vector.expected["fields"];
        let [to, from, time] =
            ["ToUserName", "FromUserName", "CreateTime"].map(|name| fields[name].as_str().unwrap());
        let time = time.parse().unwrap();
        let ours = Payload::parse(reply.render(Format::Xml, to, from, time).as_bytes()).unwrap();
        let theirs = Payload::parse(vector.input("body").as_bytes()).unwrap();
        assert_eq!(ours.members, theirs.members, "{}", vector.name);
        assert_eq!(json!(theirs.members), *fields);
        let json: Value = serde_json::from_str(&reply.render(Format::Json, to, from, time)).unwrap();
        assert_eq!(json["CreateTime"], time);
        assert_eq!(json["MsgType"], fields["MsgType"]);
    }
}
