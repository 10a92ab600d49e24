//! Messages of workflows to each other.

use super::families::{asked, child, family, strangers};
use super::*;
use durasim::internals::WorkflowMessage;
use durasim::program::{ContinueAsNew, ParentClosePolicy, Target};
use durasim::service::Child;

fn other(run_id: Option<&str>) -> Target {
    Target::Workflow { workflow_id: "other".into(), run_id: run_id.map(Arc::from) }
}

/// Two messages to one target: a signal, and a request to cancel.
fn both(target: Target) -> [Command; 2] {
    [
        Command::SignalWorkflow { seq: 1, target: target.clone(), name: "s".into(), input: Payload::new("7") },
        Command::CancelWorkflow { seq: 1, target, reason: "enough".into() },
    ]
}

/// The answers to both, in the order in which they came: whether the messages have arrived.
fn answers(bench: &Bench) -> Vec<bool> {
    let answer = |event: &HistoryEvent| match event.kind {
        EventKind::ExternalWorkflowExecutionSignaled { seq: 1, initiated_event_id: 5, arrived } => Some(arrived),
        EventKind::ExternalWorkflowExecutionCancelRequested { initiated_event_id: 6, arrived, .. } => Some(arrived),
        _ => None,
    };
    bench.service.history(bench.workflow).iter().filter_map(answer).collect()
}

/// `wf_signal_external`, `wf_cancel_external`: the newest run of the id gets them, or that of a run id. A request to cancel a
/// closed one succeeds, and changes nothing.
#[test]
fn messages_reach_the_run_that_they_name() {
    let (both_arrive, none) = ([true, true], [false, false]);
    for (run_id, arrive) in
        [(None, both_arrive), (Some("other:2"), both_arrive), (Some("other"), [false, true]), (Some("no run"), none)]
    {
        let (mut bench, [first, second]) = strangers();
        bench.answer_of(bench.workflow, &both(other(run_id)));
        bench.arrive();
        assert_eq!(answers(&bench), arrive, "{run_id:?}");
        let arrives = arrive == both_arrive;
        let open = bench.service.workflow(second);
        let signals = open.signals().iter().map(|signal| (&*signal.name, signal.input.clone()));
        assert_eq!(Vec::from_iter(signals), if arrives { vec![("s", Payload::new("7"))] } else { vec![] });
        assert_eq!(open.cancel_requested(), arrives, "{run_id:?}");
        let closed = bench.service.workflow(first);
        assert!(closed.signals().is_empty() && !closed.cancel_requested());
        // The sender hears of it, in a task of its own.
        assert!(bench.service.workflow(bench.workflow).has_task());
    }
}

#[test]
fn messages_reach_nobody_who_is_not_there() {
    let nobody = Target::Workflow { workflow_id: "nobody".into(), run_id: None };
    let itself = Target::Workflow { workflow_id: "parent".into(), run_id: None };
    for target in [nobody, itself, Target::Child(1)] {
        let (mut bench, _) = strangers();
        bench.answer_of(bench.workflow, &both(target.clone()));
        bench.arrive();
        assert_eq!(answers(&bench), [false, false], "{target:?}");
        let sender = bench.service.workflow(bench.workflow);
        assert!(sender.signals().is_empty() && !sender.cancel_requested(), "{target:?}");
    }
}

/// `wf_child_cancel_try_cancel`: what a workflow has sent when it closes does not leave.
#[test]
fn a_closed_workflow_sends_nothing() {
    let (mut bench, [_, second]) = strangers();
    let [signal, cancel] = both(other(None));
    bench.answer_of(bench.workflow, &[signal, cancel, Command::Complete(Payload::new("1"))]);
    bench.arrive();
    let other = bench.service.workflow(second);
    assert!(other.signals().is_empty() && !other.cancel_requested());
    assert!(answers(&bench).is_empty());
}

/// `wf_child_signal`, `wf_child_cancel_wait_cancellation_requested`: the newest run of the child is meant.
#[test]
fn messages_reach_a_child() {
    let (mut bench, first) = family(child());
    let next = ContinueAsNew::new(Payload::new("2"));
    bench.answer_of(first, &[Command::ContinueAsNew(Arc::new(next))]);
    let second = bench.service.newest_in_chain(first);
    let to_child = Target::Child(1);
    let signal = Command::SignalWorkflow { seq: 1, target: to_child, name: "s".into(), input: Payload::new("7") };
    let cancel = Command::CancelChild { seq: 1, reason: "enough".into() };
    bench.answer_of(bench.workflow, &[signal, cancel]);
    bench.arrive();
    let child = bench.service.workflow(second);
    assert_eq!((child.signals().len(), child.cancel_requested()), (1, true));
    let EventKind::ExternalWorkflowExecutionCancelRequested { seq: 1, of_child: true, arrived: true, .. } =
        bench.told()
    else {
        panic!("{:?}", bench.told())
    };
}

/// The messages that are on their way.
fn on_their_way(bench: &Bench) -> Vec<WorkflowMessage> {
    bench.service.outbox.messages.iter().copied().collect()
}

/// A message whose sender has closed, or whom nobody hears, changes nothing.
#[test]
fn a_message_is_wanted_while_somebody_hears_it() {
    let wanted = |bench: &Bench, message: &WorkflowMessage| bench.service.is_wanted(*message);
    for (policy, closes, is_wanted) in [
        (ParentClosePolicy::Terminate, false, true),
        (ParentClosePolicy::Terminate, true, false),
        (ParentClosePolicy::RequestCancel, true, false),
        (ParentClosePolicy::Abandon, true, true),
    ] {
        let mut bench = asked(child().parent_close_policy(policy));
        let start = on_their_way(&bench)[0];
        if closes {
            bench.service.terminate(bench.workflow, "".into(), bench.now).unwrap();
        }
        assert_eq!(wanted(&bench, &start), is_wanted, "{policy:?} {closes}");
    }
    let (mut bench, run) = family(child());
    bench.answer_of(bench.workflow, &both(Target::Child(1)));
    bench.service.terminate(run, "".into(), bench.now).unwrap();
    // A signal, a request to cancel, and the end of the child.
    assert_eq!(Vec::from_iter(on_their_way(&bench).iter().map(|message| wanted(&bench, message))), [true; 3]);
    bench.service.terminate(bench.workflow, "".into(), bench.now).unwrap();
    // The end of the parent is for its children.
    let all = on_their_way(&bench);
    assert_eq!(Vec::from_iter(all.iter().map(|message| wanted(&bench, message))), [false, false, false, true]);
}

#[test]
fn a_message_knows_whom_it_is_for() {
    let mut bench = asked(child());
    let sender = bench.workflow;
    bench.service.signal(sender, "go".into(), Payload::new("1"), bench.now).unwrap();
    bench.drain();
    bench.answer_of(sender, &both(Target::Child(1)));
    let [start, signal, cancel] = on_their_way(&bench)[..] else { panic!("{:?}", on_their_way(&bench)) };
    let unstarted = |bench: &Bench| [start, signal, cancel].map(|message| bench.service.unstarted_target(message));
    assert_eq!(unstarted(&bench), [None, Some((sender, 1)), Some((sender, 1))]);
    assert_eq!(bench.service.receiver(signal), None);
    let asked_by = bench.service.workflow(sender).child(1).map(Child::initiated_event_id);
    assert_eq!(asked_by, Some(5));
    // Its id is taken.
    let start_of_another = StartWorkflow::new("child", "Other", "queue", Payload::new("1"));
    let mut refused = asked(child());
    refused.service.start_workflow(start_of_another, refused.now).unwrap();
    refused.arrive();
    refused.answer_of(refused.workflow, &both(Target::Child(1)));
    let to_nobody = on_their_way(&refused)[0];
    assert_eq!(refused.service.unstarted_target(to_nobody), None);

    bench.service.deliver(start, bench.now);
    assert_eq!(unstarted(&bench), [None; 3]);
    let run = bench.child_of_parent().expect("it has started");
    assert_eq!([run, sender].map(|of| bench.service.parent_of(of)), [Some((sender, 1)), None]);
    let to_child = (run, &Arc::from("s"), &Payload::new("7"));
    assert_eq!([signal, cancel, start].map(|message| bench.service.receiver(message)), [Some(to_child), None, None]);
    bench.service.terminate(run, "".into(), bench.now).unwrap();
    assert_eq!(bench.service.receiver(signal), None);
}
