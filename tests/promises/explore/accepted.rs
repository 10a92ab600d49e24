//! A failure that is known is accepted by its line: it fails no test, is counted, and is an error once it is gone.

use std::time::Duration;

use durasim::explore::Report;
use durasim::{Exploration, Simulation, WorkflowContext, WorkflowError, check};

use super::regressions::{CRASH, Kept, broken, sound};

fn accepted(name: &str, line: &str, exploration: Exploration) -> (Report, String) {
    let kept = Kept::new(name, &format!("# a comment\n{line}\n"));
    let report = exploration.without_standard_checks().regressions(&kept.0).every_fault().report();
    let error = report.error().map(ToString::to_string).unwrap_or_default();
    (report, error)
}

fn line(check: &str, kind: &str) -> String {
    format!("accepted \"{check}\" \"{kind}\" \"OPS-12: they know\": {CRASH}")
}

#[test]
fn it_fails_no_test_and_is_counted() {
    let (report, _) = accepted("accepted", &line("same_result", "different result"), broken());
    assert!(report.holds() && report.failures().is_empty(), "{report}");
    let [known] = report.accepted() else { panic!("{report}") };
    let found: u64 = report.parts().iter().map(|part| part.tally.accepted).sum();
    assert_eq!((known.line, known.runs), (2, found));
    assert!(found > 10 && report.parts()[2].tally.failed == 0, "{report}");
    let text = report.to_string();
    let says =
        format!("accepted.regressions:2 accepted: {found} runs fail `same_result` by `different result`: OPS-12");
    assert!(text.contains(&says) && text.contains(" accepted\n"), "{text}");
}

#[test]
fn another_failure_of_the_same_runs_is_one() {
    let strict =
        check::named(
            "no retry",
            |run: &durasim::Run| {
                if run.activities()[0].attempts.len() > 1 { Err("it was retried") } else { Ok(()) }
            },
        );
    let (report, _) = accepted("another", &line("same_result", "different result"), broken().check(strict));
    let [failed] = report.failures() else { panic!("{report}") };
    assert_eq!(failed.check, "no retry");
    assert!(!report.holds(), "{report}");
}

#[test]
fn one_that_is_gone_is_an_error() {
    let (report, error) = accepted("gone", &line("same_result", "different result"), sound());
    assert!(!report.holds() && error.contains("gone.regressions:2"), "{error}");
    assert!(error.contains("does not fail `same_result` by `different result` any more"), "{error}");
    assert!(error.contains("no check fails. Remove the line"), "{error}");
    let (_, error) = accepted("otherwise", &line("same_result", "another rule"), broken());
    assert!(error.contains("it fails `same_result` by `different result`"), "{error}");
}

/// Whoever accepts a panic of a workflow is told when its replay goes another way.
#[test]
fn a_workflow_that_panics_is_another_failure_than_one_that_is_not_deterministic() {
    async fn ends_badly(ctx: &WorkflowContext, how: String) -> Result<(), WorkflowError> {
        ctx.sleep(Duration::from_secs(1)).await?;
        if ctx.is_replaying() && how == "differs" {
            return Ok(());
        }
        assert!(!ctx.is_replaying(), "it is replayed");
        ctx.sleep(Duration::from_secs(1)).await
    }
    let kind = |how: &str| {
        let simulation = Simulation::temporal().workflow("ends_badly", ends_badly);
        let exploration = simulation.explore("ends_badly", &how).named(how).every_fault().without_standard_checks();
        let report = exploration.check(check::same_result()).report();
        report.failures().iter().map(|failed| failed.violation.kind.clone()).collect::<Vec<String>>()
    };
    assert_eq!(kind("panics"), ["workflow panicked"]);
    assert_eq!(kind("differs"), ["workflow not deterministic"]);
}

#[test]
fn a_line_without_a_reason_is_an_error() {
    let (_, error) = accepted("no_reason", &format!("accepted \"same_result\": {CRASH}"), broken());
    assert!(error.contains("no_reason.regressions:2") && error.contains("\"reason\": plan"), "{error}");
}

#[test]
fn a_plan_that_is_asked_for_by_itself_shows_the_failure() {
    let kept = Kept::new("replayed", &format!("{}\n", line("same_result", "different result")));
    let report = broken().regressions(&kept.0).replay(&CRASH.parse().unwrap());
    assert_eq!(report.failures()[0].check, "same_result");
}
