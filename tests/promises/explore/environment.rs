//! Variables take the place of the options that an exploration has, and say so. They are the whole process's, so each
//! test runs this very binary with some set, as `cargo test` does.

use std::ffi::OsStr;

use durasim::fault::Plan;
use durasim::{ActivityContext, ActivityError, Client, Simulation, WorkflowContext, check};

use crate::child::child;

use super::{resilient, simulation, steps};

/// The activity that is explored in the processes of these tests: it fails whenever it is retried.
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

/// This exploration holds, however little is left of it.
#[test]
#[ignore = "the tests of this file run it"]
fn holds() {
    let exploration = simulation(resilient()).explore("work", &4u32).every_fault().every_pair().budget(10).seeds(0..10);
    let report = exploration.check(check::same_result()).report();
    println!("report: {report}");
    assert!(report.holds());
}

/// This exploration would go on for days.
#[test]
#[ignore = "the tests of this file run it"]
fn is_deep() {
    let exploration = simulation(resilient()).explore("work", &4u32).seeds(0..u64::MAX).seeds(0..10);
    let report = exploration.check(check::same_result()).report();
    println!("report: {report}");
    assert!(report.holds() && report.is_out_of_time() && !report.is_interrupted());
}

#[test]
#[ignore = "the tests of this file run it"]
fn runs() {
    simulation(resilient()).run("work", &4u32).unwrap();
}

#[test]
#[ignore = "the tests of this file run it"]
fn drives() {
    let script = async |client: Client| client.start::<u32>("work", "work", &4u32).await.unwrap().result().await;
    simulation(resilient()).drive(script).unwrap().0.unwrap();
}

#[test]
#[ignore = "the tests of this file run it"]
fn runs_a_plan_of_an_exploration() {
    let exploration = simulation(resilient()).explore("work", &4u32).check(check::same_result());
    exploration.run(&Plan::none()).unwrap();
}

#[test]
#[ignore = "the tests of this file run it"]
fn replays() {
    let exploration = simulation(resilient()).explore("work", &4u32).check(check::same_result());
    let report = exploration.replay(&Plan::none());
    assert!(report.holds(), "{report}");
}

#[cfg(feature = "proptest")]
#[test]
#[ignore = "the tests of this file run it"]
fn draws_plans() {
    let _ = durasim::strategy::plan(&simulation(resilient()), "work", &4u32);
}

struct Ended {
    passed: bool,
    output: String,
    stderr: String,
}

fn with(variables: &[(&str, &str)]) -> Ended {
    let mut variables_as_they_are = Vec::new();
    for (name, value) in variables {
        variables_as_they_are.push((*name, OsStr::new(value)));
    }
    started("explored", &variables_as_they_are, &["--nocapture"])
}

/// The visible output of a test that passes, in a process of its own whose output libtest captures.
fn captured(test: &str, name: &str, value: &str) -> Ended {
    started(test, &[(name, OsStr::new(value))], &[])
}

fn started(test: &str, variables: &[(&str, &OsStr)], arguments: &[&str]) -> Ended {
    let mut command = child(&format!("explore::environment::{test}"));
    let output = command.args(arguments).envs(variables.iter().copied()).output().unwrap();
    let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(text.contains("running 1 test"), "{text}");
    Ended { passed: output.status.success(), output: text, stderr: String::from_utf8_lossy(&output.stderr).into() }
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
        .says(&format!("DURASIM_PLAN='{plan}' cargo test "))
        .says(" -- --ignored --exact explore::environment::explored\n");
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
fn a_plan_that_is_asked_for_is_told_as_it_is() {
    let asked = FAILS.replace("await2=crash", "await3=crash; steps#1@2:dispatch=delayed(2s)");
    let ended = with(&[("DURASIM_PLAN", &asked)]);
    assert!(!ended.passed);
    ended
        .says("fault     the worker crashes when attempt 1 of steps waits for the 3rd time")
        .says("handing attempt 2 of steps to a worker takes 2s longer")
        .says(&format!("DURASIM_PLAN='{asked}'"))
        .says("a smaller plan fails the same way: v1 ");
    // One that is the smallest is all that is told.
    let smallest = FAILS.replace("await2=crash", "await1=fail");
    with(&[("DURASIM_PLAN", &smallest)]).says(&format!("DURASIM_PLAN='{smallest}'")).says_not("a smaller plan");
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
fn what_takes_the_place_of_a_test_is_told_although_it_passes() {
    let plan = FAILS.replace("explored", "elsewhere");
    let name = "explore::environment::holds";
    for (variable, value, lines) in [
        (
            "DURASIM_PLAN",
            plan.as_str(),
            &["{} is skipped, since DURASIM_PLAN is for explore::environment::elsewhere"][..],
        ),
        (
            "DURASIM_PLAN",
            "steps#1@1:heartbeat1=answer_lost",
            &["DURASIM_PLAN takes the place of {}: only its run is made"],
        ),
        (
            "DURASIM_PLAN",
            "v1",
            &[
                "DURASIM_PLAN takes the place of {}: only its run is made",
                "DURASIM_PLAN leaves no run with a fault in {}",
            ],
        ),
        ("DURASIM_SEED", "0", &["DURASIM_SEED=0 takes the place of {}: only its run is made"]),
        ("DURASIM_SHARD", "1/2", &["DURASIM_SHARD=1/2 makes only this share of the runs of {}"]),
        (
            "DURASIM_SHARD",
            "999999/1000000",
            &[
                "DURASIM_SHARD=999999/1000000 makes only this share of the runs of {}",
                "DURASIM_SHARD=999999/1000000 leaves nothing to run in {}",
            ],
        ),
        ("DURASIM_SEEDS", "5..9", &["DURASIM_SEEDS=5..9 takes the place of the seeds of {}"]),
        ("DURASIM_PAIRS", "7", &["DURASIM_PAIRS=7 is the budget for the pairs of {}"]),
    ] {
        let ended = captured("holds", variable, value);
        assert!(ended.passed, "{}", ended.output);
        let expected: String = lines.iter().map(|line| format!("durasim: {}\n", line.replace("{}", name))).collect();
        assert_eq!(ended.stderr, expected, "{variable}={value}");
        // In the report too, unless nothing was done.
        let shown = started("holds", &[(variable, OsStr::new(value))], &["--nocapture"]);
        for line in lines.iter().filter(|line| !line.contains("skipped")) {
            shown.says(&format!("\n  {}\n", line.replace("{}", name)));
        }
    }
    assert_eq!(captured("holds", "DURASIM_SEEDS", " ").stderr, "");
}

#[test]
fn seeds_and_pairs_are_as_many_as_the_variables_say() {
    let ended = with(&[("DURASIM_SEEDS", "5..9")]);
    ended.says("seeds 5..9:").says_not("seeds 0..10:").says("every fault:");
    let pairs = started("holds", &[("DURASIM_PAIRS", OsStr::new("7"))], &["--nocapture"]);
    pairs.says("7/7 hold").says(", 7 of ");
    // An exploration that asks for no pairs gets none, and is not told of.
    with(&[("DURASIM_PAIRS", "7")]).says_not("pair").says_not("DURASIM_PAIRS");
}

#[test]
fn time_ends_an_exploration_with_what_it_has() {
    let ended = captured("is_deep", "DURASIM_TIME", "300ms");
    assert!(ended.passed, "{}", ended.output);
    let line = "durasim: DURASIM_TIME=300ms ended explore::environment::is_deep before all its runs were made; ";
    assert!(ended.stderr.starts_with(line) && ended.stderr.ends_with(" runs met a fault\n"), "{}", ended.stderr);
    // An exploration that is done before says nothing.
    let variables = [("DURASIM_TIME", OsStr::new("1h"))];
    started("holds", &variables, &["--nocapture"]).says("every fault:").says_not("DURASIM_TIME");
}

#[test]
fn malformed_depths_are_refused_with_the_right_form() {
    for (name, value, form) in [
        ("DURASIM_SEEDS", "1000", "DURASIM_SEEDS=0..1000000"),
        ("DURASIM_PAIRS", "all", "DURASIM_PAIRS=100000"),
        ("DURASIM_TIME", "10", "DURASIM_TIME=10m"),
    ] {
        let ended = with(&[(name, value)]);
        assert!(!ended.passed);
        ended.says(&format!("{name} is `{value}`")).says(form).says_not("every fault:");
    }
}

#[test]
fn a_variable_that_decides_alone_says_which_others_it_leaves_out() {
    let plan = "steps#1@1:heartbeat1=answer_lost";
    let ended =
        with(&[("DURASIM_PLAN", plan), ("DURASIM_SEED", "3"), ("DURASIM_SHARD", "1/2"), ("DURASIM_TIME", "1h")]);
    assert!(ended.passed, "{}", ended.output);
    for other in ["DURASIM_SEED", "DURASIM_SHARD", "DURASIM_TIME"] {
        ended.says(&format!("durasim: {other} is ignored, since DURASIM_PLAN is set"));
    }
    with(&[("DURASIM_SEED", "3"), ("DURASIM_SEEDS", "0..9")])
        .says("DURASIM_SEEDS is ignored, since DURASIM_SEED is set");
}

#[test]
fn a_variable_that_means_nothing_is_an_error_wherever_one_comes_in() {
    let mut tests = vec!["explored", "holds", "runs", "drives", "runs_a_plan_of_an_exploration", "replays"];
    tests.extend(cfg!(feature = "proptest").then_some("draws_plans"));
    for test in tests {
        let ended = captured(test, "DURASIM_PLNA", "v1");
        assert!(!ended.passed, "{test}: {}", ended.output);
        ended.says("the variable DURASIM_PLNA is set and means nothing; is it DURASIM_PLAN?");
    }
}

#[cfg(unix)]
#[test]
fn a_plan_that_is_not_text_is_refused() {
    use std::os::unix::ffi::OsStrExt;
    let ended =
        started("explored", &[("DURASIM_PLAN", OsStr::from_bytes(b"steps\xff#1@1:await2=crash"))], &["--nocapture"]);
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
