//! Children of workflows, and the runs of chains.

use super::*;
use durasim::program::{ChildSpec, ContinueAsNew, IdConflictPolicy, IdReusePolicy, Initiator, ParentClosePolicy};
use durasim::service::Child;

const FIRST_SEED: u64 = 0xABCD_EF00;

fn parent_started() -> StartWorkflow {
    StartWorkflow { random_seed: FIRST_SEED, ..StartWorkflow::new("parent", "Parent", "queue", Payload::new("1")) }
}

pub fn child() -> ChildSpec {
    ChildSpec::new("child", "Child", Payload::new("2"))
}

/// A parent that has asked for a child, which is on its way.
pub fn asked(spec: ChildSpec) -> Bench {
    let mut bench = Bench::new(0, 0);
    bench.until(5_000);
    bench.workflow = bench.service.start_workflow(parent_started(), bench.now).unwrap().run();
    bench.drain();
    bench.answer(&[Command::StartChild { seq: 1, spec: Arc::new(spec) }]).unwrap();
    bench
}

/// The same, once the child has started.
pub fn family(spec: ChildSpec) -> (Bench, WorkflowKey) {
    let mut bench = asked(spec);
    bench.arrive();
    let child = bench.child_of_parent().expect("it has started");
    (bench, child)
}

impl Bench {
    /// Lets all messages between workflows arrive.
    pub fn arrive(&mut self) {
        while let Some(message) = self.service.outbox.messages.pop_front() {
            self.service.deliver(message, self.now);
        }
        self.drain();
    }

    /// The run of the first child of the workflow.
    pub fn child_of_parent(&self) -> Option<WorkflowKey> {
        self.service.workflow(self.workflow).child(1).and_then(Child::run)
    }

    /// Answers the task of any workflow.
    pub fn answer_of(&mut self, workflow: WorkflowKey, commands: &[Command]) {
        let stamp = self.ready.iter().rev().find_map(|ready| match ready {
            Ready::Workflow { workflow: of, stamp } if *of == workflow => Some(*stamp),
            _ => None,
        });
        let task = self.service.take_workflow_task(workflow, stamp.expect("a task"), self.now).unwrap();
        self.complete_task(task, commands).unwrap();
    }

    fn last_event(&self) -> &EventKind {
        &self.service.history(self.workflow).last().expect("an event").kind
    }

    /// The event that came before the workflow task which it asked for.
    pub fn told(&self) -> &EventKind {
        let told = |event: &&HistoryEvent| !matches!(event.kind, EventKind::WorkflowTaskScheduled { .. });
        &self.service.history(self.workflow).iter().rfind(told).expect("an event").kind
    }
}

/// A workflow with the id `other` that has continued as new, and a sender with a task.
pub fn strangers() -> (Bench, [WorkflowKey; 2]) {
    let mut bench = Bench::new(0, 0);
    let start = |id: &str| StartWorkflow::new(id, "Other", "queue", Payload::new("1"));
    let first = bench.service.start_workflow(start("other"), bench.now).unwrap().run();
    bench.drain();
    let next = ContinueAsNew::new(Payload::new("2"));
    bench.answer_of(first, &[Command::ContinueAsNew(Arc::new(next))]);
    let second = bench.service.newest_in_chain(first);
    bench.workflow = bench.service.start_workflow(parent_started(), bench.now).unwrap().run();
    bench.drain();
    (bench, [first, second])
}

/// `wf_child_complete`
#[test]
fn a_child_knows_its_parent_and_has_the_options_that_it_was_given() {
    let retry = RetrySpec::default().maximum_attempts(7);
    let times = [20, 30, 5].map(Span::from_secs);
    let spec = child().run_timeout(times[0]).execution_timeout(times[1]).task_timeout(times[2]).retry(retry);
    let (bench, run) = family(spec);
    let info = bench.service.workflow(run).info();
    let parent = info.parent.as_ref().expect("a parent");
    assert_eq!((&*parent.workflow_id, &*parent.run_id, parent.initiated_event_id), ("parent", "parent", 5));
    assert_eq!([info.run_timeout, info.execution_timeout, info.task_timeout], times);
    assert_eq!(info.retry.as_ref().map(|retry| retry.maximum_attempts), Some(7));
    assert_eq!(
        (&*info.workflow_type, &*info.task_queue, info.started_at),
        ("Child", "queue", Time::from_millis(5_000))
    );
    assert_eq!(bench.service.workflow(run).input(), &Payload::new("2"));
    // The parent hears of it, and has a task.
    let EventKind::ChildWorkflowExecutionStarted { seq: 1, initiated_event_id: 5, run_id } = bench.told() else {
        panic!("{:?}", bench.told())
    };
    assert_eq!(&**run_id, "child");
    assert!(bench.service.workflow(bench.workflow).has_task());
}

/// Random numbers of one workflow say nothing of another's, and those of a simulation follow from its seed.
#[test]
fn every_run_has_a_seed_of_its_own() {
    let seeds = |first: u64| {
        let mut bench = Bench::new(0, 0);
        let start = StartWorkflow { random_seed: first, ..parent_started() };
        bench.workflow = bench.service.start_workflow(start, bench.now).unwrap().run();
        bench.drain();
        let spec = |id: &str| Arc::new(ChildSpec::new(id, "Child", Payload::new("2")));
        let children = [1, 2, 3].map(|seq| Command::StartChild { seq, spec: spec(&format!("child-{seq}")) });
        bench.answer(&children).unwrap();
        bench.arrive();
        let next = ContinueAsNew::new(Payload::new("2"));
        bench.answer_of(bench.workflow, &[Command::ContinueAsNew(Arc::new(next))]);
        let parent = bench.service.workflow(bench.workflow);
        let of_children = parent.children().iter().filter_map(|(_, child)| child.run());
        let runs = [Some(bench.workflow), parent.successor()].into_iter().flatten().chain(of_children);
        Vec::from_iter(runs.map(|run| bench.service.workflow(run).info().random_seed))
    };
    for first in [0, u64::MAX, FIRST_SEED] {
        let mut of_one = seeds(first);
        assert_eq!((of_one.len(), of_one[0]), (5, first));
        // Each is known by the first.
        let other = seeds(first ^ (1 << 63));
        assert!(of_one.iter().zip(&other).all(|(one, other)| one ^ other == 1 << 63), "{of_one:x?} {other:x?}");
        of_one.sort();
        of_one.dedup();
        assert_eq!(of_one.len(), 5, "{of_one:x?}");
    }
    let (bench, runs) = strangers();
    let [first, second] = runs.map(|run| bench.service.workflow(run).info().random_seed);
    assert_ne!(first, second);
}

/// `wf_child_id_conflict`; an id of a closed one is judged by the policy of the child.
#[test]
fn a_child_whose_id_is_taken_is_refused() {
    let start = |id: &str| StartWorkflow::new(id, "Other", "queue", Payload::new("1"));
    for (policy, closes, is_refused) in [
        (IdReusePolicy::AllowDuplicate, false, true),
        (IdReusePolicy::AllowDuplicate, true, false),
        (IdReusePolicy::RejectDuplicate, true, true),
    ] {
        let mut bench = asked(child().id_reuse_policy(policy));
        let taken = bench.service.start_workflow(start("child"), bench.now).unwrap().run();
        bench.drain();
        if closes {
            bench.answer_of(taken, &[Command::Complete(Payload::new("1"))]);
        }
        bench.arrive();
        assert_eq!(bench.child_of_parent().is_none(), is_refused, "{policy:?} {closes}");
        assert_eq!(bench.service.workflow(bench.workflow).child(1).expect("asked for").is_open(), !is_refused);
        let refused = EventKind::StartChildWorkflowExecutionFailed { seq: 1, initiated_event_id: 5 };
        assert_eq!(*bench.told() == refused, is_refused, "{:?}", bench.told());
        assert!(bench.service.workflow(bench.workflow).has_task());
    }
}

/// `wf_child_pcp_terminate`, `wf_child_pcp_request_cancel`, `wf_child_pcp_abandon`
#[test]
fn the_policy_decides_on_a_child_whose_parent_closes() {
    let complete = || [Command::Complete(Payload::new("1"))];
    let terminated = WorkflowOutcome::Terminated { reason: "by parent close policy".into() };
    for (policy, outcome, is_cancelled) in [
        (ParentClosePolicy::Terminate, Some(&terminated), false),
        (ParentClosePolicy::RequestCancel, None, true),
        (ParentClosePolicy::Abandon, None, false),
    ] {
        let (mut bench, run) = family(child().parent_close_policy(policy));
        bench.answer_of(bench.workflow, &complete());
        bench.arrive();
        let child = bench.service.workflow(run);
        assert_eq!((child.outcome(), child.cancel_requested()), (outcome, is_cancelled), "{policy:?}");
        // A closed parent hears of nothing.
        assert!(matches!(bench.last_event(), EventKind::WorkflowExecutionCompleted { .. }), "{:?}", bench.last_event());
    }
    // One that has not started by then starts only if it is left alone.
    for (policy, starts) in [
        (ParentClosePolicy::Terminate, false),
        (ParentClosePolicy::RequestCancel, false),
        (ParentClosePolicy::Abandon, true),
    ] {
        let mut bench = asked(child().parent_close_policy(policy));
        bench.service.terminate(bench.workflow, "".into(), bench.now).unwrap();
        bench.drain();
        bench.arrive();
        assert_eq!(bench.service.newest_run("child").is_some(), starts, "{policy:?}");
        assert!(matches!(bench.last_event(), EventKind::WorkflowExecutionTerminated { .. }));
    }
}

/// A child that has closed lets the end of its parent be, and the parent hears of the last run of its chain.
#[test]
fn a_parent_hears_how_its_child_has_closed() {
    let (mut bench, first) = family(child().retry(RetrySpec::default().maximum_attempts(2)));
    let failed = || [Command::Fail(Arc::new(Failure::application("E", "no")))];
    bench.answer_of(first, &failed());
    bench.arrive();
    // Another run follows.
    assert!(matches!(bench.told(), EventKind::ChildWorkflowExecutionStarted { .. }));
    let second = bench.service.newest_in_chain(first);
    bench.until(20_000);
    bench.answer_of(second, &failed());
    bench.arrive();
    let EventKind::ChildWorkflowExecutionClosed { seq: 1, initiated_event_id: 5, started_event_id: 6, run_id, outcome } =
        bench.told()
    else {
        panic!("{:?}", bench.told())
    };
    let WorkflowOutcome::Failed { retry_state: RetryState::MaximumAttemptsReached, .. } = outcome else {
        panic!("{outcome:?}")
    };
    assert_eq!(&**run_id, "child:2");
    assert!(!bench.service.workflow(bench.workflow).child(1).expect("asked for").is_open());
    bench.answer_of(bench.workflow, &[Command::Complete(Payload::new("1"))]);
    assert!(bench.service.outbox.messages.is_empty(), "nobody is left to be told");
}

/// The number of failures, and the last of them, end with a run that continues as new.
#[test]
fn a_run_that_continues_counts_its_attempts_anew() {
    let retry = Some(RetrySpec::default().initial_interval(Span::from_millis(100)).maximum_attempts(3));
    let mut bench = Bench::new(0, 0);
    bench.workflow =
        bench.service.start_workflow(StartWorkflow { retry, ..parent_started() }, bench.now).unwrap().run();
    bench.drain();
    bench.answer_of(bench.workflow, &[Command::Fail(Arc::new(Failure::application("E", "no")))]);
    let second = bench.service.newest_in_chain(bench.workflow);
    let info = bench.service.workflow(second).info();
    assert_eq!((info.attempt, info.last_failure.is_some()), (2, true));
    bench.until(5_000);
    let next = ContinueAsNew::new(Payload::new("2"));
    bench.answer_of(second, &[Command::ContinueAsNew(Arc::new(next))]);
    let info = bench.service.workflow(bench.service.newest_in_chain(second)).info();
    assert_eq!((info.attempt, info.initiator, &info.last_failure), (1, Some(Initiator::Workflow), &None));
}

/// Cadence: the time for retries begins anew with each run that is no retry. Source: cadence
/// `service/history/execution/mutable_state_builder.go` (`addWorkflowExecutionStartedEventForContinueAsNew`).
#[test]
fn an_expiration_interval_begins_anew_with_a_run_that_continues() {
    let policy = RetrySpec::default().initial_interval(Span::from_secs(1)).expiration_interval(Span::from_secs(8));
    let mut bench = Bench::new(0, 0);
    bench.service = Service::with_dialect(Dialect::Cadence);
    let start = StartWorkflow { retry: Some(policy), ..parent_started() };
    let first = bench.service.start_workflow(start, bench.now).unwrap().run();
    bench.drain();
    bench.until(5_000);
    let next = ContinueAsNew::new(Payload::new("2"));
    bench.answer_of(first, &[Command::ContinueAsNew(Arc::new(next))]);
    let second = bench.service.newest_in_chain(first);
    bench.until(6_000);
    bench.answer_of(second, &[Command::Fail(Arc::new(Failure::application("E", "no")))]);
    let third = bench.service.newest_in_chain(second);
    let expires = [first, second, third].map(|run| bench.service.workflow(run).expires());
    assert_eq!(expires, [8_000, 13_000, 13_000].map(|millis| Some(Time::from_millis(millis))));
}

/// An open workflow makes room; a closed one has made it already.
#[test]
fn a_start_that_terminates_needs_nobody_to_terminate() {
    let start = || StartWorkflow { id_conflict: IdConflictPolicy::TerminateExisting, ..parent_started() };
    let mut bench = Bench::new(0, 0);
    let first = bench.service.start_workflow(start(), bench.now).unwrap().run();
    bench.drain();
    bench.answer_of(first, &[Command::Complete(Payload::new("1"))]);
    let second = bench.service.start_workflow(start(), bench.now).unwrap().run();
    assert!(matches!(bench.service.workflow(first).outcome(), Some(WorkflowOutcome::Completed(_))));
    assert!(bench.service.workflow(second).is_open());
}
