//! The customers of all companies in memory: who answers to a number, and what lies ahead of them. Asked
//! while a caller listens, so it never asks a database.
//!
//! Filled from the database at start, and after each import with what that import changed. Schedulers tell
//! it of every move of a booking, right after the move is in the journal. A number is found by its full
//! E.164 in one company, and by nothing else.
//!
//! A customer takes about 150 bytes: 64 in the map (and half as much free room there), 32 for the person, 16
//! to 32 for the name; an appointment that lies ahead takes another 120.

mod book;
mod load;
#[cfg(test)]
mod tests;

pub use book::CustomerBook;
