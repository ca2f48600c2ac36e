//! The pure rules of askpro: what a call, a company, a slot and a booking are, and how they move.
//!
//! Nothing here does I/O, waits, reads a clock or draws a random number: instants and ids are arguments.

pub mod booking;
pub mod calendar;
pub mod call;
pub mod callback;
pub mod customer;
pub mod function;
pub mod greeting;
pub mod ids;
pub mod pace;
pub mod phone;
pub mod policy;
pub mod secret;
pub mod slots;
pub mod tenant;
pub mod text;
pub mod time;
pub mod when;
