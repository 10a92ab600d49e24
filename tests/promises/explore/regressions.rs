//! Plans that failed once are kept in a file beside the test and replayed first: they still fail, are fixed, or apply no
//! longer, which is loud.

use std::path::{Path, PathBuf};

use durasim::explore::RegressionState;
use durasim::{ActivityContext, ActivityError, Exploration, Simulation, WorkflowContext, WorkflowError, check};

use crate::child::child;
use crate::snapshot::unfolded;

use super::{resilient, simulation, steps};

/// A file of this test alone.
pub struct Kept(pub PathBuf);

impl Kept {
    pub fn new(name: &str, text: &str) -> Kept {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.regressions"));
        std::fs::write(&path, text).unwrap();
        Kept(path)
    }

    fn text(&self) -> String {
        std::fs::read_to_string(&self.0).unwrap()
    }
}

/// Fails whenever it is retried.
async fn fails_on_a_retry(ctx: &ActivityContext, count: u32) -> Result<u32, ActivityError> {
    match ctx.get_info().attempt {
        1 => steps(ctx, count).await,
        _ => Err(ActivityError::non_retryable("already begun")),
    }
}

pub fn broken() -> Exploration {
    Simulation::temporal()
        .activity("steps", fails_on_a_retry)
        .workflow("work", async |ctx: &WorkflowContext, count: u32| -> Result<u32, WorkflowError> {
            ctx.execute_activity("steps", &count, resilient()).await
        })
        .explore("work", &4u32)
        .named("work")
        .check(check::same_result())
}

pub fn sound() -> Exploration {
    simulation(resilient()).explore("work", &4u32).named("work").check(check::same_result())
}

pub const CRASH: &str = "v1 seed=0 order=fifo for=work; steps#1@1:await2=crash";

#[test]
fn a_plan_still_fails() {
    let kept = Kept::new("still_fails", &format!("# why it is here\n\n{CRASH}\n"));
    let report = broken().regressions(&kept.0).report();
    let [regression] = report.regressions() else { panic!("{report}") };
    assert_eq!((regression.line, &regression.state), (3, &RegressionState::StillFails));
    assert!(!report.holds() && report.failures()[0].check == "same_result", "{report}");
    assert!(report.to_string().contains("still_fails.regressions:3 still fails: v1 seed=0"), "{report}");
}

#[test]
fn a_plan_is_fixed_and_does_not_fail() {
    let kept = Kept::new("fixed", CRASH);
    let report = sound().regressions(&kept.0).every_fault().report();
    assert_eq!(report.regressions()[0].state, RegressionState::Fixed);
    assert!(report.holds(), "{report}");
    assert_eq!(report.parts()[1].name, "regressions");
    assert!(
        report.to_string().contains("fixed.regressions:1 is fixed; keep the line to keep it so, or remove it"),
        "{report}"
    );
}

#[test]
fn a_plan_that_no_longer_applies_is_loud() {
    let kept = Kept::new("stale", &format!("{CRASH}\nsteps#1@1:await40=crash\n"));
    let report = sound().regressions(&kept.0).every_fault().report();
    assert!(!report.holds());
    let error = report.error().expect("an error").to_string();
    assert!(error.contains("stale.regressions:2: the plan no longer applies"), "{error}");
    assert!(error.contains("the nearest points that it comes to are `steps#1@1:await4`"), "{error}");
    assert!(matches!(report.regressions()[1].state, RegressionState::NoLongerApplies(_)), "{report}");
    assert_eq!(report.parts().len(), 2, "nothing else is tried");
}

#[test]
fn plans_for_others_are_passed_over() {
    let kept = Kept::new("others", &format!("{}\n{CRASH}\n", CRASH.replace("for=work", "for=elsewhere")));
    let report = broken().regressions(&kept.0).report();
    assert_eq!(report.regressions().iter().map(|regression| regression.line).collect::<Vec<_>>(), [2]);
    assert!(report.notes().is_empty(), "{report}");
}

#[test]
fn a_file_whose_plans_are_all_for_others_is_told() {
    let kept = Kept::new("renamed", &format!("{}\n", CRASH.replace("for=work", "for=elsewhere")));
    let report = sound().regressions(&kept.0).every_fault().report();
    let [note] = report.notes() else { panic!("{report}") };
    assert!(
        note.starts_with("regressions: 0 of 1 plan of ") && note.ends_with(" are for work; the first is for elsewhere")
    );
    assert!(report.holds() && report.to_string().contains(note), "{report}");
}

#[test]
fn what_is_not_a_plan_is_named_by_file_and_line() {
    let kept = Kept::new("malformed", "# a comment\n<<<<<<< HEAD\n");
    let error = sound().regressions(&kept.0).every_fault().report().error().expect("an error").to_string();
    assert!(error.contains("malformed.regressions:2: not a plan, at column 1"), "{error}");
}

#[test]
fn a_file_that_is_not_there_guards_nothing_which_is_an_error() {
    let there = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let report = sound().regressions(there.join("never_made.regressions")).every_fault().report();
    let error = report.error().expect("an error").to_string();
    assert!(error.contains("never_made.regressions` is not there, so it guards nothing"), "{error}");
    assert!(error.contains("DURASIM_REGRESSIONS=write"), "{error}");
    let error = sound().regressions("tests/nowhere/a.regressions").every_fault().report().error().unwrap().to_string();
    assert!(error.contains("there is no folder") && error.contains("package root"), "{error}");
    let error = sound().regressions("/dev/null").every_fault().report().error().unwrap().to_string();
    assert!(error.contains("is no regular file"), "{error}");
    let error = sound().regressions("tests").every_fault().report().error().unwrap().to_string();
    assert!(error.contains("cannot read the regressions in `tests`"), "{error}");
}

#[test]
fn an_exploration_of_a_file_alone_needs_plans() {
    let kept = Kept::new("empty", "# nothing yet\n");
    let error = sound().regressions(&kept.0).report().error().expect("an error").to_string();
    assert!(error.contains("asks for no run"), "{error}");
}

/// The processes of [`writing`] run this.
#[test]
#[ignore = "the tests of this file run it"]
fn written() {
    let path = std::env::var("KEPT_IN").unwrap();
    let exploration = broken().every_fault().seeds(0..50);
    let exploration = if path.is_empty() { exploration } else { exploration.regressions(path) };
    exploration.assert();
}

fn writing(path: &str, value: &str) -> String {
    let output = child("explore::regressions::written")
        .arg("--nocapture")
        .env("DURASIM_REGRESSIONS", value)
        .env("KEPT_IN", path)
        .output()
        .unwrap();
    let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(text.contains("running 1 test"), "{text}");
    assert!(!output.status.success(), "{text}");
    text
}

#[test]
fn new_failures_are_appended_when_asked_and_never_twice() {
    // The file has no newline at its end, as some editors leave it.
    let kept = Kept::new("written", "# reviewed by people");
    let path = kept.0.to_str().unwrap();
    let text = writing(path, "");
    assert_eq!(kept.text(), "# reviewed by people", "only when asked");
    assert!(unfolded(&text).contains("run this again with DURASIM_REGRESSIONS=write"), "{text}");

    let text = writing(path, "write");
    assert!(text.contains("1 plan appended to "), "{text}");
    let expected = "# reviewed by people\n\
                    # `same_result` does not hold: the workflow did not end as it does without faults; if it may fail so \
                    where faults take its time, say `.partial_failure(..)`\n\
                    v1 seed=0 order=fifo for=work; steps#1@1:await1=fail\n";
    assert_eq!(kept.text(), expected);

    let text = writing(path, "write");
    assert!(text.contains("written.regressions:3 still fails") && !text.contains("appended"), "{text}");
    assert!(!unfolded(&text).contains("run this again with"), "{text}");
    assert_eq!(kept.text(), expected);
}

#[test]
fn a_new_file_is_made() {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("made.regressions");
    let _ = std::fs::remove_file(&path);
    writing(path.to_str().unwrap(), "write");
    assert!(std::fs::read_to_string(&path).unwrap().ends_with("steps#1@1:await1=fail\n"));
}

#[test]
fn without_a_file_and_with_another_word() {
    assert!(writing("", "write").contains("has no file for what fails"));
    assert!(writing("", "append").contains("DURASIM_REGRESSIONS is `append`"));
}
