//! How much may be asked of an outside service, and when it is left alone. Pure.
//!
//! [`Budget`] is what one key of the calendar may still send: its vendor counts requests by key and blocks a
//! key that sends too many. [`Breaker`] leaves a service alone that fails again and again. Neither sends
//! anything: whoever does asks before and tells afterwards.

mod breaker;
mod budget;
mod burst;
mod class;
mod fair;
mod key;
mod window;

#[cfg(test)]
mod tests;

pub use breaker::{Breaker, BreakerSettings, BreakerState, Outcome, Pass};
pub use budget::{Budget, BudgetSettings, BudgetView, Decision, Heard, Limited, Request, Ticket};
pub use class::Class;
pub use key::KeyId;
pub use window::RateLimits;
