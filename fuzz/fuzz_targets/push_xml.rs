//! Bodies of pushes: whatever comes, it is refused or becomes an event, and what became one is written and read again
//! without loss.
#![no_main]

use libfuzzer_sys::fuzz_target;
use wxgate::domain::push::event::Event;
use wxgate::domain::push::payload::{Format, Payload};
use wxgate::domain::push::reply::Reply;

fuzz_target!(|body: &[u8]| {
    let Ok(payload) = Payload::parse(body) else {
        return;
    };
    assert_eq!(payload.text.as_bytes(), body);
    let (app, app_id) = ("shop".parse().expect("a name"), "wx1".parse().expect("an id"));
    let Ok(event) = Event::normalise(&app, &app_id, "evt_1".to_owned(), 1, payload) else {
        return;
    };
    // What receivers get and the store keeps. Numbers and names must survive it.
    let json = serde_json::to_string(&event).expect("events are JSON");
    let again: Event = serde_json::from_str(&json).expect("what we write can be read");
    assert_eq!(again, event);
    assert_eq!(again.dedupe_key(), event.dedupe_key());
    let template = "{content} {key} {scan_code_info.scan_result} {{openid}}";
    let reply = Reply::Text { content: template.to_owned() }.fill(&event);
    if reply.check().is_err() {
        return;
    }
    for part in reply.parts(1).into_iter().flatten() {
        let Reply::Text { content } = &part else {
            unreachable!("a text stays a text")
        };
        for format in [Format::Xml, Format::Json] {
            let rendered = part.render(format, event.openid.as_deref().unwrap_or("o"), &event.account, 1);
            let read = Payload::parse(rendered.as_bytes()).expect("what we write can be read");
            assert_eq!(read.members.len(), 5);
            assert_eq!(read.text("Content").as_deref(), Some(content.as_str()));
        }
    }
});
