//! One server process, and the watchdog that ends it with the test process.
//!
//! Shared servers live in statics, which Rust never drops, and a test run may be killed. So no destructor can be
//! trusted: a shell stands between, which owns the server and reads orders from a pipe. Whatever ends the test
//! process closes the pipe; the shell then kills the server and removes its data.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    net::{Ipv4Addr, TcpListener},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use anyhow::{Context, Result, bail, ensure};
use mongodb::{
    Client,
    bson::doc,
    options::{ClientOptions, ServerAddress},
};
use tempfile::TempDir;
use tokio::time::{Instant, sleep};

use super::locate;

/// `$1` is the folder to remove at the end, the rest the server's command line.
///
/// Signals for the whole process group (Ctrl-C) must not end the watchdog before it has cleaned up, and the server
/// must not inherit that deafness. The soft limit of open files is often 1024, too few for hundreds of databases.
const WATCHDOG: &str = r#"
trap '' HUP INT PIPE TERM
ulimit -S -n "$(ulimit -H -n)"
folder=$1
shift
server=
while read -r order argument; do
    case $order in
        start)
            (trap - HUP INT PIPE TERM; exec "$@") </dev/null >/dev/null &
            server=$!
            echo "$server"
            ;;
        signal)
            kill -s "$argument" "$server"
            echo done
            ;;
        kill)
            kill -s KILL "$server"
            wait "$server"
            server=
            echo done
            ;;
    esac
done
if [ -n "$server" ]; then
    kill -s KILL "$server"
    wait "$server"
fi
rm -rf -- "$folder"
"#;

/// How long a server may take to answer after its start; machines that build at the same time are slow.
const PATIENCE: Duration = Duration::from_mins(1);

/// A server process on 127.0.0.1. Dropping it kills the server and removes its data.
pub(crate) struct Node {
    port: u16,
    folder: PathBuf,
    control: Mutex<Control>,
}

struct Control {
    watchdog: Child,
    /// Taken by the destructor: closing it is the order to end.
    orders: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    pid: Option<u32>,
}

impl Node {
    /// Starts a server on a free port and waits until it answers.
    pub(super) async fn start(replica_set: Option<&str>, parameters: &[&str]) -> Result<Self> {
        let program = locate::program()?;
        // Between the look for a free port and the server's bind another process may take the port.
        let mut attempt = 1;
        loop {
            let node = Self::spawn(program, replica_set, parameters)?;
            match node.answers().await {
                Ok(()) => return Ok(node),
                Err(error) if attempt == 3 => return Err(error),
                Err(_) => attempt += 1,
            }
        }
    }

    fn spawn(program: &Path, replica_set: Option<&str>, parameters: &[&str]) -> Result<Self> {
        let port = free_port()?;
        // The watchdog removes the folder, it lives longer than this process.
        let folder = TempDir::with_prefix_in("mongod-", env!("CARGO_TARGET_TMPDIR"))?.keep();
        let mut command = Command::new("sh");
        command
            .args(["-c", WATCHDOG, "watchdog"])
            .arg(&folder)
            .arg(program);
        command.args([
            "--bind_ip",
            "127.0.0.1",
            "--port",
            &port.to_string(),
            "--nounixsocket",
        ]);
        command
            .arg("--dbpath")
            .arg(&folder)
            .arg("--logpath")
            .arg(folder.join("mongod.log"))
            .arg("--logappend");
        // Small and quiet: several of them share a machine with the tests and perhaps with a compiler.
        command.args(["--wiredTigerCacheSizeGB", "0.25", "--quiet"]);
        command.args(["--setParameter", "diagnosticDataCollectionEnabled=false"]);
        for parameter in parameters {
            command.args(["--setParameter", parameter]);
        }
        if let Some(name) = replica_set {
            command.args(["--replSet", name, "--oplogSize", "64"]);
        }
        // A process group of its own: what is sent to the test's group leaves the watchdog alone.
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .process_group(0);
        let mut watchdog = command.spawn().context("sh cannot be started")?;
        let orders = watchdog.stdin.take();
        let answers = BufReader::new(
            watchdog
                .stdout
                .take()
                .context("the watchdog has no standard output")?,
        );
        let node = Self {
            port,
            folder,
            control: Mutex::new(Control {
                watchdog,
                orders,
                answers,
                pid: None,
            }),
        };
        node.launch()?;
        Ok(node)
    }

    fn launch(&self) -> Result<()> {
        let mut control = self.control.lock().unwrap_or_else(PoisonError::into_inner);
        let pid = control.order("start")?;
        control.pid = Some(
            pid.parse()
                .with_context(|| format!("the watchdog answered {pid:?}"))?,
        );
        Ok(())
    }

    /// Waits until the server answers, or says why it does not.
    async fn answers(&self) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        while tokio::net::TcpStream::connect((Ipv4Addr::LOCALHOST, self.port))
            .await
            .is_err()
        {
            if has_exited(self.pid()) || Instant::now() > deadline {
                bail!("mongod does not start; the end of its log:\n{}", self.log_tail());
            }
            sleep(Duration::from_millis(20)).await;
        }
        // The port may be answered by a stranger who was faster.
        let client = self.client(PATIENCE)?;
        let status = client
            .database("admin")
            .run_command(doc! { "serverStatus": 1 })
            .await?;
        ensure!(
            status.get_i64("pid")? == i64::from(self.pid()),
            "port {} belongs to another server",
            self.port
        );
        Ok(())
    }

    /// A client that speaks to this node alone, whatever its state in a replica set.
    pub(crate) fn client(&self, patience: Duration) -> Result<Client> {
        let host = ServerAddress::Tcp {
            host: Ipv4Addr::LOCALHOST.to_string(),
            port: Some(self.port),
        };
        let options = ClientOptions::builder()
            .hosts(vec![host])
            .direct_connection(true)
            .server_selection_timeout(patience)
            .build();
        Ok(Client::with_options(options)?)
    }

    /// `host:port`, as it stands in connection strings.
    pub(crate) fn address(&self) -> String {
        format!("{}:{}", Ipv4Addr::LOCALHOST, self.port)
    }

    /// The folder of its data.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The process that runs now. Panics after [`Node::kill`].
    pub(crate) fn pid(&self) -> u32 {
        let control = self.control.lock().unwrap_or_else(PoisonError::into_inner);
        control.pid.expect("the server runs")
    }

    /// Ends the process as a power cut would (SIGKILL) and waits until it is gone. Its data stay.
    pub(crate) fn kill(&self) {
        let mut control = self.control.lock().unwrap_or_else(PoisonError::into_inner);
        if control.pid.take().is_some() {
            control.order("kill").expect("the watchdog obeys");
        }
    }

    /// Freezes the process (SIGSTOP): its port accepts connections and nothing answers.
    pub(crate) fn stop(&self) {
        self.signal("STOP");
    }

    /// Lets a frozen process go on.
    pub(crate) fn cont(&self) {
        self.signal("CONT");
    }

    fn signal(&self, name: &str) {
        let mut control = self.control.lock().unwrap_or_else(PoisonError::into_inner);
        assert!(control.pid.is_some(), "the server was killed");
        control
            .order(&format!("signal {name}"))
            .expect("the watchdog obeys");
    }

    /// Kills the process if it runs, starts it on the same port and data, and waits until it answers.
    pub(crate) async fn restart(&self) {
        self.kill();
        self.launch().expect("the watchdog obeys");
        self.answers().await.expect("the server starts again");
    }

    /// Has a primary hand over and stay a secondary for ten seconds.
    pub(crate) async fn step_down(&self) {
        let client = self.client(Duration::from_secs(5)).expect("the options are good");
        let command = doc! { "replSetStepDown": 10, "secondaryCatchUpPeriodSecs": 5 };
        let answer = client.database("admin").run_command(command).await;
        client.shutdown().immediate(true).await;
        answer.expect("it hands over");
    }

    fn log_tail(&self) -> String {
        let log = fs::read_to_string(self.folder.join("mongod.log")).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(8)..].join("\n")
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let control = self.control.get_mut().unwrap_or_else(PoisonError::into_inner);
        drop(control.orders.take());
        // Nothing can be done here about a failure, and the watchdog does its work all the same.
        let _ = control.watchdog.wait();
    }
}

impl Control {
    fn order(&mut self, text: &str) -> Result<String> {
        let orders = self.orders.as_mut().context("the watchdog was sent away")?;
        orders.write_all(format!("{text}\n").as_bytes())?;
        let mut answer = String::new();
        self.answers.read_line(&mut answer)?;
        ensure!(!answer.is_empty(), "the watchdog died");
        Ok(answer.trim_end().to_owned())
    }
}

/// A port outside the range from which systems take ports for outgoing connections: while a killed server is away,
/// one of these could occupy its port, or a client that tries to reconnect could even connect to itself.
fn free_port() -> Result<u16> {
    for _ in 0..100 {
        let port = rand::random_range(20_000..32_000);
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return Ok(port);
        }
    }
    bail!("no free port found")
}

/// Whether the process has ended and waits for its watchdog to notice. Where there is no `/proc`, nobody knows.
fn has_exited(pid: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ")
        .is_some_and(|(_, state)| state.starts_with('Z'))
}
