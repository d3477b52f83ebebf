//! Whether a server that takes writes is known just now, as the driver's monitors see it. Nothing is sent from here.

use mongodb::event::EventHandler;
use mongodb::event::sdam::SdamEvent;
use mongodb::{ServerInfo, ServerType};
use tokio::sync::watch;

/// Follows the driver's picture of the servers. An operation that begins only when a server is known, and else
/// fails, is known not to have been sent.
pub(super) fn follow() -> (EventHandler<SdamEvent>, watch::Receiver<bool>) {
    let (sender, receiver) = watch::channel(false);
    let handler = EventHandler::callback(move |event| {
        if let SdamEvent::TopologyDescriptionChanged(change) = event {
            let writable = change.new_description.servers().values().any(takes_writes);
            sender.send_replace(writable);
        }
    });
    (handler, receiver)
}

fn takes_writes(server: &ServerInfo<'_>) -> bool {
    matches!(
        server.server_type(),
        ServerType::Standalone | ServerType::RsPrimary | ServerType::Mongos | ServerType::LoadBalancer
    )
}
