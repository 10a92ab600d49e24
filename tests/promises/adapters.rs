//! An adapter of a whole SDK finds in the seam what an SDK's worker has: memory of the process, settings, and an error that
//! ends the run.

use std::cell::Cell;
use std::sync::Arc;
use std::time::Duration;

use durasim::program::{
    Activation, ActivityLink, ActivityOutcome, ActivityProgram, ActivitySpec, ActivityTask, Attempt, Command, Job,
    Marker, Payload, PerProcess, RunInfo, TaskFailure, Timeouts, WorkflowLink, WorkflowProgram, WorkflowRun,
    WorkflowStart, places,
};
use durasim::{ActivityOptions, Run, Simulation, Span, WorkflowContext, WorkflowError, check};

/// It counts the times that it was dropped.
struct Counter {
    count: Cell<u32>,
    drops: durasim::Handle<Drops>,
}

#[derive(Default)]
struct Drops(Cell<u32>);

impl Drop for Counter {
    fn drop(&mut self) {
        self.drops.with(|drops| drops.0.set(drops.0.get() + 1));
    }
}

/// An activity of an adapter: it waits for 2 s, and counts in the memory of its process.
struct Counting {
    counter: PerProcess<Counter>,
}

impl ActivityProgram for Counting {
    fn activity_type(&self) -> &str {
        "count"
    }

    fn start(&self, _task: ActivityTask, link: Arc<dyn ActivityLink>) -> Attempt {
        let counter = self.counter.get(&*link);
        counter.count.set(counter.count.get() + 1);
        let run = async move {
            durasim::time::sleep(Duration::from_secs(2)).await;
            ActivityOutcome::Completed(Payload::from_json(&counter.count.get()).unwrap())
        };
        Attempt::new(run, |_| {})
    }
}

/// A workflow that runs `count` so many times, and gives the last count.
async fn counts(ctx: &WorkflowContext, times: u32) -> Result<u32, WorkflowError> {
    let options = ActivityOptions { start_to_close_timeout: Duration::from_secs(60), ..Default::default() };
    let mut last = 0;
    for _ in 0..times {
        last = ctx.execute_activity("count", &(), options.clone()).await?;
    }
    Ok(last)
}

fn counting() -> Simulation {
    let counter = PerProcess::new(|| Counter { count: Cell::new(*durasim::state::<u32>()), drops: durasim::handle() });
    Simulation::temporal()
        .state(|| 10_u32)
        .state(Drops::default)
        .activity_program(Counting { counter })
        .workflow("counts", counts)
}

#[track_caller]
fn result(run: &Run) -> u32 {
    run.result().unwrap()
}

/// The state is there when the value is made.
#[test]
fn the_memory_of_a_process_lasts_as_long_as_the_process() {
    let simulation = counting();
    for _ in 0..2 {
        assert_eq!(result(&simulation.run("counts", &3).unwrap()), 13, "nothing comes from the run before");
    }
    let crashed = simulation.plan("count#2@1:await1=crash".parse().unwrap()).run("counts", &3).unwrap();
    assert_eq!(result(&crashed), 12, "{}", crashed.timeline());
}

/// Two attempts run at once.
#[test]
fn each_worker_has_its_own() {
    let both = async |ctx: &WorkflowContext, (): ()| -> Result<(u32, u32), WorkflowError> {
        let options = ActivityOptions { start_to_close_timeout: Duration::from_secs(60), ..Default::default() };
        let one = ctx.execute_activity("count", &(), options.clone());
        let other = ctx.execute_activity("count", &(), options);
        Ok((one.await?, other.await?))
    };
    for (workers, counted) in [(1, (12, 12)), (2, (11, 11))] {
        let run = counting().workflow("both", both).workers(workers).run("both", &()).unwrap();
        assert_eq!(run.result::<(u32, u32)>().unwrap(), counted, "{}", run.timeline());
    }
}

/// A crash runs no destructors until the run is over.
#[test]
fn it_is_dropped_when_the_process_stops_and_not_when_it_crashes() {
    let stopped = counting().drive(async |client| {
        client.start::<u32>("counts", "c", &1).await.unwrap().result().await.unwrap();
        client.stop_worker(1);
        client.sleep(Duration::from_secs(60)).await;
        durasim::state::<Drops>().0.get()
    });
    assert_eq!(stopped.unwrap().0, 1);
    let crashed = counting().plan("count#1@1:await1=crash".parse().unwrap()).drive(async |client| {
        client.start::<u32>("counts", "c", &1).await.unwrap().result().await.unwrap();
        durasim::state::<Drops>().0.get()
    });
    assert_eq!(crashed.unwrap().0, 0);
}

#[test]
fn a_process_that_cannot_start_ends_the_run() {
    let counter = PerProcess::new(|| panic!("no configuration"));
    let simulation = Simulation::temporal().activity_program(Counting { counter }).workflow("counts", counts);
    let error = simulation.run("counts", &1).unwrap_err().to_string();
    assert!(error.contains("making the values of a worker's process panicked: no configuration"), "{error}");
}

#[derive(Clone, Default)]
struct Words(Vec<&'static str>);

/// An activity and a workflow that read the settings of their adapter. The activity does what cannot be simulated if there
/// are none.
struct Reading;

impl ActivityProgram for Reading {
    fn activity_type(&self) -> &str {
        "read"
    }

    fn start(&self, _task: ActivityTask, link: Arc<dyn ActivityLink>) -> Attempt {
        let run = async move {
            match link.extensions().get::<Words>() {
                Some(words) => ActivityOutcome::Completed(Payload::from_json(&words.0).unwrap()),
                None => {
                    link.misuse("`read` has nothing to read".to_owned());
                    unreachable!("the code was left");
                }
            }
        };
        Attempt::new(run, |_| {})
    }
}

impl WorkflowProgram for Reading {
    fn workflow_type(&self) -> &str {
        "reading"
    }

    fn instantiate(
        &self,
        _: Arc<RunInfo>,
        _: &WorkflowStart,
        link: Arc<dyn WorkflowLink>,
    ) -> Result<Box<dyn WorkflowRun>, TaskFailure> {
        let words = link.extensions().get::<Words>().map_or(0, |words| words.0.len());
        Ok(Box::new(Upserts { words }))
    }
}

/// A workflow that sets its memo, runs `read`, and gives what that gave.
struct Upserts {
    words: usize,
}

impl WorkflowRun for Upserts {
    fn activate(&mut self, activation: &Activation, commands: &mut Vec<Command>) -> Result<(), TaskFailure> {
        for job in &activation.jobs {
            match job {
                Job::Start => {
                    let values = Payload::new(format!("{{\"words\":{}}}", self.words));
                    commands.push(Command::RecordMarker(Marker::Upserted { sort: "memo".into(), values }));
                    let timeouts = Timeouts::default().start_to_close(Span::from_secs(30));
                    let spec = ActivitySpec::new("read", Payload::new("null")).timeouts(timeouts);
                    commands.push(Command::ScheduleActivity { seq: 1, spec: Arc::new(spec) });
                }
                Job::Marker(Marker::Upserted { .. }) | Job::Cancel { .. } => {}
                Job::ActivityDone { result: durasim::program::ActivityResolution::Completed(result), .. } => {
                    commands.push(Command::Complete(result.clone()));
                }
                other => return Err(TaskFailure::Unsupported(format!("{other:?}"))),
            }
        }
        Ok(())
    }
}

fn reading() -> Simulation {
    Simulation::temporal().activity_program(Reading).workflow_program(Reading)
}

#[test]
fn settings_of_an_adapter_reach_its_code() {
    let simulation = reading().extension(|words: &mut Words| words.0.push("one"));
    let both = simulation.clone().extension(|words: &mut Words| words.0.push("two"));
    assert_eq!(simulation.run("reading", &()).unwrap().result::<Vec<String>>().unwrap(), ["one"]);
    let run = both.run("reading", &()).unwrap();
    assert_eq!(run.result::<Vec<String>>().unwrap(), ["one", "two"]);
    let timeline = run.timeline().to_string();
    assert!(timeline.contains("memo upserted: {\"words\":2}"), "{timeline}");
}

/// A worker that was started with the new version has the settings of that, in its activities as in its workflows.
#[test]
fn a_new_version_has_the_settings_that_it_was_given() {
    let simulation = reading()
        .extension(|words: &mut Words| words.0.push("one"))
        .deploy(|simulation| simulation.extension(|words: &mut Words| words.0.push("two")))
        .rollback();
    let read = |plan: &str| {
        let run = simulation.clone().plan(plan.parse().unwrap()).run("reading", &()).unwrap().strict().unwrap();
        run.result::<Vec<String>>().unwrap()
    };
    assert_eq!(read("v1"), ["one"]);
    assert_eq!(read("reading#1:task1=deploy"), ["one", "two"]);
    assert_eq!(read("read#1@1:dispatch=deploy"), ["one", "two"]);
    assert_eq!(read("reading#1:task1=deploy; read#1@1:dispatch=rollback"), ["one"]);
}

/// The attempt does not fail, which would be retried.
#[test]
fn misuse_ends_the_run() {
    let error = reading().run("reading", &()).unwrap_err().to_string();
    assert!(error.contains("`read` has nothing to read"), "{error}");
}

#[test]
fn what_a_workflow_sets_is_replayed() {
    let report = reading()
        .extension(|words: &mut Words| words.0.push("one"))
        .explore("reading", &())
        .every_fault()
        .check(check::same_result())
        .check(check::replays())
        .report();
    assert!(report.holds(), "{report}");
    let evicted = reading().extension(|words: &mut Words| words.0.push("one"));
    let run = evicted.plan("reading#1:task2=evicted".parse().unwrap()).run("reading", &()).unwrap();
    assert_eq!(run.not_fired(), []);
}

/// An activity that says in which line it calls, and whose retry begins behind its checkpoint.
struct Placed;

impl ActivityProgram for Placed {
    fn activity_type(&self) -> &str {
        "placed"
    }

    fn start(&self, task: ActivityTask, link: Arc<dyn ActivityLink>) -> Attempt {
        let run = async move {
            if places::wanted() {
                places::called_in("ctx.record_heartbeat", "shop/src/pack.rs", 41);
            }
            link.heartbeat(Some(if task.info.attempt == 1 { b"2" } else { b"1" })).obey();
            durasim::time::sleep(Duration::from_secs(1)).await;
            ActivityOutcome::Completed(Payload::new("1"))
        };
        Attempt::new(run, |_| {})
    }
}

#[test]
fn a_line_from_a_backtrace_stands_in_the_message() {
    let packs = async |ctx: &WorkflowContext, (): ()| -> Result<u32, WorkflowError> {
        let options = ActivityOptions { start_to_close_timeout: Duration::from_secs(60), ..Default::default() };
        ctx.execute_activity("placed", &(), options).await
    };
    let simulation = Simulation::temporal().activity_program(Placed).workflow("packs", packs);
    assert!(!places::wanted());
    let report =
        simulation.explore("packs", &()).every_fault().check(check::progress("placed", |part: &u32| *part)).report();
    let text = &report.failures()[0].text;
    assert!(text.contains("`ctx.record_heartbeat` at shop/src/pack.rs:41"), "{text}");
    assert!(!places::wanted(), "it is the run's");
}
