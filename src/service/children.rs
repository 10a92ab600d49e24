//! Children: workflows that other workflows start, and the fate that they share with them.

use std::sync::Arc;

use super::child::Child;
use super::history::{EventKind, Subject, TaskFailedCause};
use super::outbox::WorkflowMessage;
use super::{News, Refused, Service, StartWorkflow, WorkflowKey};
use crate::program::{ChildSpec, IdConflictPolicy, Parent, ParentClosePolicy, Seq, Time};

impl Service {
    /// Checks the options of a child.
    pub(super) fn check_child(&mut self, spec: &ChildSpec) -> Result<(), (TaskFailedCause, String)> {
        let bad = |message: String| {
            (TaskFailedCause::BadStartChildExecutionAttributes, format!("BadStartChildExecutionAttributes: {message}"))
        };
        if spec.workflow_id.is_empty() {
            return Err(bad("WorkflowId is not set on StartChildWorkflowExecutionCommand.".to_owned()));
        }
        if spec.workflow_type.is_empty() {
            let id = &spec.workflow_id;
            return Err(bad(format!("WorkflowType is not set on StartChildWorkflowExecutionCommand. WorkflowId={id}")));
        }
        self.check_start_options(&start_of(spec, Arc::from("")))
            .map(|_| ())
            .map_err(|refused| bad(refused.message.into()))
    }

    /// Writes that a child is wanted, and sends word to start it.
    pub(super) fn initiate_child(&mut self, parent: WorkflowKey, seq: Seq, spec: &Arc<ChildSpec>, now: Time) {
        let run = &mut self.workflows[parent];
        let initiated_event_id =
            run.append(now, EventKind::StartChildWorkflowExecutionInitiated { seq, spec: Arc::clone(spec) });
        let child =
            Child { spec: Arc::clone(spec), initiated_event_id, started_event_id: 0, run: None, is_closed: false };
        run.add_child(seq, child);
        self.outbox.news.push_back(News::ChildInitiated { workflow: parent, child: seq });
        self.outbox.messages.push_back(WorkflowMessage::StartChild { parent, child: seq });
    }

    /// Starts a child. One whose parent has closed meanwhile starts only if it is to be left alone.
    ///
    /// Source: temporal `service/history/transfer_queue_active_task_executor.go` (`processStartChildExecution`), recorded
    /// scenario `wf_child_id_conflict`.
    pub(super) fn start_child(&mut self, parent: WorkflowKey, seq: Seq, now: Time) {
        let parent_is_open = self.workflow(parent).is_open();
        let Some(child) = self.workflow(parent).child(seq) else { return };
        if !parent_is_open && child.spec.parent_close_policy != ParentClosePolicy::Abandon {
            return;
        }
        let (spec, initiated_event_id) = (Arc::clone(&child.spec), child.initiated_event_id);
        let info = self.workflow(parent).info();
        let seed = info.random_seed ^ parent.index() as u64 ^ self.workflows.next_key().index() as u64;
        let start = StartWorkflow {
            parent: Some(Parent::new(Arc::clone(&info.workflow_id), Arc::clone(&info.run_id), initiated_event_id)),
            random_seed: seed,
            ..start_of(&spec, Arc::clone(&info.task_queue))
        };
        match self.start_workflow(start, now) {
            Ok(started) => {
                let run = started.run();
                self.workflows[run].parent = Some((parent, seq));
                let run_id = Arc::clone(&self.workflow(run).info().run_id);
                if let Some(child) = self.workflows[parent].child_mut(seq) {
                    child.run = Some(run);
                }
                let event = EventKind::ChildWorkflowExecutionStarted { seq, initiated_event_id, run_id };
                self.tell(
                    parent,
                    event,
                    Some(Subject::Child(seq)),
                    News::ChildStarted { workflow: parent, child: seq },
                    now,
                );
            }
            Err(Refused { .. }) => {
                if let Some(child) = self.workflows[parent].child_mut(seq) {
                    child.is_closed = true;
                }
                let event = EventKind::StartChildWorkflowExecutionFailed { seq, initiated_event_id };
                self.tell(parent, event, None, News::ChildStarted { workflow: parent, child: seq }, now);
            }
        }
    }

    /// Tells a workflow what has become of something that it has asked for. A closed one is not told.
    pub(super) fn tell(
        &mut self,
        workflow: WorkflowKey,
        event: EventKind,
        subject: Option<Subject>,
        news: News,
        now: Time,
    ) {
        if !self.workflow(workflow).is_open() {
            return;
        }
        self.outbox.news.push_back(news);
        self.record(workflow, now, event, subject);
        self.want_task(workflow, now);
    }

    /// Sends word to the children of a run that has just closed.
    pub(super) fn tell_children(&mut self, parent: WorkflowKey) {
        for (seq, child) in self.workflows[parent].children() {
            if child.is_open() {
                self.outbox.messages.push_back(WorkflowMessage::ParentClosed { parent, child: *seq });
            }
        }
    }

    /// Sends word to the parent of a run that has just closed, and that none follows.
    pub(super) fn tell_parent(&mut self, run: WorkflowKey) {
        if self.workflow(run).parent.is_some() {
            self.outbox.messages.push_back(WorkflowMessage::ChildClosed { run });
        }
    }

    /// Applies the parent's policy to a child, when the run that started it has closed, also if another run follows
    /// (recorded scenarios `wf_child_pcp_*`).
    pub(super) fn parent_closed(&mut self, parent: WorkflowKey, seq: Seq, now: Time) {
        let Some(child) = self.workflow(parent).child(seq) else { return };
        let Some(run) = child.run else { return };
        let (policy, run) = (child.spec.parent_close_policy, self.newest_in_chain(run));
        // A child that has closed meanwhile lets both be.
        let _ = match policy {
            ParentClosePolicy::Terminate => self.terminate(run, Arc::from("by parent close policy"), now),
            ParentClosePolicy::RequestCancel => self.request_cancel(run, Arc::from("by parent close policy"), now),
            ParentClosePolicy::Abandon => Ok(()),
        };
    }

    /// Tells a parent that its child has closed. A parent that has closed too hears nothing, and shows the child as it was
    /// (recorded scenario `wf_child_cancel_abandon`).
    pub(super) fn child_closed(&mut self, run: WorkflowKey, now: Time) {
        let closed = self.workflow(run);
        let (Some((parent, seq)), Some(outcome)) = (closed.parent, closed.outcome().cloned()) else { return };
        let run_id = Arc::clone(&closed.info().run_id);
        if !self.workflow(parent).is_open() {
            return;
        }
        let Some(child) = self.workflows[parent].child_mut(seq) else { return };
        child.is_closed = true;
        let event = EventKind::ChildWorkflowExecutionClosed {
            seq,
            initiated_event_id: child.initiated_event_id,
            // It is filled in when the event is written.
            started_event_id: 0,
            run_id,
            outcome,
        };
        self.tell(parent, event, Some(Subject::Child(seq)), News::ChildClosed { workflow: parent, child: seq }, now);
    }
}

/// The start of a child on its own queue, or on that of its parent.
fn start_of(spec: &ChildSpec, parents_queue: Arc<str>) -> StartWorkflow {
    StartWorkflow {
        run_timeout: spec.run_timeout,
        execution_timeout: spec.execution_timeout,
        task_timeout: spec.task_timeout,
        retry: spec.retry.clone(),
        cron: spec.cron.clone(),
        carried: spec.carried.clone(),
        id_reuse: spec.id_reuse_policy,
        id_conflict: IdConflictPolicy::Fail,
        ..StartWorkflow::new(
            Arc::clone(&spec.workflow_id),
            Arc::clone(&spec.workflow_type),
            spec.task_queue.clone().unwrap_or(parents_queue),
            spec.input.clone(),
        )
    }
}
