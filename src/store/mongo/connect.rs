//! From an address to a connection that works. The address has a password in it: it is in no error from here.

use std::time::Duration;

use mongodb::error::ErrorKind;
use mongodb::options::{
    ClientOptions, ReadConcern, ReadPreference, SelectionCriteria, ServerAddress, WriteConcern,
};
use mongodb::{Client, Database};
use secrecy::{ExposeSecret, SecretString};
use tokio::runtime::Handle;
use tokio::time::{Instant, timeout_at};

use super::calls::Calls;
use super::{schema, topology};
use crate::store::open::{LAYOUT, OpenError, PATIENCE};

/// How many connections a process opens to a server, and how many operations it has under way.
const CONNECTIONS: u32 = 50;
/// How long the server goes on waiting for a majority after our caller has been told that it is not known.
const MAJORITY: Duration = Duration::from_secs(10);

pub(super) async fn connect(url: &SecretString, handle: Handle) -> Result<(Database, Calls), OpenError> {
    let deadline = Instant::now() + PATIENCE;
    let address = url.clone();
    let parsing = handle.spawn(async move { ClientOptions::parse(address.expose_secret()).await });
    let mut options = match timeout_at(deadline, parsing).await {
        Ok(Ok(Ok(options))) => options,
        Ok(Ok(Err(error))) => return Err(not_an_address(&error.kind)),
        // Only the look-up of a mongodb+srv address takes time.
        Ok(Err(_)) | Err(_) => {
            return Err(OpenError::Unreachable {
                hosts: "the address's SRV record".to_owned(),
            });
        }
    };
    let Some(name) = options.default_database.clone().filter(|name| !name.is_empty()) else {
        return Err(OpenError::NoDatabase);
    };
    let hosts = hosts(&options.hosts);
    let connections = tune(&mut options);
    let (handler, writable) = topology::follow();
    options.sdam_event_handler = Some(handler);

    // The driver starts its monitors on the runtime that it finds itself on.
    let client = {
        let _on = handle.enter();
        Client::with_options(options)
    };
    let client = client.map_err(|error| not_an_address(&error.kind))?;
    let database = client.database(&name);
    let calls = Calls::new(handle, connections, writable);
    match check(&calls, &database, &hosts, deadline).await {
        Ok(()) => Ok((database, calls)),
        Err(error) => {
            drop(calls.spawn(client.shutdown().immediate(true).into_future()));
            Err(error)
        }
    }
}

async fn check(calls: &Calls, database: &Database, hosts: &str, deadline: Instant) -> Result<(), OpenError> {
    let unreachable = || OpenError::Unreachable {
        hosts: hosts.to_owned(),
    };
    if !calls.server(deadline).await {
        return Err(unreachable());
    }
    let database = database.clone();
    let asking = calls.spawn(async move { schema::layout(&database).await });
    match timeout_at(deadline, asking).await {
        Ok(Ok(Ok(found))) if found > LAYOUT => Err(OpenError::Newer { found, known: LAYOUT }),
        Ok(Ok(Ok(_))) => Ok(()),
        Ok(Ok(Err(source))) => Err(OpenError::Rejected {
            hosts: hosts.to_owned(),
            source: Box::new(source),
        }),
        Ok(Err(_)) | Err(_) => Err(unreachable()),
    }
}

/// Sets what the address leaves open, and what it must not choose. Returns how many connections there may be.
fn tune(options: &mut ClientOptions) -> usize {
    let connections = *options.max_pool_size.get_or_insert(CONNECTIONS);
    options.heartbeat_freq.get_or_insert(Duration::from_secs(1));
    options.connect_timeout.get_or_insert(Duration::from_secs(2));
    // Longer than an election. Callers wait 5 s all the same; a shorter time here turned stalls into errors.
    options
        .server_selection_timeout
        .get_or_insert(Duration::from_secs(15));
    options.app_name.get_or_insert_with(|| "wxgate".to_owned());
    options.retry_writes = Some(true);
    options.retry_reads = Some(true);
    // A stand-alone server has no majority to wait for; there the journal is what makes a write durable.
    let concern = WriteConcern::builder()
        .w(mongodb::options::Acknowledgment::Majority)
        .journal(true)
        .w_timeout(MAJORITY)
        .build();
    options.write_concern = Some(concern);
    options.read_concern = Some(ReadConcern::majority());
    options.selection_criteria = Some(SelectionCriteria::ReadPreference(ReadPreference::Primary));
    match connections {
        // That means as many as wanted.
        0 => CONNECTIONS as usize,
        some => some as usize,
    }
}

fn hosts(addresses: &[ServerAddress]) -> String {
    let hosts: Vec<_> = addresses.iter().map(ToString::to_string).collect();
    hosts.join(", ")
}

fn not_an_address(kind: &ErrorKind) -> OpenError {
    let reason = match kind {
        ErrorKind::DnsResolve { .. } => "its SRV record cannot be looked up",
        ErrorKind::InvalidTlsConfig { .. } => "its TLS files cannot be used",
        // The driver quotes parts of the address here, and a password with an unescaped @ or / among them.
        _ => "check its form; special characters in the user name and the password must be percent-encoded",
    };
    OpenError::MongoAddress {
        reason: reason.to_owned(),
    }
}
