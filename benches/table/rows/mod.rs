//! The rows of the table, in groups that share what they need.

mod actors;
mod columns;
mod functions;
mod live;
mod stored;

pub use actors::until;

use std::{future::Future, pin::Pin};

use crate::{args::Args, oracle::Findings, table::Row};

type Measuring<'a> = Pin<Box<dyn Future<Output = Vec<Row>> + 'a>>;

/// Rows that are measured together.
pub struct Group {
    pub name: &'static str,
    /// One line.
    pub about: &'static str,
    pub measure: for<'a> fn(&'a Args, &'a mut Findings) -> Measuring<'a>,
}

/// All of them, in the order of the table.
pub fn all() -> Vec<Group> {
    vec![
        Group {
            name: "stored",
            about: "events acknowledged and stored, beside a bare handler and the naive store",
            measure: |args, findings| Box::pin(stored::measure(args, findings)),
        },
        Group {
            name: "columns",
            about: "bytes in the tables for one call",
            measure: |args, findings| Box::pin(columns::measure(args, findings)),
        },
        Group {
            name: "functions",
            about: "answers to agents whose callers wait",
            measure: |args, findings| Box::pin(functions::measure(args, findings)),
        },
        Group {
            name: "live",
            about: "very many live calls: memory, throughput, admin page, restart",
            measure: |args, findings| Box::pin(live::measure(args, findings)),
        },
        Group {
            name: "actors",
            about: "messages and panics, beside tasks with channels",
            measure: |args, findings| Box::pin(actors::measure(args, findings)),
        },
    ]
}
