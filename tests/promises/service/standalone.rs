//! Activities without a workflow.

use durasim::internals::{StartActivity, StartAnswer};
use durasim::program::{IdConflictPolicy, IdReusePolicy};

use super::*;

/// A service with one activity without a workflow, which stands for `bench.workflow`.
fn bench(spec: ActivitySpec) -> Bench {
    let mut bench = Bench {
        service: Service::new(),
        workflow: WorkflowKey::FIRST,
        now: Time::ZERO,
        timers: Vec::new(),
        next_rank: 0,
        ready: Vec::new(),
        news: Vec::new(),
    };
    bench.workflow = bench.service.start_activity(start("a", spec), Time::ZERO).unwrap().run();
    bench.drain();
    bench
}

fn start(id: &str, spec: ActivitySpec) -> StartActivity {
    StartActivity {
        activity_id: id.into(),
        spec: Arc::new(spec),
        task_queue: "q".into(),
        id_reuse: IdReusePolicy::default(),
        id_conflict: IdConflictPolicy::default(),
    }
}

fn refused(code: Code, message: &'static str) -> Refused {
    Refused { code, message: message.into() }
}

impl Bench {
    fn ended(&self) -> Option<&WorkflowOutcome> {
        self.service.workflow(self.workflow).outcome()
    }
}

#[test]
fn ids_of_workflows_and_of_activities_are_apart() {
    let mut bench = bench(spec(0, 5000, 0));
    let workflow = StartWorkflow::new("a", "Script", "q", Payload::new(b""));
    let workflow = bench.service.start_workflow(workflow, bench.now).unwrap().run();
    assert_ne!(workflow, bench.workflow);
    assert_eq!(bench.service.newest_run("a"), Some(workflow));
    assert_eq!(bench.service.newest_standalone("a"), Some(bench.workflow));
    // Runs of one id are told apart by their numbers.
    let numbers = [bench.workflow, workflow].map(|run| bench.service.workflow(run).number());
    assert_eq!(numbers, [1, 2]);
    let ids = [bench.workflow, workflow].map(|run| bench.service.workflow(run).info().run_id.to_string());
    assert_eq!(ids, ["a", "a:2"]);
    assert_eq!(bench.service.newest_standalone("b"), None);
}

/// `sa_duplicate_start`
#[test]
fn an_id_is_taken_as_its_policies_say() {
    let taken = Err(refused(Code::AlreadyExists, "activity execution already started"));
    for (ends, reuse, is_free) in [
        ("open", IdReusePolicy::AllowDuplicate, false),
        ("completed", IdReusePolicy::AllowDuplicate, true),
        ("completed", IdReusePolicy::AllowDuplicateFailedOnly, false),
        ("completed", IdReusePolicy::RejectDuplicate, false),
        ("terminated", IdReusePolicy::AllowDuplicateFailedOnly, true),
        ("terminated", IdReusePolicy::RejectDuplicate, false),
    ] {
        let mut bench = bench(spec(0, 5000, 0));
        let first = bench.workflow;
        match ends {
            "completed" => {
                let (token, _) = bench.take(1);
                bench.service.complete(token, Payload::new("1"), bench.now).unwrap();
            }
            "terminated" => bench.service.terminate(first, "no".into(), bench.now).unwrap(),
            _ => {}
        }
        let again = StartActivity { id_reuse: reuse, ..start("a", spec(0, 5000, 0)) };
        let answer = bench.service.start_activity(again, bench.now);
        match (is_free, answer) {
            (true, Ok(StartAnswer::New(run))) => assert_eq!(bench.service.newest_standalone("a"), Some(run)),
            (false, answer) => assert_eq!(answer, taken, "{ends} {reuse}"),
            (true, answer) => panic!("{ends} {reuse}: {answer:?}"),
        }
    }
    let mut bench = bench(spec(0, 5000, 0));
    let first = bench.workflow;
    let again = StartActivity { id_conflict: IdConflictPolicy::UseExisting, ..start("a", spec(0, 5000, 0)) };
    assert_eq!(bench.service.start_activity(again, bench.now), Ok(StartAnswer::Existing(first)));
}

#[test]
fn starts_that_make_no_sense_are_refused() {
    let mut service = Service::new();
    let ok = spec(0, 5000, 0);
    let terminating = StartActivity { id_conflict: IdConflictPolicy::TerminateExisting, ..start("a", ok.clone()) };
    let retry = RetrySpec::default().backoff_coefficient(0.5);
    for (start, words) in [
        (start("", ok.clone()), "activity ID is required"),
        (terminating, "unsupported ID conflict policy: TerminateExisting"),
        (start("a", ok.retry(retry)), "BackoffCoefficient cannot be less than 1 on retry policy."),
        (
            start("a", spec(0, 0, 0)),
            "a valid StartToCloseTimeout or ScheduleToCloseTimeout must be set on the activity. ActivityId=a ActivityType=act",
        ),
    ] {
        assert_eq!(service.start_activity(start, Time::ZERO), Err(refused(Code::InvalidArgument, words)));
    }
    assert_eq!(service.newest_standalone("a"), None);
    let mut cadence = Service::with_dialect(Dialect::Cadence);
    let answer = cadence.start_activity(start("a", spec(1000, 5000, 0)), Time::ZERO);
    let words = "Cadence has no activities without a workflow";
    assert_eq!(answer, Err(refused(Code::InvalidArgument, words)));
}

/// `sa_cancel_before_start`: the reason is in the details.
#[test]
fn an_activity_that_does_not_run_is_cancelled_at_once() {
    for in_backoff in [false, true] {
        let mut bench = bench(spec(0, 5000, 0));
        if in_backoff {
            let (token, _) = bench.take(1);
            bench.fail(token, boom()).unwrap();
        }
        bench.service.request_cancel(bench.workflow, "no \"more\"".into(), bench.now).unwrap();
        assert_eq!(bench.ended(), Some(&WorkflowOutcome::Canceled(text(r#""no \"more\"""#))));
        let again = bench.service.request_cancel(bench.workflow, "".into(), bench.now);
        assert_eq!(again, Err(refused(Code::FailedPrecondition, "activity is in terminal state: cancelled")));
    }
}

#[test]
fn a_second_request_to_cancel_is_refused() {
    let mut bench = bench(spec(0, 5000, 0));
    let (token, _) = bench.take(1);
    bench.service.request_cancel(bench.workflow, "first".into(), bench.now).unwrap();
    let again = bench.service.request_cancel(bench.workflow, "second".into(), bench.now);
    assert_eq!(again, Err(refused(Code::FailedPrecondition, "cancellation already requested")));
    assert_eq!(bench.service.workflow(bench.workflow).cancel_reason().map(|reason| &**reason), Some("first"));
    assert!(bench.beat(token, text("1")).unwrap().cancel_requested);
}

/// `sa_stale_token`, `sa_terminate`
#[test]
fn calls_for_what_is_gone_name_the_activity() {
    let gone = || Err(refused(Code::NotFound, "activity not found for ID: a"));
    let mut stale = bench(spec(0, 5000, 0));
    let (first, _) = stale.take(1);
    stale.fail(first, boom()).unwrap();
    let mut ended = bench(spec(0, 5000, 0));
    ended.take(1);
    ended.service.terminate(ended.workflow, "no".into(), ended.now).unwrap();
    for bench in [&mut stale, &mut ended] {
        let id = ActivityId::Named("a".into());
        let (run, now) = (bench.workflow, bench.now);
        assert_eq!(bench.beat(first, text("1")).map(|_| ()), gone());
        assert_eq!(bench.service.complete(first, Payload::new("1"), now), gone());
        assert_eq!(bench.service.fail_by_id(run, &id, boom().map(Arc::new), None, now), gone());
        assert_eq!(bench.service.cancel_by_id(run, &id, Details::Absent, now), gone());
    }
    let (run, now) = (ended.workflow, ended.now);
    assert_eq!(ended.service.complete_by_id(run, &ActivityId::Named("a".into()), Payload::new("1"), now), gone());
    let again = ended.service.terminate(run, "".into(), now);
    assert_eq!(again, Err(refused(Code::FailedPrecondition, "activity is in terminal state: terminated: no")));
    // It completes in backoff, by id.
    let run = stale.workflow;
    stale.service.complete_by_id(run, &ActivityId::Named("a".into()), Payload::new("7"), stale.now).unwrap();
    assert_eq!(stale.ended(), Some(&WorkflowOutcome::Completed(Payload::new("7"))));
}

/// `sa_s2c_while_attempt2_running`: a deadline is told by its own name.
#[test]
fn a_deadline_is_told_by_its_own_name() {
    let mut bench = bench(spec(1000, 700, 0));
    bench.take(1);
    bench.until(900);
    let (second, _) = bench.take(2);
    assert_eq!(second.attempt, 2);
    bench.until(1000);
    let (timeout, state, failure) = timed_out(bench.outcome());
    assert_eq!((timeout, state), (TimeoutType::ScheduleToClose, RetryState::Timeout));
    assert_eq!(&*failure.message, "activity ScheduleToClose timeout");
    assert!(matches!(bench.ended(), Some(WorkflowOutcome::Failed { .. })));
}

/// A retry has to begin before the end, and a delay of zero is none: both are otherwise in a workflow.
#[test]
fn retries_are_decided_a_little_differently() {
    // The backoff of 200 ms ends exactly with the activity.
    for (ends, retries) in [(200, false), (201, true)] {
        let mut bench = bench(spec(ends, 0, 0));
        let (token, _) = bench.take(1);
        bench.fail(token, boom()).unwrap();
        assert_eq!(bench.ended().is_none(), retries, "{ends}");
    }
    let mut bench = bench(spec(0, 5000, 0));
    let (token, _) = bench.take(1);
    let mut failure = Failure::application("MyError", "boom");
    if let FailureKind::Application { next_retry_delay, .. } = &mut failure.kind {
        *next_retry_delay = Some(Span::ZERO);
    }
    bench.fail(token, Some(failure)).unwrap();
    let activity = bench.service.activity(bench.key(1));
    assert_eq!(activity.next_attempt_at(), Some(Time::from_millis(200)));
    // It is what the attempt reported all the same.
    assert!(format!("{:?}", activity.last_failure()).contains("next_retry_delay: Some"));
}

#[test]
fn its_code_sees_no_workflow_and_its_run_has_no_tasks() {
    let mut bench = bench(spec(0, 5000, 0));
    let (token, task) = bench.take(1);
    assert_eq!((task.info.workflow_id(), task.info.workflow_type(), task.info.task_queue()), ("", "", "q"));
    assert_eq!(task.info.run_id(), "a");
    bench.service.complete(token, Payload::new("1"), bench.now).unwrap();
    bench.drain();
    assert_eq!(bench.ended(), Some(&WorkflowOutcome::Completed(Payload::new("1"))));
    assert!(!bench.ready.iter().any(|ready| matches!(ready, Ready::Workflow { .. })));
    assert_eq!(bench.service.history(bench.workflow), []);
    assert_eq!(bench.service.workflow(bench.workflow).input(), &Payload::new(b"1"));
}
