//! A network that loses answers: what stands between a client and its database, and knows just enough of the protocol
//! (PostgreSQL documentation, "Message Formats") to tell which answer says that something is committed, or refused.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, BufReader, copy};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// More than a message of the tests has.
const MESSAGE_BYTES_MAX: u32 = 64 << 20;

/// A port that leads to a server. Its connections end when it is dropped.
pub struct Proxy {
    port: u16,
    shared: Arc<Shared>,
    _accepting: JoinSet<()>,
}

struct Shared {
    lose_each: AtomicU32,
    lose_next: AtomicU32,
    commits: AtomicU32,
    lost: AtomicU64,
    cuts: watch::Sender<u64>,
}

impl Proxy {
    /// Leads to the server that listens at `port` of this machine.
    ///
    /// # Errors
    /// When no port is free.
    pub async fn start(port: u16) -> anyhow::Result<Self> {
        let shared = Arc::new(Shared {
            lose_each: AtomicU32::new(0),
            lose_next: AtomicU32::new(0),
            commits: AtomicU32::new(0),
            lost: AtomicU64::new(0),
            cuts: watch::Sender::new(0),
        });
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let own = listener.local_addr()?.port();
        let mut accepting = JoinSet::new();
        accepting.spawn(accept(listener, SocketAddr::from(([127, 0, 0, 1], port)), Arc::clone(&shared)));
        Ok(Self { port: own, shared, _accepting: accepting })
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Loses the answer to every so many-th commit or failure, from the next on, and with it the connection; 0: none.
    pub fn lose_each(&self, nth: u32) {
        self.shared.commits.store(0, Ordering::SeqCst);
        self.shared.lose_each.store(nth, Ordering::SeqCst);
    }

    /// Loses the answers to the next so many commits or failures.
    pub fn lose_next(&self, count: u32) {
        self.shared.lose_next.store(count, Ordering::SeqCst);
    }

    /// Answers that were lost.
    pub fn lost(&self) -> u64 {
        self.shared.lost.load(Ordering::SeqCst)
    }

    /// Cuts every connection where it is.
    pub fn cut(&self) {
        self.shared.cuts.send_modify(|cuts| *cuts += 1);
    }
}

impl Shared {
    /// Whether the answer to this commit is to be lost.
    fn loses(&self) -> bool {
        let nth = self.lose_each.load(Ordering::SeqCst);
        let next = self.lose_next.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok();
        let loses = next || nth != 0 && (self.commits.fetch_add(1, Ordering::SeqCst) + 1).is_multiple_of(nth);
        if loses {
            self.lost.fetch_add(1, Ordering::SeqCst);
        }
        loses
    }
}

async fn accept(listener: TcpListener, server: SocketAddr, shared: Arc<Shared>) {
    // They end with this one.
    let mut connections = JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        let shared = Arc::clone(&shared);
        connections.spawn(async move {
            let _ = relay(client, server, &shared).await;
        });
        while connections.try_join_next().is_some() {}
    }
}

/// Until one side ends the connection, or it is cut.
async fn relay(client: TcpStream, server: SocketAddr, shared: &Shared) -> io::Result<()> {
    let mut cuts = shared.cuts.subscribe();
    let server = TcpStream::connect(server).await?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let (mut asks, hears) = client.into_split();
    let (answers, mut asked) = server.into_split();
    tokio::select! {
        asked = copy(&mut asks, &mut asked) => asked.map(drop),
        answered = answer(answers, hears, shared) => answered,
        _ = cuts.changed() => Ok(()),
    }
}

/// Passes the server's messages on, those of one request together: its last one says whether it was committed.
async fn answer(from: OwnedReadHalf, mut to: OwnedWriteHalf, shared: &Shared) -> io::Result<()> {
    let mut from = BufReader::new(from);
    let (mut held, mut alters, mut fails) = (Vec::new(), false, false);
    loop {
        let Ok(kind) = from.read_u8().await else {
            // What the server says last, it says to nobody's request.
            return to.write_all(&held).await;
        };
        let length = from.read_u32().await?;
        if !(4..MESSAGE_BYTES_MAX).contains(&length) {
            return Err(io::ErrorKind::InvalidData.into());
        }
        held.push(kind);
        held.extend(length.to_be_bytes());
        let start = held.len();
        held.resize(start + length as usize - 4, 0);
        let body = held.get_mut(start..).unwrap_or_default();
        from.read_exact(body).await?;
        match kind {
            // CommandComplete
            b'C' => {
                alters |= is_alteration(body);
                continue;
            }
            // ErrorResponse
            b'E' => {
                fails = true;
                continue;
            }
            // ReadyForQuery, outside a transaction or still in one
            b'Z' => {
                if (fails || alters && body == b"I") && shared.loses() {
                    return Ok(());
                }
                (alters, fails) = (false, false);
            }
            // Authentication and COPY: the client has its say before the request is over.
            b'R' | b'G' | b'H' => {}
            _ => continue,
        }
        to.write_all(&held).await?;
        held.clear();
    }
}

/// Whether a command tag says that something was altered, or committed.
fn is_alteration(tag: &[u8]) -> bool {
    let tag = String::from_utf8_lossy(tag);
    let tag = tag.trim_end_matches('\0');
    let alters = ["INSERT", "UPDATE", "DELETE"].iter().any(|verb| tag.starts_with(verb)) && !tag.ends_with(" 0");
    alters || tag == "COMMIT"
}
