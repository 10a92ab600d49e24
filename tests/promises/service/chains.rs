//! Runs that follow each other under one id, and ids that are taken.

use super::*;
use durasim::internals::StartAnswer;
use durasim::program::{
    Carried, ChildSpec, ContinueAsNew, Fields, IdConflictPolicy, IdReusePolicy, Initiator, ParentClosePolicy, RunInfo,
};
use durasim::service::Child;

impl Bench {
    fn start(&mut self, start: StartWorkflow) -> Result<StartAnswer, Refused> {
        let answer = self.service.start_workflow(start, self.now);
        self.drain();
        answer
    }

    /// A workflow that starts with these options, instead of the one that there is.
    fn started(start: StartWorkflow) -> Bench {
        let mut bench = Bench::new(0, 0);
        bench.workflow = bench.start(start).unwrap().run();
        bench
    }

    /// Goes on with the run that follows.
    fn follow(&mut self) -> RunInfo {
        self.workflow = self.service.workflow(self.workflow).successor().expect("another run follows");
        RunInfo::clone(self.info())
    }

    fn info(&self) -> &RunInfo {
        self.service.workflow(self.workflow).info()
    }

    /// Lets all messages between workflows arrive.
    fn deliver(&mut self) {
        while let Some(message) = self.service.outbox.messages.pop_front() {
            self.service.deliver(message, self.now);
        }
        self.drain();
    }

    /// The time at which the first workflow task of the run is scheduled, in milliseconds.
    fn first_task_at(&mut self) -> u64 {
        self.until(100_000);
        let is_task = |event: &&HistoryEvent| matches!(event.kind, EventKind::WorkflowTaskScheduled { .. });
        let task = self.service.history(self.workflow).iter().find(is_task).expect("a task");
        task.at.as_nanos() / 1_000_000
    }

    fn closed_as(&self) -> (RetryState, bool) {
        let run = self.service.workflow(self.workflow);
        match run.outcome().expect("closed") {
            WorkflowOutcome::Failed { retry_state, .. } | WorkflowOutcome::TimedOut { retry_state } => {
                (*retry_state, run.successor().is_some())
            }
            other => panic!("{other:?}"),
        }
    }
}

fn other() -> StartWorkflow {
    StartWorkflow::new("other", "Script", "q", Payload::new(b"1"))
}

fn retried(initial: i64, attempts: i32) -> StartWorkflow {
    let policy = RetrySpec::default().initial_interval(Span::from_millis(initial)).maximum_attempts(attempts);
    StartWorkflow { retry: Some(policy), ..other() }
}

fn fail(failure: Failure) -> [Command; 1] {
    [Command::Fail(Arc::new(failure))]
}

fn next(input: &str) -> ContinueAsNew {
    ContinueAsNew::new(Payload::new(input))
}

/// `wf_continue_as_new`: the next first task comes no sooner than 1 s after the one before;
/// `wf_continue_as_new_after_1200`: then there is no delay.
#[test]
fn runs_of_a_chain_are_at_least_a_second_apart() {
    for (age, first_task) in [(200, 1_000), (999, 1_000), (1_200, 1_200)] {
        let mut bench = Bench::started(other());
        bench.until(age);
        bench.answer(&[Command::ContinueAsNew(Arc::new(next("2")))]).unwrap();
        assert_eq!(bench.service.workflow(bench.workflow).outcome(), Some(&WorkflowOutcome::ContinuedAsNew));
        let info = bench.follow();
        assert_eq!((&*info.run_id, info.continued_run_id.as_deref()), ("other:2", Some("other")));
        assert_eq!((&*info.first_run_id, info.initiator, info.attempt), ("other", Some(Initiator::Workflow), 1));
        assert_eq!(bench.service.workflow(bench.workflow).input(), &Payload::new("2"));
        assert_eq!(bench.first_task_at(), first_task, "{age}");
    }
}

#[test]
fn a_chain_keeps_the_options_that_are_not_given_anew() {
    let mut bench = Bench::started(StartWorkflow {
        run_timeout: Span::from_secs(50),
        task_timeout: Span::from_secs(5),
        ..retried(100, 3)
    });
    bench.answer(&[Command::ContinueAsNew(Arc::new(next("2")))]).unwrap();
    let before = bench.info().clone();
    let info = bench.follow();
    assert_eq!(
        (info.run_timeout, info.task_timeout, &info.retry, &info.workflow_type),
        (before.run_timeout, before.task_timeout, &before.retry, &before.workflow_type)
    );
    bench.until(2_000);
    let other = next("3")
        .workflow_type("Other")
        .task_queue("far")
        .run_timeout(Span::from_secs(9))
        .task_timeout(Span::from_secs(2))
        .retry(RetrySpec::default().maximum_attempts(7));
    bench.answer(&[Command::ContinueAsNew(Arc::new(other))]).unwrap();
    let info = bench.follow();
    assert_eq!((&*info.workflow_type, &*info.task_queue), ("Other", "far"));
    assert_eq!((info.run_timeout, info.task_timeout), (Span::from_secs(9), Span::from_secs(2)));
    assert_eq!(info.retry.map(|retry| retry.maximum_attempts), Some(7));
}

/// `wf_continue_as_new_signal`
#[test]
fn a_signal_during_the_task_that_continues_makes_it_another_one() {
    let mut bench = Bench::started(other());
    let task = bench.take_task();
    bench.service.signal(bench.workflow, "late".into(), Payload::new("1"), bench.now).unwrap();
    let commands = [Command::ContinueAsNew(Arc::new(next("2")))];
    assert_eq!(&*bench.complete_task(task, &commands).unwrap_err().message, "UnhandledCommand");
    bench.answer(&commands).unwrap();
    assert!(bench.service.workflow(bench.workflow).successor().is_some());
}

#[test]
fn a_bad_next_run_fails_the_task() {
    for next in [
        next("2").run_timeout(Span::from_secs(-1)),
        next("2").task_timeout(Span::from_secs(-1)),
        next("2").retry(RetrySpec::default().backoff_coefficient(0.5)),
    ] {
        let mut bench = Bench::started(other());
        let refused = bench.answer(&[Command::ContinueAsNew(Arc::new(next))]).unwrap_err();
        assert!(refused.message.starts_with("BadContinueAsNewAttributes: "), "{refused}");
        assert!(bench.service.workflow(bench.workflow).is_open());
    }
}

/// `wf_fail_retry_policy`, `wf_fail_retry_next_delay`, `wf_fail_retry_after_1200`, `wf_fail_retry_1500`
#[test]
fn a_failed_run_is_retried_by_its_policy() {
    let own_delay = |delay| {
        let mut failure = Failure::application("E", "no");
        if let FailureKind::Application { next_retry_delay, .. } = &mut failure.kind {
            *next_retry_delay = Some(Span::from_millis(delay));
        }
        failure
    };
    for (initial, age, failure, first_task) in [
        (300, 45, Failure::application("E", "no"), 1_000),
        (300, 45, own_delay(800), 1_000),
        (300, 1_200, Failure::application("E", "no"), 1_500),
        (1_500, 100, Failure::application("E", "no"), 1_600),
    ] {
        let mut bench = Bench::started(retried(initial, 2));
        bench.until(age);
        bench.answer(&fail(failure.clone())).unwrap();
        assert_eq!(bench.closed_as(), (RetryState::InProgress, true));
        let info = bench.follow();
        assert_eq!((info.attempt, info.initiator), (2, Some(Initiator::Retry)));
        assert_eq!(info.last_failure.as_deref(), Some(&failure));
        assert_eq!(bench.service.workflow(bench.workflow).input(), &Payload::new("1"));
        assert_eq!(bench.first_task_at(), first_task, "{initial} {age}");
        bench.answer(&fail(failure)).unwrap();
        assert_eq!(bench.closed_as(), (RetryState::MaximumAttemptsReached, false));
    }
}

#[test]
fn a_run_is_not_retried_for_these_reasons() {
    let mut final_failure = Failure::application("E", "no");
    if let FailureKind::Application { non_retryable, .. } = &mut final_failure.kind {
        *non_retryable = true;
    }
    let chain_ends = StartWorkflow { execution_timeout: Span::from_secs(1), ..retried(5_000, 0) };
    for (start, failure, state) in [
        (other(), Failure::application("E", "no"), RetryState::RetryPolicyNotSet),
        (retried(100, 0), final_failure, RetryState::NonRetryableFailure),
        (chain_ends, Failure::application("E", "no"), RetryState::Timeout),
    ] {
        let mut bench = Bench::started(start);
        bench.answer(&fail(failure)).unwrap();
        assert_eq!(bench.closed_as(), (state, false));
    }
}

/// `wf_timeout_retry_policy`: the timeout of the new run counts after its backoff.
/// `wf_exec_timeout_retry_policy`: the timeout of the chain spans its runs, and ends it.
#[test]
fn run_timeouts_are_retried_and_the_chains_is_not() {
    let mut bench = Bench::started(StartWorkflow { run_timeout: Span::from_millis(400), ..retried(300, 0) });
    bench.until(400);
    assert_eq!(bench.closed_as(), (RetryState::InProgress, true));
    bench.follow();
    bench.until(1_399);
    assert!(bench.service.workflow(bench.workflow).is_open());
    bench.until(1_400);
    assert_eq!(bench.closed_as(), (RetryState::InProgress, true));

    let start = StartWorkflow {
        run_timeout: Span::from_millis(700),
        execution_timeout: Span::from_millis(1_200),
        ..retried(100, 0)
    };
    let mut bench = Bench::started(start);
    bench.until(700);
    assert_eq!(bench.closed_as(), (RetryState::InProgress, true));
    bench.follow();
    bench.until(1_200);
    assert_eq!(bench.closed_as(), (RetryState::Timeout, false));
}

/// `wf_start_delay`, `wf_start_delay_signal`: a signal does not wake a workflow that waits for its first task. A cancel
/// request does, and so the workflow may cancel itself before its time.
#[test]
fn a_delayed_start_is_woken_by_a_cancel_alone() {
    let delayed = || Bench::started(StartWorkflow { start_delay: Span::from_millis(1_500), ..other() });
    let mut bench = delayed();
    bench.until(400);
    bench.service.signal(bench.workflow, "s".into(), Payload::new("1"), bench.now).unwrap();
    bench.drain();
    assert!(!bench.service.workflow(bench.workflow).has_task());
    assert_eq!(bench.first_task_at(), 1_500);
    let mut bench = delayed();
    bench.until(400);
    bench.service.request_cancel(bench.workflow, "".into(), bench.now).unwrap();
    bench.drain();
    assert_eq!(bench.first_task_at(), 400);
    bench.answer(&[Command::Cancelled(Details::Absent)]).unwrap();
    bench.until(3_000);
    assert_eq!(bench.events().iter().filter(|event| *event == "WorkflowTaskScheduled").count(), 1);
}

/// `wf_start_duplicate_running`, `wf_start_duplicate_closed`
#[test]
fn an_id_that_is_taken() {
    let mut bench = Bench::started(other());
    let first = bench.workflow;
    let refused = bench.start(other()).unwrap_err();
    let already = "Workflow execution is already running. WorkflowId: other, RunId: other.";
    assert_eq!((refused.code, &*refused.message), (Code::AlreadyExists, already));
    let existing = StartWorkflow { id_conflict: IdConflictPolicy::UseExisting, ..other() };
    assert_eq!(bench.start(existing.clone()), Ok(StartAnswer::Existing(first)));
    let terminating = StartWorkflow { id_conflict: IdConflictPolicy::TerminateExisting, ..other() };
    let second = bench.start(terminating).unwrap();
    assert!(matches!(second, StartAnswer::New(run) if run != first));
    assert!(matches!(bench.service.workflow(first).outcome(), Some(WorkflowOutcome::Terminated { .. })));
    bench.workflow = second.run();
    bench.answer(&[Command::Complete(Payload::new("1"))]).unwrap();
    // The newest run has completed.
    for (policy, why) in [
        (IdReusePolicy::RejectDuplicate, ". WorkflowId"),
        (IdReusePolicy::AllowDuplicateFailedOnly, " successfully. WorkflowId"),
    ] {
        let refused = bench.start(StartWorkflow { id_reuse: policy, ..existing.clone() }).unwrap_err();
        assert_eq!(refused.code, Code::AlreadyExists);
        assert!(refused.message.contains(why), "{refused}");
    }
    bench.workflow = bench.start(other()).unwrap().run();
    bench.answer(&fail(Failure::application("E", "no"))).unwrap();
    bench.start(StartWorkflow { id_reuse: IdReusePolicy::AllowDuplicateFailedOnly, ..other() }).unwrap();
    assert_eq!(bench.service.newest_run("other").map(|run| bench.service.workflow(run).number()), Some(4));
}

#[test]
fn a_start_that_makes_no_sense_is_refused() {
    let negative = Span::from_secs(-1);
    for start in [
        StartWorkflow { run_timeout: negative, ..other() },
        StartWorkflow { execution_timeout: negative, ..other() },
        StartWorkflow { task_timeout: negative, ..other() },
        StartWorkflow { start_delay: negative, ..other() },
        StartWorkflow { retry: Some(RetrySpec::default().maximum_attempts(-1)), ..other() },
    ] {
        let mut bench = Bench::new(0, 0);
        let refused = bench.start(start).unwrap_err();
        assert_eq!(refused.code, Code::InvalidArgument, "{refused}");
        assert_eq!(bench.service.newest_run("other"), None);
    }
}

/// `wf_exec_timeout_activity_pending`, `wf_continue_as_new_exec_timeout`: the timeout of the chain is the longest that a
/// run, and with it a workflow task and an activity, may have.
#[test]
fn the_timeout_of_a_chain_clips_that_of_its_runs() {
    let timeouts = |run: i64, execution: i64| {
        let (run_timeout, execution_timeout) = (Span::from_millis(run), Span::from_millis(execution));
        let mut bench = Bench::started(StartWorkflow { run_timeout, execution_timeout, ..other() });
        let times = |info: &RunInfo| (info.run_timeout, info.task_timeout);
        let first = times(bench.info());
        let longer = next("2").run_timeout(Span::from_millis(5_000));
        bench.answer(&[Command::ContinueAsNew(Arc::new(longer))]).unwrap();
        (first, times(&bench.follow()))
    };
    let both = |millis: i64| (Span::from_millis(millis), Span::from_millis(millis));
    assert_eq!(timeouts(0, 900), (both(900), both(900)));
    assert_eq!(timeouts(2_000, 900), (both(900), both(900)));
    let longer = (Span::from_millis(900), Span::from_millis(400));
    assert_eq!(timeouts(400, 900), (both(400), longer));
}

/// `wf_child_cancel_abandon`, `wf_child_pcp_request_cancel`: a parent that has closed shows for ever the children that it
/// had then, since nobody tells it how they end.
#[test]
fn a_closed_parent_hears_nothing_of_its_child() {
    for closes_first in [true, false] {
        let mut bench = Bench::new(0, 0);
        let spec = ChildSpec::new("child", "Script", Payload::new(b"1"));
        let spec = Arc::new(spec.parent_close_policy(ParentClosePolicy::Abandon));
        bench.answer(&[Command::StartChild { seq: 1, spec }]).unwrap();
        bench.deliver();
        let child = bench.service.workflow(bench.workflow).child(1).and_then(Child::run).expect("it has started");
        if closes_first {
            bench.service.terminate(bench.workflow, "".into(), bench.now).unwrap();
        }
        bench.service.terminate(child, "".into(), bench.now).unwrap();
        bench.deliver();
        let child = bench.service.workflow(bench.workflow).child(1).expect("it was asked for");
        assert_eq!(child.is_open(), closes_first);
    }
}

/// A child has what its spec says, a run that continues another one what its command says.
#[test]
fn what_runs_carry_is_handed_on() {
    let of = |name: &str| {
        let fields = || Fields::from([(name.into(), Payload::new("1"))]);
        Carried::default().headers(fields()).memo(fields()).search_attributes(fields())
    };
    let mut bench = Bench::started(StartWorkflow { carried: of("first"), ..other() });
    assert_eq!(bench.service.workflow(bench.workflow).info().carried, of("first"));
    let spec = ChildSpec::new("child", "Script", Payload::new("1")).carrying(of("child"));
    let spec = Arc::new(spec.parent_close_policy(ParentClosePolicy::Abandon));
    bench.answer(&[Command::StartChild { seq: 1, spec }]).unwrap();
    bench.deliver();
    let child = bench.service.workflow(bench.workflow).child(1).and_then(Child::run).expect("it has started");
    assert_eq!(bench.service.workflow(child).info().carried, of("child"));
    for (next, carried) in [(next("2"), Carried::default()), (next("3").carrying(of("next")), of("next"))] {
        let mut bench = Bench::started(StartWorkflow { carried: of("first"), ..other() });
        bench.answer(&[Command::ContinueAsNew(Arc::new(next))]).unwrap();
        let successor = bench.service.workflow(bench.workflow).successor().expect("it goes on");
        assert_eq!(bench.service.workflow(successor).info().carried, carried);
    }
}
