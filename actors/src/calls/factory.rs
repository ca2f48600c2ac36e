//! Brings call actors to life, and sets aside what they cannot handle.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use askpro_domain::ids::{CallId, CompanyId};

use super::{CallActor, CallMessage, CallWorld, CallbackTaken, EventReceived};
use crate::{
    callbacks::rows_of,
    outstanding::Pending,
    parked::ParkedItem,
    ports::{
        journal::{Record, SchedulingRecord, Signer},
        rows::{DeadLetterRow, Write},
    },
    runtime::{Build, Factory, Why},
    scheduling::moved_again,
    writer::WriteOrder,
};

/// Makes call actors.
pub struct CallFactory {
    /// What they need.
    pub world: Arc<CallWorld>,
}

impl Factory<CallActor> for CallFactory {
    /// At once; the store is asked later. After a panic from the journal's records that are not yet in the
    /// database; before that, these are all still on their way to the actor.
    fn build(&self, key: &CallId, why: Why) -> Build<CallActor> {
        let mut actor = CallActor::new(key.clone(), self.world.clone());
        if why == Why::First {
            return Build::Ready(actor);
        }
        for pending in self.world.pending.of(key) {
            let replayed = catch_unwind(AssertUnwindSafe(|| self.replay(actor.clone_for_replay(), pending)));
            match replayed {
                Ok(Some(next)) => actor = next,
                // It comes again as a message, which handles it or goes to the dead letters.
                Ok(None) | Err(_) if !pending.handed => {
                    self.world.parked.park(ParkedItem::Event { position: pending.position })
                }
                Ok(None) | Err(_) => {}
            }
        }
        Build::Ready(actor)
    }

    fn dead_letter(&self, key: &CallId, message: CallMessage, error: &str) {
        tracing::error!(call.id = %key, error, "a call could not handle a message");
        match message {
            CallMessage::EventReceived(received) => self.set_aside_event(key, &received, error),
            CallMessage::BookingMoved(moved) => {
                let positions = self.world.pending.hand_over(key, &[moved.position]);
                self.world.writers.write(WriteOrder {
                    call_id: Some(key.clone()),
                    writes: moved.writes,
                    positions,
                });
                self.set_aside(key, "booking_moved", error);
            }
            CallMessage::CallbackTaken(taken) => {
                let positions = self.world.pending.hand_over(key, &[taken.position]);
                let writes = rows_of(&taken.record);
                self.world.writers.write(WriteOrder { call_id: Some(key.clone()), writes, positions });
                self.set_aside(key, "callback_taken", error);
            }
            CallMessage::AskFunction(_) => self.set_aside(key, "ask_function", error),
            CallMessage::Loaded { .. } => {
                self.world.parked.park(ParkedItem::LoadCall { call_id: key.clone() })
            }
            CallMessage::Restored(_) => self.set_aside(key, "state", error),
            CallMessage::FlushTranscript
            | CallMessage::Answered
            | CallMessage::GoOn
            | CallMessage::Leave
            | CallMessage::LoadAgain
            | CallMessage::Silent
            | CallMessage::StillOngoing
            | CallMessage::GetCall(_) => {}
        }
    }
}

impl CallFactory {
    fn replay(&self, actor: CallActor, pending: Pending) -> Option<CallActor> {
        match self.world.journal.read(pending.position).ok()? {
            Record::RetellEvent { signer, received_at, body } => {
                let event = self.world.decoder.decode(&body).ok()?;
                let position = Some(pending.position);
                let received = EventReceived { event, body, position, received_at, signer };
                Some(actor.replay_event(received, pending.handed))
            }
            Record::Scheduling(SchedulingRecord::Moved { booking }) => {
                let company = self.world.directory.current().company(booking.order.company).cloned();
                let (now, customers) = (self.world.clock.now(), &self.world.customers);
                let moved = moved_again(&booking, company.as_deref(), customers, pending.position, now);
                Some(actor.replay_booking(&moved, pending.handed))
            }
            Record::Callback(record) => {
                let taken = CallbackTaken { record: *record, position: pending.position };
                Some(actor.replay_callback(&taken, pending.handed))
            }
            Record::Scheduling(_) | Record::CalendarEvent { .. } => None,
        }
    }

    fn set_aside_event(&self, key: &CallId, received: &EventReceived, error: &str) {
        let at = received.event.event_timestamp.map_or(0, |at| at.0);
        let row = DeadLetterRow {
            id: format!("call-{}-{at}", received.event.body_hash.to_hex()),
            body: Some(super::actor::body_of(received)),
            message: "retell_event".into(),
            signer_company: signer_company(received.signer),
            ..self.row(key, "retell_event", error)
        };
        let positions: Vec<_> = received.position.into_iter().collect();
        let positions = self.world.pending.hand_over(key, &positions);
        let writes = vec![Write::DeadLetter(row)];
        self.world.writers.write(WriteOrder { call_id: Some(key.clone()), writes, positions });
    }

    fn set_aside(&self, key: &CallId, message: &'static str, error: &str) {
        let writes = vec![Write::DeadLetter(self.row(key, message, error))];
        self.world.writers.write(WriteOrder { call_id: Some(key.clone()), writes, positions: Vec::new() });
    }

    fn row(&self, key: &CallId, message: &'static str, error: &str) -> DeadLetterRow {
        let now = self.world.clock.now();
        DeadLetterRow {
            id: format!("call-{message}-{}-{}", now.0, key.as_str()),
            actor: "call",
            actor_id: key.as_str().to_owned(),
            message: message.into(),
            error: error.to_owned(),
            signer_company: None,
            created_at: now,
            body: None,
        }
    }
}

/// Company of a company's own key.
pub(super) const fn signer_company(signer: Signer) -> Option<CompanyId> {
    match signer {
        Signer::Platform => None,
        Signer::Company(company) => Some(company),
    }
}
