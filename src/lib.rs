//! askpro: the back end behind AI telephone receptionists.

pub mod store;
