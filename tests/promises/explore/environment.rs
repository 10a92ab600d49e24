//! `DURASIM_PLAN` and `DURASIM_SEED` take the place of what an exploration asks for. Variables are the whole process's, so
//! each test runs this very binary with one set.

use std::ffi::OsStr;
use std::process::Command;

use durasim::{ActivityContext, ActivityError, Simulation, WorkflowContext, check};

use super::{resilient, steps};

/// What is explored in the processes of these tests: fails whenever it is retried.
async fn fails_on_a_retry(ctx: &ActivityContext, count: u32) -> Result<u32, ActivityError> {
    match ctx.get_info().attempt {
        1 => steps(ctx, count).await,
        _ => Err(ActivityError::non_retryable("already begun")),
    }
}

#[test]
#[ignore = "the tests of this file run it"]
fn explored() {
    let exploration = Simulation::temporal()
        .activity("steps", fails_on_a_retry)
        .workflow("work", async |ctx: &WorkflowContext, count: u32| {
            ctx.execute_activity::<u32>("steps", &count, resilient()).await
        })
        .explore("work", &4u32)
        .every_fault()
        .seeds(0..10)
        .check(check::same_result());
    println!("report: {}", exploration.report());
    exploration.assert();
}

struct Ended {
    passed: bool,
    output: String,
}

fn with(variables: &[(&str, &str)]) -> Ended {
    let mut variables_as_they_are = Vec::new();
    for (name, value) in variables {
        variables_as_they_are.push((*name, OsStr::new(value)));
    }
    started(&variables_as_they_are, &["--nocapture"])
}

fn started(variables: &[(&str, &OsStr)], arguments: &[&str]) -> Ended {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "explore::environment::explored"])
        .args(arguments)
        .env_remove("DURASIM_PLAN")
        .env_remove("DURASIM_SEED")
        .env_remove("DURASIM_SHARD")
        .env("RUST_BACKTRACE", "0")
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(text.contains("running 1 test"), "{text}");
    Ended { passed: output.status.success(), output: text }
}

impl Ended {
    #[track_caller]
    fn says(&self, words: &str) -> &Ended {
        assert!(self.output.contains(words), "{words:?} is missing in\n{}", self.output);
        self
    }

    #[track_caller]
    fn says_not(&self, words: &str) -> &Ended {
        assert!(!self.output.contains(words), "{words:?} is in\n{}", self.output);
        self
    }
}

const FAILS: &str = "v1 seed=0 order=fifo for=explore::environment::explored; steps#1@1:await2=crash";

#[test]
fn nothing_is_set() {
    let ended = with(&[]);
    assert!(!ended.passed);
    ended.says("every fault:").says("seeds 0..10:").says("FAILED").says("DURASIM_PLAN='v1 seed=0 order=fifo");
}

#[test]
fn a_plan_that_fails_is_explained_and_nothing_else_is_tried() {
    let ended = with(&[("DURASIM_PLAN", FAILS)]);
    assert!(!ended.passed);
    ended
        .says("the plan:       0/1 hold")
        .says("`same_result` does not hold")
        .says_not("every fault")
        .says_not("seeds");
}

#[test]
fn the_line_that_reproduces_a_failure_does() {
    let first = with(&[]).output;
    let line = first.lines().find(|line| line.contains("DURASIM_PLAN='")).unwrap();
    let plan = line.split('\'').nth(1).unwrap();
    let ended = with(&[("DURASIM_PLAN", plan)]);
    assert!(!ended.passed);
    ended
        .says("`same_result` does not hold")
        .says(&format!("DURASIM_PLAN='{plan}' cargo test explore::environment::explored"));
}

#[test]
fn a_plan_that_is_asked_for_shows_its_whole_timeline() {
    let cut = |output: &str| output.lines().any(|line| line.trim_start().starts_with("... "));
    let ended = with(&[("DURASIM_PLAN", FAILS)]);
    assert!(!cut(&ended.output), "{}", ended.output);
    ended.says("worker 1   started").says("0.001s  steps#1    scheduled: 4");
    let first = with(&[]).output;
    assert!(cut(&first), "{first}");
}

#[test]
fn a_plan_that_holds() {
    let ended = with(&[("DURASIM_PLAN", "steps#1@1:heartbeat1=answer_lost")]);
    assert!(ended.passed, "{}", ended.output);
    ended.says("the plan:       1/1 hold (1 survive").says_not("every fault");
}

#[test]
fn a_plan_is_strict_about_points_that_are_not_there() {
    let ended = with(&[("DURASIM_PLAN", "steps#1@1:heartbeat1=answer_lost; steps#1@1:await77=crash")]);
    assert!(!ended.passed);
    ended
        .says("the plan no longer applies: the run does not come to `steps#1@1:await77`")
        .says("the nearest points that it comes to are `steps#1@1:await4`, `steps#1@1:await3`, `steps#1@1:await2`");
    let ended = with(&[("DURASIM_PLAN", "leaps#1@1:await1=crash")]);
    assert!(!ended.passed);
    ended.says("there is no activity `leaps`; there is `steps`");
    let ended = with(&[("DURASIM_PLAN", "stpes#1@1:await1=crash")]);
    assert!(!ended.passed);
    ended.says("there is no activity `stpes`; is it `steps`?");
}

#[test]
fn a_plan_for_another_exploration_is_skipped_aloud() {
    let ended = with(&[("DURASIM_PLAN", &FAILS.replace("explored", "elsewhere"))]);
    assert!(ended.passed, "{}", ended.output);
    ended
        .says("durasim: explore::environment::explored is skipped, since DURASIM_PLAN is for explore::environment::elsewhere")
        .says_not("hold");
}

#[test]
fn what_is_skipped_and_what_means_nothing_is_told_although_the_test_passes() {
    let plan = FAILS.replace("explored", "elsewhere");
    let variables = [("DURASIM_PLAN", OsStr::new(&plan)), ("DURASIM_SEEDS", OsStr::new("7"))];
    let ended = started(&variables, &[]);
    assert!(ended.passed, "{}", ended.output);
    ended
        .says("durasim: explore::environment::explored is skipped, since DURASIM_PLAN is for explore::environment::elsewhere")
        .says("durasim: the variable DURASIM_SEEDS means nothing");
    // The test explores twice.
    assert_eq!(ended.output.matches("means nothing").count(), 1, "{}", ended.output);
}

#[cfg(unix)]
#[test]
fn a_plan_that_is_not_text_is_refused() {
    use std::os::unix::ffi::OsStrExt;
    let ended = started(&[("DURASIM_PLAN", OsStr::from_bytes(b"steps\xff#1@1:await2=crash"))], &["--nocapture"]);
    assert!(!ended.passed);
    ended.says("DURASIM_PLAN is not UTF-8, and cannot be read: steps\\xff#1@1:await2=crash").says_not("every fault:");
}

#[test]
fn a_malformed_plan_is_refused() {
    let ended = with(&[("DURASIM_PLAN", "steps#1@1:await2=crush")]);
    assert!(!ended.passed);
    ended.says("the plan is malformed at").says("crush");
}

#[test]
fn a_seed_runs_alone() {
    let ended = with(&[("DURASIM_SEED", "18446744073709551615")]);
    ended.says("seed 18446744073709551615:").says("/1 hold").says_not("every fault").says_not("overflow");
}

#[test]
fn a_malformed_seed_is_refused() {
    let ended = with(&[("DURASIM_SEED", "seven")]);
    assert!(!ended.passed);
    ended.says("DURASIM_SEED is `seven`").says("DURASIM_SEED=42");
}

#[test]
fn a_variable_that_means_nothing_is_told_of() {
    let ended = with(&[("DURASIM_SEEDS", "7"), ("DURASIM_PLAN", "steps#1@1:heartbeat1=answer_lost")]);
    assert!(ended.passed, "{}", ended.output);
    ended.says("the variable DURASIM_SEEDS means nothing");
}

#[test]
fn a_shard_that_is_none_is_an_error() {
    let ended = with(&[("DURASIM_SHARD", "5/3")]);
    assert!(!ended.passed);
    ended.says("DURASIM_SHARD is `5/3`, but there are fewer shards than that: write for example DURASIM_SHARD=1/4");
}

#[test]
fn the_last_seed_there_is_runs() {
    let ended = with(&[("DURASIM_SEED", "18446744073709551615")]);
    ended.says("seed 18446744073709551615: ").says("/1 hold (");
}
