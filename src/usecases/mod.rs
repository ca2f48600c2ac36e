//! What the product can do: plain async functions over actors and ports. Knows nothing of HTTP, vendors or SQL.

pub mod services;

pub use services::{Door, Readiness, ServiceState, Services};
