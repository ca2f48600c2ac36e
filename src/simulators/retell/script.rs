//! A call as a list of things to send, with what should come of it.

use bytes::Bytes;
use rand::Rng;
use rand::SeedableRng;
use rand::rngs::SmallRng;

/// How many milliseconds later something is sent again whose answer was lost: Retell's time-out.
const RETRY_AFTER_MS: i64 = 10_000;

/// What is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeliveryKind {
    /// The question before a call is taken.
    Inbound,
    /// A fact about a call.
    Event,
    /// A question or order from within the conversation; the caller waits for the answer.
    Function {
        /// As the agent calls it.
        name: String,
    },
}

/// One request to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// When, in ms since 1970.
    pub due_ms: i64,
    /// What.
    pub kind: DeliveryKind,
    /// The call or chat it belongs to.
    pub call_id: String,
    /// `call_ended`, …; a function's name for functions.
    pub event: String,
    /// The exact bytes; they are signed when they are sent.
    pub body: Bytes,
}

/// What sort of conversation a script is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallKind {
    /// Somebody rings the company.
    Inbound,
    /// The company rings somebody.
    Outbound,
    /// From a browser, without numbers.
    Web,
    /// Written.
    Chat,
}

/// The booking a caller wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpectedBooking {
    /// The service's name as the company has it.
    pub service: String,
    /// The wished member of staff.
    pub staff: Option<String>,
    /// When, in ms since 1970.
    pub start_ms: i64,
    /// Who calls.
    pub customer_name: String,
}

/// What a service that lost nothing knows about the call in the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected {
    /// What sort of conversation it was.
    pub kind: CallKind,
    /// `ended`, `not_connected` or `error`.
    pub status: &'static str,
    /// Retell's word for how it ended; `None` for chats.
    pub disconnection_reason: Option<&'static str>,
    /// 0 where nobody was reached.
    pub duration_ms: i64,
    /// The distinct durable events, without `transcript_updated` and `call_inbound`.
    pub events: Vec<&'static str>,
    /// Function calls in order.
    pub functions: Vec<&'static str>,
    /// What the caller tries to book.
    pub booking: Option<ExpectedBooking>,
}

/// One whole call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallScript {
    /// Retell's id; a `chat_…` id for chats.
    pub call_id: String,
    /// Which of the generator's companies is called.
    pub company_index: usize,
    /// When the first delivery is due.
    pub start_ms: i64,
    /// In the order of their due times.
    pub deliveries: Vec<Delivery>,
    /// What should come of it.
    pub expected: Expected,
}

/// Which calls come, as shares between 0 and 1 of all calls unless said otherwise.
#[derive(Debug, Clone, PartialEq)]
pub struct Mix {
    /// Written conversations.
    pub chat_share: f64,
    /// Calls from a browser.
    pub web_share: f64,
    /// Calls the company makes.
    pub outbound_share: f64,
    /// Of the outbound calls: nobody was reached.
    pub not_connected_share: f64,
    /// Of the outbound calls: a machine answered.
    pub voicemail_share: f64,
    /// Handed over to a human.
    pub transfer_share: f64,
    /// Ended by an error.
    pub error_share: f64,
    /// The caller fell silent.
    pub inactivity_share: f64,
    /// Of the calls that last 20 s and more: the agent calls functions.
    pub function_share: f64,
    /// Of the calls with functions: the caller books.
    pub booking_share: f64,
    /// Callers want one of the next so many days: the fewer, the more they clash. At least 1.
    pub booking_days: u32,
    /// Sends `transcript_updated` at each turn.
    pub transcript_updates: bool,
    /// Sends `call_inbound` before inbound calls.
    pub ask_before_inbound: bool,
    /// Median length of a conversation.
    pub median_s: f64,
    /// Longest conversation.
    pub longest_s: f64,
}

impl Default for Mix {
    fn default() -> Self {
        Self {
            chat_share: 0.03,
            web_share: 0.05,
            outbound_share: 0.12,
            not_connected_share: 0.35,
            voicemail_share: 0.2,
            transfer_share: 0.06,
            error_share: 0.015,
            inactivity_share: 0.03,
            function_share: 0.75,
            booking_share: 0.6,
            booking_days: 14,
            transcript_updates: false,
            ask_before_inbound: true,
            median_s: 120.0,
            longest_s: 600.0,
        }
    }
}

impl Mix {
    /// Inbound calls only, each of which checks and books within the next `booking_days` days.
    #[must_use]
    pub fn bookings(booking_days: u32) -> Self {
        Self {
            chat_share: 0.0,
            web_share: 0.0,
            outbound_share: 0.0,
            transfer_share: 0.0,
            error_share: 0.0,
            inactivity_share: 0.0,
            function_share: 1.0,
            booking_share: 1.0,
            booking_days,
            ..Self::default()
        }
    }

    /// The default mix without any function call: facts only.
    #[must_use]
    pub fn events() -> Self {
        Self { function_share: 0.0, ask_before_inbound: false, ..Self::default() }
    }
}

/// How badly the way from Retell behaves: shares between 0 and 1 of the deliveries.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Disorder {
    /// Sent twice at once (events).
    pub duplicate_share: f64,
    /// Sent after the one that should follow it (events).
    pub reorder_share: f64,
    /// Sent again 10 s later, as if the answer had been lost (events and functions).
    pub retry_share: f64,
}

impl Disorder {
    /// Disturbs a script's deliveries; the same seed disturbs the same script the same way.
    pub fn apply(&self, script: &mut CallScript, seed: u64) {
        let mut rng = SmallRng::seed_from_u64(seed);
        let mut copies = Vec::new();
        for delivery in &script.deliveries {
            let event = delivery.kind == DeliveryKind::Event;
            if event && rng.random_bool(share(self.duplicate_share)) {
                copies.push(Delivery { due_ms: delivery.due_ms + 1, ..delivery.clone() });
            }
            if delivery.kind != DeliveryKind::Inbound && rng.random_bool(share(self.retry_share)) {
                copies.push(Delivery { due_ms: delivery.due_ms + RETRY_AFTER_MS, ..delivery.clone() });
            }
        }
        self.reorder(&mut script.deliveries, &mut rng);
        script.deliveries.extend(copies);
        script.deliveries.sort_by_key(|delivery| delivery.due_ms);
    }

    fn reorder(&self, deliveries: &mut [Delivery], rng: &mut SmallRng) {
        let events: Vec<&mut Delivery> =
            deliveries.iter_mut().filter(|delivery| delivery.kind == DeliveryKind::Event).collect();
        let mut pairs = events.into_iter().peekable();
        while let Some(event) = pairs.next() {
            if !rng.random_bool(share(self.reorder_share)) {
                continue;
            }
            if let Some(next) = pairs.next() {
                std::mem::swap(&mut event.due_ms, &mut next.due_ms);
            }
        }
    }
}

/// A share that is certainly between 0 and 1.
pub(super) fn share(share: f64) -> f64 {
    if share.is_nan() { 0.0 } else { share.clamp(0.0, 1.0) }
}
