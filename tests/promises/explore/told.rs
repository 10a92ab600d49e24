//! An exploration that could show nothing is told so, and so are several findings of checks in one run.

use std::time::Duration;

use durasim::{
    ActivityContext, ActivityError, ActivityOptions, Ledger, RetryPolicy, Run, RunError, Simulation, WorkflowContext,
    WorkflowError, check,
};

use crate::child::child;

#[derive(Default)]
struct Store {
    left: Ledger<u32>,
    right: Ledger<u32>,
}

/// Forgets its part on both sides when it resumes: the checkpoint goes before the work.
async fn copy(ctx: &ActivityContext, rows: u32) -> Result<u32, ActivityError> {
    let store = durasim::state::<Store>();
    for row in ctx.heartbeat_details::<u32>()?.unwrap_or(0)..rows {
        ctx.heartbeat(&(row + 1))?;
        durasim::time::sleep(Duration::from_secs(5)).await;
        store.left.record(row);
        store.right.record(row);
    }
    Ok(rows)
}

async fn copying(ctx: &WorkflowContext, rows: u32) -> Result<u32, WorkflowError> {
    let options = ActivityOptions {
        start_to_close_timeout: Duration::from_secs(600),
        heartbeat_timeout: Duration::from_secs(20),
        retry_policy: Some(RetryPolicy { maximum_attempts: 4, ..Default::default() }),
        ..Default::default()
    };
    ctx.execute_activity("copy", &rows, options).await
}

fn simulation() -> Simulation {
    Simulation::temporal().activity("copy", copy).workflow("copying", copying).state(Store::default)
}

#[test]
fn each_of_two_ledgers_has_its_own_failure() {
    let report = simulation()
        .explore("copying", &4u32)
        .every_fault()
        .check(check::effects(|store: &Store| &store.left).named("left"))
        .check(check::effects(|store: &Store| &store.right))
        .report();
    let checks: Vec<&str> = report.failures().iter().map(|failed| failed.check.as_str()).collect();
    assert_eq!(checks, ["left", "effects"], "{report}");
    let violations = &report.parts()[1].tally.violations;
    assert_eq!(violations["left"], violations["effects"]);
}

#[test]
fn a_check_about_an_activity_that_is_not_there_is_told() {
    let error = |exploration: durasim::Exploration| match exploration.every_fault().report().error() {
        Some(RunError::Setup(message)) => message.clone(),
        other => panic!("{other:?}"),
    };
    let explore = || simulation().explore("copying", &4u32);
    for message in
        [
            error(explore().check(check::progress("copi", |rows: &u32| *rows))),
            error(explore().check(check::stops_in_time(Duration::from_secs(5)).of("copi"))),
            error(explore().check(check::cleaned_up(|_: &Store| {}).of("copi"))),
            error(explore().check(
                check::effects(|store: &Store| &store.left).covered_by("copi", |rows: &u32, row: &u32| row < rows),
            )),
        ]
    {
        assert!(message.contains("`copi`") && message.contains("`copy`"), "{message}");
    }
}

#[test]
fn a_check_on_a_state_that_is_not_there_is_told() {
    #[derive(Default)]
    struct Other {
        rows: Ledger<u32>,
    }
    let report = simulation()
        .explore("copying", &4u32)
        .every_fault()
        .check(check::effects(|other: &Other| &other.rows))
        .report();
    let error = report.error().expect("it cannot be judged").to_string();
    assert!(error.contains("`effects`") && error.contains("Other"), "{error}");
}

#[test]
fn a_run_that_never_ends_is_told_before_the_memory_is_full() {
    async fn forever(_ctx: &ActivityContext, (): ()) -> Result<(), ActivityError> {
        loop {
            durasim::time::sleep(Duration::from_secs(1)).await;
        }
    }
    async fn waits(ctx: &WorkflowContext, (): ()) -> Result<(), WorkflowError> {
        let options = ActivityOptions { start_to_close_timeout: Duration::from_secs(10), ..Default::default() };
        ctx.execute_activity("forever", &(), options).await
    }
    let error = Simulation::temporal()
        .activity("forever", forever)
        .workflow("waits", waits)
        .event_budget(50_000)
        .run("waits", &())
        .unwrap_err();
    assert!(matches!(error, RunError::TooLong { events: 50_000, .. }), "{error}");
    assert!(error.to_string().contains("forever"), "{error}");
}

#[test]
fn the_command_has_the_tests_name_whatever_the_explorations_is() {
    let output = child("explore::told::commands").output().unwrap();
    let printed = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap()).concat();
    assert!(output.status.success() && printed.contains("running 1 test"), "{printed}");
}

#[test]
#[ignore = "the test above runs it"]
fn commands() {
    fn text(name: &str) -> String {
        let wrong = check::named("wrong", |_: &Run| Err::<(), _>("wrong"));
        let report = simulation().explore("copying", &1u32).named(name).every_fault().check(wrong).report();
        report.failures()[0].text.trim_end().to_owned()
    }
    let test = std::thread::current().name().unwrap().to_owned();
    assert!(text("module::test").ends_with(&format!(" --exact {test}")), "{}", text("module::test"));
    let on_a_thread_without_a_name = |name: &'static str| std::thread::spawn(move || text(name)).join().unwrap();
    let quoted = on_a_thread_without_a_name("a b'c");
    assert!(quoted.ends_with(r" -- --ignored 'a b'\''c'"), "{quoted}");
    let unnamed = on_a_thread_without_a_name("main");
    let lines: Vec<&str> = unnamed.lines().rev().take(2).collect();
    assert!(lines[0].ends_with(" --test promises -- --ignored") && lines[1].contains("`.named(..)`"), "{unnamed}");
}

/// The workflow ends with its timer, which fires long after the last fault and long before the end.
#[test]
fn the_timer_that_decides_is_told() {
    async fn slow(ctx: &ActivityContext, (): ()) -> Result<(), ActivityError> {
        for step in 0..40 {
            durasim::time::sleep(Duration::from_secs(1)).await;
            ctx.heartbeat(&step)?;
        }
        Ok(())
    }
    let report = Simulation::temporal()
        .activity("slow", slow)
        .workflow("impatient", async |ctx: &WorkflowContext, (): ()| -> Result<bool, WorkflowError> {
            let options = ActivityOptions {
                start_to_close_timeout: Duration::from_secs(60),
                heartbeat_timeout: Duration::from_secs(5),
                ..Default::default()
            };
            let slow = ctx.execute_activity::<()>("slow", &(), options);
            let patience = ctx.sleep(Duration::from_secs(45));
            futures::pin_mut!(slow, patience);
            let in_time = match futures::future::select(slow, patience).await {
                futures::future::Either::Left(_) => return Ok(true),
                futures::future::Either::Right(_) => false,
            };
            ctx.sleep(Duration::from_secs(100)).await?;
            Ok(in_time)
        })
        .explore("impatient", &())
        .named("the_timer_that_decides_is_told")
        .every_fault()
        .check(check::same_result())
        .report();
    let text = &report.failures()[0].text;
    assert!(text.contains("... ") && text.contains("impatient#1  timer 1 fired"), "{text}");
}
