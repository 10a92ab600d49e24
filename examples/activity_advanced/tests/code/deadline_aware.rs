//! The promises of `deadline_aware_activity`, and of the workflow that has something to show in any case.

use activity_advanced::activities::deadline_aware::{ItemsResult, MARGIN};
use activity_advanced::fakes::item_queue::ItemQueue;
use activity_advanced::stops::{items, simulation};
use durasim::{Dialect, Run, Time};

#[track_caller]
fn run(workflow: &str, plan: &str) -> Run {
    let simulation = simulation(Dialect::Temporal).plan(plan.parse().unwrap());
    let run = simulation.run(workflow, &items()).unwrap();
    assert_eq!(run.not_fired(), []);
    run
}

fn result(run: &Run) -> ItemsResult {
    run.result().unwrap()
}

#[test]
fn without_faults_it_does_at_least_5_items_and_stops_in_time() {
    for workflow in ["deadline_aware", "deadline_aware_with_retries"] {
        let run = run(workflow, "v1");
        let result = result(&run);
        assert!(result.items_done >= 5 && result.stopped_before_deadline && result.is_right(), "{result:?}");
        assert!(run.virtual_time() < Time::from_millis(5000 - MARGIN.as_millis() as u64), "{}", run.virtual_time());
    }
}

#[test]
fn a_retry_resumes_and_reports_what_both_did() {
    let run = run("deadline_aware_with_retries", "deadline_aware_activity#1@1:await4=fail");
    let result = result(&run);
    assert_eq!(run.activities()[0].attempts.len(), 2);
    assert!(result.items_done >= 5 && result.is_right(), "{result:?}");
    assert_eq!(run.state::<ItemQueue>().processed.len(), result.items_done as usize);
}

#[test]
fn a_missed_deadline_reports_what_the_last_heartbeat_says() {
    let run = run("deadline_aware", "deadline_aware_activity#1@1:await5=stall(3s)");
    let result = result(&run);
    assert_eq!((result.items_done, result.stopped_before_deadline), (4, true));
    assert!(result.is_right());
}

#[test]
fn an_attempt_that_does_not_begin_in_time_is_not_retried() {
    let run = run("deadline_aware_with_retries", "deadline_aware_activity#1@1:dispatch=delayed(1s)");
    assert_eq!(run.activities()[0].attempts.len(), 0);
    assert_eq!(result(&run).items_done, 0);
}
