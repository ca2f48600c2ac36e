//! The askpro command.
fn main() {}
