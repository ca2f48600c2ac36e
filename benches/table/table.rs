//! The table: a line for each figure.

use std::fmt;

use crate::{grid, oracle::Findings, samples::Samples, scale::Scale};

/// What a figure is compared with.
#[derive(Debug, Clone, Copy)]
pub enum Goal {
    AtLeast(f64),
    AtMost(f64),
}

impl Goal {
    fn is_met(self, value: f64) -> bool {
        match self {
            Self::AtLeast(limit) => value >= limit,
            Self::AtMost(limit) => value <= limit,
        }
    }

    fn text(self, unit: &str) -> String {
        match self {
            Self::AtLeast(limit) => format!(">= {} {unit}", figure(limit)),
            Self::AtMost(limit) => format!("<= {} {unit}", figure(limit)),
        }
        .trim_end()
        .to_owned()
    }
}

/// The same figure of a rival in the same runs.
#[derive(Debug, Clone)]
pub struct Yardstick {
    pub name: &'static str,
    pub samples: Samples,
}

/// One figure. Its goals are about the ratio where there is a yardstick, else about the figure.
#[derive(Debug, Clone)]
pub struct Row {
    pub figure: &'static str,
    pub unit: &'static str,
    pub measured: Samples,
    pub yardstick: Option<Yardstick>,
    pub must: Option<Goal>,
    pub aim: Option<Goal>,
    /// What else there is to know.
    pub note: String,
}

impl Row {
    pub fn new(figure: &'static str, unit: &'static str, measured: Samples) -> Self {
        Self { figure, unit, measured, yardstick: None, must: None, aim: None, note: String::new() }
    }

    pub fn over(self, name: &'static str, samples: Samples) -> Self {
        Self { yardstick: Some(Yardstick { name, samples }), ..self }
    }

    pub fn must(self, goal: Goal) -> Self {
        Self { must: Some(goal), ..self }
    }

    pub fn aim(self, goal: Goal) -> Self {
        Self { aim: Some(goal), ..self }
    }

    pub fn note(self, note: String) -> Self {
        Self { note, ..self }
    }

    fn ratio(&self) -> Option<Samples> {
        self.yardstick.as_ref().map(|yardstick| self.measured.over(&yardstick.samples))
    }

    fn reached(&self) -> &'static str {
        let judged = self.ratio().unwrap_or_else(|| self.measured.clone()).median();
        let met = |goal: Option<Goal>| goal.is_some_and(|goal| goal.is_met(judged));
        match (self.must, self.aim) {
            (None, None) => "-",
            (Some(_), None) if met(self.must) => "must",
            _ if met(self.aim) => "aim",
            _ if met(self.must) => "must",
            _ => "NO",
        }
    }

    fn cells(&self) -> [String; 8] {
        let ratio = self.ratio();
        let (low, high) = ratio.as_ref().unwrap_or(&self.measured).spread();
        let yardstick = self.yardstick.as_ref();
        let unit = if ratio.is_some() { "x" } else { self.unit };
        let goal = |goal: Option<Goal>| goal.map_or_else(|| "-".to_owned(), |goal| goal.text(unit));
        [
            self.figure.to_owned(),
            format!("{} {}", figure(self.measured.median()), self.unit).trim_end().to_owned(),
            yardstick.map_or_else(
                || "-".to_owned(),
                |rival| format!("{} {}", rival.name, figure(rival.samples.median())),
            ),
            ratio.as_ref().map_or_else(|| "-".to_owned(), |ratio| format!("{} x", figure(ratio.median()))),
            format!("{} to {}", figure(low), figure(high)),
            goal(self.must),
            goal(self.aim),
            self.reached().to_owned(),
        ]
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [figure, measured, yardstick, ratio, spread, ..] = self.cells();
        write!(f, "{figure}: {measured} · over {yardstick} · ratio {ratio} · spread {spread}")?;
        if !self.note.is_empty() {
            write!(f, "\n    {}", self.note)?;
        }
        Ok(())
    }
}

/// Three digits that count.
pub fn figure(value: f64) -> String {
    match value.abs() {
        _ if value.is_nan() => "-".to_owned(),
        size if size >= 100.0 => thousands(value),
        size if size >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

fn thousands(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

const HEADS: [&str; 8] = ["figure", "measured", "yardstick", "ratio", "spread", "must", "aim", "reached"];

/// Others may use so much of the machine: servers at rest do.
const QUIET_PERCENT: f64 = 10.0;

/// See the module.
pub struct Table {
    machine: String,
    scale: Scale,
    rows: Vec<Row>,
    wrong: Vec<String>,
    /// The most that others took of the machine while nothing was measured.
    others: f64,
}

impl Table {
    pub const fn new(machine: String, scale: Scale) -> Self {
        Self { machine, scale, rows: Vec::new(), wrong: Vec::new(), others: 0.0 }
    }

    pub fn push(&mut self, row: Row) {
        self.rows.push(row);
    }

    pub fn blame(&mut self, findings: Findings) {
        self.wrong.extend(findings.into_inner());
    }

    /// Others took this share of the machine before a group.
    pub fn disturbed(&mut self, share: f64) {
        self.others = self.others.max(share);
    }

    pub fn is_sound(&self) -> bool {
        self.wrong.is_empty()
    }

    /// As it stands in documents.
    pub fn markdown(&self) -> String {
        grid::markdown(HEADS, self.rows.iter().map(Row::cells)) + "\n" + &self.last_line() + "\n"
    }

    fn last_line(&self) -> String {
        let Scale { full, runs, seconds, .. } = self.scale;
        let size = if full { "" } else { ", in small: these figures prove nothing" };
        let others = self.others * 100.0;
        let quiet = if others > QUIET_PERCENT { ": NOT A QUIET MACHINE, measure again" } else { "" };
        format!(
            "{}. Medians of {runs} interleaved runs, {seconds} s of sustained load each{size}. Between the groups others \
             used up to {others:.0} % of the machine{quiet}.",
            self.machine
        )
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", grid::aligned(HEADS, self.rows.iter().map(Row::cells)))?;
        writeln!(f, "{}", self.last_line())?;
        for finding in &self.wrong {
            writeln!(f, "WRONG: {finding}")?;
        }
        let verdict = if self.is_sound() { "every result is right" } else { "RESULTS ARE WRONG" };
        write!(f, "{verdict}")
    }
}
