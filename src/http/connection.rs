//! How long a connection lasts: it is kept for those who showed a key, and closed after the answer to everybody
//! else. The server bounds the time of a first head alone; whoever could keep a connection without a key could send
//! half of a second head and stay.

use std::{
    cell::{Cell, RefCell},
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, Waker},
};

use actix_web::{
    Error, HttpMessage as _, HttpRequest,
    body::{BodySize, BoxBody, MessageBody},
    dev::{Payload, ServiceRequest, ServiceResponse},
    error::PayloadError,
    http::ConnectionType,
    middleware::Next,
    web::Bytes,
};
use futures_util::{Stream, StreamExt as _};

use crate::usecases::{lateness, load::NoRoom};

/// What is known of a connection, by whoever reads it and by the requests on it.
#[derive(Default)]
pub(super) struct Connection {
    /// Somebody showed a key on it.
    is_known: Cell<bool>,
    /// The last request on it has its whole answer.
    is_answered: Cell<bool>,
    /// What was said of the room for the last request, if anything was.
    room: Cell<Option<Result<(), NoRoom>>>,
}

impl Connection {
    /// A request begins.
    pub(super) fn next_request(&self) {
        self.is_answered.set(false);
        self.room.set(None);
    }

    /// Whether somebody showed a key on it.
    pub(super) const fn is_known(&self) -> bool {
        self.is_known.get()
    }

    /// Whether its last request has its whole answer.
    pub(super) const fn is_answered(&self) -> bool {
        self.is_answered.get()
    }

    /// Whether there is room for its request, which is asked once.
    pub(super) fn say_room(&self, room: Result<(), NoRoom>) {
        self.room.set(Some(room));
    }
}

/// Says when it is dropped that a request has its answer.
struct Answering(Option<Rc<Connection>>);

impl Drop for Answering {
    fn drop(&mut self) {
        if let Some(connection) = &self.0 {
            connection.is_answered.set(true);
        }
    }
}

fn of(request: &HttpRequest) -> Option<&Connection> {
    request.conn_data::<Rc<Connection>>().map(Rc::as_ref)
}

/// What was said of the room for this request before it was read, if anything was.
pub(super) fn room(request: &HttpRequest) -> Option<Result<(), NoRoom>> {
    of(request).and_then(|connection| connection.room.take())
}

/// Says that whoever sent this showed a key that is right. The connection is kept from now on, also when a later
/// request is refused, as long as its body was read.
pub(super) fn vouch(request: &HttpRequest) {
    if let Some(connection) = of(request) {
        connection.is_known.set(true);
    }
}

/// Whether somebody showed a key on the connection of this request.
pub(super) fn is_known(request: &HttpRequest) -> bool {
    of(request).is_some_and(Connection::is_known)
}

/// Closes the connection after the answer, unless a key was shown on it.
pub(super) async fn close_to_strangers(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<Answer>, Error> {
    lateness::begin_request();
    let rest = hold_body(&mut request);
    let answering = Answering(request.conn_data::<Rc<Connection>>().cloned());
    let mut answer = next.call(request).await?;
    if !is_known(answer.request()) {
        answer.response_mut().head_mut().set_connection_type(ConnectionType::Close);
    }
    Ok(answer.map_body(|_, body| Answer { body: body.boxed(), _rest: rest, _answering: answering }))
}

/// A body that is being sent to us, or what is left of it.
type Incoming = Rc<RefCell<Payload>>;

/// An answer, which holds what was not read of the request until it is sent. A chunked body that nobody holds is
/// read and dropped by the server for as long as somebody sends it; one that is held ends the connection.
pub(super) struct Answer {
    body: BoxBody,
    _rest: Option<Incoming>,
    _answering: Answering,
}

impl MessageBody for Answer {
    type Error = <BoxBody as MessageBody>::Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        Pin::new(&mut self.body).poll_next(context)
    }
}

/// Reads a body that somebody else holds too. It wakes nobody: who feeds the body is the connection's own task, which
/// asks its handler again in the same turn. Woken all the same, that task would take one more turn for nothing, behind
/// every other connection that is ready; and an answer that comes about meanwhile would wait for that turn.
struct Reader(Incoming);

impl Stream for Reader {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.borrow_mut().poll_next_unpin(&mut Context::from_waker(Waker::noop()))
    }
}

fn hold_body(request: &mut ServiceRequest) -> Option<Incoming> {
    let body = request.take_payload();
    if matches!(body, Payload::None) {
        return None;
    }
    let held = Rc::new(RefCell::new(body));
    request.set_payload(Payload::Stream { payload: Box::pin(Reader(held.clone())) });
    Some(held)
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    };

    use actix_http::h1;
    use futures_util::task::{ArcWake, waker};

    use super::*;

    #[derive(Default)]
    struct Woken(AtomicUsize);

    impl ArcWake for Woken {
        fn wake_by_ref(woken: &Arc<Self>) {
            woken.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn whoever_reads_a_body_has_what_came_of_it_and_is_not_woken_for_it() {
        let woken = Arc::new(Woken::default());
        let waker = waker(woken.clone());
        let context = &mut Context::from_waker(&waker);
        let (mut sender, body) = h1::Payload::create(false);
        let mut reader = Reader(Rc::new(RefCell::new(Payload::H1 { payload: body })));
        assert!(reader.poll_next_unpin(context).is_pending());
        sender.feed_data(Bytes::from_static(b"half"));
        let Poll::Ready(Some(Ok(part))) = reader.poll_next_unpin(context) else { panic!("it is there") };
        assert_eq!(part, "half");
        assert!(reader.poll_next_unpin(context).is_pending());
        sender.feed_eof();
        assert!(matches!(reader.poll_next_unpin(context), Poll::Ready(None)));
        assert_eq!(woken.0.load(Ordering::Relaxed), 0);
    }
}
