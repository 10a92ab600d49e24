//! A long history: continue-as-new is suggested, and a run that does not heed that is terminated.

use std::time::Duration;

use durasim::service::WorkflowOutcome;
use durasim::{HistoryLimits, Outcome, Run, Simulation, WorkflowContext, WorkflowError};

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

/// Waits so often, and goes on in another run where it is told to. Gives the number of waits of the last run.
async fn patient(ctx: &WorkflowContext, waits: u32) -> Result<u32, WorkflowError> {
    for wait in 0..waits {
        if ctx.is_continue_as_new_suggested() {
            return Err(ctx.continue_as_new(&(waits - wait)));
        }
        ctx.sleep(seconds(10)).await?;
    }
    Ok(waits)
}

/// Does not heed it.
async fn stubborn(ctx: &WorkflowContext, waits: u32) -> Result<u32, WorkflowError> {
    for _ in 0..waits {
        ctx.sleep(seconds(10)).await?;
    }
    Ok(waits)
}

fn simulation(limits: HistoryLimits) -> Simulation {
    Simulation::temporal().workflow("patient", patient).workflow("stubborn", stubborn).history_limits(limits)
}

/// Events a wait: the timer started and fired, and a task scheduled, started and completed.
const LIMITS: HistoryLimits = HistoryLimits { suggested_events: 23, events: 40, ..HistoryLimits::TEMPORAL };

fn runs(run: &Run) -> usize {
    run.trace().workflows().len()
}

#[test]
fn continue_as_new_is_suggested_by_count() {
    // The started event of the fifth task after the first has the id 3 + 5 * 5 = 28, that of the fourth 23.
    let run = simulation(LIMITS).run("patient", &10u32).unwrap();
    assert_eq!((runs(&run), run.result::<u32>()), (3, Ok(2)), "{}", run.timeline());
    let run = simulation(HistoryLimits { suggested_events: 24, ..LIMITS }).run("patient", &10u32).unwrap();
    assert_eq!((runs(&run), run.result::<u32>()), (2, Ok(5)), "{}", run.timeline());
    // A zero is no limit.
    let run = simulation(HistoryLimits { suggested_events: 0, events: 0, ..LIMITS }).run("patient", &10u32).unwrap();
    assert_eq!((runs(&run), run.result::<u32>()), (1, Ok(10)), "{}", run.timeline());
}

#[test]
fn continue_as_new_is_suggested_by_size() {
    // 64 bytes for each event before that of the start of a task, and those of the type and the input in the first.
    let bytes = 64 * 22 + "patient".len() as u64 + 2;
    let simulation = |suggested_bytes| simulation(HistoryLimits { suggested_bytes, ..HistoryLimits::TEMPORAL });
    let run = simulation(bytes).run("patient", &10u32).unwrap();
    assert_eq!(run.trace().workflows().len(), 3, "{}", run.timeline());
    let run = simulation(bytes + 1).run("patient", &10u32).unwrap();
    assert_eq!(run.trace().workflows().len(), 2, "{}", run.timeline());
}

/// A replay is told the same as the task was that it replays, or it would go another way.
#[test]
fn a_replay_is_told_the_same() {
    for plan in ["patient#1:task4=evicted", "patient#1:task5=completion_lost", "patient#1@2:task3=crash"] {
        let run = simulation(LIMITS).plan(plan.parse().unwrap()).run("patient", &10u32).unwrap().strict().unwrap();
        assert_eq!(run.failed_task(), None);
        assert!(matches!(run.outcome(), Outcome::Closed(WorkflowOutcome::Completed(_))), "{}", run.timeline());
    }
    // A task that fails makes the history longer, so that the run before the last one ends earlier.
    let exploration = simulation(LIMITS).explore("patient", &10u32).without("same_result");
    let report = exploration.every_fault().seeds(0..200).report();
    assert!(report.holds(), "{report}");
}

#[test]
fn a_run_that_goes_on_is_terminated() {
    let reason = |limits: HistoryLimits| {
        let run = simulation(limits).run("stubborn", &100u32).unwrap();
        let Outcome::Closed(WorkflowOutcome::Terminated { reason }) = run.outcome() else {
            panic!("{}", run.timeline())
        };
        (run.history().len(), reason)
    };
    // The first one over the limit, and the end.
    assert_eq!(reason(LIMITS), (43, "Workflow history count exceeds limit.".into()));
    let by_size = HistoryLimits { bytes: 64 * 40, ..HistoryLimits::TEMPORAL };
    assert_eq!(&*reason(by_size).1, "Workflow history size exceeds limit.");
    let cadence = Simulation::cadence().workflow("stubborn", stubborn).history_limits(LIMITS);
    let run = cadence.run("stubborn", &100u32).unwrap();
    let Outcome::Closed(WorkflowOutcome::Terminated { reason }) = run.outcome() else { panic!("{}", run.timeline()) };
    assert_eq!(&*reason, "HISTORY_EXCEEDS_LIMIT");
}
