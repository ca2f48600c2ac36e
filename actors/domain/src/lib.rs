//! The pure rules of askpro: no I/O, no async, no clock, no randomness.

pub mod time;
