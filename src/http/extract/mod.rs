//! What handlers need of a request: raw bodies within bounds, tokens, companies, parameters.

pub(super) mod bearer;
pub(super) mod body;
pub(super) mod query;
pub(super) mod room;
