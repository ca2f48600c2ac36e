//! The oracle: compares what a service acknowledged with what it has, and finds what was lost, doubled or is
//! out of state.
//!
//! Pure: it gets a ledger of what was sent and answered, and what was read afterwards. It must not know how
//! either came about.

mod bookings;
mod calls;
mod gather;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};
use std::fmt;

pub(super) use self::gather::{Source, examine};

/// What was sent of one event of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SentEvent {
    /// `call_started`, …
    pub(super) event: &'static str,
    /// One of its copies was acknowledged: from then on it must not get lost.
    pub(super) acknowledged: bool,
}

/// What an agent was told about a booking.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Told {
    /// The appointment's id in the answer; empty where the answer had none.
    pub(super) appointment_id: String,
    /// The agent heard `confirmed`; else it heard that the booking is on its way.
    pub(super) confirmed: bool,
}

/// One call as it was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SentCall {
    /// Retell's id.
    pub(super) call_id: String,
    /// The distinct durable events.
    pub(super) events: Vec<SentEvent>,
    /// What the call's status must be in the end.
    pub(super) status: &'static str,
    /// What its agent was told.
    pub(super) told: Vec<Told>,
}

impl SentCall {
    /// Whether the service knows for certain that the call is over.
    fn is_over(&self) -> bool {
        let ending = |sent: &SentEvent| {
            sent.acknowledged && (sent.event.ends_with("_ended") || sent.event.ends_with("_analyzed"))
        };
        self.events.iter().any(|sent| ending(sent) && !sent.event.starts_with("transfer"))
    }
}

/// One event as the service has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct StoredEvent {
    /// `call_started`, …
    pub(super) event: String,
    /// The service's identity of the event.
    pub(super) dedup_key: String,
}

/// One appointment as the service has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct StoredAppointment {
    /// The service's id.
    pub(super) appointment_id: String,
    /// `submitted`, `confirmed`, …
    pub(super) status: String,
    /// The booking at Cal.com, if there is one.
    pub(super) calcom_uid: Option<String>,
}

/// One call as the service has it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct StoredCall {
    /// `live`, `ended`, …
    pub(super) status: String,
    /// One entry per distinct event.
    pub(super) events: Vec<StoredEvent>,
    /// What it wants or wanted to book.
    pub(super) appointments: Vec<StoredAppointment>,
}

/// One booking at Cal.com.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct CalcomBooking {
    /// Cal.com's name for it.
    pub(super) uid: String,
    /// Who does the work.
    pub(super) host_id: i64,
    /// ms since 1970.
    pub(super) start_ms: i64,
    /// ms since 1970, exclusive.
    pub(super) end_ms: i64,
    /// It takes its host's time: accepted or pending, not cancelled.
    pub(super) stands: bool,
    /// The values of its metadata.
    pub(super) metadata: Vec<String>,
}

/// Something that must not be.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fault {
    /// An acknowledged event is not there.
    Lost {
        /// Whose.
        call_id: String,
        /// Which.
        event: String,
    },
    /// An event is there more than once.
    Doubled {
        /// Whose.
        call_id: String,
        /// Which.
        event: String,
        /// How often.
        times: usize,
    },
    /// One order has more than one booking at Cal.com.
    BookedTwice {
        /// Whose.
        appointment_id: String,
        /// How many.
        times: usize,
    },
    /// A call that is over has another status than it must have.
    OutOfState {
        /// Which.
        call_id: String,
        /// What it must be.
        expected: String,
        /// What it is.
        found: String,
    },
    /// Two bookings need the same host at the same time.
    Overlap {
        /// Cal.com's number of the host.
        host_id: i64,
        /// The one that starts first.
        first: String,
        /// The one that starts before the first is over.
        second: String,
    },
    /// An agent was told of an appointment that is not there, or one is there without its booking, or a
    /// booking without its appointment.
    UnknownAppointment {
        /// Whose.
        call_id: String,
        /// What is missing.
        missing: String,
    },
}

impl Fault {
    /// The kind's name in reports: `lost`, `doubled`, `out_of_state`, `overlap`, `unknown_appointment`.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Lost { .. } => "lost",
            Self::Doubled { .. } | Self::BookedTwice { .. } => "doubled",
            Self::OutOfState { .. } => "out_of_state",
            Self::Overlap { .. } => "overlap",
            Self::UnknownAppointment { .. } => "unknown_appointment",
        }
    }

    /// The call it is about, if it is about one.
    fn call_id(&self) -> Option<&str> {
        match self {
            Self::Lost { call_id, .. }
            | Self::Doubled { call_id, .. }
            | Self::OutOfState { call_id, .. }
            | Self::UnknownAppointment { call_id, .. } => Some(call_id),
            Self::BookedTwice { .. } | Self::Overlap { .. } => None,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lost { call_id, event } => {
                write!(f, "lost: {event} of {call_id} was acknowledged and is not there")
            }
            Self::Doubled { call_id, event, times } => {
                write!(f, "doubled: {event} of {call_id} is there {times} times")
            }
            Self::BookedTwice { appointment_id, times } => {
                write!(f, "doubled: appointment {appointment_id} has {times} bookings at Cal.com")
            }
            Self::OutOfState { call_id, expected, found } => {
                write!(f, "out of state: {call_id} must be {expected} and is {found}")
            }
            Self::Overlap { host_id, first, second } => {
                write!(f, "overlap: bookings {first} and {second} both need host {host_id}")
            }
            Self::UnknownAppointment { call_id, missing } => {
                write!(f, "unknown appointment: {call_id}, {missing}")
            }
        }
    }
}

/// Every kind of fault, in the order of reports.
pub(super) const FAULT_KINDS: [&str; 5] =
    ["lost", "doubled", "out_of_state", "overlap", "unknown_appointment"];

/// What the oracle says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Verdict {
    /// What must not be, in order.
    pub(super) faults: Vec<Fault>,
    /// Calls that were sent.
    pub(super) calls: usize,
    /// Calls of these that were read and compared.
    pub(super) calls_checked: usize,
    /// Acknowledged events of the calls that were compared.
    pub(super) events_checked: usize,
    /// Bookings at Cal.com that were compared; `None` where Cal.com could not be looked into.
    pub(super) bookings_checked: Option<usize>,
    /// Appointments that are still on their way: neither right nor wrong yet.
    pub(super) appointments_open: usize,
}

impl Verdict {
    /// Nothing was found.
    pub(super) fn is_sound(&self) -> bool {
        self.faults.is_empty()
    }

    /// How many faults there are of each kind.
    pub(super) fn by_kind(&self) -> BTreeMap<&'static str, usize> {
        let mut counts: BTreeMap<_, _> = FAULT_KINDS.into_iter().map(|kind| (kind, 0)).collect();
        for fault in &self.faults {
            *counts.entry(fault.kind()).or_default() += 1;
        }
        counts
    }
}

/// Compares what was sent with what is there. A call that is not in `stored` is not known to the service;
/// without `calcom` bookings are compared with nothing.
pub(super) fn judge(
    sent: &[SentCall],
    stored: &HashMap<String, StoredCall>,
    calcom: Option<&[CalcomBooking]>,
) -> Verdict {
    let nothing = StoredCall::default();
    let mut faults = Vec::new();
    for call in sent {
        let is = stored.get(&call.call_id);
        calls::compare(call, is.unwrap_or(&nothing), &mut faults);
    }
    if let Some(calcom) = calcom {
        bookings::compare(sent, stored, calcom, &mut faults);
    }
    faults.sort();
    faults.dedup();
    let acknowledged = |call: &SentCall| call.events.iter().filter(|sent| sent.acknowledged).count();
    let appointments = stored.values().flat_map(|call| &call.appointments);
    Verdict {
        faults,
        calls: sent.len(),
        calls_checked: sent.len(),
        events_checked: sent.iter().map(acknowledged).sum(),
        bookings_checked: calcom.map(<[_]>::len),
        appointments_open: appointments.filter(|appointment| bookings::is_open(&appointment.status)).count(),
    }
}
