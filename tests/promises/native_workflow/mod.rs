//! Native workflows driven by hand: activations in, commands out, no engine.

mod cancellation;
mod combinators;
mod ends;
mod markers;
mod queries;
mod signals;

use std::sync::Arc;

use durasim::internals::NativeWorkflow;
use durasim::program::{
    Activation, ActivityResolution, Command, Details, Failure, FailureKind, Job, Marker, Payload, RetryState, RunInfo,
    Seq, TaskFailure, WorkflowLink, WorkflowProgram, WorkflowRun, WorkflowStart,
};
use durasim::{ActivityOptions, RetryPolicy, Time, WorkflowContext, WorkflowError, WorkflowFn};
use serde::Serialize;

/// An instance and all its activations, so that they can be repeated.
struct Driven {
    program: Box<dyn WorkflowProgram>,
    run: Box<dyn WorkflowRun>,
    activations: Vec<(Activation, Vec<Command>)>,
}

fn info() -> Arc<RunInfo> {
    Arc::new(RunInfo::new("w", "r", "test", "q").random_seed(7))
}

/// A link to no simulation.
fn unlinked() -> Arc<dyn WorkflowLink> {
    struct Unlinked;
    impl WorkflowLink for Unlinked {}
    Arc::new(Unlinked)
}

fn start<I: Serialize>(input: &I) -> WorkflowStart {
    WorkflowStart::new(Payload::from_json(input).expect("encodes"))
}

/// An instance that has been given its first activation, with the input `null`.
fn driven<O: Serialize + 'static>(workflow: impl WorkflowFn<(), O>) -> Driven {
    let mut driven = fresh(workflow);
    driven.activate([Job::Start]);
    driven
}

fn fresh<O: Serialize + 'static>(workflow: impl WorkflowFn<(), O>) -> Driven {
    let program: Box<dyn WorkflowProgram> = Box::new(NativeWorkflow::new("test", workflow));
    let run = program.instantiate(info(), &start(&()), unlinked()).expect("null decodes");
    Driven { program, run, activations: Vec::new() }
}

impl Driven {
    fn try_activate(&mut self, jobs: impl Into<Vec<Job>>) -> Result<Vec<Command>, TaskFailure> {
        let now = Time::from_millis(1000 * self.activations.len() as u64);
        let activation = Activation::new(now, jobs.into()).history_length(3);
        let commands = activate(&mut *self.run, &activation)?;
        self.activations.push((activation, commands.clone()));
        Ok(commands)
    }

    fn activate(&mut self, jobs: impl Into<Vec<Job>>) -> Vec<String> {
        self.try_activate(jobs).expect("the task does not fail").iter().map(show).collect()
    }

    /// The commands of the last activation.
    fn last(&self) -> Vec<String> {
        self.activations.last().expect("activated").1.iter().map(show).collect()
    }

    /// Feeds a fresh instance all activations again and compares the commands.
    fn assert_replays(&self) {
        let mut again = self.program.instantiate(info(), &start(&()), unlinked()).expect("null decodes");
        for (activation, commands) in &self.activations {
            let mut activation = activation.clone().replaying(true);
            // A worker does the same: the markers that the answer recorded come ahead.
            let markers = commands.iter().filter_map(|command| match command {
                Command::RecordMarker(marker) => Some(Job::Marker(marker.clone())),
                _ => None,
            });
            activation.jobs.splice(0..0, markers);
            assert_eq!(&activate(&mut *again, &activation).expect("the task does not fail"), commands);
        }
    }
}

/// The commands that an instance gives.
fn activate(run: &mut dyn WorkflowRun, activation: &Activation) -> Result<Vec<Command>, TaskFailure> {
    let mut commands = Vec::new();
    run.activate(activation, &mut commands)?;
    Ok(commands)
}

/// Short enough to compare: `schedule 1 a "in"`.
fn show(command: &Command) -> String {
    match command {
        Command::ScheduleActivity { seq, spec } => format!("schedule {seq} {} {}", spec.activity_type, spec.input),
        Command::CancelActivity { seq } => format!("cancel {seq}"),
        Command::StartTimer { seq, duration } => format!("timer {seq} {duration:?}"),
        Command::CancelTimer { seq } => format!("cancel timer {seq}"),
        Command::RecordMarker(Marker::SideEffect { seq, value }) => format!("side effect {seq} {value}"),
        Command::RecordMarker(Marker::MutableSideEffect { id, call, value }) => format!("{id:?} {call} {value}"),
        Command::RecordMarker(Marker::Version { change_id, version }) => format!("version {change_id} {version}"),
        Command::RecordMarker(Marker::Patch { id, deprecated }) => {
            format!("{}patch {id}", if *deprecated { "deprecated " } else { "" })
        }
        Command::QueryAnswer { id, result: Ok(answer) } => format!("answer {id} {answer}"),
        Command::QueryAnswer { id, result: Err(failure) } => format!("no answer {id} {failure}"),
        Command::Complete(result) => format!("complete {result}"),
        Command::Fail(failure) => format!("fail {failure}"),
        Command::Cancelled(_) => "cancelled".to_owned(),
        other => format!("{other:?}"),
    }
}

fn done<T: Serialize>(seq: Seq, result: T) -> Job {
    Job::ActivityDone { seq, result: ActivityResolution::Completed(Payload::from_json(&result).expect("encodes")) }
}

fn failed(seq: Seq, cause: Failure) -> Job {
    Job::ActivityDone { seq, result: ActivityResolution::Failed(activity_failure(cause).into()) }
}

fn cancelled(seq: Seq) -> Job {
    let kind = FailureKind::Canceled { details: Details::from(Some(&b"half"[..])) };
    let cause = Failure::new("canceled", kind);
    Job::ActivityDone { seq, result: ActivityResolution::Cancelled(activity_failure(cause).into()) }
}

fn cancel() -> Job {
    Job::Cancel { reason: "".into() }
}

fn activity_failure(cause: Failure) -> Failure {
    let kind = FailureKind::Activity {
        activity_type: "a".into(),
        activity_id: "1".into(),
        scheduled_event_id: 5,
        started_event_id: 6,
        retry_state: RetryState::MaximumAttemptsReached,
    };
    Failure::new("activity error", kind).caused_by(cause)
}

fn options() -> ActivityOptions {
    ActivityOptions { start_to_close_timeout: std::time::Duration::from_secs(10), ..Default::default() }
}
