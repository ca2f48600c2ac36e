//! A line to the database that can be frozen, cut and slowed.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::watch,
    task::JoinHandle,
};

/// What the line does to what passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Line {
    /// Everything passes.
    Open,
    /// Nothing passes, nothing is closed.
    Frozen,
    /// Every connection is closed, and every new one at once.
    Closed,
    /// Each COMMIT arrives this much later.
    SlowCommits(Duration),
    /// Every so many COMMITs one is cut off before it arrives.
    CutBeforeCommit(u64),
    /// Every so many COMMITs one arrives, and its connection is cut before the answer.
    CutAfterCommit(u64),
}

/// The text protocol's order to commit, as clients send it.
const COMMIT: &[u8] = b"\x03COMMIT";

/// See the module. The line ends when this is dropped.
pub struct Proxy {
    line: watch::Sender<Line>,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
    address: std::net::SocketAddr,
}

struct Shared {
    upstream: String,
    commits: AtomicU64,
    cuts: AtomicU64,
    slowed: AtomicU64,
}

impl Proxy {
    /// In front of `url`.
    pub async fn start(url: &str) -> Self {
        let upstream = url.split('@').nth(1).unwrap().split('/').next().unwrap().to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (line, state) = watch::channel(Line::Open);
        let [commits, cuts, slowed] = [const { AtomicU64::new(0) }; 3];
        let shared = Arc::new(Shared { upstream, commits, cuts, slowed });
        let task = tokio::spawn(accept(listener, shared.clone(), state));
        Self { line, shared, task, address }
    }

    /// `url`, through this line.
    pub fn url(&self, url: &str) -> String {
        url.replacen(&self.shared.upstream, &self.address.to_string(), 1)
    }

    pub fn set(&self, line: Line) {
        self.line.send_replace(line);
    }

    /// COMMITs that arrived later.
    pub fn slowed(&self) -> u64 {
        self.shared.slowed.load(Ordering::SeqCst)
    }

    /// Connections that were cut at a COMMIT.
    pub fn cuts(&self) -> u64 {
        self.shared.cuts.load(Ordering::SeqCst)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>, line: watch::Receiver<Line>) {
    loop {
        let Ok((client, _)) = listener.accept().await else { continue };
        tokio::spawn(connection(client, shared.clone(), line.clone()));
    }
}

async fn connection(client: TcpStream, shared: Arc<Shared>, mut line: watch::Receiver<Line>) {
    if *line.borrow() == Line::Closed {
        return;
    }
    let _ = client.set_nodelay(true);
    let Ok(()) = passes(&mut line.clone()).await else { return };
    let Ok(server) = TcpStream::connect(&shared.upstream).await else { return };
    let _ = server.set_nodelay(true);
    let ((from_client, to_client), (from_server, to_server)) = (client.into_split(), server.into_split());
    tokio::select! {
        () = forth(from_client, to_server, &shared, line.clone()) => {}
        () = back(from_server, to_client, line.clone()) => {}
        _ = line.wait_for(|line| *line == Line::Closed) => {}
    }
}

/// Waits while the line is frozen.
async fn passes(line: &mut watch::Receiver<Line>) -> Result<(), watch::error::RecvError> {
    line.wait_for(|line| *line != Line::Frozen).await.map(|_| ())
}

async fn back(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut line: watch::Receiver<Line>) {
    let mut buffer = vec![0; 65_536];
    while let Ok(read @ 1..) = from.read(&mut buffer).await {
        if passes(&mut line).await.is_err() || to.write_all(&buffer[..read]).await.is_err() {
            return;
        }
    }
}

async fn forth(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    shared: &Shared,
    mut line: watch::Receiver<Line>,
) {
    let mut buffer = vec![0; 65_536];
    while let Ok(read @ 1..) = from.read(&mut buffer).await {
        if passes(&mut line).await.is_err() {
            return;
        }
        let part = &buffer[..read];
        let commits = part.windows(COMMIT.len()).any(|window| window == COMMIT);
        let number = if commits { shared.commits.fetch_add(1, Ordering::SeqCst) + 1 } else { 0 };
        let now = *line.borrow();
        let is_cut = |every: u64| commits && number % every == 0;
        match now {
            Line::SlowCommits(by) if commits => {
                shared.slowed.fetch_add(1, Ordering::SeqCst);
                tokio::time::sleep(by).await;
            }
            Line::CutBeforeCommit(every) if is_cut(every) => {
                shared.cuts.fetch_add(1, Ordering::SeqCst);
                return;
            }
            Line::CutAfterCommit(every) if is_cut(every) => {
                shared.cuts.fetch_add(1, Ordering::SeqCst);
                let _ = to.write_all(part).await;
                let _ = to.flush().await;
                return;
            }
            _ => {}
        }
        if to.write_all(part).await.is_err() {
            return;
        }
    }
}
