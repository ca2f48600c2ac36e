//! One HTTP server on threads of its own: startable from inside any runtime, any number per process.

use std::any::Any;
use std::io;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc;
use std::thread::JoinHandle;

use actix_web::dev::{Extensions, ServerHandle};
use actix_web::rt::System;
use actix_web::{App, HttpRequest, HttpServer, web};

/// Worker threads of one simulator: two, so that races between requests are real ones.
const WORKERS: usize = 2;
/// Largest request body a simulator reads, in bytes.
const BODY_BYTES_MAX: usize = 8 * 1024 * 1024;

/// A running server. Dropping it stops it.
#[derive(Debug)]
pub(super) struct Server {
    address: SocketAddr,
    stopper: Option<ServerHandle>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Binds at once (connections queue from here on) and serves on its own threads.
    pub(super) fn start<F>(bind: &str, configure: F) -> io::Result<Self>
    where
        F: Fn(&mut web::ServiceConfig) + Clone + Send + 'static,
    {
        let listener = TcpListener::bind(bind)?;
        let address = listener.local_addr()?;
        let (send, receive) = mpsc::channel();
        let thread =
            std::thread::Builder::new().name(format!("simulator-{}", address.port())).spawn(move || {
                let done = System::new().block_on(run(listener, configure, send));
                if let Err(error) = done {
                    tracing::warn!(%error, "a simulator's server ended");
                }
            })?;
        let stopper = receive.recv().map_err(|_| io::Error::other("the server did not start"))?;
        Ok(Self { address, stopper: Some(stopper), thread: Some(thread) })
    }

    /// `http://address:port`, without a slash at the end.
    pub(super) fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Closes every connection and waits until the threads are gone.
    pub(super) fn stop(mut self) {
        self.signal();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }

    fn signal(&mut self) {
        if let Some(stopper) = self.stopper.take() {
            // The order is sent by the call; the future only waits for its end.
            drop(stopper.stop(false));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.signal();
    }
}

async fn run<F>(listener: TcpListener, configure: F, started: mpsc::Sender<ServerHandle>) -> io::Result<()>
where
    F: Fn(&mut web::ServiceConfig) + Clone + Send + 'static,
{
    let server = HttpServer::new(move || {
        App::new().app_data(web::PayloadConfig::new(BODY_BYTES_MAX)).configure(configure.clone())
    })
    .on_connect(remember_socket)
    .workers(WORKERS)
    .disable_signals()
    .listen(listener)?
    .run();
    let _ = started.send(server.handle());
    server.await
}

/// A second handle on the connection's socket, so that a handler can cut the line without an answer.
struct Line(TcpStream);

#[cfg(unix)]
fn remember_socket(io: &dyn Any, data: &mut Extensions) {
    use std::os::fd::AsFd;
    let stream = io.downcast_ref::<actix_web::rt::net::TcpStream>();
    if let Some(copy) = stream.and_then(|stream| stream.as_fd().try_clone_to_owned().ok()) {
        data.insert(Line(TcpStream::from(copy)));
    }
}

#[cfg(not(unix))]
fn remember_socket(_io: &dyn Any, _data: &mut Extensions) {}

/// Closes the connection of this request at once: whatever is answered afterwards reaches nobody.
pub(super) fn cut_line(request: &HttpRequest) {
    if let Some(line) = request.conn_data::<Line>() {
        let _ = line.0.shutdown(Shutdown::Both);
    }
}
