//! Messages name the line of user code that they are about.

use std::cell::Cell;
use std::panic::Location;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use crate::snapshot::unfolded;
use durasim::program::places;
use durasim::{
    ActivityContext, ActivityError, ActivityFn, ActivityOptions, EffectError, Ledger, Run, RunError, Simulation,
    WorkflowContext, WorkflowFn, check, effect, state, time,
};

fn second() -> Duration {
    Duration::from_secs(1)
}

fn options() -> ActivityOptions {
    ActivityOptions { start_to_close_timeout: 60 * second(), ..Default::default() }
}

/// The line of a call.
struct Line(AtomicU32);

impl Line {
    const fn new() -> Line {
        Line(AtomicU32::new(0))
    }

    /// The line after the one that calls this.
    #[track_caller]
    fn is_next(&self) {
        self.0.store(Location::caller().line() + 1, Ordering::Relaxed);
    }

    fn line(&self) -> u32 {
        self.0.load(Ordering::Relaxed)
    }

    /// `` `ctx.heartbeat` at tests/promises/places.rs:12 ``
    fn of(&self, call: &str) -> String {
        format!("`{call}` at {}:{}", file!(), self.line())
    }
}

/// A workflow that runs this activity.
fn activity(work: impl ActivityFn<(), u32>) -> Simulation {
    workflow(async |ctx: &WorkflowContext, (): ()| {
        let options = ActivityOptions { heartbeat_timeout: 30 * second(), ..options() };
        ctx.execute_activity::<u32>("work", &(), options).await
    })
    .activity("work", work)
}

fn workflow(main: impl WorkflowFn<(), u32>) -> Simulation {
    Simulation::temporal().workflow("main", main)
}

#[track_caller]
fn contains(text: &str, wanted: &str) {
    assert!(text.contains(wanted), "{wanted:?} is missing in\n{text}");
}

#[track_caller]
fn error(run: Result<Run, RunError>) -> String {
    run.unwrap_err().to_string()
}

#[test]
fn of_calls_that_do_not_belong_where_they_are() {
    static NOW: Line = Line::new();
    let told = error(
        workflow(async |_: &WorkflowContext, (): ()| {
            NOW.is_next();
            time::now();
            Ok(1)
        })
        .run("main", &()),
    );
    contains(&told, &format!("({})", NOW.of("durasim::time::now")));

    #[derive(Default)]
    struct Missing;
    static STATE: Line = Line::new();
    let told = error(
        activity(async |_: &ActivityContext, (): ()| {
            STATE.is_next();
            state::<Missing>();
            Ok(1)
        })
        .run("main", &()),
    );
    contains(&told, &format!("({})", STATE.of("durasim::state")));

    static TOKIO: Line = Line::new();
    let told = error(
        activity(async |_: &ActivityContext, (): ()| {
            TOKIO.is_next();
            tokio::time::sleep(second()).await;
            Ok(1)
        })
        .run("main", &()),
    );
    contains(&told, &format!("(at {}:{}:", file!(), TOKIO.line()));
}

#[test]
fn of_code_that_never_waits_or_is_woken_from_elsewhere() {
    static LOOP: Line = Line::new();
    let told = error(
        activity(async |ctx: &ActivityContext, (): ()| {
            LOOP.is_next();
            while !ctx.is_cancelled() {}
            Ok(1)
        })
        .run("main", &()),
    );
    contains(&told, &format!("(its last call was {}) has called durasim", LOOP.of("ctx.is_cancelled")));

    static WOKEN: Line = Line::new();
    let told = error(
        activity(async |ctx: &ActivityContext, (): ()| {
            let (sender, mut answer) = futures::channel::oneshot::channel::<u32>();
            let mut sender = Some(sender);
            WOKEN.is_next();
            ctx.is_cancelled();
            std::future::poll_fn(|context| {
                let polled = std::pin::Pin::new(&mut answer).poll(context);
                let sends =
                    |sender: futures::channel::oneshot::Sender<u32>| std::thread::spawn(move || sender.send(1)).join();
                sender.take().map(sends);
                polled
            })
            .await
            .map_err(|error| ActivityError::retryable(error.to_string()))
        })
        .run("main", &()),
    );
    contains(&told, &format!("(its last call was {}) was woken from outside", WOKEN.of("ctx.is_cancelled")));
}

#[test]
fn of_a_command_that_differs_in_a_replay() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    static SLEEP: Line = Line::new();
    let simulation = workflow(async |ctx: &WorkflowContext, (): ()| {
        if RUNS.fetch_add(1, Ordering::Relaxed) > 0 {
            SLEEP.is_next();
            ctx.sleep(second()).await?;
        }
        ctx.execute_activity::<u32>("work", &(), options()).await
    })
    .activity("work", async |_: &ActivityContext, (): ()| Ok(1));
    let run = simulation.plan("main#1:task2=evicted".parse().unwrap()).run("main", &());
    contains(&error(run), &format!("it is asked for by {}", SLEEP.of("ctx.sleep")));

    // The check finds what no worker notices, too.
    static CALLS: AtomicU32 = AtomicU32::new(1);
    static NAP: Line = Line::new();
    let report = workflow(async |ctx: &WorkflowContext, (): ()| {
        let length = second() * CALLS.fetch_add(1, Ordering::Relaxed);
        NAP.is_next();
        ctx.sleep(length).await?;
        Ok(1)
    })
    .explore("main", &())
    .without_repeats()
    .check(check::replays())
    .check(check::same_result())
    .every_fault()
    .report();
    let [failed] = report.failures() else { panic!("{report}") };
    assert_eq!((&*failed.check, &*failed.places), ("replays", &[NAP.of("ctx.sleep")][..]), "{}", failed.text);
    assert_eq!(unfolded(&failed.text).matches(&NAP.of("ctx.sleep")).count(), 1, "once is enough: {}", failed.text);
    contains(&failed.violation.message, &format!("; it is asked for by {}", NAP.of("ctx.sleep")));
}

#[derive(Default)]
struct Store {
    rows: Ledger<u32>,
    done: Cell<bool>,
}

static RECORD: Line = Line::new();
static EFFECT: Line = Line::new();

impl Store {
    fn write(&self, row: u32) -> Result<(), EffectError> {
        EFFECT.is_next();
        effect("write", || {
            RECORD.is_next();
            self.rows.record(row);
        })
    }
}

#[test]
fn of_an_effect_that_is_lost_or_repeated() {
    let explored = |loses: bool| {
        let simulation = activity(async move |_: &ActivityContext, (): ()| {
            let store = state::<Store>();
            // A note that comes before the work is wrong once a crash comes between the two.
            if !(loses && store.done.replace(true)) {
                time::sleep(second()).await;
                store.write(7)?;
            }
            time::sleep(second()).await;
            Ok(1)
        });
        let ledger = check::effects(|store: &Store| &store.rows).repeats_at_most(0);
        let report = simulation.state(Store::default).explore("main", &()).every_fault().check(ledger).report();
        let failed = &report.failures()[0];
        (failed.violation.clone(), failed.places.clone(), failed.text.clone())
    };
    let (lost, places, text) = explored(true);
    let brackets = format!("({})", RECORD.of("ledger.record"));
    assert_eq!((&*lost.kind, places), ("lost", vec![]), "{text}");
    contains(&lost.expected.unwrap(), &brackets);
    let (repeated, places, text) = explored(false);
    assert_eq!((&*repeated.kind, places), ("repeated", vec![EFFECT.of("durasim::effect")]), "{text}");
    contains(&repeated.found.unwrap(), &brackets);
}

#[test]
fn of_a_heartbeat_that_is_late() {
    static LATE: Line = Line::new();
    let report = activity(async |ctx: &ActivityContext, (): ()| {
        ctx.heartbeat(&1)?;
        time::sleep(29 * second()).await;
        LATE.is_next();
        ctx.heartbeat(&2)?;
        time::sleep(second()).await;
        Ok(1)
    })
    .explore("main", &())
    .every_fault()
    .check(check::heartbeats_in_time().margin(5 * second()))
    .report();
    let failed = &report.failures()[0];
    assert_eq!(failed.check, "heartbeats_in_time", "{}", failed.text);
    contains(&failed.places.join("; "), &LATE.of("ctx.heartbeat"));
    contains(&unfolded(&failed.text), &format!(" {} fault ", LATE.of("ctx.heartbeat")));
}

/// They are no part of what a run leaves.
#[test]
fn stand_in_no_timeline() {
    static RUN: Line = Line::new();
    let run = activity(async |ctx: &ActivityContext, (): ()| {
        RUN.is_next();
        ctx.heartbeat(&1)?;
        time::sleep(second()).await;
        Ok(1)
    })
    .run("main", &())
    .unwrap();
    assert!(!run.timeline().every_event().to_string().contains(".rs"), "{}", run.timeline());
}

/// An adapter says places in the same way.
#[test]
fn may_be_said_by_an_adapter() {
    #[track_caller]
    fn beat() -> &'static Location<'static> {
        places::called("sdk.beat")
    }
    static BEAT: Line = Line::new();
    let told = error(
        activity(async |_: &ActivityContext, (): ()| {
            BEAT.is_next();
            beat();
            std::future::pending().await
        })
        .horizon(60 * second())
        .run("main", &()),
    );
    contains(&told, &format!("its last call was {}", BEAT.of("sdk.beat")));
}

/// Public functions of the files that user code calls, which ask a run nothing, or only the time for a line of the log.
const NO_CALLS: [&str; 8] = ["deadline", "new", "named", "handle", "id", "from_worker_stop", "default", "try_now"];

#[test]
fn every_call_of_the_native_api_knows_its_caller() {
    let files = [
        "activity/context.rs",
        "workflow/context.rs",
        "workflow/signal.rs",
        "workflow/side_effect.rs",
        "workflow/query.rs",
        "workflow/random.rs",
        "inside/effect.rs",
        "inside/ledger.rs",
        "inside/random.rs",
        "inside/state.rs",
        "inside/task.rs",
        "inside/time.rs",
        "client/handle.rs",
        "client/operate.rs",
        "client/script.rs",
    ];
    let (mut calls, mut wrong) = (0, Vec::new());
    for file in files {
        let text = std::fs::read_to_string(format!("{}/src/{file}", env!("CARGO_MANIFEST_DIR"))).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        for (index, line) in lines.iter().enumerate() {
            let line = line.trim_start();
            // A future says where it is awaited.
            let polls = line.starts_with("fn poll(");
            let Some(rest) = line.strip_prefix("pub fn ").or(polls.then_some("poll(")) else { continue };
            let name = rest.split(['(', '<']).next().unwrap_or_default();
            let knows = lines[index - 1].trim() == "#[track_caller]";
            let says = polls
                || lines[index..].iter().take(20).any(|line| {
                    line.contains("places::called(")
                        || line.contains("serve(\"")
                        || line.contains("operate(\"")
                        || line.contains("Call::new(\"")
                        || line.contains("time::")
                        || line.contains("state()")
                });
            calls += 1;
            if !(NO_CALLS.contains(&name) || knows && says) {
                wrong.push(format!("src/{file}:{}: {name}", index + 1));
            }
        }
    }
    assert!(
        calls > 70 && wrong.is_empty(),
        "{calls} calls, of which {wrong:#?} are not `#[track_caller]` or say no place"
    );
}
