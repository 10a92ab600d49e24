//! The events and spans that user code logs with `tracing` go nowhere in runs, and stand in the story of a failure.
//!
//! `cargo test --features tracing --test tracing`

use std::fmt;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, Once};
use std::time::Duration;

use durasim::explore::Report;
use durasim::{
    ActivityContext, ActivityError, ActivityOptions, RetryPolicy, Simulation, WorkflowContext, WorkflowError, check,
};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber, debug, error, info, info_span, warn};

/// The subscriber of the process: keeps the name of the thread and the message of each event.
struct Heard;

static HEARD: Mutex<Vec<(String, String)>> = Mutex::new(Vec::new());

struct Message(String);

impl Visit for Message {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            self.0 = format!("{value:?}");
        }
    }
}

impl Subscriber for Heard {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= tracing::Level::INFO
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        note(format!("span {}", span.metadata().name()));
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut message = Message(String::new());
        event.record(&mut message);
        note(message.0);
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

fn this_thread() -> String {
    std::thread::current().name().unwrap_or("main").to_owned()
}

fn note(message: String) {
    HEARD.lock().unwrap().push((this_thread(), message));
}

/// Gives all that the subscriber of the process has heard of this test, whose threads have its name.
fn heard() -> Vec<String> {
    let heard = HEARD.lock().unwrap();
    heard.iter().filter(|(thread, _)| *thread == this_thread()).map(|(_, message)| message.clone()).collect()
}

fn install() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| tracing::subscriber::set_global_default(Heard).unwrap());
}

/// A state that logs when it is made and when it is dropped.
struct Store;

impl Store {
    fn new() -> Store {
        info!("store made");
        Store
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        info!("store dropped");
    }
}

/// A value that logs when it is dropped, which a crash does not do.
struct Dropped;

impl Drop for Dropped {
    fn drop(&mut self) {
        warn!("dropped");
    }
}

async fn copy(ctx: &ActivityContext, (files, resumes): (u32, bool)) -> Result<u32, ActivityError> {
    let _dropped = Dropped;
    let done = ctx.heartbeat_details::<u32>()?.unwrap_or(0);
    info!(attempt = ctx.get_info().attempt, done, "begins");
    if done > 0 && !resumes {
        error!(name: "gives up", target: "shop::copies", why = "already begun", "gives\nup");
        return Err(ActivityError::non_retryable("already begun"));
    }
    for file in done..files {
        let span = info_span!("file", number = file);
        durasim::time::sleep(Duration::from_secs(5)).await;
        span.in_scope(|| durasim::effect("put", || debug!(size = 7, "puts")))?;
        ctx.heartbeat(&(file + 1))?;
    }
    Ok(files)
}

async fn backup(ctx: &WorkflowContext, input: (u32, bool)) -> Result<u32, WorkflowError> {
    info!("workflow begins");
    let options = ActivityOptions {
        schedule_to_close_timeout: Duration::from_secs(600),
        heartbeat_timeout: Duration::from_secs(30),
        retry_policy: Some(RetryPolicy { maximum_attempts: 5, ..Default::default() }),
        ..Default::default()
    };
    let copied = ctx.execute_activity("copy", &input, options).await;
    info!("workflow goes on");
    copied
}

fn simulation() -> Simulation {
    Simulation::temporal().activity("copy", copy).workflow("backup", backup).state(Store::new).workers(2)
}

fn explored(resumes: bool) -> Report {
    let exploration = simulation().explore("backup", &(2u32, resumes)).every_fault().seeds(0..20);
    let checked = check::named("logs", |_| {
        info!("checked");
        Ok::<_, String>(())
    });
    exploration.check(check::same_result()).check(checked).report()
}

#[test]
fn a_passing_exploration_logs_nothing_and_what_comes_before_and_after_is_heard() {
    install();
    info!("before");
    assert!(explored(true).holds());
    let run = simulation().run("backup", &(2u32, true)).unwrap();
    drop(run);
    info!("after");
    debug!("not asked for");
    assert_eq!(heard(), ["before", "after"]);
}

/// Finds the lines of the log in the text of a failure, without the place where they stand in it.
fn logged(text: &str) -> Vec<&str> {
    text.lines().map(str::trim).filter(|line| line.contains(" logs ")).collect()
}

#[test]
fn a_failure_shows_what_was_logged_and_nobody_else_hears_it() {
    install();
    let report = explored(false);
    let failed = &report.failures()[0];
    assert_eq!(heard(), [""; 0]);
    let expected = [
        "0.000s  run       logs INFO tracing: store made",
        "0.001s  backup#1  worker 1 logs INFO tracing: workflow begins",
        "0.002s  copy#1@1  worker 2 logs INFO tracing: begins attempt=1 done=0",
        "0.002s  copy#1@1  worker 2 logs INFO tracing: opens file{number=0}",
        "5.002s  copy#1@1  worker 2 logs DEBUG file{number=0}: tracing: puts size=7",
        "5.002s  copy#1@1  worker 2 logs INFO tracing: closes file{number=0}",
        "5.002s  copy#1@1  worker 2 logs INFO tracing: opens file{number=1}",
        // The fault is an error that the code meets, so its destructors run.
        "5.002s  copy#1@1  worker 2 logs INFO tracing: closes file{number=1}",
        "5.002s  copy#1@1  worker 2 logs WARN tracing: dropped",
        "6.003s  copy#1@2  worker 1 logs INFO tracing: begins attempt=2 done=1",
        r#"6.003s  copy#1@2  worker 1 logs ERROR shop::copies: gives\nup why="already begun""#,
        "6.003s  copy#1@2  worker 1 logs WARN tracing: dropped",
        "6.004s  backup#1  worker 1 logs INFO tracing: workflow goes on",
    ];
    assert_eq!(logged(&failed.text), expected, "{}", failed.text);
    // They stand between the events among which they were logged.
    let position = |text: &str| failed.text.find(text).unwrap_or_else(|| panic!("{text} is not in {}", failed.text));
    assert!(position("copy#1@2  failed: NonRetryable") > position("gives\\nup"));
    assert!(position("gives\\nup") > position("copy#1@2  started on worker"));
    // The trace and the timeline of a run know nothing of it.
    let run = simulation().explore("backup", &(2u32, false)).run(&failed.plan).unwrap();
    assert_eq!(run.trace(), failed.trace());
    assert!(!run.timeline().to_string().contains(" logs "));
}

/// The run without faults has logs as well, and a replay's lines are marked.
#[test]
fn a_replay_is_marked() {
    let report = simulation()
        .explore("backup", &(2u32, true))
        .every_fault()
        .check(check::named("no replay", |run| {
            let replayed = run.timeline().to_string().contains("after a replay");
            if replayed { Err("replayed") } else { Ok(()) }
        }))
        .report();
    let failed = &report.failures()[0];
    let lines: Vec<&str> = logged(&failed.text).into_iter().filter(|line| line.contains("backup#1")).collect();
    let expected = [
        "0.001s  backup#1  worker 1 logs INFO tracing: workflow begins",
        "20.004s  backup#1  worker 2 logs in a replay INFO tracing: workflow begins",
        "20.004s  backup#1  worker 2 logs INFO tracing: workflow goes on",
    ];
    assert_eq!(lines, expected, "{}", failed.text);
}

/// A crash inside a call has to unwind, and the destructors that run then are no part of the story.
#[test]
fn an_attempt_that_has_crashed_logs_nothing() {
    let report = simulation()
        .explore("backup", &(2u32, true))
        .every_fault()
        .check(check::named("no crash", |run| {
            let crashed = run.plan().to_string().contains("heartbeat2=crash_before");
            if crashed { Err("crashed") } else { Ok(()) }
        }))
        .report();
    let failed = &report.failures()[0];
    let lines: Vec<&str> = logged(&failed.text).into_iter().filter(|line| line.contains("dropped")).collect();
    assert_eq!(lines, ["41.003s  copy#1@2  worker 1 logs WARN tracing: dropped"], "{}", failed.text);
}

/// Lines of another run would stand among events that they do not belong to.
#[test]
fn a_run_that_goes_another_way_has_no_logs() {
    static CALLS: AtomicU32 = AtomicU32::new(0);
    let counts = async |_: &ActivityContext, (): ()| -> Result<u32, ActivityError> {
        let calls = CALLS.fetch_add(1, Ordering::Relaxed);
        info!(calls, "counts");
        Ok(calls)
    };
    let report = Simulation::temporal()
        .activity("count", counts)
        .workflow("work", async |ctx: &WorkflowContext, (): ()| {
            let options = ActivityOptions { start_to_close_timeout: Duration::from_secs(9), ..Default::default() };
            ctx.execute_activity::<u32>("count", &(), options).await
        })
        .explore("work", &())
        .every_fault()
        .without_repeats()
        .check(check::named("never", |_| Err("no")))
        .report();
    let text = &report.failures()[0].text;
    let expected = ["0.000s  run  logs nothing: the run went another way when it was made once more for its logs"];
    assert_eq!(
        logged(text).iter().map(|line| line.replace("run      ", "run")).collect::<Vec<_>>(),
        expected,
        "{text}"
    );
}

#[test]
fn of_a_hundred_thousand_lines_the_last_are_shown() {
    let talks = async |_: &ActivityContext, (): ()| -> Result<(), ActivityError> {
        for number in 0..100_000 {
            info!(number, "talks");
        }
        info!("{}", "x".repeat(1 << 20));
        Err(ActivityError::non_retryable("tired"))
    };
    let report = Simulation::temporal()
        .activity("talk", talks)
        .workflow("work", async |ctx: &WorkflowContext, (): ()| {
            let options = ActivityOptions { start_to_close_timeout: Duration::from_secs(9), ..Default::default() };
            ctx.execute_activity::<()>("talk", &(), options).await
        })
        .explore("work", &())
        .every_fault()
        .check(check::same_result())
        .report();
    let text = &report.failures()[0].text;
    let lines = logged(text);
    assert_eq!(lines.len(), 1 + 20, "{text}");
    assert!(lines[0].ends_with("worker 1 logs 99981 earlier lines, which are left out"), "{}", lines[0]);
    assert!(lines[19].ends_with("worker 1 logs INFO tracing: talks number=99999"), "{}", lines[19]);
    assert!(lines[20].ends_with(".. (1048590 characters)") && lines[20].len() < 320, "{}", lines[20]);
}
