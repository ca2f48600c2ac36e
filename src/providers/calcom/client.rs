//! The client of Cal.com's API v2. Nothing is sent twice by itself, and every request passes the turnstile of
//! its key's budget.

use std::{fmt, sync::Arc, time::Duration};

use askpro_actors::ports::calendar::{
    Calendar, CalendarError, CreateOutcome, FoundBooking, Offered, ReserveOutcome, ReserveWish, Turn,
};
use askpro_domain::{
    booking::{BookingOrder, Refusal},
    ids::CompanyId,
    policy::KeyId,
    secret::Secret,
    time::{Interval, UnixMillis},
};
use reqwest::{
    Client, Method, RequestBuilder, Url,
    header::{AUTHORIZATION, HeaderValue},
};

use super::{
    map,
    plain::is_uid,
    transport::{Answer, Operation, Prepared, exchange},
    wire::{Booking, CancelBooking, CreateBooking, Cursor, OneOrMany, ReserveSlot, SlotDays, email_of},
};
use crate::providers::http_client::{self, HttpClientError, HttpClientOptions};

/// Longest window of slots.
const WINDOW_MS_MAX: i64 = 31 * DAY_MS;
const DAY_MS: i64 = 86_400_000;
/// Bookings asked for per page, Cal.com's maximum.
const PAGE_SIZE: &str = "100";
/// Pages read in one look; more than that around one start is no answer.
const PAGES_MAX: usize = 10;
/// Bookings are listed from this long before the wanted start to this long after its end.
const LOOK_AROUND_MS: i64 = 3_600_000;
/// Where reservations are, behind `/v2`.
const RESERVATIONS: [&str; 2] = ["slots", "reservations"];
/// Said when nobody gave a reason; some event types demand one.
const REASON_DEFAULT: &str = "Cancelled by telephone";

/// The key that a company's requests carry.
pub type KeyDirectory = Arc<dyn Fn(CompanyId) -> Option<Secret> + Send + Sync>;

/// Where Cal.com is and how long it may take.
#[derive(Debug, Clone)]
pub struct CalcomOptions {
    /// `https://api.cal.com`, without `/v2`.
    pub base_url: String,
    /// Longest wait for a connection.
    pub connect_timeout: Duration,
    /// Longest wait for the answer to a question.
    pub read_timeout: Duration,
    /// Longest wait for the answer to a booking or cancellation. Long: a caller is told "pending" meanwhile,
    /// and an answer that is not waited for has to be looked up.
    pub write_timeout: Duration,
    /// `User-Agent`.
    pub user_agent: String,
}

impl Default for CalcomOptions {
    fn default() -> Self {
        Self {
            base_url: "https://api.cal.com".to_owned(),
            connect_timeout: Duration::from_secs(3),
            read_timeout: Duration::from_secs(10),
            write_timeout: Duration::from_secs(30),
            user_agent: concat!("askpro/", env!("CARGO_PKG_VERSION")).to_owned(),
        }
    }
}

/// Why there can be no client.
#[derive(Debug, thiserror::Error)]
pub enum CalcomSetupError {
    /// The address is no `http` or `https` URL.
    #[error("calcom.base_url {0:?} is no http or https address; use https://api.cal.com")]
    BaseUrl(String),
    /// No HTTP client.
    #[error(transparent)]
    Http(#[from] HttpClientError),
}

/// Why nobody knows that a key is good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Cal.com does not take it.
    #[error("the key is refused")]
    Refused,
    /// It was used too much within the last minute.
    #[error("the key has used up its requests of this minute")]
    Limited,
    /// An answer that is neither.
    #[error("Cal.com answers {0}")]
    Status(u16),
    /// No answer.
    #[error("Cal.com does not answer")]
    NoAnswer,
}

/// Cal.com behind the calendar port. Cheap to share behind an `Arc`.
pub struct CalcomClient {
    http: Client,
    base_url: Url,
    keys: KeyDirectory,
    read_timeout: Duration,
    write_timeout: Duration,
}

impl fmt::Debug for CalcomClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CalcomClient").field("base_url", &self.base_url.as_str()).finish_non_exhaustive()
    }
}

impl CalcomClient {
    /// A client that takes the key of each company from `keys`; one without asks nothing.
    pub fn new(options: CalcomOptions, keys: KeyDirectory) -> Result<Self, CalcomSetupError> {
        let base_url = http_client::base_url(&options.base_url)
            .ok_or_else(|| CalcomSetupError::BaseUrl(options.base_url.clone()))?;
        let http = http_client::build(&HttpClientOptions {
            connect_timeout: options.connect_timeout,
            request_timeout: options.read_timeout,
            user_agent: options.user_agent,
        })?;
        Ok(Self {
            http,
            base_url,
            keys,
            read_timeout: options.read_timeout,
            write_timeout: options.write_timeout,
        })
    }

    /// A request with the company's key and the endpoint's version; `None` without a usable key.
    fn request(
        &self,
        operation: Operation,
        method: Method,
        company: CompanyId,
        path: &[&str],
    ) -> Option<Prepared> {
        let key = (self.keys)(company).filter(|key| !key.is_empty())?;
        let builder = self.signed_in(&key, method, path)?.header("cal-api-version", operation.version());
        Some(Prepared { operation, company, key: KeyId::of(&key), builder })
    }

    /// A request with this key; `None` when it is no key, or an id in the path is none.
    fn signed_in(&self, key: &Secret, method: Method, path: &[&str]) -> Option<RequestBuilder> {
        let mut bearer = HeaderValue::from_str(&format!("Bearer {}", key.expose().trim())).ok()?;
        bearer.set_sensitive(true);
        let url = http_client::below(&self.base_url, &[&["v2"], path].concat())?;
        Some(self.http.request(method, url).header(AUTHORIZATION, bearer))
    }

    /// Whether Cal.com takes this key: asks whose it is (`GET /v2/me`), which changes nothing. For operators: it
    /// passes no turnstile and is not counted.
    ///
    /// # Errors
    /// [`KeyError`].
    pub async fn check_key(&self, key: &Secret) -> Result<(), KeyError> {
        let request = self.signed_in(key, Method::GET, &["me"]).ok_or(KeyError::Refused)?;
        let answer = request.timeout(self.read_timeout).send().await;
        match answer.map(|answer| answer.status().as_u16()) {
            Ok(200..=299) => Ok(()),
            Ok(401 | 403 | 498) => Err(KeyError::Refused),
            Ok(429) => Err(KeyError::Limited),
            Ok(status) => Err(KeyError::Status(status)),
            Err(_) => Err(KeyError::NoAnswer),
        }
    }

    /// One page of the bookings around an order's start.
    async fn page(
        &self,
        order: &BookingOrder,
        cursor: Option<&Cursor>,
        turn: &Turn,
    ) -> Result<Page, CalendarError> {
        let around = order.interval;
        let request = self.request(Operation::Look, Method::GET, order.company, &["bookings"]);
        let request = request.ok_or(CalendarError::NoKey)?.with(|builder| {
            let builder = builder.query(&[
                ("eventTypeIds", order.event_type_id.to_string().as_str()),
                ("afterStart", &around.start().plus_ms(-LOOK_AROUND_MS).to_rfc3339()),
                ("beforeEnd", &around.end().plus_ms(LOOK_AROUND_MS).to_rfc3339()),
                ("limit", PAGE_SIZE),
            ]);
            match cursor {
                Some(cursor) => builder.query(&[("cursor", cursor.to_string())]),
                None => builder,
            }
        });
        let answer = self.question(request, turn).await?;
        let body = map::success::<Vec<Booking>>(&answer).ok_or_else(|| map::unreadable(Operation::Look))?;
        let next = match body.pagination {
            Some(pagination) => match (pagination.has_more(), pagination.next_cursor) {
                (Some(false), _) => Next::End,
                (Some(true) | None, Some(cursor)) => Next::More(cursor),
                (Some(true) | None, None) => Next::Unknown,
            },
            None => Next::Unknown,
        };
        Ok(Page { bookings: body.data, next })
    }

    /// Asks a question and gives the answer if it is a success.
    async fn question(&self, request: Prepared, turn: &Turn) -> Result<Answer, CalendarError> {
        let operation = request.operation;
        let answer = exchange(request, self.read_timeout, turn)
            .await
            .map_err(|error| map::question_lost(operation, error))?;
        if answer.is_success() { Ok(answer) } else { Err(map::question_failed(operation, &answer)) }
    }

    /// Whether a booking does not stand any more.
    async fn is_cancelled(&self, company: CompanyId, uid: &str, turn: &Turn) -> Result<bool, CalendarError> {
        let request = self.request(Operation::Get, Method::GET, company, &["bookings", uid]);
        let answer = self.question(request.ok_or(CalendarError::NoKey)?, turn).await?;
        let body = map::success::<OneOrMany>(&answer).ok_or_else(|| map::unreadable(Operation::Get))?;
        let bookings = body.data.into_vec();
        Ok(!bookings.is_empty() && bookings.iter().all(|booking| !booking.stands()))
    }
}

/// A page of bookings.
struct Page {
    bookings: Vec<Booking>,
    next: Next,
}

/// What follows a page.
enum Next {
    /// Nothing.
    End,
    /// The page at this cursor.
    More(Cursor),
    /// The answer does not say.
    Unknown,
}

/// The end of a window as it is asked for: an end at midnight would be pushed to the end of that day.
fn asked_end(window: Interval) -> UnixMillis {
    let end = window.end();
    if end.0.rem_euclid(DAY_MS) == 0 { end.plus_ms(-1_000) } else { end }
}

#[async_trait::async_trait]
impl Calendar for CalcomClient {
    async fn slots(
        &self,
        company: CompanyId,
        event_type_id: i64,
        window: Interval,
        turn: &Turn,
    ) -> Result<Offered, CalendarError> {
        if window.end().since(window.start()) > WINDOW_MS_MAX {
            return Err(CalendarError::Refused("a window of slots has at most 31 days".to_owned()));
        }
        let request = self.request(Operation::Slots, Method::GET, company, &["slots"]);
        let request = request.ok_or(CalendarError::NoKey)?.with(|builder| {
            builder.query(&[
                ("eventTypeId", event_type_id.to_string().as_str()),
                ("start", &window.start().to_rfc3339()),
                ("end", &asked_end(window).to_rfc3339()),
                ("timeZone", "UTC"),
            ])
        });
        let answer = self.question(request, turn).await?;
        let body = map::success::<SlotDays>(&answer).ok_or_else(|| map::unreadable(Operation::Slots))?;
        Ok(Offered { event_type_id, window, starts: map::starts_in(&body.data, window)? })
    }

    async fn create(&self, order: &BookingOrder, submitted_at: UnixMillis, turn: &Turn) -> CreateOutcome {
        if order.attendee.phone.is_none() && email_of(order).is_none() {
            return CreateOutcome::Refused(Refusal::ContactRejected);
        }
        let request = self.request(Operation::Create, Method::POST, order.company, &["bookings"]);
        let Some(request) = request else { return CreateOutcome::Refused(Refusal::NotAuthorized) };
        let request = request.with(|builder| builder.json(&CreateBooking::of(order)));
        let result = exchange(request, self.write_timeout, turn).await;
        map::created(result, order, submitted_at)
    }

    async fn look(
        &self,
        order: &BookingOrder,
        submitted_at: UnixMillis,
        turn: &Turn,
    ) -> Result<Option<FoundBooking>, CalendarError> {
        let mut cursor = None;
        for _ in 0..PAGES_MAX {
            let page = self.page(order, cursor.as_ref(), turn).await?;
            let ours = page.bookings.iter().find(|b| map::is_found(b, order, submitted_at));
            // Ours, but nothing that could be kept or called off.
            if ours.is_some_and(|booking| !is_uid(&booking.uid)) {
                break;
            }
            if let Some(booking) = ours {
                return Ok(Some(map::found(booking, order)));
            }
            match page.next {
                Next::End => return Ok(None),
                Next::More(next) if cursor.as_ref() != Some(&next) => cursor = Some(next),
                Next::More(_) | Next::Unknown => break,
            }
        }
        // Pages without a known end prove nothing.
        Err(map::unreadable(Operation::Look))
    }

    async fn cancel(
        &self,
        company: CompanyId,
        uid: &str,
        reason: &str,
        turn: &Turn,
    ) -> Result<(), CalendarError> {
        let reason = if reason.trim().is_empty() { REASON_DEFAULT } else { reason };
        let request = self.request(Operation::Cancel, Method::POST, company, &["bookings", uid, "cancel"]);
        let request = request.ok_or(CalendarError::NoKey)?;
        let request = request.with(|builder| builder.json(&CancelBooking { cancellation_reason: reason }));
        let answer = exchange(request, self.write_timeout, turn)
            .await
            .map_err(|error| map::question_lost(Operation::Cancel, error))?;
        match answer.status {
            200..=299 => Ok(()),
            400 if self.is_cancelled(company, uid, turn).await? => Ok(()),
            _ => Err(map::question_failed(Operation::Cancel, &answer)),
        }
    }

    async fn reserve(&self, wish: &ReserveWish, turn: &Turn) -> ReserveOutcome {
        let request = self.request(Operation::Reserve, Method::POST, wish.company, &RESERVATIONS);
        let Some(request) = request else { return ReserveOutcome::NotSent };
        let request = request.with(|builder| builder.json(&ReserveSlot::of(wish)));
        map::reserved(exchange(request, self.read_timeout, turn).await, wish)
    }

    async fn unreserve(&self, company: CompanyId, uid: &str, turn: &Turn) -> Result<(), CalendarError> {
        let [slots, reservations] = RESERVATIONS;
        let path = [slots, reservations, uid];
        let request = self.request(Operation::Unreserve, Method::DELETE, company, &path);
        self.question(request.ok_or(CalendarError::NoKey)?, turn).await.map(drop)
    }
}
