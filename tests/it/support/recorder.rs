//! Stands between two programs, hands on every byte as it comes, and remembers all of them: what they say to each other
//! is judged by what was on the wire. It understands nothing of it.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// The bytes of one direction.
type Heard = Arc<Mutex<Vec<u8>>>;

/// It ends with the test's runtime.
pub(crate) struct Recorder {
    addr: SocketAddr,
    asked: Heard,
    answered: Heard,
}

impl Recorder {
    /// In front of this server.
    pub(crate) async fn start(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let recorder = Self {
            addr: listener.local_addr().unwrap(),
            asked: Heard::default(),
            answered: Heard::default(),
        };
        let (asked, answered) = (recorder.asked.clone(), recorder.answered.clone());
        spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (asked, answered) = (asked.clone(), answered.clone());
                spawn(async move {
                    let server = TcpStream::connect(server).await.unwrap();
                    let (from_client, to_client) = client.into_split();
                    let (from_server, to_server) = server.into_split();
                    spawn(hand_on(from_client, to_server, asked));
                    hand_on(from_server, to_client, answered).await;
                });
            }
        });
        recorder
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// All that was asked, as text where it is text.
    pub(crate) fn asked(&self) -> String {
        text(&self.asked)
    }

    /// All that was answered, as text where it is text.
    pub(crate) fn answered(&self) -> String {
        text(&self.answered)
    }
}

fn text(heard: &Heard) -> String {
    String::from_utf8_lossy(&heard.lock().unwrap()).into_owned()
}

async fn hand_on(mut from: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin, heard: Heard) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(length @ 1..) = from.read(&mut buffer).await {
        heard.lock().unwrap().extend_from_slice(&buffer[..length]);
        if to.write_all(&buffer[..length]).await.is_err() {
            break;
        }
    }
    drop(to.shutdown().await);
}

#[expect(
    clippy::disallowed_methods,
    reason = "it is another party, not a task of the gateway's"
)]
fn spawn(work: impl Future<Output = ()> + Send + 'static) {
    tokio::spawn(work);
}
