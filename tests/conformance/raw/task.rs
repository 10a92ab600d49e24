//! Workflow tasks: taken, and answered by a script or by hand.

use durasim::Span;
use durasim::internals::CachedWorkflow;
use durasim::internals::WorkflowTask;
use durasim::program::{Command, RunInfo, TaskFailure};
use durasim::service::TaskFailedCause;
use serde_json::json;

use super::world::{Happening, World, note_answer};
use crate::recording::wire::span;
use crate::script::ScriptRun;

/// An answer to a workflow task.
pub enum Answer {
    /// The commands that the script asks for.
    Script(Result<Vec<Command>, TaskFailure>),
    /// The commands that the scenario gives, and the place of the task in the log.
    ByHand { place: usize, commands: Result<Vec<Command>, String> },
}

impl World<'_> {
    /// A worker receives a workflow task.
    pub fn hand_out_task(&mut self, stamp: u32) {
        let Some(task) = self.service.take_workflow_task(self.workflow, stamp, self.now) else { return };
        let number = self.tasks;
        self.tasks += 1;
        if self.definition["raw_tasks"].is_null() {
            self.run_script(task, number);
        } else {
            self.answer_by_hand(task, number);
        }
    }

    fn run_script(&mut self, task: WorkflowTask, number: usize) {
        self.worker.held.set(Span::ZERO);
        let (script, worker) = (&self.definition["workflow"]["script"], &self.worker);
        let info: &RunInfo = self.service.workflow(self.workflow).info();
        let fresh = || CachedWorkflow::new(Box::new(ScriptRun::new(script, info, worker.clone())));
        let code = self.code.get_or_insert_with(fresh);
        let answer = code.take_task(self.service.history(self.workflow), self.now);
        let answered = self.pace.workflow_task(number, false).unwrap_or(self.now.plus(self.worker.held.get()));
        self.drain();
        self.push(answered.max(self.now), Happening::AnswerTask { task, answer: Answer::Script(answer) });
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
            self.push(time, Happening::AnswerTask { task, answer: Answer::ByHand { place, commands } });
        }
    }

    pub fn answer_task(&mut self, task: WorkflowTask, answer: Answer) {
        let unhandled = TaskFailedCause::WorkflowWorkerUnhandledFailure;
        match answer {
            Answer::ByHand { place, commands } => {
                let (name, answer) = match commands {
                    Ok(commands) => {
                        let answer = self.service.complete_workflow_task(task.token, &commands, self.now);
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
                if self.service.complete_workflow_task(task.token, &commands, self.now).is_err() {
                    // The code is ahead of its history.
                    self.code = None;
                }
            }
            Answer::Script(Err(failure)) => {
                self.code = None;
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
