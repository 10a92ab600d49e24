//! Signals, termination, markers.

use super::*;

impl Bench {
    fn signal(&mut self, name: &str) -> Result<(), Refused> {
        let sent = self.service.signal(self.workflow, name.into(), Payload::new(b"1"), self.now);
        self.drain();
        sent
    }

    fn terminate(&mut self) -> Result<(), Refused> {
        let done = self.service.terminate(self.workflow, "enough".into(), self.now);
        self.drain();
        done
    }
}

#[test]
fn a_signal_is_an_event_and_wants_a_task() {
    let mut bench = Bench::with(spec(0, 5000, 0));
    bench.signal("a").unwrap();
    bench.signal("b").unwrap();
    assert_eq!(bench.events_from(6), "WorkflowExecutionSignaled WorkflowTaskScheduled WorkflowExecutionSignaled");
    assert!(bench.service.workflow(bench.workflow).has_task());
    bench.answer(&[]).unwrap();
    assert!(!bench.service.workflow(bench.workflow).has_task());
    // The second one came before the task was taken, and is one with it.
    assert_eq!(bench.events_from(9), "WorkflowTaskStarted WorkflowTaskCompleted");
    let names: Vec<&str> =
        bench.service.workflow(bench.workflow).signals().iter().map(|signal| &*signal.name).collect();
    assert_eq!(names, ["a", "b"]);
}

/// `wf_signal_unhandled_at_completion`, `raw_unhandled_complete`
#[test]
fn a_signal_during_the_closing_task_makes_it_another_one() {
    let mut bench = Bench::new(0, 0);
    let task = bench.take_task();
    bench.until(100);
    bench.signal("late").unwrap();
    assert_eq!(bench.events().len(), 3);
    let complete = Command::Complete(Payload::new(b"1"));
    let refused = bench.complete_task(task, std::slice::from_ref(&complete)).unwrap_err();
    assert_eq!((refused.code, &*refused.message), (Code::InvalidArgument, "UnhandledCommand"));
    assert_eq!(bench.events_from(4), "WorkflowTaskFailed WorkflowExecutionSignaled WorkflowTaskScheduled");
    bench.answer(&[complete]).unwrap();
    assert!(!bench.service.workflow(bench.workflow).is_open());
}

/// `raw_buffer_mixed`
#[test]
fn a_buffered_signal_precedes_the_close_of_an_activity() {
    let mut bench = Bench::with(spec(0, 5000, 0));
    let (token, _) = bench.take(1);
    bench.signal("first").unwrap();
    let task = bench.take_task();
    bench.service.complete(token, Payload::new(b"1"), bench.now).unwrap();
    bench.drain();
    bench.signal("second").unwrap();
    bench.complete_task(task, &[]).unwrap();
    assert_eq!(
        bench.events_from(9),
        "WorkflowTaskCompleted ActivityTaskStarted WorkflowExecutionSignaled ActivityTaskCompleted \
         WorkflowTaskScheduled"
    );
}

/// `cancel_after_close`
#[test]
fn a_closed_workflow_takes_neither_signal_nor_termination() {
    let mut bench = Bench::new(0, 0);
    bench.answer(&[Command::Complete(Payload::new(b"1"))]).unwrap();
    assert_eq!(bench.signal("a"), Err(Refused::WORKFLOW_CLOSED));
    assert_eq!(bench.terminate(), Err(Refused::WORKFLOW_CLOSED));
    assert_eq!(bench.service.request_cancel(bench.workflow, "".into(), bench.now), Ok(()));
    assert_eq!(bench.events_from(4), "WorkflowTaskCompleted WorkflowExecutionCompleted");
}

/// `wf_terminate_activity_pending`
#[test]
fn termination_closes_at_once_and_says_nothing_of_open_activities() {
    let mut bench = Bench::with(spec(0, 5000, 0));
    let (token, _) = bench.take(1);
    bench.signal("a").unwrap();
    let task = bench.take_task();
    bench.signal("b").unwrap();
    bench.terminate().unwrap();
    assert_eq!(
        bench.events_from(8),
        "WorkflowTaskStarted WorkflowTaskFailed WorkflowExecutionSignaled WorkflowExecutionTerminated"
    );
    let outcome = WorkflowOutcome::Terminated { reason: "enough".into() };
    assert_eq!(bench.service.workflow(bench.workflow).outcome(), Some(&outcome));
    assert_eq!(bench.news.last(), Some(&News::WorkflowClosed { workflow: bench.workflow }));
    assert_eq!(bench.complete_task(task, &[]), Err(Refused::WORKFLOW_CLOSED));
    assert_eq!(bench.service.complete(token, Payload::new(b"1"), bench.now), Err(Refused::WORKFLOW_CLOSED));
}

#[test]
fn markers_are_written_in_the_order_of_their_commands() {
    let mut bench = Bench::new(0, 0);
    let marker = Marker::SideEffect { seq: 1, value: Payload::new(b"7") };
    let timer = Command::StartTimer { seq: 1, duration: Span::from_secs(1) };
    let version = Marker::Version { change_id: "c".into(), version: 2 };
    bench.answer(&[Command::RecordMarker(marker.clone()), timer, Command::RecordMarker(version)]).unwrap();
    assert_eq!(bench.events_from(5), "MarkerRecorded TimerStarted MarkerRecorded");
    assert_eq!(bench.service.history(bench.workflow)[4].kind, EventKind::MarkerRecorded { marker });
    assert!(bench.news.contains(&News::MarkerRecorded { workflow: bench.workflow, event_id: 7 }));
}
