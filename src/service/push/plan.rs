//! What is answered to an event, and who has to know of it. Nothing is stored or sent here.

use std::sync::Arc;

use super::Push;
use crate::config::{App, AppKind};
use crate::domain::ids::WebhookId;
use crate::domain::push::event::Event;
use crate::domain::push::reply::Reply;
use crate::service::records::{Answer, Webhook};
use crate::service::reply_rules::Matched;

/// What is done about an event.
pub(super) struct Plan {
    /// What is answered, as far as it is known.
    pub(super) answer: Answer,
    /// Who is asked for an answer.
    pub(super) asked: Option<Arc<Webhook>>,
    /// Who gets it delivered.
    pub(super) owes: Vec<WebhookId>,
}

impl Push {
    pub(super) fn plan(&self, app: &App, event: &Event) -> Plan {
        let mut wanting = self.tools.webhooks.wanting(event);
        let mut answer = Answer::default();
        let mut asked = None;
        if can_be_answered(app, event) {
            let responder = wanting.iter().position(|webhook| webhook.reply);
            match (self.tools.rules.reply_to(&app.name, event), responder) {
                (Matched::Rule(reply), _) | (Matched::Default(reply), None) => {
                    set_reply(&mut answer, app, event, &reply);
                }
                (Matched::Default(_) | Matched::None, Some(position)) => {
                    let webhook = wanting.remove(position);
                    answer.asked = Some(webhook.id.clone());
                    asked = Some(webhook);
                }
                (Matched::None, None) => {}
            }
        }
        Plan {
            answer,
            asked,
            owes: wanting.iter().map(|webhook| webhook.id.clone()).collect(),
        }
    }
}

/// Whether the user hears an answer: in mini programs also one to whoever opens a conversation, as a message of its own.
/// (客服消息下发条件)
fn can_be_answered(app: &App, event: &Event) -> bool {
    match app.kind {
        AppKind::Official => event.allows_reply(false),
        AppKind::Mini => event.allows_reply(true) || event.r#type == "user_enter_tempsession",
    }
}

/// Makes `reply` the answer to an event: what WeChat takes in answer to the push, and the rest as messages of their own.
pub(super) fn set_reply(answer: &mut Answer, app: &App, event: &Event, reply: &Reply) {
    let filled = reply.fill(event);
    let checked = filled
        .check()
        .and_then(|()| filled.parts(event.articles_allowed()));
    let mut parts = match checked {
        Ok(parts) => parts,
        Err(error) => {
            tracing::warn!(event = %event.id, app = %app.name, %error, "a reply is not given: WeChat would not take it");
            return;
        }
    };
    // 小程序 customer service: a push is answered with nothing but the transfer to an agent; all else are messages of
    // their own.
    let is_passive = match app.kind {
        AppKind::Official => true,
        AppKind::Mini => parts.iter().all(Reply::for_mini),
    };
    if parts.iter().any(Reply::for_mini) && !event.allows_transfer() {
        tracing::warn!(event = %event.id, app = %app.name, "a reply is not given: only a message can be handed over to customer service");
        return;
    }
    if app.kind == AppKind::Mini && !is_passive && !parts.iter().all(Reply::for_mini_later) {
        tracing::warn!(event = %event.id, app = %app.name, "a reply is not given: a mini program can send texts and pictures only");
        return;
    }
    if is_passive && !answer.late && !parts.is_empty() {
        answer.passive = Some(parts.remove(0));
    }
    answer.later = parts;
}
