//! The supervised actors of askpro: calls, companies, scheduling, reconciling and writers.
//!
//! Knows the domain and tokio; actix only inside [`runtime`]. Databases, HTTP and vendors are behind
//! [`ports`].

pub mod announcing;
pub mod budget;
pub mod callbacks;
pub mod calls;
pub mod customers;
pub mod metrics;
pub mod outage;
pub mod outstanding;
pub mod parked;
pub mod ports;
pub mod reconcile;
pub mod rig;
pub mod root;
pub mod runtime;
pub mod scheduling;
pub mod tenant;
pub mod writer;
