//! Where a call belongs, and what happens to events that belong nowhere.

use askpro_domain::{
    call::{CallState, PlacedIn},
    tenant::{Placement, UnplacedReason},
};

use super::{CallActor, EventReceived, rows};
use crate::{
    ports::{journal::Signer, rows::Write},
    writer::WriteOrder,
};

impl CallActor {
    /// Places the call by what is known of it, unless it is placed.
    pub(super) fn place(&mut self) {
        if self.state.placed.is_some() {
            return;
        }
        if let Placement::Placed { company, branch } = self.placement() {
            let call_id = self.state.call_id.clone();
            let state = std::mem::replace(&mut self.state, CallState::new(call_id));
            self.state = state.place(PlacedIn { company, branch });
        }
    }

    fn placement(&self) -> Placement {
        let identity = self.state.identity();
        self.world.directory.current().place(&identity.placing())
    }

    /// Whether a company's own key signed for a call of another company.
    pub(super) fn is_foreign(&self, received: &EventReceived) -> bool {
        let Signer::Company(signer) = received.signer else { return false };
        match self.state.placed {
            Some(placed) => placed.company != signer,
            None => {
                let placing = received.event.facts.identity.placing();
                match self.world.directory.current().place(&placing) {
                    Placement::Placed { company, .. } => company != signer,
                    Placement::Unplaced(_) => false,
                }
            }
        }
    }

    /// Keeps an event of a foreign signer out of the call, but not out of sight.
    pub(super) fn quarantine_foreign(&mut self, received: &EventReceived) {
        let reason = UnplacedReason::ForeignKey.code();
        let row = rows::quarantine_row(received, reason);
        self.write_quarantine(row, received);
    }

    /// Gives what waits to quarantine; it stays here too, for the event that will place the call.
    pub(super) fn hand_over_unplaced(&mut self) {
        let reason = match self.placement() {
            Placement::Unplaced(reason) => reason.code(),
            Placement::Placed { .. } => return,
        };
        let mut waiting = std::mem::take(&mut self.waiting);
        for item in waiting.iter_mut().filter(|w| !w.quarantined) {
            let row = rows::quarantine_row(&item.received, reason);
            self.write_quarantine(row, &item.received);
            item.quarantined = true;
        }
        self.waiting = waiting;
    }

    fn write_quarantine(&mut self, row: crate::ports::rows::QuarantineRow, received: &EventReceived) {
        metrics::counter!(crate::metrics::QUARANTINED.name, "reason" => row.reason).increment(1);
        let positions = received.position.into_iter().collect();
        self.write(WriteOrder { call_id: None, writes: vec![Write::Quarantine(row)], positions });
    }
}
