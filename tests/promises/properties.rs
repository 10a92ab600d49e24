//! Whatever goes wrong, however heartbeats are held back, in both dialects and with several workers: no checkpoint is
//! lost that the service has had, and no work is done again that one of them covers. The test reckons from the records
//! of a run alone; the crate's own checks take no part.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::time::Duration;

use durasim::fault::{Fault, Plan};
use durasim::trace::What;
use durasim::{
    ActivityContext, ActivityError, ActivityOptions, ActivityRecord, Dialect, Ledger, RetryPolicy, Run, Simulation,
    Time, WorkflowContext, WorkflowError,
};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed, TestCaseError, TestRunner};
use serde::{Deserialize, Serialize};

/// The gate tries the same cases each time. To try others, change this.
const SEED: RngSeed = RngSeed::Fixed(1);
const CASES: u32 = 2_000;

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Job {
    chunks: u32,
    /// A heartbeat after so many chunks, and after the last.
    heartbeat_every: u32,
    chunk_millis: u64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Progress {
    chunks_done: u32,
    checksum: u64,
}

impl Progress {
    fn and(self, chunk: u32) -> Progress {
        let checksum = self.checksum.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(u64::from(chunk) + 1);
        Progress { chunks_done: chunk + 1, checksum }
    }
}

#[derive(Default)]
struct Store {
    chunks: Ledger<u32>,
}

async fn copy(ctx: &ActivityContext, job: Job) -> Result<Progress, ActivityError> {
    let store = durasim::state::<Store>();
    let mut progress: Progress = ctx.heartbeat_details()?.unwrap_or_default();
    for chunk in progress.chunks_done..job.chunks {
        if ctx.is_cancelled() {
            return Err(ActivityError::Cancelled);
        }
        durasim::time::sleep(Duration::from_millis(job.chunk_millis)).await;
        durasim::effect("chunk", || store.chunks.record(chunk))?;
        progress = progress.and(chunk);
        if progress.chunks_done.is_multiple_of(job.heartbeat_every) || progress.chunks_done == job.chunks {
            ctx.heartbeat(&progress)?;
        }
    }
    Ok(progress)
}

async fn copying(ctx: &WorkflowContext, job: Job) -> Result<Progress, WorkflowError> {
    let options = ActivityOptions {
        schedule_to_close_timeout: Duration::from_secs(7_200),
        heartbeat_timeout: Duration::from_secs(30),
        retry_policy: Some(RetryPolicy { maximum_attempts: 8, ..Default::default() }),
        ..Default::default()
    };
    ctx.execute_activity("copy", &job, options).await
}

#[derive(Clone, Copy, Debug)]
enum Throttle {
    Sdk,
    Off,
    AtMost(Duration),
}

#[derive(Clone, Debug)]
enum Faults {
    Drawn(u64),
    Planned(Plan),
}

#[derive(Clone, Debug)]
struct Case {
    dialect: Dialect,
    workers: usize,
    job: Job,
    throttle: Throttle,
    faults: Faults,
}

impl Case {
    fn run(&self) -> Run {
        let simulation =
            Simulation::of(self.dialect).activity("copy", copy).workflow("copying", copying).state(Store::default);
        let simulation = simulation.workers(self.workers);
        let simulation = match self.throttle {
            Throttle::Sdk => simulation,
            Throttle::Off => simulation.no_heartbeat_throttle(),
            Throttle::AtMost(interval) => simulation.heartbeat_throttle(Duration::ZERO, interval),
        };
        let simulation = match &self.faults {
            Faults::Drawn(seed) => simulation.random_faults(*seed),
            Faults::Planned(plan) => simulation.plan(plan.clone()),
        };
        simulation.run("copying", &self.job).unwrap()
    }
}

/// Chunks take up to 6 s, and heartbeats come at least every 24 s: the code itself never times out.
fn jobs() -> impl Strategy<Value = Job> {
    (6..24u32, 1..5u32, 500..6_000u64).prop_map(|(chunks, heartbeat_every, chunk_millis)| Job {
        chunks,
        heartbeat_every,
        chunk_millis,
    })
}

fn throttles() -> impl Strategy<Value = Throttle> {
    prop_oneof![
        Just(Throttle::Sdk),
        Just(Throttle::Off),
        (1..24u64).prop_map(|seconds| Throttle::AtMost(Duration::from_secs(seconds))),
    ]
}

/// A site of one of the first attempts with a fault that fits it, as plans spell them.
fn entries() -> impl Strategy<Value = (String, String)> {
    let length = || 100..60_000u64;
    let at_await = prop_oneof![
        4 => prop_oneof![Just("crash"), Just("crash_attempt"), Just("fail"), Just("stop")].prop_map(String::from),
        1 => length().prop_map(|millis| format!("stall({millis}ms)")),
        1 => length().prop_map(|millis| format!("freeze({millis}ms)")),
    ];
    let at_effect =
        prop_oneof![Just("crash_before"), Just("crash_after"), Just("fail_unapplied"), Just("fail_applied")];
    let at_heartbeat = prop_oneof![
        4 => prop_oneof![
            Just("crash_before"), Just("crash_after_sent"), Just("crash_after_unsent"), Just("request_lost"),
            Just("answer_lost"),
        ].prop_map(String::from),
        1 => length().prop_map(|millis| format!("delayed({millis}ms)")),
    ];
    let at_completion = prop_oneof![Just("request_lost"), Just("answer_lost"), Just("crash"), Just("delayed(40s)")];
    let site = prop_oneof![
        6 => (2..14u32, at_await).prop_map(|(number, fault)| (format!("await{number}"), fault)),
        3 => (2..14u32, at_effect).prop_map(|(number, fault)| (format!("effect{number}"), fault.to_owned())),
        5 => (1..8u32, at_heartbeat).prop_map(|(number, fault)| (format!("heartbeat{number}"), fault)),
        1 => at_completion.prop_map(|fault| ("completion".to_owned(), fault.to_owned())),
        1 => Just(("backoff".to_owned(), "worker_gone".to_owned())),
        1 => Just(("dispatch".to_owned(), "worker_dies".to_owned())),
    ];
    // A second attempt there is only after the first was struck.
    let attempt = prop_oneof![4 => Just(1), 2 => Just(2), 1 => Just(3)];
    (attempt, site).prop_map(|(attempt, (site, fault))| (format!("copy#1@{attempt}:{site}"), fault))
}

/// Draws at most three faults, so that eight attempts are enough.
fn plans() -> impl Strategy<Value = Plan> {
    vec(entries(), 2..4).prop_map(|entries| {
        let mut points = BTreeSet::new();
        let entries = entries.into_iter().filter(|(point, _)| points.insert(point.clone()));
        let text: Vec<String> = entries.map(|(point, fault)| format!("{point}={fault}")).collect();
        text.join("; ").parse().unwrap()
    })
}

fn cases() -> impl Strategy<Value = Case> {
    let faults = prop_oneof![1 => any::<u64>().prop_map(Faults::Drawn), 2 => plans().prop_map(Faults::Planned)];
    let dialects = prop_oneof![Just(Dialect::Temporal), Just(Dialect::Cadence)];
    (dialects, 1..4usize, jobs(), throttles(), faults).prop_map(|(dialect, workers, job, throttle, faults)| Case {
        dialect,
        workers,
        job,
        throttle,
        faults,
    })
}

fn chunks_done(details: &[u8]) -> u32 {
    serde_json::from_slice::<Progress>(details).unwrap().chunks_done
}

/// The heartbeats that became visible, in the order in which they did: the time, the attempt, and the details.
fn visible(activity: &ActivityRecord) -> Vec<(Time, u32, &[u8])> {
    let mut visible: Vec<_> = activity
        .attempts
        .iter()
        .flat_map(|attempt| attempt.heartbeats.iter().map(move |heartbeat| (attempt.number, heartbeat)))
        .filter_map(|(number, heartbeat)| Some((heartbeat.visible_at?, number, heartbeat.details.as_deref().unwrap())))
        .collect();
    visible.sort_by_key(|(at, ..)| *at);
    visible
}

fn the_visible_checkpoint_never_goes_backwards(activity: &ActivityRecord) -> Result<(), TestCaseError> {
    let checkpoints: Vec<u32> = visible(activity).iter().map(|(.., details)| chunks_done(details)).collect();
    prop_assert!(checkpoints.is_sorted(), "{checkpoints:?}");
    Ok(())
}

fn each_attempt_starts_with_the_last_visible_details(activity: &ActivityRecord) -> Result<(), TestCaseError> {
    let visible = visible(activity);
    for attempt in &activity.attempts {
        let last = visible.iter().rfind(|(at, number, _)| *at <= attempt.started_at && *number < attempt.number);
        let expected = last.map(|(.., details)| *details);
        prop_assert_eq!(attempt.details_at_start.as_deref(), expected, "attempt {}", attempt.number);
    }
    Ok(())
}

/// No chunk is lost, not even in a run that was cancelled: a chunk that a checkpoint says is done is done.
fn no_chunk_is_lost(run: &Run, case: &Case, activity: &ActivityRecord) -> Result<(), TestCaseError> {
    let covered = match run.result::<Progress>() {
        Ok(_) => case.job.chunks,
        Err(_) => visible(activity).iter().map(|(.., details)| chunks_done(details)).max().unwrap_or(0),
    };
    let store = run.state::<Store>();
    let lost: Vec<u32> = (0..covered).filter(|chunk| store.chunks.count(chunk) == 0).collect();
    prop_assert!(lost.is_empty(), "lost of {covered}: {lost:?}");
    Ok(())
}

/// An attempt's work may be done again if it did it after its last heartbeat that was visible when its successor began.
fn repeats_are_at_most_the_work_since_the_last_visible_heartbeat(
    run: &Run,
    activity: &ActivityRecord,
) -> Result<(), TestCaseError> {
    let store = run.state::<Store>();
    let mut at_risk = 0;
    for (attempt, successor) in activity.attempts.iter().zip(activity.attempts.iter().skip(1)) {
        let heartbeats = attempt.heartbeats.iter();
        let safe = heartbeats
            .filter(|heartbeat| heartbeat.visible_at.is_some_and(|at| at <= successor.started_at))
            .map(|heartbeat| heartbeat.recorded_at)
            .max();
        store.chunks.each(|_, entries| {
            let of_this = entries.iter().filter(|entry| entry.attempt == attempt.number);
            at_risk += of_this.filter(|entry| safe.is_none_or(|safe| entry.at > safe)).count();
        });
    }
    let repeats = store.chunks.total() - store.chunks.len();
    prop_assert!(repeats <= at_risk, "{repeats} repeats, {at_risk} chunks were not covered");
    Ok(())
}

/// Gives `true` if the run survives. A run that does not was cancelled, or ran out of time while its worker stood
/// still.
fn a_run_that_survives_has_the_fault_free_result(run: &Run, case: &Case) -> Result<bool, TestCaseError> {
    let expected = (0..case.job.chunks).fold(Progress::default(), Progress::and);
    match run.result::<Progress>() {
        Ok(result) => {
            prop_assert_eq!(result, expected);
            Ok(true)
        }
        Err(why) => {
            let cancelled = run.trace().events().iter().any(|event| event.what == What::CancelRequested);
            let hour = Duration::from_secs(3_600);
            let stood_still = |fault: Fault| matches!(fault, Fault::Freeze(length) if length > hour);
            let excused = cancelled || run.plan().entries.iter().any(|entry| stood_still(entry.fault));
            prop_assert!(excused, "{why}");
            Ok(false)
        }
    }
}

#[test]
fn progress_survives_whatever_goes_wrong() {
    let (tried, resumed, completed) = (Cell::new(0), Cell::new(0), Cell::new(0));
    let count = |counter: &Cell<u32>| counter.set(counter.get() + 1);
    let mut runner =
        TestRunner::new(Config { cases: CASES, failure_persistence: None, rng_seed: SEED, ..Config::default() });
    let outcome = runner.run(&cases(), |case| {
        let run = case.run();
        let activities = run.activities();
        // A cancel may come before the activity is scheduled.
        let judged = activities.first().map_or(Ok(()), |activity| {
            the_visible_checkpoint_never_goes_backwards(activity)?;
            each_attempt_starts_with_the_last_visible_details(activity)?;
            no_chunk_is_lost(&run, &case, activity)?;
            repeats_are_at_most_the_work_since_the_last_visible_heartbeat(&run, activity)
        });
        let survives = judged
            .and_then(|()| a_run_that_survives_has_the_fault_free_result(&run, &case))
            .map_err(|error| TestCaseError::fail(format!("{error}\n{}", run.timeline())))?;
        count(&tried);
        if survives {
            count(&completed);
        }
        let later = activities.iter().flat_map(|activity| &activity.attempts).filter(|attempt| attempt.number > 1);
        if later.into_iter().any(|attempt| attempt.details_at_start.is_some()) {
            count(&resumed);
        }
        Ok(())
    });
    if let Err(error) = outcome {
        panic!("{error}");
    }
    let share = |counter: &Cell<u32>| 100 * counter.get() / tried.get();
    // Properties of what never happens hold for nothing.
    assert_eq!(tried.get(), CASES);
    assert!(share(&resumed) >= 30, "a later attempt had details in {} % of the cases", share(&resumed));
    assert!(share(&completed) >= 50, "{} % of the cases completed", share(&completed));
    println!("{} % resumed, {} % completed", share(&resumed), share(&completed));
}
