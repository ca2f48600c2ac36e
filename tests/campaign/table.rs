//! What a campaign prints: one line for each fault and database.

use std::{fmt, time::Duration};

use crate::{grid, judge::Findings, ledger::Figures};

/// What came of one fault on one database.
#[derive(Debug, Clone)]
pub struct Row {
    pub fault: String,
    pub database: String,
    /// How often the fault struck.
    pub runs: u64,
    pub figures: Figures,
    pub findings: Findings,
    /// Events that no attempt of Retell's brought in.
    pub untaken: usize,
    /// From the end of the fault to ready and drained; the longest of all runs.
    pub recovery: Option<Duration>,
    /// What else was measured.
    pub notes: Vec<String>,
}

impl Row {
    pub fn of(fault: &str, database: &str, runs: u64, figures: Figures, findings: Findings) -> Self {
        Self {
            fault: fault.to_owned(),
            database: database.to_owned(),
            runs,
            figures,
            findings,
            untaken: 0,
            recovery: None,
            notes: Vec::new(),
        }
    }

    /// A fault for which something is missing on this machine: a campaign at its real size is not sound without it.
    pub fn not_tried(fault: &str, full: bool) -> Self {
        let why = "not tried: something is missing on this machine".to_owned();
        let wrong = if full { vec![why.clone()] } else { Vec::new() };
        let row = Self::of(fault, "", 0, Figures::default(), Findings { wrong, ..Findings::default() });
        Self { notes: vec![why], ..row }
    }

    /// A course that could not be played to its end.
    pub fn broken(fault: &str, why: String) -> Self {
        let findings = Findings { wrong: vec![why], ..Findings::default() };
        Self::of(fault, "", 0, Figures::default(), findings)
    }

    fn cells(&self) -> [String; 10] {
        let time = |time: Duration| match time.as_millis() {
            0 => "-".to_owned(),
            ms @ 1..10_000 => format!("{ms} ms"),
            ms => format!("{:.1} s", ms as f64 / 1_000.0),
        };
        [
            self.fault.clone(),
            self.database.clone(),
            self.runs.to_string(),
            (self.figures.acknowledged + self.figures.functions).to_string(),
            self.findings.lost.len().to_string(),
            self.findings.doubled.len().to_string(),
            self.findings.wrong.len().to_string(),
            time(self.figures.worst_ack),
            time(self.figures.worst_function),
            self.recovery.map_or("-".to_owned(), time),
        ]
    }

    pub fn is_sound(&self) -> bool {
        self.findings.is_sound()
    }
}

const HEADS: [&str; 10] = [
    "fault",
    "database",
    "runs",
    "acknowledged",
    "lost",
    "doubled",
    "wrong",
    "worst ack",
    "worst function",
    "recovery",
];

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cells = HEADS.iter().zip(self.cells()).map(|(head, cell)| format!("{head} {cell}"));
        write!(f, "  {}", cells.collect::<Vec<_>>().join(" · "))?;
        for note in &self.notes {
            write!(f, "\n    {note}")?;
        }
        for finding in self.findings.all() {
            write!(f, "\n    NOT SOUND: {finding}")?;
        }
        Ok(())
    }
}

/// See the module.
pub struct Table {
    seed: u32,
    full: bool,
    rows: Vec<Row>,
}

impl Table {
    pub const fn new(seed: u32, full: bool) -> Self {
        Self { seed, full, rows: Vec::new() }
    }

    pub fn push(&mut self, row: Row) {
        self.rows.push(row);
    }

    pub fn is_sound(&self) -> bool {
        self.rows.iter().all(Row::is_sound)
    }

    /// As it stands in documents.
    pub fn markdown(&self) -> String {
        grid::markdown(HEADS, self.rows.iter().map(Row::cells))
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", grid::aligned(HEADS, self.rows.iter().map(Row::cells)))?;
        let size = if self.full { "full" } else { "short" };
        let verdict = if self.is_sound() { "sound" } else { "NOT SOUND" };
        write!(f, "seed {}, {size}, {} rows: {verdict}", self.seed, self.rows.len())
    }
}
