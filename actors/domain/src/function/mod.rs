//! Live functions, the pure part: what an agent sends becomes a typed order, what came of it becomes an
//! answer that may be spoken.
//!
//! Knows companies, dates and languages. Knows nothing of HTTP, signatures, holds or Cal.com: whoever
//! carries an order out picks the [`Speaker`]'s sentence for the outcome.

pub mod alternatives;
mod answer;
pub mod arguments;
pub mod briefing;
mod callback;
mod caller;
mod date;
mod echo;
mod hours;
pub mod lookup;
mod name;
mod objection;
mod order;
mod outcome;
mod parse;
mod person;
mod services;
mod speaker;
pub mod spoken;
mod texts_de;
mod texts_en;
mod tidy;
mod told;
mod tool_call;
mod wished;

#[cfg(test)]
mod argument_tests;
#[cfg(test)]
pub(crate) mod fixture;
#[cfg(test)]
mod fuzz_tests;
#[cfg(test)]
mod speaker_tests;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod told_tests;
#[cfg(test)]
mod wish_tests;

pub use alternatives::Alternative;
pub use answer::{ANSWER_CHARS_MAX, FunctionAnswer, with_last_field};
pub use arguments::{Argument, Remarks};
pub use callback::{callback_requested, phone_required};
pub use caller::{Caller, check_customer, find_appointments};
pub use date::parse_date;
pub use hours::{HoursOrder, opening_hours};
pub use name::FunctionName;
pub use objection::Objection;
pub use order::{BookOrder, CheckOrder, FunctionOrder, order_key};
pub use outcome::{ALREADY_BOOKED, Outcome, Wished, WishedWhen};
pub use parse::{ReadOrder, check_filled_in, check_notice, parse_order};
pub use services::{ListOrder, list_services};
pub use speaker::{
    ALTERNATIVES_MAX, Appointment, Confidence, FreeSlot, MissingSlot, NAMES_LISTED_MAX, Speaker,
};
pub use tool_call::ToolCall;
pub use wished::WishedStart;
