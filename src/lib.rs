//! askpro: the back end behind AI telephone receptionists.
