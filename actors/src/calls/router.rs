//! The door to the calls: delivers to the right actor, and never loses what is in the journal.

use std::sync::Arc;

use askpro_domain::ids::CallId;

use super::{CallActor, CallMessage, CallWorld, CallbackTaken, EventReceived};
use crate::{
    parked::ParkedItem,
    ports::journal::{JournalError, Position, Record},
    runtime::Registry,
    scheduling::SchedulingMessage,
};

/// Notes taken from the parked ones in one round of the pump.
const PUMP_ITEMS_MAX: usize = 512;

/// The calls, as everybody else sees them. Cheap to clone.
#[derive(Clone)]
pub struct Calls {
    registry: Registry<CallActor>,
    world: Arc<CallWorld>,
}

/// What became of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivered {
    /// It is in the actor's mailbox.
    Now,
    /// It waits in the journal and will be delivered.
    Later,
    /// It was refused and is nowhere: only for what is not in the journal.
    Refused {
        /// When to try again.
        retry_after_ms: u64,
    },
}

impl Calls {
    /// Over this registry.
    #[must_use]
    pub const fn new(registry: Registry<CallActor>, world: Arc<CallWorld>) -> Self {
        Self { registry, world }
    }

    /// Delivers an event. With a position it is never refused.
    pub fn deliver(&self, received: EventReceived) -> Delivered {
        if let Some(position) = received.position {
            self.world.pending.add(&received.event.call_id, position);
        }
        self.hand_in(received)
    }

    fn hand_in(&self, received: EventReceived) -> Delivered {
        let (call_id, position) = (received.event.call_id.clone(), received.position);
        self.hand_in_message(call_id, CallMessage::EventReceived(Box::new(received)), position)
    }

    fn hand_in_message(
        &self,
        call_id: CallId,
        message: CallMessage,
        position: Option<Position>,
    ) -> Delivered {
        match (self.registry.offer(call_id, message), position) {
            (Ok(()), _) => Delivered::Now,
            (Err(_), Some(position)) => {
                self.world.parked.park(ParkedItem::Event { position });
                Delivered::Later
            }
            (Err(refused), None) => Delivered::Refused { retry_after_ms: refused.retry_after_ms },
        }
    }

    /// Delivers any other message; refused when the mailbox is full.
    pub fn offer(&self, call_id: CallId, message: CallMessage) -> Delivered {
        match self.registry.offer(call_id, message) {
            Ok(()) => Delivered::Now,
            Err(refused) => Delivered::Refused { retry_after_ms: refused.retry_after_ms },
        }
    }

    /// Tries parked notes again. Gives how many were delivered.
    pub fn pump(&self) -> usize {
        let items = self.world.parked.take(PUMP_ITEMS_MAX);
        items.into_iter().map(|item| usize::from(self.deliver_parked(item))).sum()
    }

    /// Delivers what the journal has of a call: an event, or a callback that it asked for.
    ///
    /// # Errors
    /// A text when the record cannot be read or is nothing of a call.
    pub fn deliver_from_journal(&self, position: Position, record: Record) -> Result<Delivered, String> {
        let (call_id, message) = self.decode(position, record)?;
        self.world.pending.add(&call_id, position);
        Ok(self.hand_in_message(call_id, message, Some(position)))
    }

    fn decode(&self, position: Position, record: Record) -> Result<(CallId, CallMessage), String> {
        match record {
            Record::RetellEvent { signer, received_at, body } => {
                let event = self.world.decoder.decode(&body)?;
                let call_id = event.call_id.clone();
                let received = EventReceived { event, body, position: Some(position), received_at, signer };
                Ok((call_id, CallMessage::EventReceived(Box::new(received))))
            }
            Record::Callback(record) => {
                self.world.callbacks.learn(&record.callback);
                let call_id = record.by.clone();
                let taken = CallbackTaken { record: *record, position };
                Ok((call_id, CallMessage::CallbackTaken(Box::new(taken))))
            }
            Record::Scheduling(_) | Record::CalendarEvent { .. } => {
                Err("the record is nothing of a call".to_owned())
            }
        }
    }

    fn deliver_parked(&self, item: ParkedItem) -> bool {
        match item {
            ParkedItem::Event { position } => self.deliver_parked_event(position),
            ParkedItem::LoadCall { call_id } => {
                let sent = self.registry.offer(call_id.clone(), CallMessage::LoadAgain).is_ok();
                if !sent {
                    self.world.parked.park(ParkedItem::LoadCall { call_id });
                }
                sent
            }
            ParkedItem::BookingMoved { call_id, moved } => {
                match self.registry.offer(call_id.clone(), CallMessage::BookingMoved(moved)) {
                    Ok(()) => true,
                    Err(refused) => {
                        if let CallMessage::BookingMoved(moved) = refused.message {
                            self.world.parked.park(ParkedItem::BookingMoved { call_id, moved });
                        }
                        false
                    }
                }
            }
            ParkedItem::Announced { company, announcement } => {
                let taken = self.world.schedulers.get().is_some_and(|schedulers| {
                    let message = SchedulingMessage::Announced(announcement.clone());
                    schedulers.offer(company, message).is_ok()
                });
                if !taken {
                    self.world.parked.park(ParkedItem::Announced { company, announcement });
                }
                taken
            }
            ParkedItem::CallFinished { company, call_id } => self.finish_call(company, call_id),
        }
    }

    fn deliver_parked_event(&self, position: Position) -> bool {
        let decoded = match self.world.journal.read(position) {
            Ok(record) => self.decode(position, record),
            Err(JournalError::Unreadable { reason, .. }) => Err(reason),
            Err(_) => {
                self.world.parked.park(ParkedItem::Event { position });
                return false;
            }
        };
        match decoded {
            // Done meanwhile, by the actor's own replay or as a dead letter.
            Ok((call_id, _)) if !self.world.pending.waits(&call_id, position) => true,
            Ok((call_id, message)) => {
                self.hand_in_message(call_id, message, Some(position)) == Delivered::Now
            }
            Err(error) => {
                tracing::error!(
                    position = position.0,
                    error,
                    "a parked event cannot be read; it stays in the journal"
                );
                false
            }
        }
    }

    fn finish_call(&self, company: askpro_domain::ids::CompanyId, call_id: CallId) -> bool {
        let Some(schedulers) = self.world.schedulers.get() else { return false };
        let sent =
            schedulers.offer_if_live(company, SchedulingMessage::CallFinished(call_id.clone())).is_ok();
        if !sent {
            self.world.parked.park(ParkedItem::CallFinished { company, call_id });
        }
        sent
    }

    /// The actors themselves, for status, paging and drain.
    #[must_use]
    pub const fn registry(&self) -> &Registry<CallActor> {
        &self.registry
    }

    /// What calls need; for usecases.
    #[must_use]
    pub const fn world(&self) -> &Arc<CallWorld> {
        &self.world
    }
}
