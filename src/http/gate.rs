//! Refuses what Retell sends before the HTTP library has it.
//!
//! What the library does for a request costs several times what is needed to say no to it, and under twice what goes
//! through most of the time went into saying no. So each connection is read through a [`Gated`]: while there is no room, an
//! event or a function of somebody who showed a key before is read past, and answered with bytes that are the same each time. It costs a
//! look at its head, a read and a write.
//!
//! A refusal must not overtake an answer of the library. The gate counts the bytes of each request that it passes on, and
//! refuses nothing before that request was answered and the answer sent. A request whose head comes in pieces is the
//! library's; a connection whose requests cannot be followed (two at once, a chunked body) is left alone for good, and the
//! library refuses what comes on it.

use std::{
    cell::OnceCell,
    fmt::Write as _,
    io,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, ready},
    time::Duration,
};

use actix_web::{
    ResponseError as _,
    body::MessageBody as _,
    dev::Extensions,
    http::{
        Method,
        header::{self, HeaderName},
    },
    web::{Bytes, Data},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::Sleep,
};

use super::{
    ANSWER_HEADERS, Edge,
    connection::Connection,
    functions,
    problem::Refusal,
    turned_away,
    webhooks::{retell, signed},
};
use crate::{
    telemetry::metrics::REFUSED,
    usecases::{
        Services, lateness,
        load::{Class, room_at_the_door},
    },
};

/// Where events come to; a company's own address has its slug behind it.
pub(super) const EVENTS: &str = "/webhooks/retell";
/// Where functions are asked for; the name of one stands behind it.
pub(super) const FUNCTIONS: &str = "/functions/retell";
/// What stands in the place of a slug at an address for something else.
const INBOUND: &str = "inbound";

/// Headers of a request that is looked at; Retell sends fewer than ten, proxies add some.
const HEADERS_MAX: usize = 48;
/// Bytes of a head that comes in pieces, at most.
const HEAD_BYTES_MAX: usize = 16 * 1024;

/// What all connections of a thread share.
pub(super) struct Gate {
    edge: Data<Edge>,
    /// The refusal as it is sent, and as the last answer of a connection.
    refusals: OnceCell<[Bytes; 2]>,
}

impl Gate {
    /// In front of this edge.
    pub(super) fn of(edge: Data<Edge>) -> Rc<Self> {
        Rc::new(Self { edge, refusals: OnceCell::new() })
    }

    fn refusal(&self, services: &Services, is_last: bool) -> Bytes {
        let refusal = Refusal::Overloaded { retry_after_s: services.retry_after_s };
        let [refusal, last] = self.refusals.get_or_init(|| [sent(&refusal, false), sent(&refusal, true)]);
        if is_last { last.clone() } else { refusal.clone() }
    }
}

/// A connection that is read through the gate.
pub(super) struct Gated<T> {
    io: T,
    gate: Rc<Gate>,
    connection: Rc<Connection>,
    stage: Stage,
    /// While the other side takes nothing of what is sent: until when that is borne.
    unread: Option<Pin<Box<Sleep>>>,
}

/// How far the requests of a connection are.
enum Stage {
    /// What comes next is the head of a request.
    Between,
    /// The library has these bytes of a head, and the rest is still to come.
    Heading(Vec<u8>),
    /// The library has a request, or all but so many bytes of it; it is not answered yet.
    Passed { missing: usize },
    /// A request is refused, and so many bytes of its body are still to come.
    Skipping { missing: usize, class: Class, within: Option<Pin<Box<Sleep>>> },
    /// Its refusal is held back.
    Holding(Pin<Box<dyn Future<Output = ()>>>),
    /// Its refusal is sent, from this byte on; with the last one the connection ends.
    Refusing { from: usize, is_last: bool },
    /// Nobody follows the requests of this connection.
    Lost,
}

/// What a request's head says.
struct Head {
    /// Bytes of the head.
    bytes: usize,
    /// Bytes of the body.
    body_bytes: usize,
    /// What it may be that can be read past.
    asks: Option<Asks>,
}

/// What can be made of the first bytes of a request.
enum Seen {
    Whole(Head),
    Part,
    /// Nothing that can be followed.
    Unclear,
}

/// What can be refused before the library has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asks {
    /// To take an event.
    Event,
    /// A function, by the word for it in metrics.
    Function(Class, &'static str),
}

impl<T> Gated<T> {
    pub(super) fn new(io: T, gate: Rc<Gate>) -> Self {
        Self { io, gate, connection: Rc::default(), stage: Stage::Between, unread: None }
    }

    /// To be called with every new connection: what its requests are told of it.
    pub(super) fn begin(&self, data: &mut Extensions) {
        data.insert(self.connection.clone());
    }

    /// Looks at bytes that came. Gives whether the library is to have them.
    fn passes(&mut self, new: &[u8]) -> bool {
        match &mut self.stage {
            _ if new.is_empty() => true,
            Stage::Between => self.begins(new),
            Stage::Heading(bytes) => {
                bytes.extend_from_slice(new);
                let bytes = std::mem::take(bytes);
                self.goes_on(bytes)
            }
            Stage::Passed { missing } if new.len() <= *missing => {
                *missing -= new.len();
                true
            }
            _ => self.lose(),
        }
    }

    /// The same of the first bytes of a request.
    fn begins(&mut self, new: &[u8]) -> bool {
        let head = match head(new) {
            Seen::Whole(head) => head,
            Seen::Part => {
                self.connection.next_request();
                self.stage = Stage::Heading(new.to_vec());
                return true;
            }
            Seen::Unclear => return self.lose(),
        };
        let whole = head.bytes.saturating_add(head.body_bytes);
        let Some(missing) = whole.checked_sub(new.len()) else { return self.lose() };
        self.connection.next_request();
        let body = new.get(head.bytes..).unwrap_or_default();
        if self.connection.is_known()
            && let Some(asks) = head.asks
            && head.body_bytes <= self.gate.edge.bodies.bytes_max
            && let Some(services) = self.gate.edge.services_if_open()
            && let Some(class) = asks.class(body, missing)
        {
            let room = room_at_the_door(services, class);
            self.connection.say_room(room);
            if let Err(no_room) = room {
                lateness::begin_request();
                asks.count(&turned_away(services, no_room));
                self.stage = Stage::Skipping { missing, class, within: None };
                return false;
            }
        }
        self.stage = Stage::Passed { missing };
        true
    }

    /// The head came in pieces, all of which the library has.
    fn goes_on(&mut self, bytes: Vec<u8>) -> bool {
        self.stage = match head(&bytes) {
            Seen::Whole(head) => match head.bytes.saturating_add(head.body_bytes).checked_sub(bytes.len()) {
                Some(missing) => Stage::Passed { missing },
                None => return self.lose(),
            },
            Seen::Part if bytes.len() <= HEAD_BYTES_MAX => Stage::Heading(bytes),
            Seen::Part | Seen::Unclear => return self.lose(),
        };
        true
    }

    fn lose(&mut self) -> bool {
        self.connection.next_request();
        self.stage = Stage::Lost;
        true
    }

    /// All of a refused body was read.
    fn hold(&mut self, class: Class) {
        self.stage = if class.is_event() {
            let edge = self.gate.edge.clone();
            Stage::Holding(Box::pin(async move {
                if let Some(services) = edge.door.services.get() {
                    edge.patience.hold_back(&edge.door, services).await;
                }
            }))
        } else {
            Stage::Refusing { from: 0, is_last: false }
        };
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin> Gated<T> {
    /// Goes on with a refusal, if there is one, until it is sent. `buf` is for bytes that nobody wants.
    fn refuse(&mut self, context: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        loop {
            match &mut self.stage {
                Stage::Skipping { missing: 0, class, .. } => {
                    let class = *class;
                    self.hold(class);
                }
                Stage::Skipping { missing, within, .. } => {
                    let before = buf.filled().len();
                    let mut part = buf.take(*missing);
                    if Pin::new(&mut self.io).poll_read(context, &mut part)?.is_pending() {
                        ready!(is_over(within, self.gate.edge.bodies.within, context));
                        return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
                    }
                    let read = part.filled().len();
                    buf.set_filled(before);
                    if read == 0 {
                        // It hung up: the library hears of it.
                        self.stage = Stage::Lost;
                        return Poll::Ready(Ok(()));
                    }
                    *missing -= read;
                }
                Stage::Holding(held) => {
                    ready!(held.as_mut().poll(context));
                    self.stage = Stage::Refusing { from: 0, is_last: false };
                }
                Stage::Refusing { .. } => ready!(self.send_refusal(context))?,
                Stage::Between | Stage::Heading(_) | Stage::Passed { .. } | Stage::Lost => {
                    return Poll::Ready(Ok(()));
                }
            }
        }
    }

    fn send_refusal(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Some(services) = self.gate.edge.door.services.get() else {
            self.stage = Stage::Lost;
            return Poll::Ready(Ok(()));
        };
        while let Stage::Refusing { from, is_last } = &mut self.stage {
            let refusal = self.gate.refusal(services, *is_last);
            let rest = refusal.get(*from..).unwrap_or_default();
            if rest.is_empty() {
                self.stage = Stage::Between;
                break;
            }
            let sent = Pin::new(&mut self.io).poll_write(context, rest);
            let sent = ready!(taken(&mut self.unread, self.gate.edge.bodies.within, sent, context))?;
            if sent == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            *from += sent;
        }
        Poll::Ready(Ok(()))
    }
}

/// Ready when so long has passed since it was asked first.
fn is_over(timer: &mut Option<Pin<Box<Sleep>>>, within: Duration, context: &mut Context<'_>) -> Poll<()> {
    timer.get_or_insert_with(|| Box::pin(tokio::time::sleep(within))).as_mut().poll(context)
}

/// What came of sending. Whoever takes nothing for as long as a body may take would keep its connection for ever: the
/// library waits for it without end.
fn taken(
    unread: &mut Option<Pin<Box<Sleep>>>,
    within: Duration,
    sent: Poll<io::Result<usize>>,
    context: &mut Context<'_>,
) -> Poll<io::Result<usize>> {
    if sent.is_ready() {
        *unread = None;
        return sent;
    }
    ready!(is_over(unread, within, context));
    *unread = None;
    metrics::counter!(REFUSED, "class" => "answer", "reason" => "unread").increment(1);
    Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
}

impl<T: AsyncRead + AsyncWrite + Unpin> AsyncRead for Gated<T> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buf.filled().len();
        loop {
            ready!(this.refuse(context, buf))?;
            ready!(Pin::new(&mut this.io).poll_read(context, buf))?;
            if this.passes(buf.filled().get(before..).unwrap_or_default()) {
                return Poll::Ready(Ok(()));
            }
            buf.set_filled(before);
        }
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Gated<T> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let sent = Pin::new(&mut this.io).poll_write(context, bytes);
        taken(&mut this.unread, this.gate.edge.bodies.within, sent, context)
    }

    /// The library flushes when it has written all that it had.
    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(Pin::new(&mut this.io).poll_flush(context))?;
        if matches!(this.stage, Stage::Passed { missing: 0 }) && this.connection.is_answered() {
            this.stage = Stage::Between;
        }
        Poll::Ready(Ok(()))
    }

    /// A refusal that is held, or whose body is still to come, is told before.
    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if matches!(this.stage, Stage::Skipping { .. } | Stage::Holding(_)) {
            this.stage = Stage::Refusing { from: 0, is_last: true };
        }
        ready!(this.send_refusal(context))?;
        Pin::new(&mut this.io).poll_shutdown(context)
    }
}

impl Asks {
    /// Of a request to this path.
    fn of(path: &str) -> Option<Self> {
        let is_word = |word: &str| word.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b));
        let behind = |prefix: &str| {
            let rest = path.strip_prefix(prefix)?;
            let word = if rest.is_empty() { Some(rest) } else { rest.strip_prefix('/') };
            word.filter(|word| is_word(word) && word.is_empty() == rest.is_empty())
        };
        if let Some(slug) = behind(EVENTS) {
            return (slug != INBOUND).then_some(Self::Event);
        }
        let name = behind(FUNCTIONS)?;
        let (class, function) = functions::class_and_word(Some(name).filter(|name| !name.is_empty()));
        Some(Self::Function(class, function))
    }

    /// As what it is let in, by the first bytes of its body, of which so many are missing; `None` when they do not tell.
    fn class(self, body: &[u8], missing: usize) -> Option<Class> {
        match self {
            Self::Event => signed::class_by_first_bytes(body, missing),
            Self::Function(class, _) => Some(class),
        }
    }

    /// Counts it as refused.
    fn count(self, refusal: &Refusal) {
        match self {
            Self::Event => retell::count_unread(refusal),
            Self::Function(_, function) => functions::count_unread(function, refusal),
        }
    }
}

/// The head that these bytes begin with.
fn head(bytes: &[u8]) -> Seen {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
    let mut request = httparse::Request::new(&mut headers);
    match request.parse(bytes) {
        Ok(httparse::Status::Complete(bytes)) => followed(&request, bytes).map_or(Seen::Unclear, Seen::Whole),
        Ok(httparse::Status::Partial) => Seen::Part,
        Err(_) => Seen::Unclear,
    }
}

/// What a whole head says; `None` when it is nothing that can be followed.
fn followed(request: &httparse::Request<'_, '_>, head_bytes: usize) -> Option<Head> {
    let (mut length, mut is_plain, mut is_signed) = (None, request.version == Some(1), false);
    for httparse::Header { name, value } in request.headers.iter() {
        let is = |header: &HeaderName| name.eq_ignore_ascii_case(header.as_str());
        if is(&header::TRANSFER_ENCODING) || is(&header::UPGRADE) {
            return None;
        } else if is(&header::CONTENT_LENGTH) {
            let digits =
                std::str::from_utf8(value).ok().filter(|text| text.bytes().all(|b| b.is_ascii_digit()))?;
            if length.replace(digits.parse::<usize>().ok()?).is_some() {
                return None;
            }
        } else if is(&header::CONNECTION) {
            is_plain &= value.eq_ignore_ascii_case(b"keep-alive");
        } else if is(&header::EXPECT) || is(&header::CONTENT_ENCODING) {
            is_plain = false;
        } else if name.eq_ignore_ascii_case(signed::SIGNATURE_HEADER) {
            is_signed = true;
        }
    }
    let can_be_refused =
        is_plain && is_signed && length.is_some() && request.method == Some(Method::POST.as_str());
    let asks = request.path.filter(|_| can_be_refused).and_then(Asks::of);
    Some(Head { bytes: head_bytes, body_bytes: length.unwrap_or(0), asks })
}

/// A refusal as it is sent.
fn sent(refusal: &Refusal, is_last: bool) -> Bytes {
    let (head, body) = refusal.error_response().into_parts();
    let body = body.try_into_bytes().unwrap_or_default();
    let status = head.status();
    let mut text =
        format!("HTTP/1.1 {} {}\r\n", status.as_str(), status.canonical_reason().unwrap_or_default());
    let mut tell = |name: &str, value: &str| _ = write!(text, "{name}: {value}\r\n");
    tell(header::CONTENT_LENGTH.as_str(), &body.len().to_string());
    for (name, value) in head.headers() {
        tell(name.as_str(), value.to_str().unwrap_or_default());
    }
    for (name, value) in ANSWER_HEADERS {
        if !head.headers().contains_key(&name) {
            tell(name.as_str(), value);
        }
    }
    if is_last {
        text.push_str("connection: close\r\n");
    }
    text.push_str("\r\n");
    [text.as_bytes(), &body].concat().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is made of a head with this first line and these headers, behind which a body begins.
    fn seen(line: &str, headers: &[&str]) -> Option<(usize, Option<Asks>)> {
        let text = format!("{line} HTTP/1.1\r\nhost: test\r\n{}\r\n\r\n", headers.join("\r\n"));
        let bytes = [text.as_bytes(), b"{\"event\""].concat();
        let Seen::Whole(head) = head(&bytes) else { return None };
        assert_eq!(head.bytes, text.len());
        Some((head.body_bytes, head.asks))
    }

    const SIGNED: [&str; 2] = ["content-length: 12", "X-Retell-Signature: v=1,d=2"];

    #[test]
    fn events_and_functions_are_known_by_their_addresses() {
        let asks = |path: &str| seen(&format!("POST {path}"), &SIGNED).unwrap().1;
        let function = |class, name| Some(Asks::Function(class, name));
        for path in ["/webhooks/retell", "/webhooks/retell/friseur-mitte"] {
            assert_eq!(asks(path), Some(Asks::Event), "{path}");
        }
        let read = asks("/functions/retell/check_availability_v17");
        assert_eq!(read, function(Class::FunctionRead, "check_availability"));
        for path in ["/functions/retell", "/functions/retell/nothing"] {
            assert_eq!(asks(path), function(Class::FunctionWrite, "other"), "{path}");
        }
        for path in [
            "/webhooks/retell/",
            "/webhooks/retell/inbound",
            "/webhooks/retell/friseur-mitte/inbound",
            "/webhooks/retell/friseur%2Dmitte",
            "/webhooks/retell?x=1",
            "/webhooks/retellx",
            "/webhooks/calcom/friseur-mitte",
            "/admin/status",
        ] {
            assert_eq!(asks(path), None, "{path}");
        }
    }

    #[test]
    fn what_is_not_plain_and_signed_is_followed_and_left_to_the_library() {
        for headers in [
            &["content-length: 12"][..],
            &["x-retell-signature: v=1,d=2"],
            &["content-length: 12", SIGNED[1], "connection: close"],
            &["content-length: 12", SIGNED[1], "expect: 100-continue"],
            &["content-length: 12", SIGNED[1], "content-encoding: gzip"],
        ] {
            let (body_bytes, asks) = seen("POST /webhooks/retell", headers).unwrap();
            assert_eq!((body_bytes == 12, asks), (headers[0].starts_with("content"), None), "{headers:?}");
        }
        assert_eq!(seen("GET /webhooks/retell", &SIGNED), Some((12, None)));
        let kept = ["content-length: 12", SIGNED[1], "Connection: Keep-Alive"];
        assert_eq!(seen("POST /webhooks/retell", &kept), Some((12, Some(Asks::Event))));
    }

    #[test]
    fn what_could_be_read_in_two_ways_is_not_followed() {
        for headers in [
            &["content-length: 12", "content-length: 12"][..],
            &["content-length: 12, 12"],
            &["content-length: +12"],
            &["content-length: 99999999999999999999999"],
            &["content-length: 12", "transfer-encoding: chunked"],
            &["transfer-encoding: chunked"],
            &["upgrade: websocket"],
            &["no header"],
        ] {
            assert_eq!(seen("POST /webhooks/retell", headers), None, "{headers:?}");
        }
        assert!(matches!(head(b"POST /webhooks/retell HTTP/1.1\r\nhost: te"), Seen::Part));
    }
}
