//! [`ByHand`]: workflow tasks that the scenario answers itself, with commands as the API writes them.

use std::collections::BTreeMap;
use std::sync::Arc;

use durasim::Span;
use durasim::internals::{Service, WorkflowTask};
use durasim::program::{
    ActivitySpec, CancellationType, Command, Details, Failure, FailureKind, Payload, RetrySpec, Seq, Timeouts,
};
use durasim::service::{HistoryEvent, WorkflowKey};
use serde_json::{Value, json};

use crate::recording::history::type_name;

/// The types of command that this interpreter knows.
pub const COMMANDS: [&str; 7] = [
    "COMMAND_TYPE_SCHEDULE_ACTIVITY_TASK",
    "COMMAND_TYPE_REQUEST_CANCEL_ACTIVITY_TASK",
    "COMMAND_TYPE_START_TIMER",
    "COMMAND_TYPE_CANCEL_TIMER",
    "COMMAND_TYPE_COMPLETE_WORKFLOW_EXECUTION",
    "COMMAND_TYPE_CANCEL_WORKFLOW_EXECUTION",
    "COMMAND_TYPE_FAIL_WORKFLOW_EXECUTION",
];

#[derive(Default)]
pub struct ByHand {
    activities: Seq,
    /// The names of timers, which are named in the API and counted here.
    timers: BTreeMap<Seq, String>,
    /// The tasks as they were received, with the answers to them.
    pub log: Vec<Value>,
}

impl ByHand {
    /// Notes a task and gives its place in the log.
    pub fn receive(&mut self, task: WorkflowTask, history: &[HistoryEvent]) -> usize {
        let mut names: Vec<&str> = history.iter().map(|event| type_name(&event.kind)).collect();
        if task.attempt > 1 {
            // These events are shown to the worker, and are not written yet.
            names.extend(["WORKFLOW_TASK_SCHEDULED", "WORKFLOW_TASK_STARTED"]);
        }
        self.log.push(json!({
            "n": self.log.len() + 1,
            "attempt": task.attempt,
            "started_event_id": task.started_event_id,
            "previous_started_event_id": task.previous_started_event_id,
            "history_events": names,
            "calls": [],
        }));
        self.log.len() - 1
    }

    /// The id of a timer: its name, or for a script's timers their number.
    pub fn timer_id(&self, timer: Seq) -> String {
        self.timers.get(&timer).cloned().unwrap_or_else(|| timer.to_string())
    }

    pub fn commands(
        &mut self,
        commands: &Value,
        service: &Service,
        workflow: WorkflowKey,
        task: WorkflowTask,
    ) -> Vec<Command> {
        // This is the id of the event that comes before those of the commands.
        let completed = task.started_event_id + 1;
        let mut here = BTreeMap::new();
        let list = commands.as_array().into_iter().flatten().zip(completed + 1..);
        list.map(|(command, event_id)| match command["commandType"].as_str().unwrap_or_default() {
            "COMMAND_TYPE_SCHEDULE_ACTIVITY_TASK" => {
                self.activities += 1;
                here.insert(event_id, self.activities);
                let spec = Arc::new(spec(&command["scheduleActivityTaskCommandAttributes"]));
                Command::ScheduleActivity { seq: self.activities, spec }
            }
            "COMMAND_TYPE_REQUEST_CANCEL_ACTIVITY_TASK" => {
                let id = command["requestCancelActivityTaskCommandAttributes"]["scheduledEventId"].as_u64();
                let id = id.expect("an event id");
                let activities = service.workflow(workflow).activities().iter();
                let mut known = activities.filter(|(_, key)| service.activity(*key).scheduled_event_id() == id);
                let seq = known.next().map(|(seq, _)| *seq).or(here.get(&id).copied());
                // An event that is not there is no activity's: it is named by a number that none has.
                Command::CancelActivity { seq: seq.unwrap_or(id as Seq) }
            }
            "COMMAND_TYPE_START_TIMER" => {
                let attributes = &command["startTimerCommandAttributes"];
                let seq = self.timers.len() as Seq + 1;
                self.timers.insert(seq, attributes["timerId"].as_str().unwrap_or_default().to_owned());
                Command::StartTimer { seq, duration: duration(&attributes["startToFireTimeout"]) }
            }
            "COMMAND_TYPE_CANCEL_TIMER" => {
                let id = command["cancelTimerCommandAttributes"]["timerId"].as_str().unwrap_or_default();
                // A timer that nobody has started has a number that none has.
                let known = self.timers.iter().rev().find(|(_, name)| *name == id);
                Command::CancelTimer { seq: known.map_or(0, |(seq, _)| *seq) }
            }
            "COMMAND_TYPE_COMPLETE_WORKFLOW_EXECUTION" => Command::Complete(Payload::new(b"")),
            "COMMAND_TYPE_CANCEL_WORKFLOW_EXECUTION" => Command::Cancelled(Details::Absent),
            "COMMAND_TYPE_FAIL_WORKFLOW_EXECUTION" => {
                Command::Fail(failure(&command["failWorkflowExecutionCommandAttributes"]["failure"]).into())
            }
            other => panic!("unknown command {other}"),
        })
        .collect()
    }
}

/// Reads an application's failure as the API writes it.
fn failure(given: &Value) -> Failure {
    let info = &given["applicationFailureInfo"];
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut failure = Failure::application(text(&info["type"]), text(&given["message"]));
    if let FailureKind::Application { non_retryable, .. } = &mut failure.kind {
        *non_retryable = info["nonRetryable"] == true;
    }
    match given.get("cause") {
        Some(cause) => failure.caused_by(self::failure(cause)),
        None => failure,
    }
}

fn spec(attributes: &Value) -> ActivitySpec {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let timeouts = Timeouts::default()
        .schedule_to_close(duration(&attributes["scheduleToCloseTimeout"]))
        .schedule_to_start(duration(&attributes["scheduleToStartTimeout"]))
        .start_to_close(duration(&attributes["startToCloseTimeout"]))
        .heartbeat(duration(&attributes["heartbeatTimeout"]));
    let spec = ActivitySpec::new(text(&attributes["activityType"]["name"]), Payload::new(b""))
        .activity_id(text(&attributes["activityId"]))
        .timeouts(timeouts)
        .cancellation(CancellationType::WaitCancellationCompleted);
    let policy = &attributes["retryPolicy"];
    if !policy.is_object() {
        return spec;
    }
    spec.retry(
        RetrySpec::default()
            .initial_interval(duration(&policy["initialInterval"]))
            .backoff_coefficient(policy["backoffCoefficient"].as_f64().unwrap_or(0.0))
            .maximum_interval(duration(&policy["maximumInterval"]))
            .maximum_attempts(policy["maximumAttempts"].as_i64().unwrap_or(0) as i32)
            .non_retryable_error_types(
                policy["nonRetryableErrorTypes"].as_array().into_iter().flatten().filter_map(Value::as_str),
            ),
    )
}

/// Reads a time such as `0.2s`.
fn duration(value: &Value) -> Span {
    let Some(text) = value.as_str() else { return Span::ZERO };
    let seconds: f64 = text.strip_suffix('s').and_then(|number| number.parse().ok()).expect("a duration");
    Span::from_nanos((seconds * 1e9).round() as i64)
}
