//! The promises of `process_large_file_activity`, one fault each.

use activity_advanced::activities::process_large_file::{FileProcessingResult, Progress};
use activity_advanced::fakes::chunk_store::ChunkStore;
use activity_advanced::stops::{file, simulation};
use activity_advanced::tour::tale;
use durasim::{AttemptRecord, Dialect, ResultError, Run};

#[track_caller]
fn run(plan: &str) -> Run {
    let run = simulation(Dialect::Temporal).plan(plan.parse().unwrap()).run("resilient_processing", &file()).unwrap();
    assert_eq!(run.not_fired(), []);
    run
}

fn attempts(run: &Run) -> Vec<AttemptRecord> {
    run.activities().remove(0).attempts
}

/// The chunk an attempt resumed from.
fn resumed_from(attempt: &AttemptRecord) -> Option<u32> {
    let details = attempt.details_at_start.as_deref()?;
    Some(serde_json::from_slice::<Progress>(details).unwrap().chunks_done)
}

/// The chunks in the last heartbeat an attempt recorded.
fn last_saved(attempt: &AttemptRecord) -> u32 {
    let details = attempt.heartbeats.last().unwrap().details.as_deref().unwrap();
    serde_json::from_slice::<Progress>(details).unwrap().chunks_done
}

/// The chunks that were processed more than once.
fn repeated(run: &Run) -> Vec<u32> {
    let mut repeated = Vec::new();
    run.state::<ChunkStore>().processed.each(|chunk, entries| {
        if entries.len() > 1 {
            repeated.push(*chunk);
        }
    });
    repeated
}

fn result(run: &Run) -> FileProcessingResult {
    run.result().unwrap()
}

#[test]
fn a_heartbeat_after_every_third_chunk_and_the_last() {
    let run = run("v1");
    let attempts = attempts(&run);
    let saved: Vec<u32> = attempts[0]
        .heartbeats
        .iter()
        .map(|heartbeat| serde_json::from_slice::<Progress>(heartbeat.details.as_deref().unwrap()).unwrap().chunks_done)
        .collect();
    assert_eq!(saved, [3, 6, 9, 12, 15, 18, 21, 24]);
    // The throttle of a 30 s heartbeat timeout lets one through every 24 s.
    assert_eq!(attempts[0].heartbeats.iter().filter(|heartbeat| heartbeat.visible_at.is_some()).count(), 5);
    assert_eq!(repeated(&run), Vec::<u32>::new());
}

#[test]
fn a_crash_repeats_no_more_than_what_was_not_yet_visible() {
    let run = run(tale::CRASH_AND_RESUME.plan);
    assert_eq!(resumed_from(&attempts(&run)[1]), Some(12));
    assert_eq!(repeated(&run), [12, 13, 14, 15]);
    assert_eq!(result(&run), result(&self::run("v1")));
}

#[test]
fn a_retry_with_nothing_left_to_do_has_the_same_result() {
    let run = run("process_large_file#1@1:heartbeat8=crash_after_sent");
    let attempts = attempts(&run);
    assert_eq!(resumed_from(&attempts[1]), Some(24));
    assert!(attempts[1].effects.is_empty());
    assert_eq!(result(&run), result(&self::run("v1")));
}

#[test]
fn a_worker_that_stops_costs_nothing() {
    let run = run("process_large_file#1@1:await17=stop");
    let attempts = attempts(&run);
    assert_eq!(resumed_from(&attempts[1]), Some(last_saved(&attempts[0])));
    assert_eq!(repeated(&run), Vec::<u32>::new());
    assert_eq!(result(&run), result(&self::run("v1")));
}

#[test]
fn a_cancelled_attempt_saves_its_progress_and_stops() {
    let run = run("process_large_file#1@1:await17=cancel");
    let attempts = attempts(&run);
    assert_eq!(attempts.len(), 1);
    // It hears of the cancellation when its next heartbeat is answered, while chunk 18 is processed.
    assert_eq!(last_saved(&attempts[0]), 18);
    assert_eq!(run.state::<ChunkStore>().processed.len(), 18);
    assert!(matches!(run.result::<FileProcessingResult>(), Err(ResultError::NotCompleted(_))));
}

#[test]
fn with_too_little_time_left_it_saves_its_progress_and_stops_before_the_deadline() {
    // 100 s are left for 120 s of work.
    let run = run("process_large_file#1@1:dispatch=delayed(200s)");
    let attempts = attempts(&run);
    assert_eq!(attempts.len(), 1);
    assert_eq!(last_saved(&attempts[0]), 19);
    assert!(attempts[0].ended_at.unwrap() < durasim::Time::from_millis(299_000));
    let why = run.result::<FileProcessingResult>().unwrap_err().to_string();
    assert!(why.contains("stopped before the deadline with 19 of 24 chunks done"), "{why}");
}
