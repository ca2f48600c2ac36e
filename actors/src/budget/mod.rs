//! One actor per key of the calendar: lets its requests through, as far as its budget allows.
//!
//! The rules are pure ([`askpro_domain::policy::Budget`]); here they get a clock, timers and those who wait. A
//! key's actor is told of requests by adapters, through the [`Turnstile`](crate::ports::calendar::Turnstile). It
//! sends nothing itself and knows no key, only its identity.

mod actor;
mod board;
#[cfg(test)]
mod tests;
mod turnstile;

use std::sync::Arc;

use askpro_domain::policy::{BudgetSettings, BudgetView, Heard, Limited, Request, Ticket};

pub use actor::{BudgetActor, BudgetFactory};
pub use board::{BudgetBoard, BudgetFigures};
pub use turnstile::Budgets;

use crate::{ports::clock::Clock, runtime::Reply};

/// What budgets need.
pub struct BudgetWorld {
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Limits.
    pub settings: BudgetSettings,
    /// Where all keys stand.
    pub board: BudgetBoard,
}

/// What a key's actor hears.
#[derive(Debug)]
pub enum BudgetMessage {
    /// Question, from an adapter: may this request be sent? Answered when it may, or as soon as it is known that
    /// it cannot in time. Without an answer nothing may be sent.
    Pass {
        /// The request.
        request: Request,
        /// The adapter that waits.
        reply: Reply<Result<Ticket, Limited>>,
    },
    /// Fact, from an adapter: a request that was let through is over.
    Heard {
        /// Which.
        ticket: Ticket,
        /// What its answer told.
        heard: Heard,
    },
    /// Order, from its own timer: do what is due.
    Due,
    /// Question, from admins; answered at once.
    GetBudget(Reply<BudgetView>),
}
