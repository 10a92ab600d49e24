//! A deploy puts a new version of the code in place: workflows in flight are replayed by it, attempts find the checkpoints of
//! the old one, and equal code fails no check.

use std::time::Duration;

use durasim::explore::Report;
use durasim::fault::Plan;
use durasim::{
    ActivityContext, ActivityError, ActivityOptions, ChildOptions, Ledger, RetryPolicy, Run, Simulation, WorkerOptions,
    WorkflowContext, WorkflowError, check,
};

type Done = Result<String, ActivityError>;

fn second() -> Duration {
    Duration::from_secs(1)
}

fn options() -> ActivityOptions {
    ActivityOptions {
        start_to_close_timeout: second() * 60,
        retry_policy: Some(RetryPolicy { maximum_attempts: 6, ..Default::default() }),
        ..Default::default()
    }
}

/// The steps that were done in a run, with the version that did them.
#[derive(Default)]
struct Steps(Ledger<String>);

async fn step(version: &str, name: String) -> Done {
    durasim::time::sleep(second() * 2).await;
    durasim::effect("step", || durasim::state::<Steps>().0.record(name.clone()))?;
    Ok(format!("{name}{version}"))
}

async fn old_step(_ctx: &ActivityContext, name: String) -> Done {
    step("", name).await
}

async fn new_step(_ctx: &ActivityContext, name: String) -> Done {
    step("+", name).await
}

async fn three(ctx: &WorkflowContext, (): ()) -> Result<String, WorkflowError> {
    let mut done = String::new();
    for name in ["a", "b", "c"] {
        done += &ctx.execute_activity::<String>("step", &name, options()).await?;
    }
    Ok(done)
}

/// Waits in place of the second step.
async fn two(ctx: &WorkflowContext, (): ()) -> Result<String, WorkflowError> {
    let done = ctx.execute_activity::<String>("step", &"a", options()).await?;
    ctx.sleep(second()).await?;
    Ok(done + &ctx.execute_activity::<String>("step", &"c", options()).await?)
}

fn without_deploy() -> Simulation {
    Simulation::temporal().activity("step", old_step).workflow("three", three).state(Steps::default)
}

/// The same workflow, with activities that say that they are new.
fn simulation() -> Simulation {
    without_deploy().deploy(|simulation| simulation.activity("step", new_step))
}

#[track_caller]
fn run(simulation: Simulation, plan: &str) -> Run {
    simulation.plan(plan.parse().unwrap()).run("three", &()).unwrap().strict().unwrap()
}

#[track_caller]
fn result(simulation: Simulation, plan: &str) -> String {
    run(simulation, plan).result().unwrap()
}

#[test]
fn the_new_code_goes_on_where_the_old_has_come() {
    assert_eq!(result(simulation(), "v1"), "abc");
    assert_eq!(result(simulation(), "three#1:task1=deploy"), "a+b+c+");
    assert_eq!(result(simulation(), "three#1:task2=deploy"), "ab+c+");
    assert_eq!(result(simulation(), "step#3@1:dispatch=deploy"), "abc+");
    let deployed = run(simulation(), "three#1:task3=deploy");
    assert_eq!(deployed.result::<String>().unwrap(), "abc+");
    let timeline = deployed.timeline().to_string();
    for words in [
        "fault: the new version is deployed while a worker has workflow task 3 of three",
        "worker 1  starts with the new version",
        "task 4, after a replay of",
    ] {
        assert!(timeline.contains(words), "{words}\n{timeline}");
    }
}

/// The code that takes the task is gone where nobody waits for it.
#[test]
fn workers_die_where_there_is_no_grace_period() {
    let abrupt = run(simulation().graceful_shutdown_period(Duration::ZERO), "three#1:task2=deploy");
    let timeline = abrupt.timeline().to_string();
    assert_eq!(abrupt.result::<String>().unwrap(), "ab+c+", "{timeline}");
    assert!(timeline.contains("worker 1  crashed") && !timeline.contains("told to stop"), "{timeline}");
}

/// Attempts that run when the deploy comes have the grace period to end in.
#[test]
fn attempts_that_run_are_stopped_gracefully() {
    let beside = async |ctx: &WorkflowContext, (): ()| -> Result<String, WorkflowError> {
        let done = ctx.execute_activity::<String>("step", &"a", options());
        ctx.sleep(second()).await?;
        ctx.sleep(second() / 2).await?;
        done.await
    };
    let beside = |grace| {
        let simulation = simulation().workflow("beside", beside).graceful_shutdown_period(grace);
        let run = simulation.plan("beside#1:task2=deploy".parse().unwrap()).run("beside", &()).unwrap();
        (run.result::<String>().unwrap(), run.activities()[0].attempts.len())
    };
    assert_eq!(beside(second() * 10), ("a".to_owned(), 1), "the attempt is given the time");
    assert_eq!(beside(Duration::ZERO).0, "a+", "the attempt dies, and the next one is of the new version");
}

#[test]
fn one_of_two_workers_is_enough_for_both_versions_to_serve_a_queue() {
    assert_eq!(result(simulation().workers(2), "three#1:task1=deploy"), "a+b+c+");
    let sites = ["three#1:task1", "step#1@1:dispatch", "step#2@1:dispatch"];
    let mut results = Vec::new();
    for (site, number) in sites.into_iter().flat_map(|site| [(site, 1), (site, 2)]) {
        let run = run(simulation().workers(2), &format!("{site}=deploy({number})"));
        let timeline = run.timeline().to_string();
        let starts = |worker: u32| timeline.contains(&format!("worker {worker}  starts with the new version"));
        assert!(starts(number) && !starts(3 - number), "{timeline}");
        results.push(run.result::<String>().unwrap());
    }
    let is_mixed = |result: &String| result.contains('+') && result.len() < 6;
    assert!(results.iter().any(is_mixed), "{results:?}");
    let all = result(simulation().workers(2), "three#1:task1=deploy(1); three#1:task2=deploy(2)");
    assert!(all.ends_with("b+c+"), "{all}");
}

#[test]
fn a_deploy_is_rolled_back() {
    let simulation = simulation().rollback();
    let plan = "three#1:task1=deploy; three#1:task2=rollback";
    let back = run(simulation.clone(), plan);
    assert_eq!(back.result::<String>().unwrap(), "a+bc");
    assert!(back.timeline().to_string().contains("starts with the old version again"), "{}", back.timeline());
    assert_eq!(result(simulation, &format!("{plan}; three#1:task3=deploy")), "a+bc+");
}

/// Its worker says so, as an SDK's does, and another one may take the next attempt.
#[test]
fn an_activity_of_the_new_version_alone_fails_on_a_worker_of_the_old() {
    let adds = async |ctx: &WorkflowContext, (): ()| -> Result<String, WorkflowError> {
        let done = ctx.execute_activity::<String>("step", &"a", options()).await?;
        Ok(done + &ctx.execute_activity::<String>("added", &"x", options()).await?)
    };
    let simulation = without_deploy()
        .deploy(move |simulation| simulation.activity("added", new_step).workflow("three", adds))
        .workers(2);
    let plans = ["three#1:task1=deploy(1)", "three#1:task1=deploy(2)", "step#1@1:dispatch=deploy(1)"];
    let timelines = plans.map(|plan| {
        let run = simulation.clone().plan(plan.parse().unwrap()).run("three", &());
        run.map_or_else(|error| error.to_string(), |run| run.timeline().to_string())
    });
    let goes_on = |timeline: &String| {
        timeline.contains("NotFoundError: activity `added` is not registered on this worker")
            && timeline.contains(r#"workflow completed: "ax+""#)
    };
    assert!(timelines.iter().any(goes_on), "{}", timelines.join("\n\n"));
}

#[test]
fn a_plan_needs_what_it_deploys() {
    let refused = |simulation: Simulation, plan: &str, says: &str| {
        let plan: Plan = plan.parse().unwrap();
        let run = simulation.clone().plan(plan.clone()).run("three", &()).unwrap();
        assert_eq!(run.not_fired(), plan.entries);
        let error = run.strict().unwrap_err().to_string();
        assert!(error.contains("cannot strike") && error.contains(says), "{error}");
        let report = simulation.explore("three", &()).replay(&plan);
        assert!(report.error().is_some_and(|error| error.to_string().contains(says)), "{report}");
    };
    refused(without_deploy(), "three#1:task2=deploy", "no new version: add `.deploy(|simulation| ..)`");
    refused(without_deploy(), "step#1@1:dispatch=deploy(1)", "no new version: add `.deploy(|simulation| ..)`");
    refused(simulation(), "three#1:task2=rollback", "no way back: add `.rollback()`");
    refused(simulation(), "three#1:task2=deploy(2)", "there is no worker 2: the simulation has 1");
}

#[test]
fn a_deploy_changes_code_alone() {
    let told = |simulation: Simulation| simulation.run("three", &()).unwrap_err().to_string();
    let changes = |change: fn(Simulation) -> Simulation| told(without_deploy().deploy(change));
    let cases: [(String, &str); 9] = [
        (changes(|simulation| simulation.restart_delay(Duration::ZERO)), "changes the numbers of `Settings`"),
        (changes(|simulation| simulation.worker(WorkerOptions::default())), "changes the workers"),
        (changes(|simulation| simulation.state(|| 1u8)), "changes the state"),
        (changes(|simulation| simulation.worker_state(|| 1u8)), "changes the state of workers"),
        (changes(|simulation| simulation.on_worker_gone(|_| ())), "changes `.on_worker_gone(..)`"),
        (changes(|_| Simulation::cadence()), "changes"),
        (
            changes(|simulation| simulation.activity("step", new_step).activity("step", old_step)),
            "in `.deploy(..)`: the activity `step` is registered twice",
        ),
        (changes(|simulation| simulation.deploy(|simulation| simulation)), "says `.deploy(..)` itself"),
        (told(without_deploy().rollback()), "goes back from a new version, and there is none"),
    ];
    for (told, says) in cases {
        assert!(told.contains(says), "{says}: {told}");
    }
    let twice = simulation().deploy(|simulation| simulation);
    assert!(told(twice).contains("two new versions"));
}

/// Code that is registered after the call is there too.
#[test]
fn the_calls_may_come_in_any_order() {
    let first = Simulation::temporal()
        .deploy(|simulation| simulation.activity("step", new_step))
        .activity("step", old_step)
        .workflow("three", three)
        .state(Steps::default);
    assert_eq!(result(first, "three#1:task2=deploy"), "ab+c+");
}

#[track_caller]
fn texts(report: &Report) -> String {
    report.failures().iter().map(|failed| failed.text.clone()).collect::<Vec<_>>().join("\n")
}

#[track_caller]
fn holds(report: &Report) {
    assert!(report.holds(), "{}\n{report}", texts(report));
}

#[test]
fn equal_code_fails_no_check() {
    for workers in [1, 2] {
        for grace in [Duration::ZERO, second() * 10] {
            let equal = without_deploy().deploy(|simulation| simulation).rollback().workers(workers);
            let report = equal
                .graceful_shutdown_period(grace)
                .explore("three", &())
                .every_fault()
                .every_pair()
                .budget(700)
                .seeds(0..500)
                .check(check::effects(|steps: &Steps| &steps.0))
                .report();
            holds(&report);
        }
    }
}

/// It is the simulation that says whether there is something to deploy.
#[test]
fn deploys_are_tried_where_there_is_a_new_version() {
    let explored = |simulation: Simulation| simulation.explore("three", &()).every_fault().report().to_string();
    let runs = |report: &str| -> u64 {
        let line = report.lines().find(|line| line.contains("every fault:")).expect("a part");
        let (_, after) = line.split_once('/').expect("runs");
        after.split(' ').next().unwrap_or_default().parse().unwrap()
    };
    let [without, with, with_two] = [without_deploy(), simulation(), simulation().workers(2)].map(explored);
    // At four tasks and three dispatches.
    assert_eq!(runs(&with) - runs(&without), 7, "{with}");
    assert_eq!(runs(&with_two) - runs(&without), 21, "{with_two}");
}

#[test]
fn seeds_deploy_too_and_a_seed_is_its_plan() {
    let simulation = simulation().rollback().workers(2);
    let (mut deploys, mut rollbacks) = (0, 0);
    for seed in 0..300 {
        let drawn = simulation.clone().random_faults(seed).run("three", &()).unwrap();
        let plan = drawn.plan();
        let text = plan.to_string();
        deploys += usize::from(text.contains("=deploy"));
        rollbacks += usize::from(text.contains("=rollback"));
        if text.contains("=deploy") {
            let again = simulation.clone().plan(plan).run("three", &()).unwrap();
            assert_eq!(again.timeline().to_string(), drawn.timeline().to_string(), "{text}");
        }
    }
    assert!(deploys > 50 && rollbacks > 5, "{deploys} deploys, {rollbacks} rollbacks");
}

/// Each of the two ends is right, and what both have made together.
#[test]
fn a_result_may_be_that_of_either_version_or_of_both() {
    let report =
        simulation().explore("three", &()).every_fault().check(check::effects(|steps: &Steps| &steps.0)).report();
    holds(&report);
    let differ: u64 = report.parts().iter().map(|part| part.tally.differ).sum();
    assert!(differ > 0, "{report}");
}

/// Where both end alike there is no excuse: an old workflow that calls new activities is told what it does not expect.
#[test]
fn versions_that_end_alike_have_to_end_so_together() {
    let strips = async |ctx: &WorkflowContext, (): ()| -> Result<String, WorkflowError> {
        Ok(three(ctx, ()).await?.replace('+', ""))
    };
    let simulation =
        without_deploy().deploy(move |simulation| simulation.activity("step", new_step).workflow("three", strips));
    holds(&simulation.explore("three", &()).every_fault().report());
    let report = simulation.workers(2).explore("three", &()).every_fault().report();
    let text = texts(&report);
    assert!(!report.holds() && text.contains("`same_result` does not hold"), "{text}\n{report}");
    assert!(text.contains("is deployed to worker"), "{text}");
}

/// A history that the new code does not understand is no matter of results.
#[test]
fn a_call_that_is_left_out_is_nondeterminism() {
    let simulation = without_deploy().deploy(|simulation| simulation.workflow("three", two));
    let report = simulation.explore("three", &()).replay(&"three#1:task2=deploy".parse().unwrap());
    let text = texts(&report);
    assert!(text.contains("is not deterministic"), "{text}\n{report}");
}

/// Does one step more.
async fn four(ctx: &WorkflowContext, is_marked: bool) -> Result<String, WorkflowError> {
    let mut done = String::new();
    for name in ["a", "b", "x", "c"] {
        let is_new = name == "x";
        if !is_new || !is_marked || ctx.version("more", WorkflowContext::DEFAULT_VERSION, 1) == 1 {
            let activity_type = if is_new { "more" } else { "step" };
            done += &ctx.execute_activity::<String>(activity_type, &name, options()).await?;
        }
    }
    Ok(done)
}

fn both_versions(is_marked: bool) -> Simulation {
    let new = async move |ctx: &WorkflowContext, (): ()| four(ctx, is_marked).await;
    let simulation = without_deploy().activity("more", old_step).workers(2);
    simulation.deploy(move |simulation| simulation.workflow("three", new))
}

/// One worker gets the new version, and dies later, or no worker caches anything and any of them takes the next task.
fn plans_of_one() -> Vec<Plan> {
    let deploys = ["task1=deploy(1)", "task1=deploy(2)", "task2=deploy(1)", "task2=deploy(2)"];
    let dies = deploys.into_iter().map(|deploy| format!("three#1:{deploy}; three#1:task4=crash"));
    let drawn = (0..20).map(|seed| format!("v1 seed={seed} order=random; three#1:task1=deploy(1)"));
    dies.chain(drawn).map(|plan| plan.parse().unwrap()).collect()
}

/// Nothing protects a workflow of the new version from workers of the old one.
#[test]
fn old_code_that_meets_a_history_of_the_new_one_is_told() {
    let simulation = both_versions(false);
    let replay = |plan: &Plan| texts(&simulation.explore("three", &()).replay(plan));
    let texts: Vec<String> = plans_of_one().iter().map(replay).collect();
    let words = |text: &String| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let is_told = |text: &String| words(text).contains("runs the old version and replays what the new one has written");
    assert!(texts.iter().any(is_told), "{}", texts.join("\n"));
}

/// A change that is marked is left to a worker of the version that has marked it, as a server gives the task out again.
#[test]
fn old_code_leaves_a_marked_history_to_the_new_one() {
    let simulation = both_versions(true);
    for cached in [0, 10] {
        let is_left = |plan: &Plan| {
            let simulation = simulation.clone().cached_workflows(cached).plan(plan.clone());
            let run = simulation.run("three", &()).unwrap();
            let text = run.timeline().to_string();
            assert!(["abc", "abxc"].contains(&&*run.result::<String>().unwrap()), "{text}");
            text.contains("task failed: the workflow is")
        };
        assert!(plans_of_one().iter().any(is_left), "{cached}");
    }
    holds(&simulation.explore("three", &()).every_fault().every_pair().budget(1_000).seeds(0..500).report());
    // There is nobody to leave it to: both workers have gone back.
    let back = simulation.rollback().explore("three", &());
    let report = back.replay(&"three#1:task1=deploy; three#1:task4=rollback".parse().unwrap());
    assert!(!report.holds() && texts(&report).contains("is not deterministic"), "{report}");
}

#[test]
fn a_new_version_that_fails_by_itself_is_told() {
    let fails = async |_ctx: &WorkflowContext, (): ()| -> Result<String, WorkflowError> {
        Err(WorkflowError::application("declined"))
    };
    let report = without_deploy()
        .deploy(move |simulation| simulation.workflow("three", fails))
        .explore("three", &())
        .every_fault()
        .report();
    let error = report.error().map(ToString::to_string).unwrap_or_default();
    assert!(error.contains("the new version") && error.contains("does not end well"), "{error}\n{report}");
}

/// A workflow that the old version does not have is left to a worker of the new one, as a worker of an SDK fails its task.
#[test]
fn old_workers_leave_a_new_workflow_to_new_ones() {
    let old = async |ctx: &WorkflowContext, (): ()| -> Result<String, WorkflowError> {
        ctx.sleep(second() * 3).await?;
        ctx.execute_activity("step", &"x", options()).await
    };
    let part = async |ctx: &WorkflowContext, (): ()| -> Result<String, WorkflowError> {
        ctx.execute_activity("step", &"x", options()).await
    };
    let new = async |ctx: &WorkflowContext, (): ()| -> Result<String, WorkflowError> {
        ctx.sleep(second() * 3).await?;
        if ctx.version("part", WorkflowContext::DEFAULT_VERSION, 1) == 1 {
            return ctx.start_child("part", &(), ChildOptions::default()).result().await;
        }
        ctx.execute_activity("step", &"x", options()).await
    };
    let simulation = |workers: usize| {
        let simulation = without_deploy().workflow("order", old).workers(workers).cached_workflows(0);
        simulation.deploy(move |simulation| simulation.workflow("part", part).workflow("order", new)).rollback()
    };
    let plan = |seed: u32| -> Plan { format!("v1 seed={seed} order=random; order#1:task1=deploy(1)").parse().unwrap() };
    let run = |seed: u32| simulation(2).plan(plan(seed)).run("order", &()).unwrap().strict().unwrap();
    let is_left = |run: &Run| run.timeline().to_string().contains("workflow `part` is not registered on this worker");
    let left: Vec<Run> = (0..20).map(run).filter(is_left).collect();
    assert!(!left.is_empty());
    for run in left {
        assert_eq!((run.failed_task(), run.result::<String>()), (None, Ok("x".to_owned())), "{}", run.timeline());
    }
    // There is nobody to leave it to.
    let error = simulation(1).drive(async |client| {
        let order = client.start::<String>("order", "order-1", &()).await.unwrap();
        client.start::<String>("part", "part-1", &()).await.unwrap();
        order.result().await
    });
    let error = error.map(|_| ()).unwrap_err().to_string();
    assert!(error.contains("worker 1 runs a version of the code that does not have it"), "{error}");
}
