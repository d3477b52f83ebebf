//! Real MongoDB servers for tests: shared ones, started at the first use and once per test process, and private
//! ones that a test may kill, freeze and start again. What is tested with them is not here.
//!
//! No server to be had is a failure with a message, never a skipped test.

mod locate;
mod node;

use std::time::Duration;

use anyhow::{Result, bail};
use mongodb::bson::{Document, doc};
use tokio::{
    sync::OnceCell,
    time::{Instant, sleep},
};
use uuid::Uuid;

pub(crate) use node::Node;

const REPLICA_SET: &str = "rs0";

/// A standalone server or a replica set; either is addressed by one URL.
pub(crate) struct Mongod {
    url: Url,
    /// Empty if the server is somebody else's (`MONGODB_URI`).
    nodes: Vec<Node>,
}

/// A failed start is kept as well: hundreds of tests trying again would take hours to say the same.
type Shared = OnceCell<Result<Mongod, String>>;

impl Mongod {
    /// The standalone server that all tests of this process share, or the server `MONGODB_URI` names.
    pub(crate) async fn standalone() -> &'static Self {
        static SHARED: Shared = Shared::const_new();
        shared(&SHARED, async { start(1, None).await }).await
    }

    /// The replica set (of one node) that all tests of this process share, or the server `MONGODB_URI` names,
    /// whatever kind that is.
    pub(crate) async fn replica_set() -> &'static Self {
        static SHARED: Shared = Shared::const_new();
        shared(&SHARED, async { start(1, Some(Setup::Brisk)).await }).await
    }

    /// A standalone server for one test, which may ill-treat it.
    pub(crate) async fn start_private() -> Self {
        start(1, None).await.expect("a MongoDB starts")
    }

    /// A replica set for one test, which may ill-treat it. It has a primary, and all others follow it.
    pub(crate) async fn replica_set_of(nodes: usize) -> Self {
        Self::replica_set_as(nodes, Setup::Brisk).await
    }

    /// The same, set up in one of the ways that are compared.
    pub(crate) async fn replica_set_as(nodes: usize, setup: Setup) -> Self {
        start(nodes, Some(setup))
            .await
            .expect("a replica set of MongoDB starts")
    }

    /// The name of a database that no other test uses, in this run or another.
    pub(crate) fn fresh_database() -> String {
        format!("wxgate_it_{}", Uuid::now_v7().simple())
    }

    /// The connection string of a database.
    pub(crate) fn url(&self, database: &str) -> String {
        self.url.of(database)
    }

    /// The server processes, for tests that treat them differently. None with `MONGODB_URI`.
    pub(crate) fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// The process of the only (or first) node.
    pub(crate) fn pid(&self) -> u32 {
        self.nodes.first().expect("the server is our own").pid()
    }

    /// Kills all nodes with SIGKILL; their data stay.
    pub(crate) fn kill(&self) {
        self.nodes.iter().for_each(Node::kill);
    }

    /// Freezes all nodes.
    pub(crate) fn stop(&self) {
        self.nodes.iter().for_each(Node::stop);
    }

    /// Lets all frozen nodes go on.
    pub(crate) fn cont(&self) {
        self.nodes.iter().for_each(Node::cont);
    }

    /// Kills and starts all nodes, and waits until they answer; a replica set until it has a primary again.
    pub(crate) async fn restart(&self) {
        for node in &self.nodes {
            node.kill();
        }
        for node in &self.nodes {
            node.restart().await;
        }
        if self.url.names_replica_set() {
            self.settle().await;
        }
    }

    /// Waits until one node is primary and all others follow it.
    pub(crate) async fn settle(&self) {
        settled(&self.nodes)
            .await
            .expect("the replica set has a primary again");
    }

    /// The node that takes writes. Waits for an election.
    pub(crate) async fn primary(&self) -> &Node {
        let deadline = Instant::now() + PATIENCE;
        loop {
            for node in &self.nodes {
                let hello = ask(node, doc! { "hello": 1 }).await.unwrap_or_default();
                if hello.get_bool("isWritablePrimary").unwrap_or_default() {
                    return node;
                }
            }
            assert!(Instant::now() < deadline, "no primary was elected");
            sleep(PAUSE).await;
        }
    }
}

/// How the servers of a replica set are set up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(dead_code, reason = "only the measurement of failovers has all of them")]
pub(crate) enum Setup {
    /// As they are by themselves: an election after ten seconds.
    Defaults,
    /// An election after two seconds: with the default every test of a failover would take as long.
    Brisk,
    /// As docs/operations.md recommends.
    Recommended,
}

impl Setup {
    /// The servers' parameters.
    fn parameters(self) -> &'static [&'static str] {
        match self {
            Self::Defaults | Self::Brisk => &[],
            Self::Recommended => &["oplogNetworkTimeoutBufferSeconds=1"],
        }
    }

    /// The settings of the replica set.
    fn settings(self) -> Document {
        match self {
            Self::Defaults => doc! {},
            Self::Brisk | Self::Recommended => {
                doc! { "electionTimeoutMillis": 2000, "heartbeatIntervalMillis": 500 }
            }
        }
    }
}

/// How long an election may take.
const PATIENCE: Duration = Duration::from_mins(1);
/// Between two questions to servers that are not ready.
const PAUSE: Duration = Duration::from_millis(50);

async fn shared(shared: &'static Shared, start: impl Future<Output = Result<Mongod>>) -> &'static Mongod {
    let init = async {
        match locate::given() {
            Some(uri) => Ok(Mongod {
                url: Url::parse(&uri),
                nodes: Vec::new(),
            }),
            None => start.await.map_err(|error| format!("{error:#}")),
        }
    };
    match shared.get_or_init(|| init).await {
        Ok(mongod) => mongod,
        Err(error) => panic!("{error}"),
    }
}

async fn start(count: usize, setup: Option<Setup>) -> Result<Mongod> {
    let mut nodes = Vec::new();
    for _ in 0..count {
        let parameters = setup.map_or(&[][..], Setup::parameters);
        nodes.push(Node::start(setup.map(|_| REPLICA_SET), parameters).await?);
    }
    let addresses: Vec<String> = nodes.iter().map(Node::address).collect();
    let options = match setup {
        Some(setup) => {
            initiate(&nodes, setup).await?;
            format!("replicaSet={REPLICA_SET}")
        }
        None => "directConnection=true".to_owned(),
    };
    Ok(Mongod {
        url: Url {
            server: format!("mongodb://{}/", addresses.join(",")),
            options,
        },
        nodes,
    })
}

/// Forms the set and waits until every node has its part.
async fn initiate(nodes: &[Node], setup: Setup) -> Result<()> {
    let members: Vec<Document> = (0_i32..)
        .zip(nodes)
        .map(|(id, node)| doc! { "_id": id, "host": node.address() })
        .collect();
    let config = doc! { "_id": REPLICA_SET, "members": members, "settings": setup.settings() };
    ask(&nodes[0], doc! { "replSetInitiate": config }).await?;
    settled(nodes).await
}

/// Waits until one node is primary and all others are secondary.
async fn settled(nodes: &[Node]) -> Result<()> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let mut seen = Vec::new();
        for node in nodes {
            let status = ask(node, doc! { "replSetGetStatus": 1 })
                .await
                .unwrap_or_default();
            seen.push(status.get_i32("myState").unwrap_or_default());
        }
        seen.sort_unstable();
        // 1 is PRIMARY, 2 is SECONDARY.
        if seen
            .split_first()
            .is_some_and(|(first, rest)| *first == 1 && rest.iter().all(|state| *state == 2))
        {
            return Ok(());
        }
        if Instant::now() > deadline {
            bail!("the replica set did not settle: its members' states are {seen:?}");
        }
        sleep(PAUSE).await;
    }
}

async fn ask(node: &Node, command: Document) -> Result<Document> {
    let client = node.client(Duration::from_secs(2))?;
    let answer = client.database("admin").run_command(command).await;
    // Without this its monitors would go on until the test's runtime ends.
    client.shutdown().immediate(true).await;
    Ok(answer?)
}

/// A connection string without its database.
struct Url {
    /// Up to and with the `/` before the database.
    server: String,
    options: String,
}

impl Url {
    fn parse(uri: &str) -> Self {
        let (address, options) = uri.split_once('?').unwrap_or((uri, ""));
        let (scheme, rest) = address
            .split_once("://")
            .expect("MONGODB_URI has the form mongodb://…");
        let (hosts, database) = rest.split_once('/').unwrap_or((rest, ""));
        let mut options = options.to_owned();
        // A user is looked up in the URL's database, which is about to change.
        if hosts.contains('@') && !options.to_lowercase().contains("authsource=") {
            let source = if database.is_empty() { "admin" } else { database };
            let separator = if options.is_empty() { "" } else { "&" };
            options = format!("{options}{separator}authSource={source}");
        }
        Self {
            server: format!("{scheme}://{hosts}/"),
            options,
        }
    }

    fn of(&self, database: &str) -> String {
        let separator = if self.options.is_empty() { "" } else { "?" };
        format!("{}{database}{separator}{}", self.server, self.options)
    }

    fn names_replica_set(&self) -> bool {
        self.options.contains("replicaSet=")
    }
}

#[cfg(test)]
mod tests {
    use super::Url;

    #[test]
    fn a_given_url_keeps_its_hosts_and_options() {
        let url = Url::parse("mongodb://a:1,b:2/?replicaSet=x");
        assert_eq!(url.of("d"), "mongodb://a:1,b:2/d?replicaSet=x");
        assert_eq!(Url::parse("mongodb://a").of("d"), "mongodb://a/d");
    }

    #[test]
    fn a_given_user_is_looked_up_where_the_url_said() {
        assert_eq!(
            Url::parse("mongodb://u:p@a").of("d"),
            "mongodb://u:p@a/d?authSource=admin"
        );
        assert_eq!(
            Url::parse("mongodb://u:p@a/users?w=1").of("d"),
            "mongodb://u:p@a/d?w=1&authSource=users"
        );
        assert_eq!(
            Url::parse("mongodb://u:p@a/?authSource=s").of("d"),
            "mongodb://u:p@a/d?authSource=s"
        );
    }
}
