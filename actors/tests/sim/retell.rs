//! What Retell delivers of calls: late, twice, in another order, or never.

use askpro_actors::ports::{fakes::EventBody, journal::Signer};
use askpro_domain::{ids::CompanyId, time::UnixMillis};

use crate::{
    callers::Caller,
    ledger::Kind,
    world::{Act, TRIES_MAX, World},
};

impl World {
    /// A new caller, who rings then.
    pub(crate) fn plan_call(&mut self, at: UnixMillis) {
        let shop = self.dice.below(self.shops.len());
        let mut caller = Caller::new(self.number, shop, &self.shops[shop], self.today, &mut self.dice);
        self.number += 1;
        caller.began_at = at;
        self.callers.push(caller);
        self.at(at, Act::Ring(self.callers.len() - 1));
    }

    pub(crate) fn ring(&mut self, caller: usize) {
        let now = self.now();
        let started = self.callers[caller].event("call_started", now);
        // One in ten comes late or never, and some come twice.
        match self.dice.below(20) {
            0 => {}
            1 => {
                let late = self.late();
                self.deliver_in(late, started);
            }
            2 => {
                self.deliver_in(0, started.clone());
                let late = self.late();
                self.deliver_in(late, started);
            }
            _ => self.deliver_in(0, started),
        }
        let think = self.dice.between(200, 6_000);
        self.in_ms(think, Act::GoOn(caller));
        for turn in 1..=self.dice.below(4) {
            let at = self.dice.between(1_000, 40_000);
            let body = EventBody {
                transcript: Some("Guten Tag. ".repeat(turn)),
                ..self.callers[caller].event("transcript_updated", now.plus_ms(at))
            };
            self.deliver_in(at, body);
        }
    }

    pub(crate) fn late(&mut self) -> i64 {
        self.dice.between(500, 90_000)
    }

    pub(crate) fn deliver_in(&mut self, ms: i64, body: EventBody) {
        self.in_ms(ms, Act::Deliver { body: Box::new(body), tries: 0, is_strange: false });
    }

    /// An event whose number is nobody's.
    pub(crate) fn plan_stranger(&mut self, at: UnixMillis) {
        self.number += 1;
        let body = EventBody {
            to: Some("+49999000111".to_owned()),
            ..EventBody::new("call_started", &format!("x_{}", self.number), at.0)
        };
        self.at(at, Act::Deliver { body: Box::new(body), tries: 0, is_strange: true });
    }

    pub(crate) fn deliver(&mut self, body: EventBody, tries: u32, is_strange: bool) {
        if self.disk_is_slow {
            return self.in_ms(500, Act::Deliver { body: Box::new(body), tries, is_strange });
        }
        let taken = self.rig.take_event(&body, Signer::Platform);
        self.note(format_args!("{} {} {:?}", body.event, body.call_id, taken.is_ok()));
        match taken {
            Ok(_) if body.event == "transcript_updated" => {}
            Ok(_) => {
                if let Ok(event) = body.decode() {
                    self.ledger.acknowledge(&body.call_id, &event.dedup_key, &body.event, is_strange);
                }
                if body.event == "call_ended" {
                    self.expect_no_hold(&body.call_id);
                }
            }
            Err(_) if tries < TRIES_MAX => {
                self.in_ms(7_000, Act::Deliver { body: Box::new(body), tries: tries + 1, is_strange });
            }
            Err(_) => {}
        }
    }

    pub(crate) fn expect_no_hold(&mut self, call: &str) {
        let caller = self.callers.iter().find(|caller| caller.call == call);
        if let Some(company) = caller.map(|caller| self.shops[caller.shop].id) {
            self.in_ms(1_000, Act::HoldsNothing(call.to_owned(), company));
        }
    }

    pub(crate) fn check_holds(&mut self, call: &str, company: CompanyId) {
        let Some(view) = self.rig.scheduler(company) else { return };
        for hold in view.holds.iter().filter(|hold| hold.call_id.as_str() == call && hold.state == "held") {
            let what = format!("a second after its end {call} still holds {}", hold.starts_at);
            self.ledger.complain(Kind::Untrue, what);
        }
    }

    pub(crate) fn hang_up(&mut self, caller: usize) {
        if std::mem::replace(&mut self.callers[caller].is_over, true) {
            return;
        }
        let now = self.now();
        let ended = self.callers[caller].ended(now);
        let analyzed_in = self.dice.between(3_000, 60_000);
        let analyzed = self.callers[caller].analyzed(now, now.plus_ms(analyzed_in), "Ein Termin.");
        self.note(format_args!("{} is over", self.callers[caller].call));
        if self.callers[caller].is_silent {
            return self.rig.voice.has(&[ended, analyzed]);
        }
        let ended_in = if self.dice.percent(15) { self.late() } else { self.dice.between(5, 800) };
        self.deliver_in(ended_in, ended.clone());
        self.deliver_in(analyzed_in, analyzed);
        if self.dice.percent(15) {
            let again = self.dice.between(0, 60_000);
            self.deliver_in(again, ended);
        }
        if self.dice.percent(10) {
            let later = analyzed_in + 60_000;
            let anew = self.callers[caller].analyzed(now, now.plus_ms(later), "Noch einmal gehört.");
            self.deliver_in(later, anew.clone());
            self.deliver_in(later, anew);
        }
    }
}
