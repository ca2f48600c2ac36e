//! From a wish to a hold in the ledger and in the journal.

use askpro_domain::{
    ids::{BodyHash, CallId},
    slots::{FreeUnits, Hold, HoldId, HoldRequest, Placed},
    time::UnixMillis,
};

use super::{
    SchedulingActor,
    actor::{Offer, Proposed},
    check::Question,
    near::Seeker,
    pins::Pin,
    plan::{Candidate, Wish, segments},
};
use crate::ports::journal::{Durable, SchedulingRecord};

/// What became of a try to hold.
pub(super) enum Held {
    /// Held.
    Yes(Box<HeldSlot>),
    /// Not free; these times are.
    No(Vec<UnixMillis>),
    /// The journal does not take it.
    JournalRefuses,
}

/// A slot that is held, and journaled as soon as the future says so.
pub(super) struct HeldSlot {
    pub(super) offer: Offer,
    pub(super) until: UnixMillis,
    /// What it relies on.
    pub(super) candidate: Candidate,
    /// Other starts of the wished window that are free, the earliest first.
    pub(super) others: Vec<UnixMillis>,
    pub(super) durable: Durable,
    /// The call had this hold before.
    pub(super) prolongs: bool,
}

impl SchedulingActor {
    /// Holds the wished start, or the one of the wished window that fits best.
    pub(super) fn hold_first_free(&mut self, question: &Question, seeker: &Seeker<'_>) -> Held {
        let wish = question.wish;
        let Some(window) = &wish.window else {
            let held = self.hold_start(question, seeker, wish);
            return held.unwrap_or_else(|| Held::No(self.free_near(seeker, wish)));
        };
        let mut starts = self.free_within(seeker, wish, window);
        while !starts.is_empty() {
            let held = self.hold_start(question, seeker, wish.only(starts.remove(0)));
            if let Some(Held::Yes(mut slot)) = held {
                starts.sort_unstable();
                slot.others = starts;
                return Held::Yes(slot);
            }
            if let Some(refused) = held {
                return refused;
            }
        }
        Held::No(self.free_near(seeker, wish))
    }

    /// Holds this start with the first who can; `None` when nobody can.
    fn hold_start(&mut self, question: &Question, seeker: &Seeker<'_>, wish: Wish) -> Option<Held> {
        let (call_id, now) = (&question.ask.call_id, seeker.now);
        let interval = segments(seeker.service, wish.start)?;
        for candidate in seeker.known {
            let Some((seen_at, units)) = self.seen(candidate, wish.start, now) else { continue };
            let until = now.plus_ms(self.world.settings.hold_ttl_ms);
            let request = HoldRequest {
                id: hold_id(call_id, wish, now),
                call_id: call_id.clone(),
                target: candidate.target.clone(),
                segments: vec![interval],
                units,
                seen_at,
                until,
            };
            let before = self.ledger.held_by(call_id).cloned();
            if let Ok(placed) = self.ledger.hold(request, now) {
                let offer = Offer {
                    hold: placed.hold.id.clone(),
                    wish,
                    event_type_id: candidate.event_type_id,
                    member: candidate.member(),
                    interval,
                    proposed: question
                        .proposes()
                        .then(|| Proposed { tool_call_id: question.ask.tool_call.id.clone() }),
                };
                return Some(self.journal_hold(placed, before, offer, candidate, now));
            }
        }
        None
    }

    /// When the calendar was seen to offer this start, and how many units; `None` when it does not.
    pub(super) fn seen(
        &self,
        candidate: &Candidate,
        start: UnixMillis,
        now: UnixMillis,
    ) -> Option<(UnixMillis, FreeUnits)> {
        let view = |t: i64| self.mirror.view(t, start, self.world.settings.mirror_stale_ms_max, now);
        let own = view(candidate.event_type_id)?;
        if !own.starts.contains(&start) {
            return None;
        }
        let oldest = candidate.event_types().filter_map(|t| view(t).map(|v| v.seen_at(start))).min();
        let units = candidate.units(|t, at| view(t).is_some_and(|v| v.starts.contains(&at)), start);
        Some((oldest.unwrap_or(own.seen_at(start)), units))
    }

    /// Journals a hold. What the journal does not take leaves the call with the hold that it had `before`.
    fn journal_hold(
        &mut self,
        placed: Placed,
        before: Option<Hold>,
        offer: Offer,
        candidate: &Candidate,
        now: UnixMillis,
    ) -> Held {
        let hold = placed.hold;
        let record = SchedulingRecord::Held { company: self.company, hold: Box::new(hold.clone()) };
        match self.append(record) {
            Ok((position, durable)) => {
                if let Some(replaced) = placed.replaced {
                    self.record_release(&replaced.id, now);
                }
                self.world.pins.pin(self.company, Pin::Hold(hold.id.clone()), position);
                let until = hold.until().unwrap_or(now);
                let prolongs = before.is_some_and(|before| before.id == hold.id);
                let (candidate, others) = (candidate.clone(), Vec::new());
                Held::Yes(Box::new(HeldSlot { offer, until, candidate, others, durable, prolongs }))
            }
            Err(error) => {
                tracing::warn!(%error, "a hold was not journaled and so not given");
                self.ledger.release(&hold.id);
                if let Some(before) = before {
                    self.ledger.restore(before);
                }
                Held::JournalRefuses
            }
        }
    }
}

/// The id of the hold that a question may get.
pub(super) fn hold_id(call_id: &CallId, wish: Wish, now: UnixMillis) -> HoldId {
    let parts: [&[u8]; 4] = [
        call_id.as_str().as_bytes(),
        &wish.service.0.to_be_bytes(),
        &wish.start.0.to_be_bytes(),
        &now.0.to_be_bytes(),
    ];
    let text = BodyHash::of(&parts).to_hex();
    HoldId(format!("hold_{}", text.get(..24).unwrap_or_default()))
}
