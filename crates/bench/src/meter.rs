//! A port that leads to a server and counts what passes: bytes, and how often one side waits for the other.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// The port. Its connections end when it is dropped.
pub(crate) struct Meter {
    /// Where it listens.
    pub(crate) port: u16,
    count: Arc<Count>,
    _accepting: JoinSet<()>,
}

#[derive(Default)]
struct Count {
    bytes: AtomicU64,
    trips: AtomicU64,
}

/// What has passed.
#[derive(Clone, Copy)]
pub(crate) struct Passed {
    /// In both directions.
    pub(crate) bytes: u64,
    /// Requests that an answer followed.
    pub(crate) trips: u64,
}

impl Meter {
    /// Leads to the server that listens at `server`.
    ///
    /// # Errors
    /// When no port is free.
    pub(crate) async fn start(server: SocketAddr) -> anyhow::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let (port, count) = (listener.local_addr()?.port(), Arc::<Count>::default());
        let mut accepting = JoinSet::new();
        accepting.spawn({
            let count = Arc::clone(&count);
            async move {
                // They end with this one.
                let mut lines = JoinSet::new();
                while let Ok((client, _)) = listener.accept().await {
                    lines.spawn(relay(client, server, Arc::clone(&count)));
                }
            }
        });
        Ok(Self { port, count, _accepting: accepting })
    }

    /// What has passed until now.
    pub(crate) fn passed(&self) -> Passed {
        let Count { bytes, trips } = &*self.count;
        Passed { bytes: bytes.load(Ordering::SeqCst), trips: trips.load(Ordering::SeqCst) }
    }
}

async fn relay(client: TcpStream, server: SocketAddr, count: Arc<Count>) -> io::Result<()> {
    let server = TcpStream::connect(server).await?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let (asks, hears) = client.into_split();
    let (answers, asked) = server.into_split();
    let is_asking = AtomicBool::new(false);
    tokio::select! {
        ended = pass(asks, asked, |length| {
            count.bytes.fetch_add(length, Ordering::SeqCst);
            is_asking.store(true, Ordering::SeqCst);
        }) => ended,
        ended = pass(answers, hears, |length| {
            count.bytes.fetch_add(length, Ordering::SeqCst);
            count.trips.fetch_add(u64::from(is_asking.swap(false, Ordering::SeqCst)), Ordering::SeqCst);
        }) => ended,
    }
}

async fn pass(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, counted: impl Fn(u64)) -> io::Result<()> {
    let mut buffer = vec![0; 64 << 10];
    loop {
        let length = from.read(&mut buffer).await?;
        if length == 0 {
            return Ok(());
        }
        counted(length as u64);
        to.write_all(buffer.get(..length).unwrap_or_default()).await?;
    }
}
