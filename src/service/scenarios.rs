//! Recorded scenarios, driven through the service by hand.

use std::sync::Arc;

use super::*;
use crate::instant::{Span, Time};
use crate::program::{
    ActivitySpec, ActivityTask, CancellationType, Command, Details, Failure, FailureKind, Payload, RetrySpec,
    RetryState, Seq, TimeoutType, Timeouts,
};

/// The service with a clock and a timer queue. A hand-over takes no time unless a test says so.
struct Bench {
    service: Service,
    workflow: WorkflowKey,
    now: Time,
    timers: Vec<(Time, Order, Timer)>,
    next_order: Order,
    ready: Vec<Ready>,
    news: Vec<News>,
}

fn text(text: &str) -> Details {
    Details::Payload(Payload::new(text))
}

fn start_with(run_timeout: u64, task_timeout: u64) -> StartWorkflow {
    StartWorkflow {
        workflow_id: "w".into(),
        run_id: "r".into(),
        workflow_type: "Script".into(),
        task_queue: "q".into(),
        input: Payload::new(b""),
        run_timeout: Span::from_millis(run_timeout as i64),
        task_timeout: Span::from_millis(task_timeout as i64),
        random_seed: 0,
    }
}

/// Timeouts in milliseconds: schedule-to-close, start-to-close, heartbeat. Retries after 200 ms, for ever.
fn spec(schedule_to_close: i64, start_to_close: i64, heartbeat: i64) -> ActivitySpec {
    ActivitySpec {
        activity_id: None,
        activity_type: "act".into(),
        task_queue: None,
        input: Payload::new(b"1"),
        timeouts: Timeouts {
            schedule_to_close: Span::from_millis(schedule_to_close),
            schedule_to_start: Span::ZERO,
            start_to_close: Span::from_millis(start_to_close),
            heartbeat: Span::from_millis(heartbeat),
        },
        retry: Some(RetrySpec { initial_interval: Span::from_millis(200), ..RetrySpec::default() }),
        cancellation: CancellationType::TryCancel,
    }
}

fn schedule(seq: Seq, spec: ActivitySpec) -> Command {
    Command::ScheduleActivity { seq, spec: Arc::new(spec) }
}

fn boom() -> Option<Failure> {
    Some(Failure::application("MyError", "boom"))
}

impl Bench {
    fn new(run_timeout: u64, task_timeout: u64) -> Bench {
        let mut service = Service::new();
        let workflow = service.start_workflow(start_with(run_timeout, task_timeout), Time::ZERO);
        let mut bench = Bench {
            service,
            workflow,
            now: Time::ZERO,
            timers: Vec::new(),
            next_order: 0,
            ready: Vec::new(),
            news: Vec::new(),
        };
        bench.drain();
        bench
    }

    /// With one activity, scheduled by the first workflow task.
    fn with(spec: ActivitySpec) -> Bench {
        let mut bench = Bench::new(0, 0);
        bench.answer(&[schedule(1, spec)]).unwrap();
        bench
    }

    fn drain(&mut self) {
        for request in self.service.outbox.timers.drain(..) {
            let order = request.order.unwrap_or(self.next_order);
            self.next_order += 1;
            self.timers.push((request.at, order, request.timer));
        }
        self.ready.append(&mut self.service.outbox.ready);
        self.news.append(&mut self.service.outbox.news);
    }

    /// Lets time pass, firing what is due.
    fn until(&mut self, millis: u64) {
        let end = Time::from_millis(millis);
        loop {
            let due = self.timers.iter().enumerate().min_by_key(|(_, (at, order, _))| (*at, *order));
            let Some((index, (at, _, timer))) = due.map(|(index, entry)| (index, *entry)) else {
                break;
            };
            if at > end {
                break;
            }
            self.timers.remove(index);
            if self.service.is_live(timer) {
                self.now = at;
                self.service.fire(timer, at);
                self.drain();
            }
        }
        self.now = end;
    }

    fn take_task(&mut self) -> WorkflowTask {
        let stamp = self.ready.iter().rev().find_map(|ready| match ready {
            Ready::Workflow { stamp, .. } => Some(*stamp),
            Ready::Activity { .. } => None,
        });
        let task = self.service.take_workflow_task(self.workflow, stamp.unwrap(), self.now).unwrap();
        self.drain();
        task
    }

    fn complete_task(&mut self, task: WorkflowTask, commands: &[Command]) -> Result<(), Refused> {
        let answer = self.service.complete_workflow_task(task.token, commands, self.now);
        self.drain();
        answer
    }

    fn answer(&mut self, commands: &[Command]) -> Result<(), Refused> {
        let task = self.take_task();
        self.complete_task(task, commands)
    }

    fn key(&self, seq: Seq) -> ActivityKey {
        self.service.workflow(self.workflow).activity(seq).unwrap()
    }

    fn take(&mut self, attempt: u32) -> (Token, ActivityTask) {
        let key = self.key(1);
        assert!(self.ready.contains(&Ready::Activity { activity: key, attempt }), "attempt {attempt} is not offered");
        let taken = self.service.take_activity_task(key, attempt, self.now).unwrap();
        self.drain();
        taken
    }

    fn beat(&mut self, token: Token, details: Details) -> Result<HeartbeatAnswer, Refused> {
        let order = self.next_order;
        self.next_order += 1;
        let answer = self.service.heartbeat(token, details, self.now, order);
        self.drain();
        answer
    }

    fn fail(&mut self, token: Token, failure: Option<Failure>) -> Result<(), Refused> {
        let answer = self.service.fail(token, failure, None, self.now);
        self.drain();
        answer
    }

    fn outcome(&self) -> &ActivityClose {
        self.service.activity(self.key(1)).outcome().expect("the activity is open")
    }

    /// Kinds of events by name, with the fields left out.
    fn events(&self) -> Vec<String> {
        let name = |event: &HistoryEvent| {
            let text = format!("{:?}", event.kind);
            text.split([' ', '{']).next().unwrap_or_default().to_string()
        };
        self.service.history(self.workflow).iter().map(name).collect()
    }

    fn events_from(&self, id: usize) -> String {
        self.events()[id - 1..].join(" ")
    }
}

fn timed_out(close: &ActivityClose) -> (TimeoutType, RetryState, &Failure) {
    match close {
        ActivityClose::TimedOut { failure, retry_state } => match &failure.kind {
            FailureKind::Timeout { timeout_type, .. } => (*timeout_type, *retry_state, failure),
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    }
}

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
    bench.fail(first, None).unwrap();
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
    assert_eq!((&*failure.message, &failure.cause), (timeout::NOT_ENOUGH_TIME, &None));
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
    let retry = Some(RetrySpec { maximum_attempts: 2, ..RetrySpec::default() });
    let mut bench = Bench::with(ActivitySpec { retry, ..spec(0, 300, 0) });
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
    let beats = |timer: &Timer| matches!(timer, Timer::Timeout { timeout: TimeoutType::Heartbeat, .. });
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

    let named = |seq| schedule(seq, ActivitySpec { activity_id: Some("a".into()), ..spec(0, 5000, 0) });
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

/// `to_s2s_equal_s2c_explicit`, `to_stc_eq_s2c`, `to_stc_eq_hb`: clocks are armed in the order in which they start.
#[test]
fn timers_are_asked_for_in_the_order_of_their_clocks() {
    let mut bench = Bench::with(spec(1000, 0, 1000));
    bench.take(1);
    let kinds: Vec<TimeoutType> = bench
        .timers
        .iter()
        .filter_map(|(_, _, timer)| match timer {
            Timer::Timeout { timeout, .. } => Some(*timeout),
            _ => None,
        })
        .collect();
    assert_eq!(
        kinds,
        [TimeoutType::ScheduleToStart, TimeoutType::ScheduleToClose, TimeoutType::StartToClose, TimeoutType::Heartbeat]
    );
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

/// `ops_pause_s2c`
#[test]
fn pausing_stops_the_clocks() {
    let mut bench = Bench::with(spec(1000, 0, 0));
    let key = bench.key(1);
    let (first, _) = bench.take(1);
    bench.fail(first, boom()).unwrap();
    bench.service.pause(key, bench.now);
    bench.until(3000);
    assert!(bench.service.activity(key).is_open());
    bench.service.unpause(key, Unpause::default(), bench.now);
    bench.drain();
    bench.until(3000);
    let (timeout, state, failure) = timed_out(bench.outcome());
    assert_eq!((timeout, state, &failure.cause), (TimeoutType::ScheduleToClose, RetryState::Timeout, &None));
}

/// `ops_reset_running`, rule row `trace/44`
#[test]
fn a_reset_waits_for_the_running_attempt() {
    let mut bench = Bench::with(spec(0, 5000, 0));
    let (first, _) = bench.take(1);
    bench.fail(first, boom()).unwrap();
    bench.until(200);
    let (second, _) = bench.take(2);
    bench.beat(second, text("7")).unwrap();
    bench.service.reset(second.activity, Reset { reset_heartbeat: true, keep_paused: false }, bench.now);
    assert!(bench.beat(second, text("8")).unwrap().activity_reset);
    assert_eq!(*bench.service.activity(second.activity).details(), text("8"));
    bench.fail(second, boom()).unwrap();
    let activity = bench.service.activity(second.activity);
    assert_eq!((activity.attempt(), activity.details()), (2, &Details::Absent));
    assert_eq!(activity.current_retry_interval(), Some(Span::from_millis(200)));
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
    let refused = bench.service.fail_by_id(bench.workflow, &id, boom(), None, bench.now);
    assert_eq!(refused, Err(Refused::ACTIVITY_GONE));
    bench.service.complete_by_id(bench.workflow, &id, Payload::new(b"ok"), bench.now).unwrap();
    assert_eq!(bench.events_from(6), "ActivityTaskStarted ActivityTaskCompleted WorkflowTaskScheduled");
    let again = bench.service.complete_by_id(bench.workflow, &id, Payload::new(b"ok"), bench.now);
    assert_eq!(again, Err(Refused::ACTIVITY_GONE));
}

/// What a cleared service does is what a new one does.
#[test]
fn nothing_of_a_run_is_left_in_the_next() {
    let run = |service: &mut Service| {
        let workflow = service.start_workflow(start_with(9000, 0), Time::ZERO);
        let task = service.take_workflow_task(workflow, 1, Time::ZERO).unwrap();
        let named = ActivitySpec { activity_id: Some("a".into()), ..spec(0, 5000, 0) };
        service.complete_workflow_task(task.token, &[schedule(1, named)], Time::ZERO).unwrap();
        let activity = service.workflow(workflow).activity(1).unwrap();
        let (token, _) = service.take_activity_task(activity, 1, Time::ZERO).unwrap();
        service.complete(token, Payload::new(b"ok"), Time::from_millis(1)).unwrap();
        (service.history(workflow).to_vec(), service.outbox.news.clone(), service.outbox.timers.clone())
    };
    let mut service = Service::new();
    let first = run(&mut service);
    service.clear();
    assert_eq!(run(&mut service), first);
}
