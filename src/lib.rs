//! askpro: the back end behind AI telephone receptionists.
pub mod compress;
pub mod providers;
