//! The open wishes to be called back, of all companies, in memory: a number has one, and whoever asks again
//! joins it, from whichever call.
//!
//! Every change of a wish is a journal record before its caller hears of it; the call that asked writes the
//! rows. Filled from the database at start. A panic of a call loses none of it.

mod open;
mod rows;
#[cfg(test)]
mod tests;

pub use open::{OpenCallbacks, Taken, Wanted};
pub(crate) use rows::rows_of;
