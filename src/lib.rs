//! askpro: the back end behind AI telephone receptionists.

pub mod app;
pub mod cli;
pub mod config;
pub mod journal;
pub mod simulators;
pub mod telemetry;
