//! Cal.com's triggers. Source: its page on webhooks, autumn 2026; those that concern nobody here are one.

/// What Cal.com says happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Trigger {
    /// `BOOKING_CREATED`, also when a host confirmed a request.
    BookingCreated,
    /// `BOOKING_REQUESTED`: the host must confirm it; also after a move of such a booking.
    BookingRequested,
    /// `BOOKING_RESCHEDULED`: the booking has a new uid.
    BookingRescheduled,
    /// `BOOKING_CANCELLED`.
    BookingCancelled,
    /// `BOOKING_REJECTED`: the host did not confirm it.
    BookingRejected,
    /// `BOOKING_REASSIGNED`: another host, same uid.
    BookingReassigned,
    /// `BOOKING_PAYMENT_INITIATED`.
    BookingPaymentInitiated,
    /// `BOOKING_PAID`.
    BookingPaid,
    /// `BOOKING_NO_SHOW_UPDATED`.
    BookingNoShowUpdated,
    /// `BOOKING_LOCATION_UPDATED`.
    BookingLocationUpdated,
    /// `MEETING_STARTED`: a booking row, as it was when the booking was made.
    MeetingStarted,
    /// `MEETING_ENDED`: the same.
    MeetingEnded,
    /// `OOO_CREATED`: a host is away.
    OooCreated,
    /// `PING`: the test button.
    Ping,
    /// A body that the account's owner shaped.
    CustomTemplate,
    /// Any other.
    Other,
}

impl Trigger {
    /// Those with a name of their own at Cal.com.
    const NAMED: [(&'static str, Self, &'static str); 14] = [
        ("BOOKING_CREATED", Self::BookingCreated, "booking_created"),
        ("BOOKING_REQUESTED", Self::BookingRequested, "booking_requested"),
        ("BOOKING_RESCHEDULED", Self::BookingRescheduled, "booking_rescheduled"),
        ("BOOKING_CANCELLED", Self::BookingCancelled, "booking_cancelled"),
        ("BOOKING_REJECTED", Self::BookingRejected, "booking_rejected"),
        ("BOOKING_REASSIGNED", Self::BookingReassigned, "booking_reassigned"),
        ("BOOKING_PAYMENT_INITIATED", Self::BookingPaymentInitiated, "booking_payment_initiated"),
        ("BOOKING_PAID", Self::BookingPaid, "booking_paid"),
        ("BOOKING_NO_SHOW_UPDATED", Self::BookingNoShowUpdated, "booking_no_show_updated"),
        ("BOOKING_LOCATION_UPDATED", Self::BookingLocationUpdated, "booking_location_updated"),
        ("MEETING_STARTED", Self::MeetingStarted, "meeting_started"),
        ("MEETING_ENDED", Self::MeetingEnded, "meeting_ended"),
        ("OOO_CREATED", Self::OooCreated, "ooo_created"),
        ("PING", Self::Ping, "ping"),
    ];

    /// Reads Cal.com's name.
    pub(super) fn parse(name: &str) -> Self {
        let named = Self::NAMED.into_iter().find(|(named, ..)| *named == name);
        named.map_or(Self::Other, |(_, trigger, _)| trigger)
    }

    /// The word in metrics: a closed set.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::CustomTemplate => "custom_template",
            trigger => {
                let named = Self::NAMED.into_iter().find(|(_, named, _)| *named == trigger);
                named.map_or("other", |(.., label)| label)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::metrics::CALCOM_EVENTS;

    #[test]
    fn every_label_is_in_the_catalogue_and_the_catalogue_has_no_other() {
        let named = Trigger::NAMED.into_iter().map(|(_, trigger, _)| trigger.label());
        let labels: Vec<&str> =
            named.chain(["custom_template", Trigger::parse("FORM_SUBMITTED").label()]).collect();
        assert_eq!(labels, CALCOM_EVENTS);
    }
}
