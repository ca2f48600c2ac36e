//! askpro: the back end behind AI telephone receptionists.

pub mod app;
pub mod cli;
pub mod compress;
pub mod config;
pub mod http;
pub mod journal;
pub mod providers;
pub mod simulators;
pub mod store;
pub mod telemetry;
pub mod usecases;
