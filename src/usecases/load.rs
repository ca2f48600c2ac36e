//! Who is turned away when there is too much to do, and in which order: transcripts first, then functions
//! that read, then functions that write, lifecycle events last. Every refusal is counted here.

use super::{Services, lateness};
use crate::telemetry::metrics::REFUSED;

/// Load at which `transcript_updated` is refused: the next one carries the same words again.
pub const TRANSCRIPTS_REFUSED_AT: usize = 8_192;
/// Load at which functions that read are refused.
pub const READS_REFUSED_AT: usize = 16_384;
/// Load at which functions that write, and questions before a call, are refused.
pub const WRITES_REFUSED_AT: usize = 32_768;
/// Load at which everything is refused.
pub const LIFECYCLE_REFUSED_AT: usize = 65_536;

/// Kinds of work at the door, in the order in which they are refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// `transcript_updated`.
    Transcript,
    /// Functions that only read.
    FunctionRead,
    /// Functions that change something that lasts.
    FunctionWrite,
    /// Questions before a call begins.
    Inbound,
    /// Every other event.
    Lifecycle,
}

impl Class {
    /// The word in metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Transcript => "transcript",
            Self::FunctionRead => "function_read",
            Self::FunctionWrite => "function_write",
            Self::Inbound => "inbound",
            Self::Lifecycle => "lifecycle",
        }
    }

    /// Whether it is an event: nobody waits for its answer.
    #[must_use]
    pub const fn is_event(self) -> bool {
        matches!(self, Self::Transcript | Self::Lifecycle)
    }

    const fn refused_at(self) -> usize {
        match self {
            Self::Transcript => TRANSCRIPTS_REFUSED_AT,
            Self::FunctionRead => READS_REFUSED_AT,
            Self::FunctionWrite | Self::Inbound => WRITES_REFUSED_AT,
            Self::Lifecycle => LIFECYCLE_REFUSED_AT,
        }
    }

    /// Its place in the order of refusals on a thread that is late.
    const fn rank(self) -> usize {
        match self {
            Self::Transcript => 0,
            Self::FunctionRead => 1,
            Self::FunctionWrite | Self::Inbound => 2,
            Self::Lifecycle => lateness::RANKS - 1,
        }
    }

    /// Why there is no room for it, if there is none.
    fn refused_for(self, load: usize, is_late: impl FnOnce(usize) -> bool) -> Option<Reason> {
        if load >= self.refused_at() {
            Some(Reason::QueueFull)
        } else if is_late(self.rank()) {
            Some(Reason::Late)
        } else {
            None
        }
    }
}

/// Why work is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// Too much waits already.
    QueueFull,
    /// The thread comes too late to what is ready.
    Late,
    /// The journal takes nothing.
    JournalFull,
    /// The company has used up what its limits allow.
    Quota,
    /// Too many bytes of bodies are being read.
    BodiesFull,
    /// A body that is larger than one may be.
    BodyLarge,
    /// A body that did not come in time.
    BodySlow,
    /// The journal's disk takes too long.
    JournalSlow,
    /// The service takes no more.
    Draining,
    /// The service takes nothing yet.
    Standby,
}

impl Reason {
    /// The word in metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::QueueFull => "queue_full",
            Self::Late => "late",
            Self::JournalFull => "journal_full",
            Self::Quota => "quota",
            Self::BodiesFull => "bodies_full",
            Self::BodyLarge => "body_large",
            Self::BodySlow => "body_slow",
            Self::JournalSlow => "journal_slow",
            Self::Draining => "draining",
            Self::Standby => "standby",
        }
    }
}

/// There is no room for work of this class. Whoever turns the work away for it counts it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoRoom {
    class: Class,
    reason: Reason,
}

impl NoRoom {
    /// The work is turned away.
    #[must_use]
    pub fn refuse(self) -> Overloaded {
        count_refused(self.class, self.reason);
        Overloaded
    }
}

/// Too much waits already: try again later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too much waits already")]
pub struct Overloaded;

/// What waits inside: messages for actors, notes for full mailboxes, appends that wait for the disk. What
/// waits for the database is not in it: the journal bounds that.
#[must_use]
pub fn load(services: &Services) -> usize {
    let actors = &services.actors;
    actors.calls.registry().queued()
        + actors.schedulers.queued()
        + actors.parked.len()
        + services.traffic.appending()
}

/// Whether there is room at the door for work of this class; nothing is counted yet. To be asked once for each request:
/// a thread that is late refuses a share of what it is asked.
///
/// # Errors
/// [`NoRoom`].
pub fn room_at_the_door(services: &Services, class: Class) -> Result<(), NoRoom> {
    room_unless(services, class, lateness::refuses)
}

/// Lets work of this class in or on however late the thread is, or counts it as refused.
///
/// # Errors
/// [`Overloaded`].
pub fn admit_on(services: &Services, class: Class) -> Result<(), Overloaded> {
    room_unless(services, class, |_| false).map_err(NoRoom::refuse)
}

fn room_unless(services: &Services, class: Class, is_late: impl FnOnce(usize) -> bool) -> Result<(), NoRoom> {
    class.refused_for(load(services), is_late).map_or(Ok(()), |reason| Err(NoRoom { class, reason }))
}

/// Counts work that was turned away.
pub fn count_refused(class: Class, reason: Reason) {
    metrics::counter!(REFUSED, "class" => class.as_str(), "reason" => reason.as_str()).increment(1);
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Class; 5] =
        [Class::Transcript, Class::FunctionRead, Class::FunctionWrite, Class::Inbound, Class::Lifecycle];

    #[test]
    fn the_cheapest_work_is_refused_first_and_lifecycle_events_last() {
        let fitting = |load| -> Vec<Class> {
            ALL.into_iter().filter(|class| class.refused_for(load, |_| false).is_none()).collect()
        };
        assert_eq!(fitting(0), ALL);
        assert_eq!(fitting(TRANSCRIPTS_REFUSED_AT - 1), ALL);
        assert_eq!(fitting(TRANSCRIPTS_REFUSED_AT), ALL[1..]);
        assert_eq!(fitting(READS_REFUSED_AT), ALL[2..]);
        assert_eq!(fitting(WRITES_REFUSED_AT), [Class::Lifecycle]);
        assert_eq!(fitting(LIFECYCLE_REFUSED_AT), []);
    }

    #[test]
    fn a_thread_that_is_late_refuses_in_the_same_order() {
        let fitting = |late: usize| -> Vec<Class> {
            ALL.into_iter().filter(|class| class.refused_for(0, |rank| rank < late).is_none()).collect()
        };
        assert_eq!(fitting(0), ALL);
        assert_eq!(fitting(1), ALL[1..]);
        assert_eq!(fitting(2), ALL[2..]);
        assert_eq!(fitting(3), [Class::Lifecycle]);
        assert_eq!(fitting(lateness::RANKS), []);
    }

    #[test]
    fn every_word_is_in_the_catalogue() {
        let catalogue = crate::telemetry::metrics::CATALOGUE;
        let refused = catalogue.iter().find(|metric| metric.name == REFUSED).unwrap();
        let values = |name: &str| {
            let labels = refused.series.iter().flat_map(|group| group.iter());
            labels.filter(|label| label.name == name).flat_map(|label| label.values).collect::<Vec<_>>()
        };
        assert!(ALL.iter().all(|class| values("class").contains(&&class.as_str())));
        for reason in [
            Reason::QueueFull,
            Reason::Late,
            Reason::JournalFull,
            Reason::Quota,
            Reason::BodiesFull,
            Reason::BodyLarge,
            Reason::BodySlow,
            Reason::JournalSlow,
            Reason::Draining,
            Reason::Standby,
        ] {
            assert!(values("reason").contains(&&reason.as_str()), "{reason:?}");
        }
    }
}
