//! Everything that happened, as one number and, where somebody wants to read it, as lines.

use std::{
    fmt,
    hash::{DefaultHasher, Hasher},
};

use askpro_domain::time::UnixMillis;

/// A log that can be compared without being kept.
#[derive(Default)]
pub(crate) struct Course {
    hasher: DefaultHasher,
    lines: u64,
    prints: bool,
    last: std::collections::VecDeque<String>,
}

/// Lines that are kept for a failure.
const LAST_MAX: usize = 60;

impl Course {
    /// Prints each line too.
    pub(crate) fn print(&mut self) {
        self.prints = true;
    }

    /// Something happened.
    pub(crate) fn note(&mut self, at: UnixMillis, what: fmt::Arguments<'_>) {
        let line = format!("{at} {what}");
        self.hasher.write(line.as_bytes());
        self.lines += 1;
        if self.prints {
            println!("{line}");
        }
        if self.last.len() == LAST_MAX {
            self.last.pop_front();
        }
        self.last.push_back(line);
    }

    /// The same for the same lines.
    pub(crate) fn hash(&self) -> u64 {
        self.hasher.finish()
    }
}
