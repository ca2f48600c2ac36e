//! What a user would pick instead, and what does less.

mod bare;
mod naive;
mod server;
pub mod tasks;

pub use bare::Bare;
pub use naive::{Naive, TABLE};
