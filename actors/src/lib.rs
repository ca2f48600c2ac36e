//! The supervised actors of askpro: calls, companies, scheduling and writers.
//!
//! Knows the domain and tokio; actix only inside `runtime`. Databases, HTTP and vendors are behind [`ports`].

pub mod ports;
