//! The supervised actors of askpro.

pub mod metrics;
pub mod ports;
pub mod runtime;
