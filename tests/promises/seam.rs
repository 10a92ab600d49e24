//! An activity written for another client runs through the seam: its own context type, its own trait, at most 40 lines of
//! glue.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use durasim::program::{
    Activation, ActivityLink, ActivityOutcome, ActivityProgram, ActivitySpec, ActivityTask, Attempt, Command, Failure,
    Payload, RunInfo, TaskFailure, Timeouts, WorkflowLink, WorkflowProgram, WorkflowRun, WorkflowStart, panics,
};
use durasim::{
    ActivityContext, ActivityError, ActivityOptions, AttemptEnd, Run, Simulation, Span, WorkflowContext, WorkflowError,
    check, program,
};
use serde::{Deserialize, Serialize};

/// The other client: none of it knows of simulations.
mod client {
    use super::*;

    /// An activity of the other client, with `Send` futures and raw bytes.
    pub trait Activity: Send + Sync {
        fn execute(&self, ctx: &Context, input: Option<Vec<u8>>) -> BoxFuture<Result<Vec<u8>, ClientError>>;
    }

    pub type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

    #[derive(Debug)]
    pub enum ClientError {
        Cancelled,
        Failed(String),
    }

    pub type Heartbeat = Arc<dyn Fn(&[u8]) + Send + Sync>;

    /// Its context, cloned into the futures.
    #[derive(Clone)]
    pub struct Context {
        pub heartbeat: Heartbeat,
        pub details: Option<Vec<u8>>,
        pub cancelled: Arc<AtomicBool>,
        pub attempt: u32,
    }
}

use client::{Activity, BoxFuture, ClientError, Context};

// Glue from here ..
struct Hosted<A> {
    name: &'static str,
    activity: A,
}

impl<A: Activity> ActivityProgram for Hosted<A> {
    fn activity_type(&self) -> &str {
        self.name
    }

    fn start(&self, task: ActivityTask, link: Arc<dyn ActivityLink>) -> Attempt {
        let details = task.heartbeat_details.as_bytes().map(<[u8]>::to_vec);
        if details.is_some() {
            link.details_read();
        }
        let cancelled = Arc::new(AtomicBool::new(false));
        let context = Context {
            heartbeat: Arc::new(move |details| link.heartbeat(Some(details)).obey()),
            details,
            cancelled: cancelled.clone(),
            attempt: task.info.attempt,
        };
        let run = self.activity.execute(&context, Some(task.input().as_bytes().to_vec()));
        let outcome = async move {
            match run.await {
                Ok(result) => ActivityOutcome::Completed(Payload::new(result)),
                Err(ClientError::Cancelled) => ActivityOutcome::Cancelled(Default::default()),
                Err(ClientError::Failed(message)) => {
                    ActivityOutcome::Failed(Failure::application("ClientError", message).into())
                }
            }
        };
        Attempt::new(outcome, move |_reason| cancelled.store(true, Ordering::Relaxed))
    }
}
// .. to here.

#[derive(Serialize, Deserialize)]
struct Job {
    rows: u32,
}

/// Production code of the other client. Only the wait is virtual.
struct Import {
    written: Arc<Mutex<Vec<u32>>>,
}

impl Activity for Import {
    fn execute(&self, ctx: &Context, input: Option<Vec<u8>>) -> BoxFuture<Result<Vec<u8>, ClientError>> {
        let (ctx, written) = (ctx.clone(), self.written.clone());
        Box::pin(async move {
            let job: Job = serde_json::from_slice(&input.unwrap_or_default())
                .map_err(|error| ClientError::Failed(error.to_string()))?;
            let start = match &ctx.details {
                Some(details) => serde_json::from_slice(details).unwrap(),
                None => 0,
            };
            for row in start..job.rows {
                durasim::time::sleep(Duration::from_secs(9)).await;
                if ctx.cancelled.load(Ordering::Relaxed) {
                    return Err(ClientError::Cancelled);
                }
                written.lock().unwrap().push(row);
                (ctx.heartbeat)(&serde_json::to_vec(&(row + 1)).unwrap());
            }
            Ok(serde_json::to_vec(&(start, ctx.attempt)).unwrap())
        })
    }
}

fn simulation() -> (Simulation, Arc<Mutex<Vec<u32>>>) {
    let written = Arc::new(Mutex::new(Vec::new()));
    (hosting(Import { written: written.clone() }), written)
}

fn hosting(activity: impl Activity + 'static) -> Simulation {
    Simulation::temporal().activity_program(Hosted { name: "import", activity }).workflow(
        "main",
        async |ctx: &WorkflowContext, rows: u32| -> Result<(u32, u32), WorkflowError> {
            let options = ActivityOptions {
                start_to_close_timeout: Duration::from_secs(600),
                heartbeat_timeout: Duration::from_secs(10),
                ..Default::default()
            };
            ctx.execute_activity("import", &Job { rows }, options).await
        },
    )
}

#[track_caller]
fn run(plan: &str) -> (Run, Vec<u32>) {
    let (simulation, written) = simulation();
    let run = simulation.plan(plan.parse().unwrap()).run("main", &5u32).unwrap();
    assert_eq!(run.not_fired(), []);
    let written = std::mem::take(&mut *written.lock().unwrap());
    (run, written)
}

#[test]
fn without_faults() {
    let (run, written) = run("v1");
    assert_eq!(run.result::<(u32, u32)>().unwrap(), (0, 1));
    assert_eq!(written, [0, 1, 2, 3, 4]);
}

#[test]
fn it_resumes_from_its_heartbeat() {
    for plan in
        ["import#1@1:await4=crash", "import#1@1:heartbeat4=crash_before", "import#1@1:heartbeat3=crash_after_sent"]
    {
        let (run, written) = run(plan);
        assert_eq!(run.result::<(u32, u32)>().unwrap(), (3, 2), "{plan}");
        let mut distinct = written.clone();
        distinct.dedup();
        assert_eq!(distinct, [0, 1, 2, 3, 4], "{plan}");
        let attempts = &run.activities()[0].attempts;
        assert!(attempts[1].details_read);
        assert_eq!(attempts[0].end, AttemptEnd::Died);
    }
}

#[test]
fn it_is_told_to_stop() {
    let (run, written) = run("import#1@1:await3=cancel");
    assert_eq!(run.activities()[0].attempts[0].end, AttemptEnd::Cancelled, "{}", run.timeline());
    assert_eq!(written, [0, 1, 2]);
}

/// Its result says where it resumed, which faults change: only the count of rows is compared.
#[test]
fn it_is_explored_as_a_native_activity_is() {
    let (simulation, written) = simulation();
    let report = simulation
        .explore("main", &5u32)
        // The rows that are written are in one list for all runs.
        .threads(1)
        .every_fault()
        .seeds(0..200)
        // The list is outside of the simulation: runs at the same time would share it.
        .threads(1)
        .check(check::same_result().normalize(|result: &mut (u32, u32)| *result = (0, 0)))
        .check(check::progress("import", |rows_done: &u32| *rows_done))
        .check(
            check::named("no row is left out", move |run: &Run| {
                let mut written = std::mem::take(&mut *written.lock().unwrap());
                written.sort_unstable();
                written.dedup();
                assert!(run.result::<(u32, u32)>().is_err() || written == [0, 1, 2, 3, 4], "{written:?}");
            })
            .all_runs(),
        )
        .report();
    let failures: String = report.failures().iter().map(|failed| failed.text.clone()).collect();
    assert!(report.holds(), "{report}\n{failures}");
    assert!(report.parts()[1].tally.resumes > 20, "{report}");
}

/// A workflow of another client, which counts from 0.
struct FromZero;

impl WorkflowProgram for FromZero {
    fn workflow_type(&self) -> &str {
        "from_zero"
    }

    fn instantiate(
        &self,
        _: Arc<RunInfo>,
        _: &WorkflowStart,
        _: Arc<dyn WorkflowLink>,
    ) -> Result<Box<dyn WorkflowRun>, TaskFailure> {
        Ok(Box::new(FromZero))
    }
}

impl WorkflowRun for FromZero {
    fn activate(&mut self, _: &Activation, commands: &mut Vec<Command>) -> Result<(), TaskFailure> {
        let spec = ActivitySpec::new("count", Payload::new("1"));
        commands.push(Command::ScheduleActivity { seq: 0, spec: Arc::new(spec) });
        Ok(())
    }
}

#[test]
fn an_activity_without_a_number_ends_the_run() {
    let error = simulation().0.workflow_program(FromZero).run("from_zero", &()).unwrap_err().to_string();
    assert!(error.contains("activities are numbered from 1"), "{error}");
}

/// A workflow that cancels its activity after a second, and counts how often it hears of the end of it for a minute.
struct Counts(u32);

impl WorkflowProgram for Counts {
    fn workflow_type(&self) -> &str {
        "counts"
    }

    fn instantiate(
        &self,
        _: Arc<RunInfo>,
        _: &WorkflowStart,
        _: Arc<dyn WorkflowLink>,
    ) -> Result<Box<dyn WorkflowRun>, TaskFailure> {
        Ok(Box::new(Counts(0)))
    }
}

impl WorkflowRun for Counts {
    fn activate(&mut self, activation: &Activation, commands: &mut Vec<Command>) -> Result<(), TaskFailure> {
        for job in &activation.jobs {
            match job {
                program::Job::Start => {
                    let mut spec = ActivitySpec::new("waits", Payload::new("null"));
                    spec.timeouts =
                        Timeouts::default().start_to_close(Span::from_secs(30)).heartbeat(Span::from_secs(5));
                    commands.push(Command::ScheduleActivity { seq: 1, spec: Arc::new(spec) });
                    commands.push(Command::StartTimer { seq: 1, duration: Span::from_secs(1) });
                }
                program::Job::FireTimer(1) => {
                    commands.push(Command::CancelActivity { seq: 1 });
                    commands.push(Command::StartTimer { seq: 2, duration: Span::from_secs(60) });
                }
                program::Job::ActivityDone { seq: 1, .. } => self.0 += 1,
                _ => commands.push(Command::Complete(Payload::new(self.0.to_string()))),
            }
        }
        Ok(())
    }
}

/// Source: crate temporalio-sdk-core 0.10.1 `src/worker/workflow/machines/activity_state_machine.rs`: with the
/// cancellation type "try cancel" the code is told at once, and not again when the service says how the activity ended.
#[test]
fn a_cancelled_activity_is_told_to_the_code_once() {
    let waits = async |ctx: &ActivityContext, (): ()| -> Result<(), ActivityError> {
        while !ctx.is_cancelled() {
            durasim::time::sleep(Duration::from_secs(1)).await;
            ctx.heartbeat(&())?;
        }
        Err(ActivityError::Cancelled)
    };
    let simulation = Simulation::temporal().activity("waits", waits).workflow_program(Counts(0));
    let run = simulation.run("counts", &()).unwrap();
    assert_eq!(run.result::<u32>().unwrap(), 1);
    let timeline = run.timeline().to_string();
    assert!(timeline.contains("waits#1@1  ended as cancelled"), "{timeline}");
}

/// A workflow whose one activation ends in this way.
struct Ends(fn(&dyn WorkflowLink) -> TaskFailure, Option<Arc<dyn WorkflowLink>>);

impl WorkflowProgram for Ends {
    fn workflow_type(&self) -> &str {
        "ends"
    }

    fn instantiate(
        &self,
        _: Arc<RunInfo>,
        _: &WorkflowStart,
        link: Arc<dyn WorkflowLink>,
    ) -> Result<Box<dyn WorkflowRun>, TaskFailure> {
        Ok(Box::new(Ends(self.0, Some(link))))
    }
}

impl WorkflowRun for Ends {
    fn activate(&mut self, _: &Activation, _: &mut Vec<Command>) -> Result<(), TaskFailure> {
        Err((self.0)(self.1.as_deref().expect("made by `instantiate`")))
    }
}

fn ended_by(failure: fn(&dyn WorkflowLink) -> TaskFailure) -> String {
    let simulation = simulation().0.event_budget(1_000).workflow_program(Ends(failure, None));
    simulation.run("ends", &()).unwrap_err().to_string()
}

#[test]
fn a_task_that_the_sdk_fails_says_so() {
    let error = ended_by(|_| TaskFailure::Failed(Failure::application("Nondeterminism", "no such timer").into()));
    assert!(error.contains("the workflow's code failed the task: Nondeterminism: no such timer"), "{error}");
}

#[test]
fn what_is_not_simulated_ends_the_run() {
    let error = ended_by(|_| TaskFailure::Unsupported("ScheduleLocalActivity".to_owned()));
    assert_eq!(error, "workflow `ends` asked for ScheduleLocalActivity, which is not simulated");
}

#[test]
fn an_instance_knows_the_budget_and_the_names_of_its_run() {
    let error = ended_by(|link| {
        assert_eq!(link.activity_type("import").as_deref(), Some("import"));
        assert_eq!(link.activity_type("export"), None);
        assert!(!link.call_outside(|| durasim::random() == durasim::random()));
        TaskFailure::AskedForTooMuch { asked: link.event_budget() + 1, what: "timers" }
    });
    assert!(error.contains("workflow `ends` has asked for 1001 timers (a loop that does not wait?)"), "{error}");
}

/// A client that reports a panic as a failure, and so catches panics of the code that it polls.
struct Careful;

impl Activity for Careful {
    fn execute(&self, ctx: &Context, _: Option<Vec<u8>>) -> BoxFuture<Result<Vec<u8>, ClientError>> {
        let ctx = ctx.clone();
        Box::pin(async move {
            for step in 0..3 {
                durasim::time::sleep(Duration::from_secs(9)).await;
                let beat = || (ctx.heartbeat)(&serde_json::to_vec(&step).unwrap());
                if let Err(payload) = catch_unwind(AssertUnwindSafe(beat)) {
                    let payload = panics::pass_on(payload);
                    return Err(ClientError::Failed(format!("caught {payload:?}")));
                }
            }
            Ok(serde_json::to_vec(&(0, ctx.attempt)).unwrap())
        })
    }
}

#[test]
fn a_client_that_catches_panics_passes_a_crash_on() {
    let run = hosting(Careful).plan("import#1@1:heartbeat2=crash_before".parse().unwrap()).run("main", &3u32).unwrap();
    assert_eq!(run.activities()[0].attempts[0].end, AttemptEnd::Died);
    assert_eq!(run.result::<(u32, u32)>().unwrap(), (0, 2));
}
