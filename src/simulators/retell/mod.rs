//! A Retell to talk to: whole calls, signed and delivered, and the REST side for those who ask afterwards.
//!
//! [`ScriptGenerator`] invents calls, [`deliver()`] sends their webhooks and function calls the way Retell does,
//! [`Dialer`] runs many of them at once, [`RetellSimulator`] answers questions about them. It must not know
//! anything of the rest of this project but the addresses it sends to.

mod body;
mod conversation;
mod deliver;
mod dialer;
mod filter;
mod generator;
mod line;
mod rest;
mod scene;
mod script;
mod signature;
mod vocabulary;

#[cfg(test)]
mod tests;

pub use deliver::{Receipt, Retries, Target, deliver};
pub use dialer::{Dialer, DialerCounters, DialerOptions};
pub use generator::ScriptGenerator;
pub use line::{CompanyLine, Language};
pub use rest::{RetellHandle, RetellSimulator};
pub use script::{CallKind, CallScript, Delivery, DeliveryKind, Disorder, Expected, ExpectedBooking, Mix};
pub use signature::sign;
