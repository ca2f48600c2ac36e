//! Ways across that were looked for one by one, and the log of the real program.

use serde_json::json;

use super::{
    companies::{CALLER, COMPANIES, DIGITS, Owner, TOKENS},
    eyes::Eyes,
    operations::{EventName, Function, Line, Named, Operation, Signer, operation},
    run::Rig,
    runner,
};
use crate::support::service::Setup;

const A: Owner = Owner(0);
const B: Owner = Owner(1);
const PLATFORM: Signer = Signer::Platform { own_door: false };

fn own(owner: Owner) -> Signer {
    Signer::Own { signer: owner, door: owner }
}

fn line(owner: Owner) -> Line {
    Line { owner, call: Named::Of(B, 0) }
}

fn event(owner: Owner, event: EventName, signer: Signer) -> Operation {
    Operation::Event { line: line(owner), event, signer }
}

async fn nothing_crossed(mut rig: Rig) {
    Eyes::of(&mut rig).look_at_everything().await;
    let crossed = rig.stop().await;
    assert!(crossed.is_empty(), "{}", crossed.join("\n"));
}

/// A's key says of B's call that it is A's, before B's first event comes; then the call goes on as Retell tells it.
async fn claimed_before_it_began(is_forgotten: bool) -> Rig {
    let mut rig = Rig::start(Setup::new()).await;
    rig.run(&event(A, EventName::Started, own(A))).await;
    rig.settle().await;
    if is_forgotten {
        rig.run(&event(A, EventName::Ended, own(A))).await;
        rig.settle().await;
    }
    for name in [EventName::Started, EventName::Transcript] {
        rig.run(&event(B, name, PLATFORM)).await;
    }
    for function in [Function::Customer, Function::Appointments, Function::Book, Function::Callback] {
        rig.run(&Operation::Function { line: line(B), function, hour: 10, half: true, signer: PLATFORM })
            .await;
    }
    for name in [EventName::Ended, EventName::Analyzed] {
        rig.run(&event(B, name, PLATFORM)).await;
    }
    rig
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_another_company_claimed_before_it_began_tells_it_nothing() {
    nothing_crossed(claimed_before_it_began(false).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_another_company_claimed_and_ended_tells_it_nothing() {
    nothing_crossed(claimed_before_it_began(true).await).await;
}

#[test]
fn no_line_of_the_log_says_who_called_what_was_said_or_what_another_company_does() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let operations = proptest::collection::vec(operation(), 60..80);
    let outcome = runner(1).run(&operations, |operations| {
        let said = runtime.block_on(log_of(&operations));
        proptest::prop_assert!(said.is_empty(), "{}", said.join("\n"));
        Ok(())
    });
    if let Err(error) = outcome {
        panic!("{error}");
    }
}

/// Lines that say too much, of a program that tells all it can.
async fn log_of(operations: &[Operation]) -> Vec<String> {
    let setup = Setup::new().with("LOG__LEVEL", "trace").with("LOG__FORMAT", "json");
    let mut rig = Rig::start_program(setup).await;
    for operation in operations {
        rig.run(operation).await;
    }
    rig.settle().await;
    let lines = rig.log();
    assert!(lines.len() > 3, "nothing was logged");
    rig.stop().await;
    lines.iter().map(ToString::to_string).filter(|line| says_too_much(line)).collect()
}

fn says_too_much(line: &str) -> bool {
    let text = line.to_lowercase();
    let mut private: Vec<String> = vec![CALLER.trim_start_matches('+').to_owned(), "anna".to_owned()];
    private.extend(DIGITS.map(str::to_owned));
    for token in TOKENS {
        for word in
            ["key_", "whsec_", "cal_", "udo ", "kur ", "hallo ", "wunsch ", "notiz ", "rückruf ", "anna@"]
        {
            private.push(format!("{word}{token}"));
        }
    }
    let slugs = (0..COMPANIES).filter(|at| text.contains(TOKENS[*at])).count();
    slugs > 1 || private.iter().any(|word| text.contains(word.as_str()))
}

#[test]
fn the_eyes_of_the_log_see() {
    for line in ["x +4915112345678", "Anna", "salon-qalpha salon-qbravo", "key_qalpha", "User: Hallo qbravo"]
    {
        assert!(says_too_much(&json!({ "message": line }).to_string()), "{line}");
    }
    assert!(!says_too_much(r#"{"company.slug":"salon-qalpha"}"#));
}
