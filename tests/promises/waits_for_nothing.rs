//! Code that waits for something which nothing in the simulation wakes is named with its last step, by file and line.

use std::future::pending;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use durasim::{
    ActivityContext, ActivityError, ActivityFn, ActivityOptions, Client, RetryPolicy, Simulation, WorkflowContext,
    check, task, time,
};
use futures::channel::oneshot;

use crate::snapshot::unfolded;

/// A line that a message should name.
struct Line(AtomicU32);

impl Line {
    const fn new() -> Line {
        Line(AtomicU32::new(0))
    }

    /// The line after the one that calls this.
    #[track_caller]
    fn is_next(&self) {
        self.0.store(std::panic::Location::caller().line() + 1, Ordering::Relaxed);
    }

    /// `tests/promises/waits_for_nothing.rs:12`
    fn place(&self) -> String {
        format!("{}:{}", file!(), self.0.load(Ordering::Relaxed))
    }
}

const WAITS: &str =
    "waits for something that nothing in the simulation will wake (a lock, a channel, another runtime's timer)";

/// A workflow that runs this activity, with a heartbeat timeout.
fn copying(attempts: i32, copy: impl ActivityFn<(), u32>) -> Simulation {
    Simulation::temporal().activity("copy", copy).workflow("main", async move |ctx: &WorkflowContext, (): ()| {
        let options = ActivityOptions {
            start_to_close_timeout: Duration::from_secs(600),
            heartbeat_timeout: Duration::from_secs(30),
            retry_policy: Some(RetryPolicy { maximum_attempts: attempts, ..Default::default() }),
            ..Default::default()
        };
        ctx.execute_activity::<u32>("copy", &(), options).await
    })
}

/// The message of an exploration whose run without faults fails so.
#[track_caller]
fn told(simulation: &Simulation) -> String {
    let report = simulation.explore("main", &()).every_fault().check(check::same_result()).report();
    let [failed] = report.failures() else { panic!("{report}") };
    assert_eq!(failed.check, "finishes", "{}", failed.text);
    failed.violation.message.clone()
}

/// The message names the attempt, the line, and the possible causes, and no option that hides them.
#[track_caller]
fn says(message: &str, attempt: &str, last: &str) {
    for words in [format!("{attempt} {WAITS}; {last}").as_str(), "So it runs into its heartbeat timeout", "tokio::test"]
    {
        assert!(message.contains(words), "{words:?} is missing in\n{message}");
    }
    assert!(!message.contains("reference_may_fail"), "{message}");
}

#[test]
fn a_future_that_nobody_wakes_after_a_call() {
    static LINE: Line = Line::new();
    let message = told(&copying(1, async |ctx: &ActivityContext, (): ()| {
        time::sleep(Duration::from_secs(1)).await;
        LINE.is_next();
        ctx.heartbeat(&1)?;
        pending::<Result<u32, ActivityError>>().await
    }));
    says(&message, "attempt 1 of copy", &format!("its last call was `ctx.heartbeat` at {}", LINE.place()));
}

/// The line is that of the `.await`, which may be another one than that of the call.
#[test]
fn a_future_that_nobody_wakes_after_an_await() {
    static LINE: Line = Line::new();
    let message = told(&copying(3, async |_: &ActivityContext, (): ()| {
        let nap = time::sleep(Duration::from_secs(1));
        LINE.is_next();
        nap.await;
        pending::<Result<u32, ActivityError>>().await
    }));
    says(&message, "attempt 1 of copy", &format!("the last await that finished stands at {}", LINE.place()));
}

#[test]
fn a_timer_of_a_runtime_around_the_test() {
    static LINE: Line = Line::new();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let _entered = runtime.enter();
    let message = told(&copying(1, async |ctx: &ActivityContext, (): ()| {
        LINE.is_next();
        let attempt = ctx.get_info().attempt;
        tokio::time::sleep(Duration::from_secs(1)).await;
        Ok(attempt)
    }));
    says(&message, "attempt 1 of copy", &format!("its last call was `ctx.get_info` at {}", LINE.place()));
}

#[test]
fn an_answer_of_another_thread_that_comes_too_late() {
    static LINE: Line = Line::new();
    static LATE: Mutex<Vec<oneshot::Sender<u32>>> = Mutex::new(Vec::new());
    let message = told(&copying(1, async |_: &ActivityContext, (): ()| {
        LINE.is_next();
        time::sleep(Duration::from_secs(1)).await;
        let (sender, answer) = oneshot::channel();
        LATE.lock().unwrap().push(sender);
        Ok(answer.await.unwrap_or_default())
    }));
    // The runs are over by now.
    std::thread::spawn(|| LATE.lock().unwrap().drain(..).for_each(|sender| _ = sender.send(1))).join().unwrap();
    says(&message, "attempt 1 of copy", &format!("the last await that finished stands at {}", LINE.place()));
}

#[test]
fn a_lock_that_another_attempt_holds_for_ever() {
    static LINE: Line = Line::new();
    static LOCK: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());
    let simulation = copying(1, async |ctx: &ActivityContext, (): ()| {
        LINE.is_next();
        ctx.heartbeat(&1)?;
        let _held = LOCK.lock().await;
        Ok(1)
    })
    .activity("hold", async |_: &ActivityContext, (): ()| {
        let _held = LOCK.lock().await;
        pending::<Result<(), ActivityError>>().await
    })
    .workflow("both", async |ctx: &WorkflowContext, (): ()| {
        let options = ActivityOptions { schedule_to_close_timeout: Duration::from_secs(60), ..Default::default() };
        let held = ctx.execute_activity::<()>("hold", &(), options.clone());
        let copied = ctx.execute_activity::<u32>("copy", &(), options);
        let (_, copied) = futures::join!(held, copied);
        copied
    });
    let report = simulation.explore("both", &()).every_fault().check(check::same_result()).report();
    let [failed] = report.failures() else { panic!("{report}") };
    assert!(
        unfolded(&failed.text).contains(&format!("attempt 1 of hold {WAITS}. So it runs into its schedule-to-close")),
        "{report}"
    );
    // A script that waits, too, has both told.
    let error = simulation
        .drive(async |client: Client| {
            let both = client.start::<u32>("both", "both-1", &()).await.unwrap();
            let _ = both.result().await;
            pending::<()>().await
        })
        .unwrap_err()
        .to_string();
    assert!(error.contains("the script waits for ever"), "{error}");
    let last = format!("its last call was `ctx.heartbeat` at {}", LINE.place());
    for words in
        [format!("attempt 1 of hold {WAITS}"), format!("attempt 1 of copy waits for such a thing, too; {last}")]
    {
        assert!(error.contains(&words), "{words:?} is missing in\n{error}");
    }
}

#[test]
fn a_channel_whose_sender_is_gone_into_a_static() {
    static LINE: Line = Line::new();
    static SENDERS: Mutex<Vec<oneshot::Sender<u32>>> = Mutex::new(Vec::new());
    let message = told(&copying(1, async |_: &ActivityContext, (): ()| {
        let (sender, answer) = oneshot::channel();
        SENDERS.lock().unwrap().push(sender);
        let waiting = task::spawn(async move {
            LINE.is_next();
            time::sleep(Duration::from_secs(1)).await;
            answer.await
        });
        Ok(waiting.await.unwrap_or_default())
    }));
    for words in [format!("attempt 1 of copy {WAITS}; its last call was `durasim::task::spawn` at "), LINE.place()] {
        assert!(message.contains(&words), "{words:?} is missing in\n{message}");
    }
    let task = format!("and of a task that it has spawned the last await that finished stands at {}", LINE.place());
    assert!(message.contains(&task), "{task:?} is missing in\n{message}");
}

/// With retries that never end the run has no end either.
#[test]
fn attempts_without_end() {
    static LINE: Line = Line::new();
    let error = copying(0, async |ctx: &ActivityContext, (): ()| {
        LINE.is_next();
        ctx.heartbeat(&1)?;
        pending::<Result<u32, ActivityError>>().await
    })
    .horizon(Duration::from_secs(3600))
    .run("main", &())
    .unwrap_err()
    .to_string();
    let last =
        format!("(a lock, a channel, another runtime's timer); its last call was `ctx.heartbeat` at {}", LINE.place());
    for words in
        ["attempt 33 of copy waits for something that nothing in the simulation has woken since 3587.034s", &last]
    {
        assert!(error.contains(words), "{words:?} is missing in\n{error}");
    }
}

#[test]
fn a_workflow_and_a_script() {
    static WAITS_FOR_A_SIGNAL: Line = Line::new();
    static WAITS_FOR_A_RESULT: Line = Line::new();
    let simulation = Simulation::temporal().workflow("main", async |ctx: &WorkflowContext, (): ()| {
        let go = ctx.signals::<u32>("go");
        WAITS_FOR_A_SIGNAL.is_next();
        go.recv().await
    });
    let place = |line: &Line, call: &str| format!("its last call was `{call}` at {}", line.place());
    let error = simulation.run("main", &()).unwrap_err().to_string();
    let last = place(&WAITS_FOR_A_SIGNAL, "signals.recv");
    assert!(error.contains("workflow `main` waits for ever") && error.contains(&last), "{last}\n{error}");
    let error = simulation
        .drive(async |client: Client| {
            let main = client.start::<u32>("main", "main-1", &()).await.unwrap();
            WAITS_FOR_A_RESULT.is_next();
            main.result().await.is_ok()
        })
        .unwrap_err()
        .to_string();
    let last = place(&WAITS_FOR_A_RESULT, "handle.result");
    assert!(error.contains("the script waits for ever") && error.contains(&last), "{last}\n{error}");
    let last = place(&WAITS_FOR_A_SIGNAL, "signals.recv");
    assert!(error.contains(&last), "{last}\n{error}");
}

/// An attempt that waits for another one's lock, which that gives up in time, is no mistake: it ends.
#[test]
fn a_lock_that_is_given_up_is_silent() {
    static LOCK: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());
    let run = copying(1, async |_: &ActivityContext, (): ()| {
        let _held = LOCK.lock().await;
        time::sleep(Duration::from_secs(5)).await;
        Ok(1)
    })
    .workflow("both", async |ctx: &WorkflowContext, (): ()| {
        let options = ActivityOptions { start_to_close_timeout: Duration::from_secs(60), ..Default::default() };
        let one = ctx.execute_activity::<u32>("copy", &(), options.clone());
        let other = ctx.execute_activity::<u32>("copy", &(), options);
        let (one, other) = futures::join!(one, other);
        Ok(one? + other?)
    })
    .run("both", &())
    .unwrap();
    assert_eq!(run.result::<u32>().unwrap(), 2);
}
