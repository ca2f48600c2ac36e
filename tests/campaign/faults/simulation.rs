//! Whole days and races on virtual time: the actors' own simulation, started as a command.

use std::process::Command;

use super::{Fault, Scale, fault};
use crate::{judge::Findings, ledger::Figures, table::Row};

/// Seeds of whole days, and races for the last units, at the real size.
const SEEDS: u64 = 2_000;
const RACES: u64 = 100_000;

pub fn faults() -> Vec<Fault> {
    vec![
        fault!(
            "simulated_days",
            "whole days of many companies on virtual time, faults and restarts among them",
            days
        ),
        fault!("simulated_races", "races for the last free units on virtual time, in any order", races),
    ]
}

async fn days(scale: Scale) -> Vec<Row> {
    vec![play("simulated_days", "days", "ASKPRO_SIM_SEEDS", SEEDS, scale)]
}

async fn races(scale: Scale) -> Vec<Row> {
    vec![play("simulated_races", "races", "ASKPRO_SIM_RACES", RACES, scale)]
}

fn play(name: &str, part: &str, variable: &str, count: u64, scale: Scale) -> Row {
    let mut row = Row::of(name, "in memory", 0, Figures::default(), Findings::default());
    let output = Command::new(env!("CARGO"))
        .args(["test", "--release", "--quiet", "--package", "askpro-actors", "--test", "sim", "--", part])
        .env(variable, count.to_string())
        .env("ASKPRO_SIM_FIRST", (scale.seed % 1_000_000).to_string())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let last = said.lines().rev().find(|line| line.starts_with("sim: ")).unwrap_or_default().to_owned();
    let figure = |name: &str| {
        let word = last.split(' ').find_map(|word| word.strip_prefix(name)?.strip_prefix('='));
        word.and_then(|word| word.parse::<u64>().ok()).unwrap_or_default()
    };
    row.runs = figure("seeds") + figure("races");
    row.figures.acknowledged = figure("acknowledged");
    row.notes.push(last.clone());
    let lines = |kind: &str| (0..figure(kind)).map(|_| format!("see the course of {name}")).collect();
    (row.findings.lost, row.findings.doubled) = (lines("lost"), lines("doubled"));
    if !output.status.success() || row.runs == 0 {
        // Where it was not even built, nothing was said but this.
        let all = String::from_utf8_lossy(&output.stderr).into_owned() + &said;
        let told: Vec<&str> = all.lines().rev().take(12).collect();
        row.findings.wrong.push(told.into_iter().rev().collect::<Vec<_>>().join(" / "));
    }
    row
}
