//! What the product can do: plain async functions over actors and ports. Knows nothing of HTTP, vendors or SQL.

pub mod actors;
mod ask;
pub mod calendar_events;
pub mod calls;
pub mod companies;
pub mod dead_letters;
mod error;
mod figures;
mod function_pace;
pub mod functions;
pub mod inbound;
pub mod ingest;
pub mod lateness;
pub mod load;
pub mod own_key;
mod page;
pub mod quarantine;
pub mod reconcile;
pub mod services;
pub mod status;
mod to_the_end;
pub mod traffic;

pub use error::AdminError;
pub use function_pace::FunctionPace;
pub use inbound::InboundMemory;
pub use page::{Page, PageRequest};
pub use services::{DatabasePlace, Door, Readiness, ServiceState, Services, StatusSince};
pub use to_the_end::{Panic, ToTheEnd, detach_to, to_the_end};
pub use traffic::Traffic;
