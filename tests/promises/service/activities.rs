//! Attempts, deadlines, details, calls by id.

use durasim::internals::timeout::NOT_ENOUGH_TIME;

use super::*;

/// `retry_success_on_3`, `hb_details_silent_attempt_fail`
#[test]
fn retries_leave_no_events_and_details_survive_silent_attempts() {
    let mut bench = Bench::with(spec(0, 5000, 0));
    let (first, _) = bench.take(1);
    bench.beat(first, text("7")).unwrap();
    bench.fail(first, boom()).unwrap();
    bench.until(200);
    let (second, task) = bench.take(2);
    assert_eq!(task.heartbeat_details, text("7"));
    bench.fail(second, boom()).unwrap();
    bench.until(600);
    let (third, task) = bench.take(3);
    assert_eq!(task.heartbeat_details, text("7"));
    assert_eq!(bench.events_from(5), "ActivityTaskScheduled");
    bench.service.complete(third, Payload::new(b"ok"), bench.now).unwrap();
    assert_eq!(
        bench.events_from(5),
        "ActivityTaskScheduled ActivityTaskStarted ActivityTaskCompleted WorkflowTaskScheduled"
    );
    let history = bench.service.history(bench.workflow);
    let EventKind::ActivityTaskStarted { attempt, last_failure, .. } = &history[5].kind else { panic!() };
    assert_eq!((*attempt, last_failure.as_deref()), (3, boom().as_ref()));
    assert_eq!(history[5].at, Time::from_millis(600));
    assert!(matches!(history[6].kind, EventKind::ActivityTaskCompleted { started_event_id: 6, .. }));
}

/// `hb_details_absent_clears`
#[test]
fn a_heartbeat_without_details_erases_them() {
    let mut bench = Bench::with(spec(0, 5000, 0));
    let (first, _) = bench.take(1);
    bench.beat(first, text("7")).unwrap();
    bench.beat(first, Details::Absent).unwrap();
    bench.service.fail(first, None, None, bench.now).unwrap();
    bench.drain();
    bench.until(200);
    assert_eq!(bench.take(2).1.heartbeat_details, Details::Absent);
}

/// `retry_s2c_backoff_cut_after_stc_timeout`
#[test]
fn a_timeout_without_time_for_a_retry_is_reported_as_schedule_to_close_and_early() {
    let mut bench = Bench::with(spec(450, 300, 0));
    bench.take(1);
    bench.until(300);
    let (timeout, state, failure) = timed_out(bench.outcome());
    assert_eq!((timeout, state), (TimeoutType::ScheduleToClose, RetryState::Timeout));
    assert_eq!((&*failure.message, &failure.cause), (NOT_ENOUGH_TIME, &None));
}

/// `retry_s2c_exact_boundary`, `retry_s2c_cuts_backoff`
#[test]
fn a_failure_without_time_for_a_retry_keeps_its_name() {
    let mut bench = Bench::with(spec(200, 0, 0));
    let (first, _) = bench.take(1);
    bench.fail(first, boom()).unwrap();
    let retry_state = RetryState::Timeout;
    assert_eq!(*bench.outcome(), ActivityClose::Failed { failure: Arc::new(boom().unwrap()), retry_state });
}

/// `to_stc_fail_then_timeout`, `to_stc_details_in_failure`
#[test]
fn a_timeout_is_caused_by_the_failure_before_it_and_carries_details() {
    let retry = RetrySpec::default().maximum_attempts(2);
    let mut bench = Bench::with(spec(0, 300, 0).retry(retry));
    let (first, _) = bench.take(1);
    bench.beat(first, text("7")).unwrap();
    bench.fail(first, boom()).unwrap();
    bench.until(1000);
    bench.take(2);
    bench.until(1300);
    let (timeout, state, failure) = timed_out(bench.outcome());
    assert_eq!((timeout, state), (TimeoutType::StartToClose, RetryState::MaximumAttemptsReached));
    assert_eq!(failure.cause.as_deref(), boom().as_ref());
    let FailureKind::Timeout { last_heartbeat_details, .. } = &failure.kind else { panic!() };
    assert_eq!(*last_heartbeat_details, text("7"));
}

/// `hb_timer_many_fast`, `hb_timeout_measured_from_last`
#[test]
fn heartbeat_timers_are_lazy_and_exact() {
    let mut bench = Bench::with(spec(0, 5000, 100));
    let (first, _) = bench.take(1);
    for millis in [30, 60, 90, 120] {
        bench.until(millis);
        bench.beat(first, text("7")).unwrap();
    }
    let beats = |timer: &ServiceTimer| matches!(timer, ServiceTimer::Timeout { timeout: TimeoutType::Heartbeat, .. });
    assert_eq!(bench.timers.iter().filter(|(_, _, timer)| beats(timer)).count(), 1);
    bench.until(219);
    assert!(bench.service.activity(first.activity).started_at().is_some());
    bench.until(220);
    assert_eq!(bench.service.activity(first.activity).next_attempt_at(), Some(Time::from_millis(420)));
    let activity = first.activity;
    let timeout = TimeoutType::Heartbeat;
    assert_eq!(
        bench.news[bench.news.len() - 2..],
        [
            News::AttemptTimedOut { activity, attempt: 1, timeout },
            News::RetryScheduled { activity, attempt: 2, due: Time::from_millis(420) }
        ]
    );
}

/// `stale_hb_during_attempt2`, `stale_duplicate_fail_retry`, `stale_hb_after_wf_closed`
#[test]
fn tokens_are_bound_to_their_attempt() {
    let mut bench = Bench::with(spec(0, 5000, 0));
    let (first, _) = bench.take(1);
    bench.fail(first, boom()).unwrap();
    assert_eq!(bench.fail(first, boom()), Err(Refused::ACTIVITY_GONE));
    bench.until(200);
    let (second, _) = bench.take(2);
    assert_eq!(bench.beat(first, text("old")), Err(Refused::ACTIVITY_GONE));
    assert_eq!(*bench.service.activity(second.activity).details(), Details::Absent);
    bench.service.request_cancel(bench.workflow, "".into(), bench.now).unwrap();
    bench.drain();
    bench.answer(&[Command::Cancelled(Details::Absent)]).unwrap();
    assert_eq!(bench.beat(second, text("late")), Err(Refused::WORKFLOW_CLOSED));
}

/// `cancel_wait_fails_after`, `cancel_hb_flag_delay`
#[test]
fn after_a_cancel_request_nothing_is_retried() {
    let mut bench = Bench::with(spec(0, 5000, 0));
    let (first, _) = bench.take(1);
    assert_eq!(bench.service.cancel(first, Details::Absent, bench.now), Err(Refused::CANCEL_NOT_REQUESTED));
    bench.service.request_cancel(bench.workflow, "".into(), bench.now).unwrap();
    bench.drain();
    assert!(!bench.beat(first, text("7")).unwrap().cancel_requested);
    bench.answer(&[Command::CancelActivity { seq: 1 }]).unwrap();
    assert!(bench.beat(first, text("8")).unwrap().cancel_requested);
    bench.fail(first, boom()).unwrap();
    let retry_state = RetryState::CancelRequested;
    assert_eq!(*bench.outcome(), ActivityClose::Failed { failure: Arc::new(boom().unwrap()), retry_state });
}

/// `to_s2s_equal_s2c_explicit`, `to_stc_eq_s2c`, `to_stc_eq_hb`: clocks are armed in the order in which they start.
#[test]
fn timers_are_asked_for_in_the_order_of_their_clocks() {
    let mut bench = Bench::with(spec(1000, 0, 1000));
    bench.take(1);
    let kinds: Vec<TimeoutType> = bench
        .timers
        .iter()
        .filter_map(|(_, _, timer)| match timer {
            ServiceTimer::Timeout { timeout, .. } => Some(*timeout),
            _ => None,
        })
        .collect();
    assert_eq!(
        kinds,
        [TimeoutType::ScheduleToStart, TimeoutType::ScheduleToClose, TimeoutType::StartToClose, TimeoutType::Heartbeat]
    );
}

/// `limit_result_2_5m`, `limit_heartbeat_2_5m`
#[test]
fn too_large_is_accepted_and_fails_the_activity() {
    let big = vec![b'1'; 2_500_000];
    let message = |bench: &Bench| match bench.outcome() {
        ActivityClose::Failed { failure, retry_state: RetryState::NonRetryableFailure } => failure.message.clone(),
        other => panic!("{other:?}"),
    };
    let mut bench = Bench::with(spec(0, 5000, 0));
    let (first, _) = bench.take(1);
    bench.service.complete(first, Payload::new(&big), bench.now).unwrap();
    assert_eq!(&*message(&bench), "Complete result exceeds size limit.");

    let mut bench = Bench::with(spec(0, 5000, 0));
    let (first, _) = bench.take(1);
    assert!(bench.beat(first, Details::from(Some(&big[..]))).unwrap().cancel_requested);
    assert_eq!(&*message(&bench), "Heartbeat details exceed size limit.");
}

/// `byid_complete_before_start`, `byid_fail_before_start`
#[test]
fn completing_by_id_needs_no_running_attempt() {
    let mut bench = Bench::with(spec(0, 5000, 0));
    let id = bench.service.activity(bench.key(1)).id().clone();
    let refused = bench.service.fail_by_id(bench.workflow, &id, boom().map(Arc::new), None, bench.now);
    assert_eq!(refused, Err(Refused::ACTIVITY_GONE));
    bench.service.complete_by_id(bench.workflow, &id, Payload::new(b"ok"), bench.now).unwrap();
    assert_eq!(bench.events_from(6), "ActivityTaskStarted ActivityTaskCompleted WorkflowTaskScheduled");
    let again = bench.service.complete_by_id(bench.workflow, &id, Payload::new(b"ok"), bench.now);
    let words = again.unwrap_err().to_string();
    assert!(words.starts_with("NOT_FOUND: cannot find pending activity with ActivityID 1, check"), "{words}");
}

/// `hb_details_silent_attempt_timeout`: only the last timeout carries details.
#[test]
fn a_timeout_that_is_retried_is_stored_without_details() {
    let mut bench = Bench::with(spec(0, 5000, 100));
    let (first, _) = bench.take(1);
    bench.beat(first, text("7")).unwrap();
    bench.until(100);
    let stored = bench.service.activity(first.activity).last_failure().unwrap();
    let timeout_type = TimeoutType::Heartbeat;
    assert_eq!(stored.kind, FailureKind::Timeout { timeout_type, last_heartbeat_details: Details::Absent });
    bench.until(300);
    assert_eq!(bench.take(2).1.heartbeat_details, text("7"));
}

/// The clock must not be moved for the timers that an attempt before has left in the queue.
#[test]
fn timers_of_an_attempt_that_has_ended_are_stale() {
    let mut bench = Bench::with(spec(0, 1000, 500));
    let (first, _) = bench.take(1);
    let left: Vec<ServiceTimer> = bench.timers.iter().map(|(_, _, timer)| *timer).collect();
    let live = |bench: &Bench| left.iter().filter(|timer| bench.service.is_live(**timer)).count();
    // The workflow task's timeout is stale already.
    assert_eq!((left.len(), live(&bench)), (3, 2));
    bench.fail(first, boom()).unwrap();
    bench.until(200);
    assert_eq!(live(&bench), 0);
    bench.take(2);
    assert_eq!(live(&bench), 0);
}

/// `byid_heartbeat_backoff`, `byid_cancel_requested`
#[test]
fn a_heartbeat_by_id_is_one_of_the_attempt_that_runs() {
    let mut bench = Bench::with(spec(0, 5000, 100));
    let id = bench.service.activity(bench.key(1)).id().clone();
    let beat = |bench: &mut Bench| {
        let answer = bench.service.heartbeat_by_id(bench.workflow, &id, text("7"), bench.now, 0);
        bench.drain();
        answer
    };
    assert_eq!(beat(&mut bench), Err(Refused::ACTIVITY_GONE));
    let (first, _) = bench.take(1);
    bench.until(90);
    assert_eq!(beat(&mut bench), Ok(HeartbeatAnswer::default()));
    assert_eq!(*bench.service.activity(first.activity).details(), text("7"));
    bench.until(180);
    bench.service.request_cancel(bench.workflow, "".into(), bench.now).unwrap();
    bench.drain();
    bench.answer(&[Command::CancelActivity { seq: 1 }]).unwrap();
    assert!(beat(&mut bench).unwrap().cancel_requested);
    bench.fail(first, boom()).unwrap();
    let words = beat(&mut bench).unwrap_err().to_string();
    assert!(words.starts_with("NOT_FOUND: cannot find pending activity with ActivityID 1, check"), "{words}");
}

/// In backoff the clock of schedule-to-start has not begun; that of schedule-to-close runs over all attempts.
#[test]
fn a_backoff_has_the_overall_deadline_only() {
    let mut activity = spec(9000, 5000, 1000);
    activity.timeouts.schedule_to_start = Span::from_millis(700);
    let mut bench = Bench::with(activity);
    let deadlines = |bench: &Bench| {
        use TimeoutType::{Heartbeat, ScheduleToClose, ScheduleToStart, StartToClose};
        let activity = bench.service.activity(bench.key(1));
        let millis = |at: Time| at.as_nanos() / 1_000_000;
        [ScheduleToStart, ScheduleToClose, StartToClose, Heartbeat].map(|kind| activity.deadline(kind).map(millis))
    };
    bench.until(100);
    assert_eq!(deadlines(&bench), [Some(700), Some(9000), None, None]);
    let (first, _) = bench.take(1);
    assert_eq!(deadlines(&bench), [None, Some(9000), Some(5100), Some(1100)]);
    bench.fail(first, boom()).unwrap();
    assert_eq!(deadlines(&bench), [None, Some(9000), None, None]);
    bench.until(300);
    assert_eq!(deadlines(&bench), [Some(1000), Some(9000), None, None]);
}

/// An activity says of itself everything that its schedule said.
#[test]
fn an_activity_knows_its_command_and_its_schedule() {
    let mut bench = Bench::new(0, 0);
    bench.until(40);
    bench.answer(&[schedule(7, spec(1000, 0, 0))]).unwrap();
    assert!(bench.service.outbox.is_empty());
    let activity = bench.service.activity(bench.key(7));
    assert_eq!((activity.seq(), activity.scheduled_at()), (7, Time::from_millis(40)));
    assert_eq!(activity.timeouts().start_to_close, Span::from_secs(1));
    assert_eq!(bench.service.dialect(), Dialect::Temporal);
    assert_eq!(Service::with_dialect(Dialect::Cadence).dialect(), Dialect::Cadence);
}
