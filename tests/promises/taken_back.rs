//! A workflow that is hosted takes back what it has asked for, and says why it cancels a child.

use std::sync::{Arc, Mutex};

use durasim::program::{
    Activation, ChildSpec, Command, Job, Payload, RunInfo, Target, TaskFailure, WorkflowLink, WorkflowProgram,
    WorkflowRun, WorkflowStart,
};
use durasim::service::EventKind;
use durasim::{Simulation, WorkflowContext, WorkflowError};

/// Answers its activations with these commands, in turn.
struct Scripted {
    commands: Vec<Vec<Command>>,
    heard: Arc<Mutex<Vec<Job>>>,
}

struct Instance {
    commands: std::vec::IntoIter<Vec<Command>>,
    heard: Arc<Mutex<Vec<Job>>>,
}

impl WorkflowProgram for Scripted {
    fn workflow_type(&self) -> &str {
        "scripted"
    }

    fn instantiate(
        &self,
        _run: Arc<RunInfo>,
        _start: &WorkflowStart,
        _link: Arc<dyn WorkflowLink>,
    ) -> Result<Box<dyn WorkflowRun>, TaskFailure> {
        let commands = self.commands.clone().into_iter();
        Ok(Box::new(Instance { commands, heard: Arc::clone(&self.heard) }))
    }
}

impl WorkflowRun for Instance {
    fn activate(&mut self, activation: &Activation, commands: &mut Vec<Command>) -> Result<(), TaskFailure> {
        self.heard.lock().unwrap().extend(activation.jobs.iter().cloned());
        commands.extend(self.commands.next().unwrap_or_default());
        Ok(())
    }
}

fn signal(seq: u32) -> Command {
    let target = Target::Workflow { workflow_id: "nobody".into(), run_id: None };
    Command::SignalWorkflow { seq, target, name: "go".into(), input: Payload::new("1") }
}

fn done() -> Command {
    Command::Complete(Payload::new("1"))
}

#[test]
fn a_signal_is_taken_back_as_long_as_it_has_not_left() {
    let heard: Arc<Mutex<Vec<Job>>> = Arc::default();
    let commands = vec![
        vec![signal(1), signal(2), Command::CancelSignal { seq: 2 }],
        // It has heard of the second one, in the same task; the first one has left by the next.
        vec![],
        vec![Command::CancelSignal { seq: 1 }, done()],
    ];
    let scripted = Scripted { commands, heard: heard.clone() };
    let run = Simulation::temporal().workflow_program(scripted).run("scripted", &()).unwrap();
    let failures = |seq: u32| {
        let heard = heard.lock().unwrap();
        let of = heard.iter().filter_map(|job| match job {
            Job::SignalDone { seq: ended, failure: Some(failure) } if *ended == seq => {
                Some(failure.message.to_string())
            }
            _ => None,
        });
        of.collect::<Vec<_>>()
    };
    assert_eq!(failures(2), ["Signal was cancelled before being sent"]);
    assert_eq!(failures(1), ["Unable to signal external workflow because it was not found"]);
    assert_eq!(run.timeline().to_string().matches("signal sent to nobody").count(), 1, "{}", run.timeline());
}

#[test]
fn a_child_is_told_why_it_is_cancelled() {
    let nap = async |ctx: &WorkflowContext, (): ()| -> Result<(), WorkflowError> {
        ctx.sleep(std::time::Duration::from_secs(10)).await
    };
    let child = Arc::new(ChildSpec::new("nap-1", "nap", Payload::new("null")));
    let commands = vec![
        vec![Command::StartChild { seq: 1, spec: child }],
        vec![Command::CancelChild { seq: 1, reason: "too late".into() }],
        vec![done()],
    ];
    let scripted = Scripted { commands, heard: Arc::default() };
    let (reasons, run) = Simulation::temporal()
        .workflow_program(scripted)
        .workflow("nap", nap)
        .drive(async |client| {
            let parent = client.start::<u32>("scripted", "parent", &()).await.unwrap();
            parent.result().await.unwrap();
            let child = client.workflow::<()>("nap-1").await.unwrap();
            child.inspect(|service, key| {
                let reasons = service.history(key).iter().filter_map(|event| match &event.kind {
                    EventKind::WorkflowExecutionCancelRequested { reason } => Some(reason.to_string()),
                    _ => None,
                });
                reasons.collect::<Vec<_>>()
            })
        })
        .unwrap();
    assert_eq!(reasons, ["too late"], "{}", run.timeline());
}
