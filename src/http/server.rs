//! The threads that serve connections, and the task that takes connections in.
//!
//! actix-web's own server gives its threads a runtime that cannot be set, and which looks at what *other* threads woke
//! once in 31 turns as long as connections are ready. Under more load than goes through all of them always are: an
//! answer whose event is on the journal's disk stood in one queue with every request that was not read yet. Here it
//! goes before them, so what was let in waits once, to be read.

use std::{
    io,
    net::{SocketAddr, TcpListener},
    sync::{Arc, mpsc as blocking},
    time::Duration,
};

use actix_http::error::DispatchError;
use actix_service::{Service as _, ServiceFactory};
use actix_web::rt::net::TcpStream;
use tokio::{
    net::TcpSocket,
    runtime::{Builder, Handle, LocalOptions, LocalRuntime},
    sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot, watch},
    task::{JoinHandle, JoinSet},
};

use crate::usecases::detach_to;

/// Turns of tasks after which a thread looks at what other threads woke: every second one is theirs, and however much
/// they wake, every second one is of what came in.
const WOKEN_BY_OTHERS_EVERY: u32 = 2;
/// Connections that wait for a thread outside the system's queue.
const TAKEN_AHEAD: usize = 16;
/// While as many wait for every thread.
const TAKE_AGAIN_AFTER: Duration = Duration::from_millis(1);
/// Connections that a thread begins with before it serves those it has, for a round of some dozens of turns. To begin with
/// one takes as long as several requests: thousands that come at once would hold up everybody who is there.
const BEGUN_IN_A_ROUND: u32 = 8;
/// After an error that is none of the connection, such as too many open files.
const ACCEPT_AGAIN_AFTER: Duration = Duration::from_millis(500);

/// Connections that may wait to be taken in, as far as the system allows it (`net.core.somaxconn`). A client that finds
/// no place in this queue tries again after a second, and the caller waits as long.
const BACKLOG: u32 = 4_096;

/// Listens at this address. To be called inside a tokio runtime.
///
/// # Errors
/// When the address is not free, or none of ours.
pub fn listen(bind: SocketAddr) -> io::Result<TcpListener> {
    let socket = if bind.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // What a process before this one left behind keeps nobody from listening.
    socket.set_reuseaddr(true)?;
    socket.bind(bind)?;
    socket.listen(BACKLOG)?.into_std()
}

/// What the threads do.
#[derive(Debug, Clone, Copy)]
pub(super) struct Threads {
    /// How many.
    pub(super) count: usize,
    /// Connections open at once, over all of them; further ones wait in the system's queue.
    pub(super) connections_max: usize,
    /// How long connections may take to be done when the server stops.
    pub(super) drain_timeout: Duration,
}

/// Whether connections are to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Ending {
    /// They are served.
    No,
    /// As soon as what was asked is answered.
    WhenAnswered,
    /// At once.
    Now,
}

/// Resolves when connections should be closed as soon as what was asked is answered.
#[derive(Clone)]
pub(super) struct Closing(watch::Receiver<Ending>);

impl Closing {
    /// See [`Closing`].
    pub(super) async fn begins(mut self) {
        reaches(&mut self.0, Ending::WhenAnswered).await;
    }
}

/// Resolves when connections should end in this way, or the server is gone.
async fn reaches(ending: &mut watch::Receiver<Ending>, stage: Ending) {
    _ = ending.wait_for(|ending| *ending >= stage).await;
}

/// A server that runs. Dropped, it closes every connection at once.
#[derive(Debug)]
pub struct Server {
    ending: watch::Sender<Ending>,
    accepting: JoinHandle<()>,
    /// Of each thread; resolves when it is gone.
    ended: Vec<oneshot::Receiver<()>>,
}

impl Server {
    /// Serves on `listener` with what `make` makes in each thread. To be called inside a tokio runtime.
    ///
    /// # Errors
    /// When the listener cannot be used, or a thread cannot start.
    pub(super) fn start<S>(
        listener: TcpListener,
        threads: Threads,
        make: impl Fn(Closing) -> S + Clone + Send + 'static,
    ) -> io::Result<Self>
    where
        S: ServiceFactory<TcpStream, Config = (), Response = (), Error = DispatchError, InitError = ()>
            + 'static,
    {
        listener.set_nonblocking(true)?;
        let listener = tokio::net::TcpListener::from_std(listener)?;
        let (ending, ends) = watch::channel(Ending::No);
        let process = Handle::current();
        let mut ended = Vec::new();
        let mut lines = Vec::new();
        for number in 0..threads.count {
            let (line, connections) = mpsc::channel(TAKEN_AHEAD);
            let (started, starts) = blocking::sync_channel(1);
            let (gone, end) = oneshot::channel::<()>();
            let thread = Thread { ends: ends.clone(), drain_timeout: threads.drain_timeout, connections };
            let (make, process) = (make.clone(), process.clone());
            std::thread::Builder::new().name(format!("http-{number}")).spawn(move || {
                let _gone = gone;
                detach_to(process);
                thread.run(make, &started);
            })?;
            starts
                .recv()
                .map_err(|_| io::Error::other("a thread of the HTTP server ended at its start"))??;
            lines.push(Line { line, held: Arc::new(()) });
            ended.push(end);
        }
        let room = Arc::new(Semaphore::new(threads.connections_max));
        let accepting = tokio::spawn(accept(listener, room, lines));
        Ok(Self { ending, accepting, ended })
    }

    /// Takes no more connections, answers what was asked on those that a thread has begun with, within the time that is set
    /// for it, and ends. The few that still wait for a thread are closed.
    pub async fn stop(self) {
        self.end(Ending::WhenAnswered).await;
    }

    /// Closes every connection, and ends.
    pub async fn close(self) {
        self.end(Ending::Now).await;
    }

    async fn end(mut self, ending: Ending) {
        self.accepting.abort();
        // Only then nobody listens any more.
        _ = (&mut self.accepting).await;
        _ = self.ending.send(ending);
        for thread in std::mem::take(&mut self.ended) {
            // An error is its end too.
            _ = thread.await;
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.accepting.abort();
        _ = self.ending.send(Ending::Now);
    }
}

/// A connection on its way to its thread.
struct Connection {
    stream: std::net::TcpStream,
    _permit: OwnedSemaphorePermit,
    _held: Arc<()>,
}

/// To a thread; `held` is shared by every connection that it has.
struct Line {
    line: mpsc::Sender<Connection>,
    held: Arc<()>,
}

/// Takes connections in as fast as threads begin with them, each for the thread that has the fewest: what a thousand more
/// cost that come at once, those that are served do not feel.
async fn accept(listener: tokio::net::TcpListener, room: Arc<Semaphore>, mut lines: Vec<Line>) {
    while let Ok(permit) = room.clone().acquire_owned().await {
        // A thread that is gone has none, and would be given all of them.
        lines.retain(|line| !line.line.is_closed());
        if lines.is_empty() {
            tracing::error!("every thread of the HTTP server is gone");
            return;
        }
        if least(&lines).is_none() {
            tokio::time::sleep(TAKE_AGAIN_AFTER).await;
            continue;
        }
        match listener.accept().await.and_then(|(stream, _)| stream.into_std()) {
            Ok(stream) => {
                // Nobody else sends, so there still is room, except in a thread that is gone since.
                let Some(Line { line, held }) = least(&lines) else { continue };
                _ = line.try_send(Connection { stream, _permit: permit, _held: held.clone() });
            }
            Err(error) if is_of_the_connection(&error) => {}
            Err(error) => {
                tracing::error!(%error, "connections cannot be taken in; trying again");
                tokio::time::sleep(ACCEPT_AGAIN_AFTER).await;
            }
        }
    }
}

/// Of the threads that are there and have room for one more, the one with the fewest.
fn least(lines: &[Line]) -> Option<&Line> {
    let with_room = lines.iter().filter(|line| !line.line.is_closed() && line.line.capacity() > 0);
    with_room.min_by_key(|line| Arc::strong_count(&line.held))
}

/// Whether the client went away before it was taken in.
fn is_of_the_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

/// What one thread has.
struct Thread {
    ends: watch::Receiver<Ending>,
    drain_timeout: Duration,
    connections: mpsc::Receiver<Connection>,
}

impl Thread {
    fn run<S>(self, make: impl Fn(Closing) -> S, started: &blocking::SyncSender<io::Result<()>>)
    where
        S: ServiceFactory<TcpStream, Config = (), Response = (), Error = DispatchError, InitError = ()>
            + 'static,
    {
        // Whoever waits for the start is there until it was told.
        let runtime = match runtime() {
            Ok(runtime) => runtime,
            Err(error) => {
                _ = started.send(Err(error));
                return;
            }
        };
        runtime.block_on(async {
            let service = make(Closing(self.ends.clone())).new_service(()).await;
            match service {
                Ok(service) => {
                    _ = started.send(Ok(()));
                    self.serve(std::rc::Rc::new(service)).await;
                }
                Err(()) => _ = started.send(Err(io::Error::other("the HTTP service cannot be made"))),
            }
        });
        // A name that is being looked up for a connection to the database holds nobody up.
        runtime.shutdown_background();
    }

    async fn serve<S>(mut self, service: std::rc::Rc<S>)
    where
        S: actix_service::Service<TcpStream, Response = (), Error = DispatchError> + 'static,
    {
        let mut open = JoinSet::new();
        let mut ends = self.ends.clone();
        let mut begun = 0_u32;
        loop {
            tokio::select! {
                () = reaches(&mut self.ends, Ending::WhenAnswered) => break,
                Some(connection) = self.connections.recv() => {
                    open.spawn_local(handle(service.clone(), connection));
                    begun = begun.wrapping_add(1);
                    if begun.is_multiple_of(BEGUN_IN_A_ROUND) {
                        tokio::task::yield_now().await;
                    }
                }
                Some(_) = open.join_next() => {}
            }
        }
        drop(self.connections);
        tokio::select! {
            () = reaches(&mut ends, Ending::Now) => {}
            () = tokio::time::sleep(self.drain_timeout) => {}
            () = async { while open.join_next().await.is_some() {} } => {}
        }
    }
}

fn runtime() -> io::Result<LocalRuntime> {
    let mut builder = Builder::new_current_thread();
    builder.enable_all().global_queue_interval(WOKEN_BY_OTHERS_EVERY);
    builder.build_local(LocalOptions::default())
}

/// Serves a connection to its end.
async fn handle<S>(service: std::rc::Rc<S>, connection: Connection)
where
    S: actix_service::Service<TcpStream, Response = (), Error = DispatchError>,
{
    let Connection { stream, _permit, _held } = connection;
    let stream = match TcpStream::from_std(stream) {
        Ok(stream) => stream,
        Err(error) => return tracing::error!(%error, "a connection cannot be served"),
    };
    if std::future::poll_fn(|context| service.poll_ready(context)).await.is_ok() {
        // What a client did wrong was answered; what it broke off concerns nobody.
        _ = service.call(stream).await;
    }
}

#[cfg(test)]
mod tests {
    use std::{cell::Cell, rc::Rc};

    use actix_service::fn_service;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    const THREADS: Threads = Threads { count: 2, connections_max: 2, drain_timeout: Duration::from_secs(20) };

    /// Where questions wait.
    struct Gate {
        reached: Semaphore,
        open: Semaphore,
    }

    fn closed() -> Arc<Gate> {
        Arc::new(Gate { reached: Semaphore::new(0), open: Semaphore::new(0) })
    }

    /// Answers each byte with how many it had before on all connections of its thread, and "?" only when `gate` opens.
    fn start(threads: Threads, gate: &Arc<Gate>) -> (Server, SocketAddr) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let gate = gate.clone();
        let make = move |closing: Closing| {
            let (gate, asked) = (gate.clone(), Rc::new(Cell::new(0)));
            fn_service(move |mut stream: TcpStream| {
                let (gate, asked, closing) = (gate.clone(), asked.clone(), closing.clone());
                async move {
                    loop {
                        let question = tokio::select! {
                            question = stream.read_u8() => question,
                            () = closing.clone().begins() => break,
                        };
                        let Ok(question) = question else { break };
                        if question == b'?' {
                            gate.reached.add_permits(1);
                            gate.open.acquire().await.unwrap().forget();
                        }
                        if stream.write_u8(asked.replace(asked.get() + 1)).await.is_err() {
                            break;
                        }
                    }
                    Ok(())
                }
            })
        };
        (Server::start(listener, threads, make).unwrap(), address)
    }

    async fn line(address: SocketAddr) -> TcpStream {
        TcpStream::connect(address).await.unwrap()
    }

    async fn ask(line: &mut TcpStream, question: u8) -> io::Result<u8> {
        line.write_u8(question).await?;
        line.read_u8().await
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn connections_are_spread_over_the_threads_and_those_beyond_the_limit_wait() {
        let (_server, address) = start(THREADS, &closed());
        let (mut first, mut second, mut third) =
            (line(address).await, line(address).await, line(address).await);
        assert_eq!((ask(&mut first, b'.').await.unwrap(), ask(&mut first, b'.').await.unwrap()), (0, 1));
        assert_eq!(ask(&mut second, b'.').await.unwrap(), 0, "it is on the other thread");
        let waiting = tokio::time::timeout(Duration::from_millis(200), ask(&mut third, b'.')).await;
        assert!(waiting.is_err(), "a third one has no room");
        drop(first);
        assert_eq!(third.read_u8().await.unwrap(), 2, "it has the place of the first");
    }

    #[tokio::test]
    async fn hundreds_may_come_at_once() {
        let listener = listen("127.0.0.1:0".parse().unwrap()).unwrap();
        let address = listener.local_addr().unwrap();
        // Nobody takes them in: without a place in the queue none of them would ever be connected.
        let all = futures_util::future::join_all((0..400).map(|_| TcpStream::connect(address)));
        let all = tokio::time::timeout(Duration::from_secs(20), all).await.expect("all have a place");
        assert!(all.iter().all(Result::is_ok));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_server_that_stops_answers_what_was_asked_and_takes_nothing_more() {
        let gate = closed();
        let (server, address) = start(THREADS, &gate);
        let (mut idle, mut asking) = (line(address).await, line(address).await);
        assert_eq!(ask(&mut idle, b'.').await.unwrap(), 0);
        asking.write_u8(b'?').await.unwrap();
        gate.reached.acquire().await.unwrap().forget();
        let stopping = tokio::spawn(server.stop());
        assert!(idle.read_u8().await.is_err(), "whoever asks nothing is let go");
        assert!(TcpStream::connect(address).await.is_err(), "nobody listens");
        assert!(!stopping.is_finished());
        gate.open.add_permits(1);
        assert_eq!(asking.read_u8().await.unwrap(), 0);
        stopping.await.unwrap();
        assert!(asking.read_u8().await.is_err());
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_server_waits_so_long_and_no_longer_and_one_that_is_dropped_not_at_all() {
        let gate = closed();
        let (server, address) = start(Threads { drain_timeout: Duration::from_millis(50), ..THREADS }, &gate);
        let mut asking = line(address).await;
        asking.write_u8(b'?').await.unwrap();
        server.stop().await;
        assert!(asking.read_u8().await.is_err());
        let (server, address) = start(THREADS, &gate);
        let mut asking = line(address).await;
        asking.write_u8(b'?').await.unwrap();
        drop(server);
        assert!(asking.read_u8().await.is_err());
    }
}
