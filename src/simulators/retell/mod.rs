//! A Retell to talk to: whole calls, signed and delivered.
