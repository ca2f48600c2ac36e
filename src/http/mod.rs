//! The HTTP edge: addresses, bodies, signatures and tokens in, answers and problems out.
//!
//! It turns requests into calls of use cases and knows nothing of actors' insides, SQL or the journal. When to
//! start and stop is decided elsewhere.

mod admin;
mod connection;
mod extract;
mod functions;
mod gate;
mod patience;
mod probes;
mod problem;
mod routes;
mod server;
#[cfg(test)]
mod tests;
mod webhooks;

use std::{io, net::TcpListener, num::NonZeroUsize, sync::Arc, time::Duration};

use actix_http::{HttpService, Protocol};
use actix_service::{IntoServiceFactory as _, ServiceFactoryExt as _, fn_service, map_config};
use actix_web::{
    App, Error, HttpRequest,
    dev::AppConfig,
    http::header::{CACHE_CONTROL, HeaderName, X_CONTENT_TYPE_OPTIONS},
    middleware::{DefaultHeaders, from_fn},
    rt::net::TcpStream,
    web::{self, Bytes, Payload},
};

pub use routes::configure;
pub use server::{Server, listen};

use crate::{
    config::HttpConfig,
    usecases::{
        Door, ServiceState, Services, lateness,
        load::{Class, NoRoom, Overloaded, Reason, count_refused, room_at_the_door},
    },
};
use extract::{
    body::{self, BodyLimits},
    room::{Room, Share},
};
use gate::{Gate, Gated};
use patience::Patience;
use problem::Refusal;
use server::{Closing, Threads};

/// How long a connection that was told to close may take to do so; what it still sends is read and dropped.
const DISCONNECT_WITHIN: Duration = Duration::from_secs(2);

/// Of every answer. Answers are about one moment, and some about people: nobody on the way keeps them or guesses at them.
const ANSWER_HEADERS: [(HeaderName, &str); 2] =
    [(CACHE_CONTROL, "no-store"), (X_CONTENT_TYPE_OPTIONS, "nosniff")];

/// What every handler is given.
pub struct Edge {
    door: Arc<Door>,
    bodies: BodyLimits,
    patience: Patience,
}

impl Edge {
    /// In front of this door.
    #[must_use]
    pub fn new(door: Arc<Door>, config: &HttpConfig) -> Self {
        let bodies = BodyLimits {
            bytes_max: config.body_max_bytes,
            room: Room::of(config.bodies_max_bytes),
            within: config.body_timeout,
            retry_after_s: door.retry_after_s,
        };
        Self { door, bodies, patience: Patience::of(config.connections_max) }
    }

    /// The services, while they take work of this class; a refusal is counted.
    fn open_for(&self, class: Class) -> Result<&Arc<Services>, Refusal> {
        self.services_if_open().ok_or_else(|| self.shut(class))
    }

    /// The services, while they take work.
    fn services_if_open(&self) -> Option<&Arc<Services>> {
        self.door.services.get().filter(|_| self.door.state() == ServiceState::Ready)
    }

    /// The whole body of a request that was let in. It is given up as soon as no more requests are taken: half a
    /// body must not keep the process from ending. What finds no room, is too large or too slow, or comes too late is
    /// counted.
    async fn body(
        &self,
        class: Class,
        request: &HttpRequest,
        payload: Payload,
    ) -> Result<(Bytes, Share), Refusal> {
        let read = tokio::select! {
            biased;
            read = body::read(request, payload, &self.bodies) => read,
            () = self.door.closes() => return Err(self.shut(class)),
        };
        read.inspect_err(|refusal| match refusal {
            Refusal::BodiesFull { .. } => count_refused(class, Reason::BodiesFull),
            Refusal::BodyTooLarge { .. } => count_refused(class, Reason::BodyLarge),
            Refusal::BodyTooSlow => count_refused(class, Reason::BodySlow),
            _ => {}
        })
    }

    /// The refusal of work while none is taken; it is counted.
    fn shut(&self, class: Class) -> Refusal {
        let ending = matches!(self.door.state(), ServiceState::Draining | ServiceState::Fenced);
        count_refused(class, if ending { Reason::Draining } else { Reason::Standby });
        self.not_ready()
    }

    /// The services, once they have started: admins look at them in every state.
    fn started(&self) -> Result<&Arc<Services>, Refusal> {
        self.door.services.get().ok_or_else(|| self.not_ready())
    }

    fn not_ready(&self) -> Refusal {
        let state = match self.door.state() {
            ServiceState::Ready => ServiceState::Starting,
            state => state,
        };
        Refusal::NotReady { state: state.as_str(), retry_after_s: self.door.retry_after_s }
    }
}

/// Lets work of this class in at the door, or turns it away; a refusal is counted. What ends before, because nobody
/// signed it, is no work that was turned away.
fn admit(services: &Services, class: Class) -> Result<(), Refusal> {
    room_at_the_door(services, class).map_err(|no_room| turned_away(services, no_room))
}

/// Work for which there was no room is turned away, and counted.
fn turned_away(services: &Services, no_room: NoRoom) -> Refusal {
    let Overloaded = no_room.refuse();
    overloaded(services)
}

fn overloaded(services: &Services) -> Refusal {
    Refusal::Overloaded { retry_after_s: services.retry_after_s }
}

/// Measures how late this thread is, and tells it to the figures of the services once there are any.
async fn measure(edge: web::Data<Edge>) {
    let tell = |late| {
        if let Some(services) = edge.door.services.get() {
            services.traffic.record_lateness(late);
        }
    };
    lateness::measure_this_thread(tell).await;
}

/// One per core, and two at least: a single one has a fraction of its core, as one of all threads that want it, and comes
/// late to everybody who asks.
fn threads_by_default() -> usize {
    std::thread::available_parallelism().map_or(1, NonZeroUsize::get).max(2)
}

/// Serves `door` on `listener` until the server is stopped or dropped. To be called inside a tokio runtime; the
/// connections are served by threads of their own.
///
/// # Errors
/// When the listener cannot be used, or a thread cannot start.
pub fn serve(door: Arc<Door>, config: &HttpConfig, listener: TcpListener) -> io::Result<Server> {
    let edge = web::Data::new(Edge::new(door, config));
    let threads = Threads {
        count: config.workers.map_or_else(threads_by_default, NonZeroUsize::get),
        connections_max: config.connections_max,
        drain_timeout: config.drain_timeout,
    };
    let (head_timeout, keep_alive) = (config.head_timeout, config.keep_alive);
    // Made once in each thread.
    let make = move |closing: Closing| {
        actix_web::rt::spawn(measure(edge.clone()));
        let app = App::new().app_data(edge.clone()).configure(configure);
        let app = app.wrap(from_fn(connection::close_to_strangers)).wrap(answer_headers());
        let app = app.into_factory().map_err(|error: Error| error.error_response());
        let http = HttpService::build()
            .graceful_shutdown_signal(move || closing.clone().begins())
            .keep_alive(keep_alive)
            .client_request_timeout(head_timeout)
            .client_disconnect_timeout(DISCONNECT_WITHIN)
            .on_connect_ext(|connection: &Gated<TcpStream>, data| connection.begin(data))
            .finish(map_config(app, |()| AppConfig::default()));
        let gate = Gate::of(edge.clone());
        fn_service(move |stream: TcpStream| {
            let peer = stream.peer_addr().ok();
            std::future::ready(Ok((Gated::new(stream, gate.clone()), Protocol::Http1, peer)))
        })
        .and_then(http)
    };
    Server::start(listener, threads, make)
}

fn answer_headers() -> DefaultHeaders {
    ANSWER_HEADERS.into_iter().fold(DefaultHeaders::new(), DefaultHeaders::add)
}
