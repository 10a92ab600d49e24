//! Workflow tasks, their commands, and the end of a run.

use super::*;

/// `cancel_wait_before_start`, `raw_cancel_same_task`
#[test]
fn cancelling_what_does_not_run_closes_it_behind_all_other_events() {
    let mut bench = Bench::with(spec(0, 5000, 0));
    bench.service.request_cancel(bench.workflow, "".into(), bench.now).unwrap();
    bench.drain();
    let timer = Command::StartTimer { seq: 1, duration: Span::from_secs(1) };
    bench.answer(&[Command::CancelActivity { seq: 1 }, timer]).unwrap();
    assert_eq!(
        bench.events_from(10),
        "ActivityTaskCancelRequested TimerStarted ActivityTaskCanceled WorkflowTaskScheduled"
    );
    let details = Details::Payload(Payload::from_json("ACTIVITY_ID_NOT_STARTED").unwrap());
    assert_eq!(*bench.outcome(), ActivityClose::Canceled { details });
    let again = bench.answer(&[Command::CancelActivity { seq: 1 }]).unwrap_err();
    assert_eq!(again.code, Code::InvalidArgument);
}

/// `cancel_try_cancel_before_start`
#[test]
fn a_workflow_that_closes_with_its_cancel_writes_no_cancelled_event() {
    let mut bench = Bench::with(spec(0, 5000, 0));
    bench.service.request_cancel(bench.workflow, "".into(), bench.now).unwrap();
    bench.drain();
    bench.answer(&[Command::CancelActivity { seq: 1 }, Command::Cancelled(Details::Absent)]).unwrap();
    assert_eq!(bench.events_from(10), "ActivityTaskCancelRequested WorkflowExecutionCanceled");
}

/// `raw_buffer_mixed`
#[test]
fn news_during_a_task_is_kept_back_and_activity_closes_come_last() {
    let mut bench = Bench::new(0, 0);
    let timer = |seq, millis| Command::StartTimer { seq, duration: Span::from_millis(millis) };
    bench.answer(&[schedule(1, spec(0, 5000, 0)), timer(1, 200), timer(2, 500)]).unwrap();
    let (first, _) = bench.take(1);
    bench.until(213);
    let task = bench.take_task();
    bench.until(421);
    bench.service.complete(first, Payload::new(b"ok"), bench.now).unwrap();
    bench.until(603);
    bench.service.request_cancel(bench.workflow, "".into(), bench.now).unwrap();
    bench.drain();
    assert_eq!(bench.events().len(), 10);
    bench.until(1022);
    bench.complete_task(task, &[]).unwrap();
    assert_eq!(
        bench.events_from(11),
        "WorkflowTaskCompleted ActivityTaskStarted TimerFired WorkflowExecutionCancelRequested \
         ActivityTaskCompleted WorkflowTaskScheduled"
    );
    let history = bench.service.history(bench.workflow);
    assert!(matches!(history[14].kind, EventKind::ActivityTaskCompleted { started_event_id: 12, .. }));
    assert_eq!(history[14].at, Time::from_millis(421));
}

/// `raw_cancel_request_during_wft`
#[test]
fn closing_without_having_seen_all_news_fails_the_task() {
    let mut bench = Bench::new(0, 0);
    let task = bench.take_task();
    bench.service.request_cancel(bench.workflow, "".into(), bench.now).unwrap();
    bench.drain();
    let complete = Command::Complete(Payload::new(b"1"));
    let refused = bench.complete_task(task, std::slice::from_ref(&complete)).unwrap_err();
    assert_eq!((refused.code, &*refused.message), (Code::InvalidArgument, "UnhandledCommand"));
    assert_eq!(bench.events_from(4), "WorkflowTaskFailed WorkflowExecutionCancelRequested WorkflowTaskScheduled");
    let task = bench.take_task();
    assert_eq!((task.attempt, task.previous_started_event_id, task.started_event_id), (1, 0, 7));
    bench.complete_task(task, &[complete]).unwrap();
    assert!(!bench.service.workflow(bench.workflow).is_open());
}

/// `raw_wft_timeout_x4`, `raw_wft_late_complete`
#[test]
fn repeated_attempts_at_a_workflow_task_leave_no_events() {
    let mut bench = Bench::new(0, 1000);
    let lost = bench.take_task();
    bench.until(1000);
    assert_eq!(bench.complete_task(lost, &[]), Err(Refused::TASK_GONE));
    assert_eq!(bench.service.take_workflow_task(bench.workflow, lost.token.stamp, bench.now), None);
    for end in [2000, 3000, 9000] {
        assert_eq!(bench.take_task().started_event_id, 6);
        bench.until(end);
    }
    assert_eq!(bench.events_from(4), "WorkflowTaskTimedOut");
    let task = bench.take_task();
    assert_eq!(task.attempt, 5);
    bench.complete_task(task, &[Command::Complete(Payload::new(b"1"))]).unwrap();
    assert_eq!(
        bench.events_from(5),
        "WorkflowTaskScheduled WorkflowTaskStarted WorkflowTaskCompleted WorkflowExecutionCompleted"
    );
    let scheduled = &bench.service.history(bench.workflow)[4];
    assert!(matches!(scheduled.kind, EventKind::WorkflowTaskScheduled { attempt: 5, .. }));
    assert_eq!(scheduled.at, Time::from_millis(9000));
}

/// `raw_only_s2s`, `wf_duplicate_activity_id`, `raw_complete_then_schedule`
#[test]
fn commands_that_make_no_sense_fail_the_task_as_a_whole() {
    let mut bench = Bench::new(0, 0);
    let bad = bench.answer(&[schedule(1, spec(0, 5000, 0)), schedule(2, spec(0, 0, 0))]).unwrap_err();
    assert_eq!(
        bad.message,
        "BadScheduleActivityAttributes: a valid StartToCloseTimeout or ScheduleToCloseTimeout must be set on the \
         activity. ActivityId=2 ActivityType=act"
    );
    assert_eq!(bench.events_from(4), "WorkflowTaskFailed");
    assert_eq!(bench.service.activities().count(), 0);

    let named = |seq| schedule(seq, spec(0, 5000, 0).activity_id("a"));
    let bad = bench.answer(&[named(1), named(2)]).unwrap_err();
    assert_eq!(
        bad.message,
        "ScheduleActivityDuplicateId: invalid history builder state for action: add-activitytask-scheduled-event, \
         ActivityID: a"
    );

    let task = bench.take_task();
    let commands = [Command::Complete(Payload::new(b"1")), named(1)];
    let bad = bench.complete_task(task, &commands).unwrap_err();
    assert_eq!(
        bad.message,
        "invalid command sequence: [CompleteWorkflowExecution, ScheduleActivityTask], command \
         CompleteWorkflowExecution must be the last command."
    );
    bench.complete_task(task, &commands[1..]).unwrap();
}

/// `wf_run_timeout_equals_clipped_s2c`, `wf_run_timeout_activity_pending`
#[test]
fn the_run_timeout_wins_over_what_was_clipped_to_it() {
    let mut bench = Bench::new(900, 0);
    bench.answer(&[schedule(1, spec(0, 5000, 3000))]).unwrap();
    let (first, _) = bench.take(1);
    bench.until(900);
    assert_eq!(bench.events_from(5), "ActivityTaskScheduled WorkflowExecutionTimedOut");
    assert_eq!(bench.beat(first, text("7")), Err(Refused::WORKFLOW_CLOSED));
    assert!(bench.service.activity(first.activity).outcome().is_none());
}

/// `raw_wft_fail_x3`, and news between two attempts.
#[test]
fn news_makes_a_repeated_task_a_first_attempt_again() {
    let mut bench = Bench::new(0, 0);
    let fail = |bench: &mut Bench| {
        let task = bench.take_task();
        let cause = TaskFailedCause::WorkflowWorkerUnhandledFailure;
        bench.service.fail_workflow_task(task.token, cause, "f".into(), bench.now).unwrap();
        bench.drain();
        task.attempt
    };
    assert_eq!([fail(&mut bench), fail(&mut bench), fail(&mut bench)], [1, 2, 3]);
    assert_eq!(bench.events_from(4), "WorkflowTaskFailed");
    bench.service.request_cancel(bench.workflow, "".into(), bench.now).unwrap();
    bench.drain();
    let task = bench.take_task();
    assert_eq!((task.attempt, task.started_event_id), (1, 7));
    assert_eq!(bench.events_from(5), "WorkflowExecutionCancelRequested WorkflowTaskScheduled WorkflowTaskStarted");
}

/// A timer that fires while the task that cancels it is open has not fired for its workflow.
#[test]
fn a_timer_can_be_cancelled_until_its_workflow_knows_that_it_fired() {
    let mut bench = Bench::new(0, 0);
    let timer = |seq, millis| Command::StartTimer { seq, duration: Span::from_millis(millis) };
    bench.answer(&[timer(1, 100), timer(2, 200)]).unwrap();
    bench.until(100);
    let task = bench.take_task();
    bench.until(200);
    bench.complete_task(task, &[Command::CancelTimer { seq: 2 }]).unwrap();
    assert_eq!(bench.events_from(11), "TimerCanceled");
    bench.service.request_cancel(bench.workflow, "".into(), bench.now).unwrap();
    bench.drain();
    let refused = bench.answer(&[Command::CancelTimer { seq: 2 }]).unwrap_err();
    assert!(refused.message.starts_with("BadCancelTimerAttributes"), "{refused}");
}

/// Nothing waits for the end of time.
#[test]
fn a_run_without_a_timeout_has_no_timer_for_it() {
    let of_run = |timer: &ServiceTimer| matches!(timer, ServiceTimer::RunTimeout { .. });
    let count = |bench: &Bench| bench.timers.iter().filter(|(_, _, timer)| of_run(timer)).count();
    assert_eq!([count(&Bench::new(0, 0)), count(&Bench::new(900, 0))], [0, 1]);
}

/// News that has arrived is written before the end, and the task that was open fails.
#[test]
fn the_run_timeout_ends_an_open_task() {
    let mut bench = Bench::new(900, 0);
    assert_eq!(bench.service.workflow(bench.workflow).run_timeout(), Span::from_millis(900));
    let task = bench.take_task();
    assert!(!bench.service.workflow(bench.workflow).cancel_requested());
    bench.service.request_cancel(bench.workflow, "".into(), bench.now).unwrap();
    assert!(bench.service.workflow(bench.workflow).cancel_requested());
    bench.until(900);
    assert_eq!(bench.events_from(4), "WorkflowTaskFailed WorkflowExecutionCancelRequested WorkflowExecutionTimedOut");
    assert_eq!(bench.complete_task(task, &[]), Err(Refused::WORKFLOW_CLOSED));
    assert!(bench.timers.iter().all(|(_, _, timer)| !bench.service.is_live(*timer)));
}
