//! What the actors need from outside, one file per noun.

pub mod clock;
