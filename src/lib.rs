//! askpro: the back end behind AI telephone receptionists.

pub mod config;
pub mod journal;
pub mod simulators;
pub mod store;
pub mod telemetry;
pub mod usecases;
