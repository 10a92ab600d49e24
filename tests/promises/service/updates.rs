//! Updates: admitted, sent, accepted, completed or rejected, and the speculative tasks that bring them.
//!
//! Sources: temporal `service/history/workflow/update/`, `docs/architecture/workflow-update.md`,
//! `docs/architecture/speculative-workflow-task.md`; recorded scenario `x_update_fails`.

use super::*;
use durasim::program::ContinueAsNew;
use durasim::service::{UpdateKey, UpdateStage};

impl Bench {
    fn update(&mut self, id: &str) -> Result<UpdateKey, Refused> {
        let input = Payload::new(b"1");
        let sent = self.service.update(self.workflow, id.into(), "set".into(), input, self.now);
        self.drain();
        sent.map(|(update, _)| update)
    }

    fn stage(&self, update: UpdateKey) -> &UpdateStage {
        self.service.update_of(update).stage()
    }

    /// The ids of the updates that the task at hand has brought.
    fn sent(&self) -> Vec<String> {
        self.service.sent_updates(self.workflow).map(|update| update.id().to_string()).collect()
    }

    /// A run that waits for something, with no task.
    fn waiting() -> Bench {
        let mut bench = Bench::new(0, 0);
        bench.answer(&[]).unwrap();
        bench
    }
}

fn accept(id: &str) -> Command {
    Command::AcceptUpdate { id: id.into() }
}

fn reject(id: &str) -> Command {
    Command::RejectUpdate { id: id.into(), failure: Failure::application("No", "no").into() }
}

fn complete(id: &str) -> Command {
    Command::CompleteUpdate { id: id.into(), result: Ok(Payload::new(b"2")) }
}

#[test]
fn an_accepted_one_writes_the_events_of_the_task_that_brought_it() {
    let mut bench = Bench::waiting();
    bench.until(100);
    let update = bench.update("a").unwrap();
    assert_eq!((bench.events().len(), bench.stage(update)), (4, &UpdateStage::Admitted));
    bench.until(200);
    let task = bench.take_task();
    assert_eq!((task.started_event_id, bench.sent()), (6, vec!["a".to_owned()]));
    assert_eq!((bench.events().len(), bench.stage(update)), (4, &UpdateStage::Sent));
    bench.until(300);
    bench.complete_task(task, &[accept("a")]).unwrap();
    assert_eq!(
        bench.events_from(5),
        "WorkflowTaskScheduled WorkflowTaskStarted WorkflowTaskCompleted WorkflowExecutionUpdateAccepted"
    );
    let times: Vec<_> = bench.service.history(bench.workflow)[4..].iter().map(|event| event.at).collect();
    assert_eq!(times, [100, 200, 300, 300].map(Time::from_millis));
    let EventKind::WorkflowExecutionUpdateAccepted { sequencing_event_id, .. } =
        bench.service.history(bench.workflow)[7].kind
    else {
        panic!("{:?}", bench.events())
    };
    assert_eq!((sequencing_event_id, bench.stage(update)), (5, &UpdateStage::Accepted { event_id: 8 }));
    assert!(!bench.service.workflow(bench.workflow).has_task(), "nothing is left to do");
    bench.service.signal(bench.workflow, "go".into(), Payload::new(b""), bench.now).unwrap();
    bench.drain();
    bench.answer(&[complete("a")]).unwrap();
    assert_eq!(bench.stage(update), &UpdateStage::Completed(Ok(Payload::new(b"2"))));
    assert!(bench.events_from(9).ends_with("WorkflowTaskCompleted WorkflowExecutionUpdateCompleted"));
}

#[test]
fn a_rejected_one_leaves_no_event_and_neither_does_its_task() {
    let mut bench = Bench::waiting();
    let update = bench.update("a").unwrap();
    bench.answer(&[reject("a")]).unwrap();
    assert_eq!(bench.events().len(), 4);
    assert!(matches!(bench.stage(update), UpdateStage::Rejected(_)));
    assert!(!bench.service.workflow(bench.workflow).has_task());
    assert_eq!(bench.service.find_update(bench.workflow, "a"), None);
    // It may be sent again under its id.
    let again = bench.update("a").unwrap();
    assert_ne!(again, update);
    bench.answer(&[accept("a"), complete("a")]).unwrap();
    assert_eq!(bench.stage(again), &UpdateStage::Completed(Ok(Payload::new(b"2"))));
    assert_eq!(
        bench.events_from(5),
        "WorkflowTaskScheduled WorkflowTaskStarted WorkflowTaskCompleted WorkflowExecutionUpdateAccepted \
         WorkflowExecutionUpdateCompleted"
    );
}

#[test]
fn a_task_for_updates_is_written_as_soon_as_anything_else_is() {
    let mut bench = Bench::waiting();
    bench.update("a").unwrap();
    bench.service.signal(bench.workflow, "go".into(), Payload::new(b""), bench.now).unwrap();
    assert_eq!(bench.events_from(5), "WorkflowTaskScheduled WorkflowExecutionSignaled");
    let task = bench.take_task();
    bench.complete_task(task, &[reject("a")]).unwrap();
    assert_eq!(bench.events_from(7), "WorkflowTaskStarted WorkflowTaskCompleted");
    // While a worker has it, the signal waits for its end as with any task.
    bench.update("b").unwrap();
    let task = bench.take_task();
    bench.service.signal(bench.workflow, "go".into(), Payload::new(b""), bench.now).unwrap();
    assert_eq!(bench.events_from(9), "WorkflowTaskScheduled WorkflowTaskStarted");
    bench.complete_task(task, &[reject("b")]).unwrap();
    assert_eq!(bench.events_from(11), "WorkflowTaskCompleted WorkflowExecutionSignaled WorkflowTaskScheduled");
}

#[test]
fn one_that_comes_while_a_task_is_open_gets_the_next_one() {
    let mut bench = Bench::new(0, 0);
    let task = bench.take_task();
    let update = bench.update("a").unwrap();
    assert_eq!((bench.sent(), bench.stage(update)), (vec![], &UpdateStage::Admitted));
    bench.complete_task(task, &[]).unwrap();
    assert_eq!(bench.events_from(4), "WorkflowTaskCompleted");
    bench.answer(&[accept("a")]).unwrap();
    assert!(matches!(bench.stage(update), UpdateStage::Accepted { .. }));
}

#[test]
fn one_that_comes_before_a_worker_has_the_task_goes_with_it() {
    let mut bench = Bench::new(0, 0);
    bench.update("a").unwrap();
    bench.update("b").unwrap();
    assert_eq!(bench.events_from(1), "WorkflowExecutionStarted WorkflowTaskScheduled");
    let task = bench.take_task();
    assert_eq!(bench.sent(), ["a", "b"]);
    bench.complete_task(task, &[reject("a"), accept("b")]).unwrap();
    assert_eq!(bench.events_from(3), "WorkflowTaskStarted WorkflowTaskCompleted WorkflowExecutionUpdateAccepted");
}

#[test]
fn one_of_a_known_id_is_not_sent_twice() {
    let mut bench = Bench::waiting();
    let update = bench.update("a").unwrap();
    assert_eq!(bench.update("a"), Ok(update));
    bench.answer(&[accept("a"), complete("a")]).unwrap();
    assert_eq!(bench.update("a"), Ok(update));
    assert!(!bench.service.workflow(bench.workflow).has_task());
    // Its result is to be had after the end, too.
    bench.service.terminate(bench.workflow, "".into(), bench.now).unwrap();
    assert_eq!(bench.update("a"), Ok(update));
    assert_eq!(bench.update("b"), Err(Refused::WORKFLOW_CLOSED));
}

#[test]
fn a_failed_task_brings_its_updates_again() {
    let mut bench = Bench::waiting();
    let update = bench.update("a").unwrap();
    let task = bench.take_task();
    let cause = TaskFailedCause::WorkflowWorkerUnhandledFailure;
    bench.service.fail_workflow_task(task.token, cause, "boom".into(), bench.now).unwrap();
    bench.drain();
    // The failure has to be seen.
    assert_eq!(bench.events_from(5), "WorkflowTaskScheduled WorkflowTaskStarted WorkflowTaskFailed");
    assert_eq!(bench.stage(update), &UpdateStage::Admitted);
    let task = bench.take_task();
    assert_eq!((task.attempt, bench.sent()), (2, vec!["a".to_owned()]));
    bench.until(10_000);
    assert_eq!((bench.events().len(), bench.stage(update)), (7, &UpdateStage::Admitted));
    // A workflow whose task keeps failing takes no more.
    assert_eq!(bench.update("b"), Err(Refused::TASK_KEEPS_FAILING));
    bench.answer(&[accept("a")]).unwrap();
    assert!(matches!(bench.stage(update), UpdateStage::Accepted { .. }));
}

#[test]
fn a_task_that_times_out_is_written() {
    let mut bench = Bench::waiting();
    bench.update("a").unwrap();
    bench.take_task();
    bench.until(10_000);
    assert_eq!(bench.events_from(5), "WorkflowTaskScheduled WorkflowTaskStarted WorkflowTaskTimedOut");
    bench.take_task();
    assert_eq!(bench.sent(), ["a"]);
}

#[test]
fn a_run_that_closes_fails_what_it_has_accepted_and_refuses_the_rest() {
    let mut bench = Bench::waiting();
    let accepted = bench.update("a").unwrap();
    let task = bench.take_task();
    let late = bench.update("b").unwrap();
    bench.complete_task(task, &[accept("a"), Command::Complete(Payload::new(b"1"))]).unwrap();
    let UpdateStage::Completed(Err(failure)) = bench.stage(accepted) else { panic!("{:?}", bench.stage(accepted)) };
    assert_eq!(&*failure.message, "Workflow Update failed because the Workflow completed before the Update completed.");
    assert_eq!(bench.stage(late), &UpdateStage::Aborted);
    assert_eq!(bench.update("a"), Ok(accepted));
    assert_eq!(bench.update("b"), Err(Refused::WORKFLOW_CLOSED));
    assert!(bench.events_from(8).ends_with("WorkflowExecutionUpdateAccepted WorkflowExecutionCompleted"));
}

#[test]
fn a_run_that_continues_as_new_hands_on_what_it_has_not_seen() {
    let mut bench = Bench::waiting();
    bench.until(5_000);
    let accepted = bench.update("a").unwrap();
    let task = bench.take_task();
    let late = bench.update("b").unwrap();
    let next = Command::ContinueAsNew(Arc::new(ContinueAsNew::new(Payload::new(b"2"))));
    bench.complete_task(task, &[accept("a"), next]).unwrap();
    assert!(matches!(bench.stage(accepted), UpdateStage::Completed(Err(_))));
    bench.workflow = bench.service.newest_in_chain(bench.workflow);
    assert_eq!(bench.service.update_of(late).workflow(), bench.workflow);
    bench.answer(&[accept("b"), complete("b")]).unwrap();
    assert_eq!(bench.stage(late), &UpdateStage::Completed(Ok(Payload::new(b"2"))));
}

#[test]
fn one_wakes_a_run_that_waits_for_its_first_task() {
    let mut bench = Bench::new(0, 0);
    let delayed = StartWorkflow { start_delay: Span::from_secs(60), ..start_with(0, 0) };
    bench.workflow = bench
        .service
        .start_workflow(StartWorkflow { workflow_id: "later".into(), ..delayed }, Time::ZERO)
        .unwrap()
        .run();
    bench.drain();
    bench.update("a").unwrap();
    bench.answer(&[accept("a")]).unwrap();
    assert_eq!(
        bench.events_from(2),
        "WorkflowTaskScheduled WorkflowTaskStarted WorkflowTaskCompleted WorkflowExecutionUpdateAccepted"
    );
}

#[test]
fn an_answer_without_a_question_fails_the_task() {
    for commands in [vec![accept("a")], vec![reject("a")], vec![complete("a")]] {
        let mut bench = Bench::new(0, 0);
        let refused = bench.answer(&commands).unwrap_err();
        assert_eq!(refused.code, Code::InvalidArgument, "{commands:?}");
        assert_eq!(bench.events_from(4), "WorkflowTaskFailed WorkflowTaskScheduled".split(' ').next().unwrap());
    }
    let mut bench = Bench::waiting();
    bench.update("a").unwrap();
    assert!(bench.answer(&[accept("a"), reject("a")]).is_err());
}

#[test]
fn a_worker_that_knows_no_updates_rejects_them() {
    let mut bench = Bench::waiting();
    let update = bench.update("a").unwrap();
    bench.answer(&[]).unwrap();
    let UpdateStage::Rejected(failure) = bench.stage(update) else { panic!("{:?}", bench.stage(update)) };
    assert!(failure.message.starts_with("Workflow Update is rejected because it wasn't processed by worker."));
    assert_eq!(bench.events().len(), 4);
}

#[test]
fn ten_are_open_at_most_and_cadence_has_none() {
    let mut bench = Bench::waiting();
    for number in 0..10 {
        bench.update(&number.to_string()).unwrap();
    }
    assert_eq!(bench.update("a"), Err(Refused::TOO_MANY_UPDATES_AT_ONCE));
    bench.answer(&[reject("0")]).unwrap();
    assert_eq!(bench.update("a").map(|_| ()), Ok(()));
    let mut bench = Bench { service: Service::with_dialect(Dialect::Cadence), ..Bench::new(0, 0) };
    bench.workflow = bench.service.start_workflow(start_with(60_000, 0), Time::ZERO).unwrap().run();
    assert_eq!(bench.update("a"), Err(Refused::NO_UPDATES));
}
