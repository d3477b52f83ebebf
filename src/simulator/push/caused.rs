//! Events that API calls cause some time later: the result of a message or of a check. An endpoint says which event is
//! pushed to whom and when; how it is pushed is as with any other.

use std::time::Duration;

use actix_web::rt::time::sleep;
use actix_web::web::Data;
use serde_json::{Map, Value, json};

use super::act::Doing;
use super::begin::{self, Manner};
use super::deliver;
use crate::simulator::platform::Platform;
use crate::simulator::world::Desk;

/// Events that the call which is being served has caused.
#[derive(Debug, Clone, Default)]
pub(crate) struct Causes(Vec<Cause>);

#[derive(Debug, Clone)]
struct Cause {
    app_id: String,
    user: usize,
    event: Map<String, Value>,
    delay_ms: u32,
}

impl Desk<'_> {
    /// An id for a message or a job that the call begins.
    pub(crate) fn message_id(&mut self) -> u64 {
        self.pushes.message_id(self.now)
    }

    /// Pushes this event about the user so long after the call as the app's switch says. `event` is an object as the
    /// admin API takes it, with its `type`. An app without a server gets nothing.
    pub(crate) fn cause(&mut self, user: usize, event: Value) {
        let delay_ms = self.app.switches.event_delay_ms;
        self.cause_in(delay_ms, user, event);
    }

    /// The same with a delay of its own.
    pub(crate) fn cause_in(&mut self, delay_ms: u32, user: usize, event: Value) {
        if let (Some(_), Value::Object(event)) = (&self.app.server, event) {
            self.causes.0.push(Cause {
                app_id: self.app.id.clone(),
                user,
                event,
                delay_ms,
            });
        }
    }

    /// The result of a template message: `success`, `failed:user block` or `failed: system failed`.
    pub(crate) fn cause_template_result(&mut self, user: usize, msg_id: u64, status: &str) {
        self.cause(
            user,
            json!({"type": "template_sent", "msg_id": msg_id, "status": status}),
        );
    }

    /// The result of a subscribe message that arrived.
    pub(crate) fn cause_subscription_result(&mut self, user: usize, msg_id: u64, template_id: &str) {
        let item = json!({"template_id": template_id, "msg_id": msg_id});
        self.cause(user, json!({"type": "subscription_sent", "list": [item]}));
    }
}

/// Lets everything happen in its time that the calls so far have caused. It goes on when the callers leave, and ends
/// with the simulator.
pub(crate) fn set_off(platform: &Data<Platform>) {
    let causes = std::mem::take(&mut platform.world().causes.0);
    for cause in causes {
        let platform = platform.clone();
        actix_web::rt::spawn(async move {
            sleep(Duration::from_millis(cause.delay_ms.into())).await;
            let begun = {
                let (now, mut world) = (platform.clock.now(), platform.world());
                let doing = Doing::Event(&cause.event);
                begin::begin(
                    &mut world,
                    &cause.app_id,
                    cause.user,
                    &doing,
                    Manner::default(),
                    now,
                )
            };
            // After a reset there may be no such app or user any more; then nobody waits for the event either.
            if let Ok(parcel) = begun {
                deliver::carry(platform, parcel).await;
            }
        });
    }
}
