//! Workflow tasks: taken, and answered by a script or by hand.

use durasim::Span;
use durasim::internals::CachedWorkflow;
use durasim::internals::{TaskToken, WorkflowTask};
use durasim::program::{Command, TaskFailure};
use durasim::service::{TaskFailedCause, WorkflowKey};
use serde_json::json;

use super::world::{Happening, World, note_answer};
use crate::recording::wire::span;
use crate::script::ScriptRun;

/// An answer to a workflow task.
pub enum Answer {
    /// The commands that the script asks for.
    Script(Result<Vec<Command>, TaskFailure>),
    /// The commands that the scenario gives, and the place of the task in the log.
    ByHand { place: usize, commands: Result<Vec<Command>, String>, queue: Option<StickyQueue> },
}

/// The queue on which the worker of a task that is answered by hand waits for the next one.
#[derive(Clone, Copy)]
pub struct StickyQueue {
    schedule_to_start: Span,
    /// It was polled, and is not any more. Another one never was.
    was_polled: bool,
}

/// The time for which the SDK's tasks wait on its sticky queue.
const SDK_STICKY: Span = Span::from_secs(10);

impl World<'_> {
    /// Says whether a task waits on a queue that nobody polls any more, as the service does not know.
    pub fn waits_for_nobody(&mut self, workflow: WorkflowKey, stamp: u32) -> bool {
        let Some(queue) = self.sticky_queue else { return false };
        let token = TaskToken { workflow, stamp };
        if !self.service.is_task_sticky(token) {
            return false;
        }
        self.service.sticky_worker_is_gone(token);
        queue.was_polled
    }

    /// A worker receives a workflow task.
    pub fn hand_out_task(&mut self, workflow: WorkflowKey, stamp: u32) {
        let Some(task) = self.service.take_workflow_task(workflow, stamp, self.now) else { return };
        let hosted = self.hosted.entry(workflow).or_default();
        hosted.tasks += 1;
        let number = hosted.tasks - 1;
        if self.definition["raw_tasks"].is_null() {
            self.run_script(task);
        } else {
            self.answer_by_hand(task, number);
        }
    }

    fn run_script(&mut self, task: WorkflowTask) {
        let workflow = task.token.workflow;
        let run = self.service.workflow(workflow);
        let hosted = self.hosted.get_mut(&workflow).expect("a run with a task");
        hosted.worker.kept().held = Span::ZERO;
        let script = run.input().to_json().expect("a script");
        let fresh = || CachedWorkflow::new(Box::new(ScriptRun::new(&script, run.info(), hosted.worker.clone())));
        let code = hosted.code.get_or_insert_with(fresh);
        let answer = code.take_task(self.service.history(workflow), self.service.sent_updates(workflow), self.now);
        let held = self.now.plus(hosted.worker.kept().held);
        let answered = self.task_time(workflow, false).unwrap_or(held);
        self.drain();
        self.push(answered.max(self.now), Happening::AnswerTask { task, answer: Answer::Script(answer) });
    }

    /// Forgets the code of a run, which is ahead of its history.
    fn evict(&mut self, workflow: WorkflowKey) {
        self.hosted.entry(workflow).or_default().code = None;
    }

    fn answer_by_hand(&mut self, task: WorkflowTask, number: usize) {
        let entries = self.definition["raw_tasks"].as_array().map_or(&[][..], Vec::as_slice);
        let entry = &entries[number.min(entries.len() - 1)];
        let place = self.by_hand.receive(task, self.service.history(self.workflow));
        let commands = match entry["fail"]["message"].as_str() {
            Some(message) => Err(message.to_owned()),
            None => Ok(self.by_hand.commands(&entry["commands"], &self.service, self.workflow, task)),
        };
        self.drain();
        if entry["vanish"] == true {
            self.by_hand.log[place]["ended"] = json!("no reply");
        } else {
            let time = self.now.plus(span(&entry["delay_ms"]));
            let queue = (!entry["sticky_ms"].is_null()).then(|| StickyQueue {
                schedule_to_start: span(&entry["sticky_ms"]),
                was_polled: entry["poll_sticky_once"] == true,
            });
            self.push(time, Happening::AnswerTask { task, answer: Answer::ByHand { place, commands, queue } });
        }
    }

    pub fn answer_task(&mut self, task: WorkflowTask, answer: Answer) {
        let unhandled = TaskFailedCause::WorkflowWorkerUnhandledFailure;
        match answer {
            Answer::ByHand { place, commands, queue } => {
                let (name, answer) = match commands {
                    Ok(commands) => {
                        self.sticky_queue = queue;
                        let waits = queue.map_or(Span::ZERO, |queue| queue.schedule_to_start);
                        let answer = self.service.complete_and_stick(task.token, &commands, waits, self.now);
                        ("RespondWorkflowTaskCompleted", answer)
                    }
                    Err(message) => {
                        let answer = self.service.fail_workflow_task(task.token, unhandled, message.into(), self.now);
                        ("RespondWorkflowTaskFailed", answer)
                    }
                };
                let mut call = json!({ "call": name });
                note_answer(&mut call, answer.as_ref().err());
                self.by_hand.log[place]["calls"] = json!([call]);
            }
            Answer::Script(Ok(commands)) => {
                if self.service.complete_and_stick(task.token, &commands, SDK_STICKY, self.now).is_err() {
                    self.evict(task.token.workflow);
                }
            }
            Answer::Script(Err(failure)) => {
                self.evict(task.token.workflow);
                if task.attempt > 1 {
                    // The worker keeps quiet about it, and the task times out (recorded scenario `wf_task_panic_5`).
                    return;
                }
                let cause = match failure {
                    TaskFailure::NonDeterministic(_) => TaskFailedCause::NonDeterministicError,
                    _ => unhandled,
                };
                // A task that was too late is failed already.
                let _ = self.service.fail_workflow_task(task.token, cause, failure.to_string().into(), self.now);
            }
        }
        self.drain();
    }
}
