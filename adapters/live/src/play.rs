//! Plays a scenario on the server, and tells what was observed in the form of the recordings.

use std::rc::Rc;
use std::time::Duration;

use serde_json::{Map, Value, json};
use tokio::task::{JoinHandle, spawn_local};

use crate::attempt::{self, by_id};
use crate::client::{Client, Refusal};
use crate::stage::{IDENTITY, Stage};
use crate::words;
use crate::workflow::{self, attached};

/// A drawn scenario.
pub struct Drawn {
    pub name: String,
    pub group: &'static str,
    pub definition: Value,
}

/// Plays a scenario and gives its recording.
///
/// # Errors
/// The error is the server's answer to a call without which there is nothing to record.
pub async fn play(client: Client, drawn: &Drawn, workflow: String) -> Result<Value, Refusal> {
    let stage = Rc::new(Stage::open(client, workflow, drawn.definition.clone()).await?);
    let workers = [
        Worker(spawn_local(workflow::serve(Rc::clone(&stage)))),
        Worker(spawn_local(attempt::serve(Rc::clone(&stage)))),
    ];
    let external = spawn_local(act(Rc::clone(&stage)));
    let limit = stage.definition["limit_ms"].as_f64().unwrap_or(15_000.0);
    let closes = close(&stage);
    let has_closed = tokio::select! {
        closed = closes => { closed?; true }
        () = stage.sleep_until(limit) => false,
    };
    if has_closed {
        // All calls are made in any case; scripts of attempts are given their time.
        let settled = stage.now() + stage.definition["settle_ms"].as_f64().unwrap_or(0.0);
        let _ = external.await;
        while stage.running.get() > 0 && stage.now() < settled {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    } else {
        external.abort();
    }
    stage.look("final").await;
    let events = history(&stage).await?;
    drop(workers);
    if !has_closed {
        let request = json!({ "workflowExecution": stage.execution(), "reason": "given up", "identity": IDENTITY });
        // It may have closed by now.
        let _ = stage.client.call("TerminateWorkflowExecution", request).await;
    }
    Ok(json!({
        "name": drawn.name,
        "group": drawn.group,
        "title": "drawn by seed",
        // The machine may have been busy: the time between two stamps is bounded from below only.
        "server": { "label": "dev-server", "slow": 1 },
        "definition": drawn.definition,
        "observed": observed(&stage, &events, has_closed),
    }))
}

/// A worker, which ends with this.
struct Worker(JoinHandle<()>);

impl Drop for Worker {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Waits until the workflow has closed.
async fn close(stage: &Stage) -> Result<(), Refusal> {
    loop {
        let request = json!({
            "execution": stage.execution(),
            "waitNewEvent": true,
            "historyEventFilterType": "HISTORY_EVENT_FILTER_TYPE_CLOSE_EVENT",
        });
        let answer = stage.client.call("GetWorkflowExecutionHistory", request).await?;
        if answer["history"]["events"].as_array().is_some_and(|events| !events.is_empty()) {
            return Ok(());
        }
    }
}

async fn history(stage: &Stage) -> Result<Vec<Value>, Refusal> {
    let (mut events, mut page) = (Vec::new(), Value::Null);
    loop {
        let request = json!({ "execution": stage.execution(), "nextPageToken": page });
        let mut answer = stage.client.call("GetWorkflowExecutionHistory", request).await?;
        let found = answer["history"]["events"].as_array().into_iter().flatten();
        events.extend(found.map(|event| words::event(event, stage.start.get())));
        page = answer["nextPageToken"].take();
        if page.as_str().is_none_or(str::is_empty) {
            return Ok(events);
        }
    }
}

/// Makes the calls from outside at their times.
async fn act(stage: Rc<Stage>) {
    let mut calls: Vec<Value> = stage.definition["external"].as_array().cloned().unwrap_or_default();
    calls.sort_by(|a, b| a["at"].as_f64().unwrap_or(0.0).total_cmp(&b["at"].as_f64().unwrap_or(0.0)));
    for call in &calls {
        stage.sleep_until(call["at"].as_f64().unwrap_or(0.0)).await;
        let what = call["do"].as_str().unwrap_or_default();
        let mut request = json!({ "identity": IDENTITY });
        let method = match what {
            "describe" => {
                stage.look(call["label"].as_str().unwrap_or("external")).await;
                continue;
            }
            "poll_start" | "poll_stop" => {
                stage.polling.send_replace(what == "poll_start");
                continue;
            }
            "cancel_workflow" | "signal" | "terminate" => {
                request["workflowExecution"] = stage.execution();
                match what {
                    "cancel_workflow" => "RequestCancelWorkflowExecution",
                    "signal" => {
                        request["signalName"] = json!("sig");
                        request["input"] = json!(attached(&json!([call["value"]])));
                        "SignalWorkflowExecution"
                    }
                    _ => {
                        request["reason"] = json!("golden");
                        "TerminateWorkflowExecution"
                    }
                }
            }
            "pause" | "unpause" | "reset" => {
                request["execution"] = stage.execution();
                request["id"] = call["activity_id"].clone();
                for (name, field) in [
                    ("reset_attempts", "resetAttempts"),
                    ("reset_heartbeat", "resetHeartbeat"),
                    ("keep_paused", "keepPaused"),
                ] {
                    if call[name] == true {
                        request[field] = json!(true);
                    }
                }
                match what {
                    "pause" => "PauseActivity",
                    "unpause" => "UnpauseActivity",
                    _ => "ResetActivity",
                }
            }
            "by_id" => {
                let (method, by_id) = by_id(&stage, call);
                request = by_id;
                method
            }
            other => panic!("unknown act from outside: {other}"),
        };
        let mut note = json!({ "call": if what == "by_id" { method } else { what } });
        let _ = stage.call(method, request, &mut note).await;
        stage.log.borrow_mut().client_calls.push(note);
    }
}

fn observed(stage: &Stage, events: &[Value], has_closed: bool) -> Value {
    let log = stage.log.borrow();
    let mut activities = Map::new();
    for scheduled in events.iter().filter(|event| event["type"] == "ACTIVITY_TASK_SCHEDULED") {
        let reference = scheduled["attrs"]["activity_id"].as_str().unwrap_or_default();
        let mut activity = activity(scheduled, events);
        let attempts = log.attempts.iter().filter(|attempt| attempt.reference == reference);
        let notes = attempts.map(|attempt| {
            let mut notes = attempt.notes.clone();
            if notes["ended"].is_null() {
                notes["ended"] = json!("no reply");
            }
            notes
        });
        activity["attempts"] = notes.collect();
        activities.insert(reference.to_owned(), activity);
    }
    json!({
        "workflow": closed(events, has_closed),
        "activities": activities,
        "client_calls": log.client_calls,
        "snapshots": log.snapshots,
        "history": { "run-1": events },
        "workflow_trace": log.trace,
    })
}

fn activity(scheduled: &Value, events: &[Value]) -> Value {
    let of_it = |event: &&Value| event["attrs"]["scheduled_event_id"] == scheduled["id"];
    let mut options = scheduled["attrs"].clone();
    options["t_ms"] = scheduled["t_ms"].clone();
    for name in ["activity_id", "activity_type", "input"] {
        options.as_object_mut().expect("attributes").remove(name);
    }
    let mut activity = json!({ "scheduled": options });
    for event in events.iter().filter(of_it) {
        match event["type"].as_str().unwrap_or_default() {
            "ACTIVITY_TASK_STARTED" => {
                activity["final_attempt"] = event["attrs"]["attempt"].clone();
                activity["started_last_failure"] = event["attrs"]["last_failure"].clone();
            }
            "ACTIVITY_TASK_CANCEL_REQUESTED" => activity["cancel_requested_at_ms"] = event["t_ms"].clone(),
            name => {
                let mut outcome = event["attrs"].clone();
                let fields = outcome.as_object_mut().expect("attributes");
                fields.remove("scheduled_event_id");
                fields.remove("started_event_id");
                outcome["event"] = json!(name);
                outcome["t_ms"] = event["t_ms"].clone();
                activity["outcome"] = outcome;
            }
        }
    }
    activity
}

/// Says how the workflow closed.
fn closed(events: &[Value], has_closed: bool) -> Value {
    let mut workflow = json!({ "closed": has_closed, "runs": 1 });
    if let Some(last) = events.last().filter(|_| has_closed) {
        workflow["close_event"] = last["type"].clone();
        workflow["close_at_ms"] = last["t_ms"].clone();
        for name in ["result", "failure", "retry_state", "reason"] {
            if let Some(value) = last["attrs"].get(name) {
                workflow[name] = value.clone();
            }
        }
    }
    workflow
}
