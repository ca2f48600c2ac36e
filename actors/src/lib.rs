//! The supervised actors of askpro.
