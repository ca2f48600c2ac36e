//! The table of the README that shows what callers say, what is understood and what is answered.

use askpro_domain::function::parse_order;

use super::*;
use crate::ports::directory::DirectoryView;

const README: &str = include_str!("../../../../README.md");
const HEAD: &str = "| the caller says | understood | answered |";

/// Cells of the table's rows.
fn rows() -> Vec<[&'static str; 3]> {
    let table = README.lines().skip_while(|line| *line != HEAD).skip(2);
    let rows = table.take_while(|line| line.starts_with('|'));
    rows.map(|line| {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        cells.try_into().unwrap_or_else(|_| panic!("three cells: {line}"))
    })
    .collect()
}

#[test]
fn the_readme_says_what_is_understood_and_answered() {
    let rows = rows();
    assert!(rows.len() >= 15, "{} rows", rows.len());
    let mut wrong = Vec::new();
    for (n, [said, understood, answered]) in rows.iter().enumerate() {
        let rig = rig();
        // The calendar of the other tests ends after two weeks.
        let days = (0..35).filter(|d| d % 7 < 5).map(|d| FIXTURE_NOW.plus_ms(d * 86_400_000));
        let starts = days.flat_map(|day| (0..18).map(move |half| day.plus_ms(half * 1_800_000)));
        rig.calendar.offer(2001, &[9001, 9002], starts);
        // Somebody else has Tuesday at two.
        answer(&rig, check(&rig, "other", "14:00"));
        let arguments = json!({"service": CUT, "datetime": said});
        let directory = rig.directory.current();
        let company = directory.company(company_a()).unwrap();
        let (name, args) = (FunctionName::CheckAvailability, arguments.as_object().unwrap());
        let read = parse_order(name, args, company, &company.branches[0], rig.now());
        let call = format!("c{n}");
        let heard = answer(&rig, rig.ask(&call, NUMBER_A, name, arguments.clone()));
        let now = [
            read.remarks.understood.unwrap_or_else(|| "–".to_owned()),
            heard["message"].as_str().unwrap().to_owned(),
        ];
        if now != [*understood, *answered] {
            wrong.push(format!("| {said} | {} | {} |", now[0], now[1]));
        }
        for call in [call.as_str(), "other"] {
            hang_up(&rig, call);
        }
        rig.finish();
    }
    assert!(wrong.is_empty(), "rows as they are now:\n{}", wrong.join("\n"));
}
