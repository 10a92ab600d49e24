//! The worker of workflow tasks: the script and durasim's own worker answer them, as they do in the simulation, so that only
//! the server differs.

use std::rc::Rc;

use durasim::internals::{CachedWorkflow, read_history};
use durasim::program::{ActivitySpec, Command, Seq};
use durasim::service::{EventKind, HistoryEvent};
use serde_json::{Value, json};

use crate::recording::history::{policy, set};
use crate::recording::wire::{self, LIST, millis, recorded, sole};
use crate::script::{ScriptRun, Worker};
use crate::stage::{IDENTITY, Stage};
use crate::translate::{failure, message, payloads};
use crate::words::listed;

/// Answers workflow tasks until it is dropped.
pub async fn serve(stage: Rc<Stage>) {
    loop {
        let request = json!({ "taskQueue": { "name": stage.queues[0] }, "identity": IDENTITY });
        let task = match stage.client.call("PollWorkflowTaskQueue", request).await {
            Ok(task) if task["taskToken"].is_string() => task,
            Ok(_) => continue,
            Err(why) => {
                eprintln!("{}: a poll of workflow tasks: {}: {}", stage.workflow, why.code, why.message);
                tokio::time::sleep(std::time::Duration::from_millis(100)).await;
                continue;
            }
        };
        let (method, mut answer) = match commands(&stage, &task) {
            Ok(commands) => ("RespondWorkflowTaskCompleted", json!({ "commands": commands })),
            Err(why) => {
                eprintln!("{}: {why}", stage.workflow);
                ("RespondWorkflowTaskFailed", json!({ "failure": { "message": why } }))
            }
        };
        answer["taskToken"] = task["taskToken"].clone();
        answer["identity"] = json!(IDENTITY);
        // A refusal is followed by another task.
        let _ = stage.client.call(method, answer).await;
    }
}

/// Runs the script over the whole history. Its last commands are the answer.
fn commands(stage: &Stage, task: &Value) -> Result<Vec<Value>, String> {
    let has_more = task["nextPageToken"].as_str().is_some_and(|token| !token.is_empty());
    if has_more {
        return Err("the history is longer than a page".to_owned());
    }
    let history = read_history(&gathered(&task["history"]).to_string(), &|_| false).map_err(|why| why.to_string())?;
    let last = history.events.last().ok_or("no history")?;
    let script = history.input.to_json::<Value>().map_err(|why| why.to_string())?;
    let worker = Worker::default();
    let mut code = CachedWorkflow::new(Box::new(ScriptRun::new(&script, &history.info, worker.clone())));
    let commands = code.take_task(&history.events, std::iter::empty(), last.at);
    stage.log.borrow_mut().trace = worker.kept().trace.clone();
    let commands = commands.map_err(|why| why.to_string())?;
    commands.iter().map(|command| written(command, &history.events, &stage.queues[1])).collect()
}

/// Puts several payloads of one field into one, as the simulation has them, which tells them apart by this form.
fn gathered(message: &Value) -> Value {
    match message {
        Value::Object(_) if message["payloads"].as_array().is_some_and(|payloads| payloads.len() > 1) => {
            payloads(&json!([{ LIST: listed(message) }]))
        }
        Value::Object(fields) => fields.iter().map(|(name, field)| (name.clone(), gathered(field))).collect(),
        Value::Array(list) => list.iter().map(gathered).collect(),
        other => other.clone(),
    }
}

/// A command, as the API has it.
fn written(command: &Command, history: &[HistoryEvent], queue: &str) -> Result<Value, String> {
    let (kind, attributes, fields) = match command {
        Command::ScheduleActivity { spec, .. } => {
            ("SCHEDULE_ACTIVITY_TASK", "scheduleActivityTask", schedule(spec, queue))
        }
        Command::CancelActivity { seq } => {
            let scheduled = scheduled(history, *seq).ok_or("a cancel of an activity that the history does not have")?;
            let fields = json!({ "scheduled_event_id": scheduled });
            ("REQUEST_CANCEL_ACTIVITY_TASK", "requestCancelActivityTask", fields)
        }
        Command::StartTimer { seq, duration } => {
            let fields = json!({ "timer_id": seq.to_string(), "start_to_fire_timeout_ms": millis(*duration) });
            ("START_TIMER", "startTimer", fields)
        }
        Command::CancelTimer { seq } => ("CANCEL_TIMER", "cancelTimer", json!({ "timer_id": seq.to_string() })),
        Command::Complete(result) => {
            ("COMPLETE_WORKFLOW_EXECUTION", "completeWorkflowExecution", json!({ "result": sole(result) }))
        }
        Command::Cancelled(details) => {
            ("CANCEL_WORKFLOW_EXECUTION", "cancelWorkflowExecution", json!({ "details": wire::listed(details) }))
        }
        Command::Fail(why) => {
            let attributes = json!({ "failure": failure(&recorded(why)) });
            return Ok(json!({
                "commandType": "COMMAND_TYPE_FAIL_WORKFLOW_EXECUTION",
                "failWorkflowExecutionCommandAttributes": attributes,
            }));
        }
        other => return Err(format!("no scenario of this kind asks for {other:?}")),
    };
    let mut written = json!({ "commandType": format!("COMMAND_TYPE_{kind}") });
    written[format!("{attributes}CommandAttributes")] = message(&fields);
    Ok(written)
}

fn schedule(spec: &ActivitySpec, queue: &str) -> Value {
    json!({
        "activity_id": spec.activity_id.as_deref(),
        "activity_type": &*spec.activity_type,
        "task_queue": queue,
        "input": sole(&spec.input),
        "schedule_to_close_timeout_ms": set(spec.timeouts.schedule_to_close),
        "schedule_to_start_timeout_ms": set(spec.timeouts.schedule_to_start),
        "start_to_close_timeout_ms": set(spec.timeouts.start_to_close),
        "heartbeat_timeout_ms": set(spec.timeouts.heartbeat),
        "retry_policy": spec.retry.as_ref().map(policy),
    })
}

fn scheduled(history: &[HistoryEvent], activity: Seq) -> Option<u64> {
    let is_it =
        |event: &&HistoryEvent| matches!(event.kind, EventKind::ActivityTaskScheduled { seq, .. } if seq == activity);
    history.iter().find(is_it).map(|event| event.id)
}

/// Details or an input of a step, as the API has them: `NONE` is no field, a list is that many payloads, all else is one.
pub fn attached(step: &Value) -> Option<Value> {
    match step {
        Value::String(word) if word == "NONE" => None,
        Value::Array(_) => Some(payloads(step)),
        one => Some(payloads(&json!([one]))),
    }
}
