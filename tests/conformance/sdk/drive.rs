//! The drive of a simulation: it is driven as the recordings' driver drove a server, and its observations are told.

use std::time::Duration;

use durasim::internals::Service;
use durasim::service::{Reset, Unpause, WorkflowKey};
use durasim::{Client, ClientError, Run, RunError, Simulation, StartOptions, Time, WorkerOptions, WorkflowHandle};
use serde_json::{Value, json};

use super::activity::ScriptActivity;
use super::log::{AttemptLog, Log};
use crate::pace::Pace;
use crate::raw::ID;
use crate::recording::gap::{Gap, Stamp};
use crate::recording::history::{self, at};
use crate::recording::snapshot::describe;
use crate::recording::wire::{retry, span};
use crate::script::{ScriptProgram, TASK_QUEUE, TYPE, Worker};

/// The worker of the activities: the driver's own runs the workflows, unless the scenario's does.
fn activity_worker(definition: &Value) -> usize {
    if has_own_worker(definition) { 1 } else { 2 }
}

fn has_own_worker(definition: &Value) -> bool {
    definition["wf_queue"] == "own" || definition["sdk"]["workflows"] == true
}

/// A time longer than any scenario: a worker comes up again when the scenario says so.
const NEVER: Duration = Duration::from_secs(24 * 3600);
/// A call that waits for events is not made later than this.
const LATEST: Duration = Duration::from_secs(3);
/// The driver gives up waiting for the workflow to close after this, unless the scenario says otherwise.
const LIMIT: Duration = Duration::from_secs(15);

pub fn play(definition: &Value, pace: Pace<Value>) -> Result<(Value, Vec<Gap>), String> {
    let (observed, gaps, _) = simulate(definition, pace).map_err(|error| error.to_string())?;
    Ok((observed, gaps))
}

/// Does the same, and gives the run too.
pub fn simulate(definition: &Value, pace: Pace<Value>) -> Result<(Value, Vec<Gap>, Run), RunError> {
    let (log, worker) = (Log::default(), Worker::default());
    let sdk = &definition["sdk"];
    let activities = WorkerOptions { task_queue: TASK_QUEUE.to_owned(), ..WorkerOptions::default() };
    let length = |value: &Value| span(value).to_duration();
    let simulation = Simulation::temporal()
        .workflow_program(ScriptProgram { worker: worker.clone() })
        .activity_program(ScriptActivity {
            activities: definition["activities"].clone(),
            log: log.clone(),
            pace: pace.clone(),
        })
        .workflow_task_failures(0)
        .graceful_shutdown_period(length(&sdk["graceful_ms"]))
        .restart_delay(NEVER)
        .heartbeat_throttle(Duration::ZERO, length(&sdk["max_heartbeat_throttle_interval_ms"]));
    let simulation = if has_own_worker(definition) {
        worker.kept().runs_activities = true;
        simulation.worker(WorkerOptions::default())
    } else {
        simulation.worker(WorkerOptions::default()).worker(activities)
    };
    let simulation = match sdk["max_cached"].as_u64() {
        Some(most) => simulation.cached_workflows(most as u32),
        None => simulation,
    };
    let driver = |client: Client| drive(client, definition, &pace, &log);
    let (mut observed, run) = simulation.drive(driver)?;
    let notes = log.notes();
    if let Some(activities) = observed["activities"].as_object_mut() {
        for log in &notes.attempts {
            // The service has nothing of a local one.
            activities.entry(&log.reference).or_insert(json!({}));
        }
        for (reference, activity) in activities {
            let attempts = notes.attempts.iter().filter(|attempt| attempt.reference == *reference);
            activity["attempts"] = attempts.map(attempt).collect();
        }
    }
    observed["workflow_trace"] = json!(worker.kept().trace);
    let gaps = gaps(&observed, &notes.attempts);
    Ok((observed, gaps, run))
}

async fn drive(client: Client, definition: &Value, pace: &Pace<Value>, log: &Log) -> Value {
    let worker = activity_worker(definition);
    let script = &definition["workflow"]["script"];
    let options = options(&definition["workflow"]);
    let workflow = client.start_with::<Value>(TYPE, ID, script, options).await.expect("a start that the server took");
    let mut calls = vec![json!({ "call": "sdk worker started" })];
    let mut snapshots = Vec::new();
    let mut is_up = true;
    let mut events = definition["external"].as_array().cloned().unwrap_or_default();
    events.sort_by_key(|event| span(&event["at"]));
    for event in &events {
        let what = event["do"].as_str().expect("what to do");
        let recorded = if what == "describe" { None } else { pace.client_call(calls.len()) };
        let events = if what == "describe" { None } else { pace.events_before_call(calls.len()) };
        let time = recorded.unwrap_or(Time::ZERO.plus(span(&event["at"])));
        match events {
            Some(events) => wait_for_events(&client, &workflow, events, time + LATEST).await,
            None => durasim::time::sleep_until(time).await,
        }
        match what {
            "describe" => {
                let label = event["label"].as_str().unwrap_or("external");
                let now = client.now();
                snapshots.push(workflow.inspect(|service, key| describe(service, key, label, now)));
            }
            "sdk_stop" => {
                client.stop_worker(worker);
                calls.push(json!({ "call": "sdk worker shutdown" }));
                is_up = false;
            }
            "sdk_start" => {
                client.start_worker(worker);
                calls.push(json!({ "call": "sdk worker started" }));
                is_up = true;
            }
            _ => calls.push(call(&workflow, event, what).await),
        }
    }
    let limit = definition["limit_ms"].as_f64().map_or(LIMIT, |_| span(&definition["limit_ms"]).to_duration());
    let left = Time::ZERO + limit - client.now();
    let _ = durasim::time::timeout(left, workflow.result()).await;
    client.sleep(span(&definition["after_ms"]).to_duration()).await;
    let now = client.now();
    snapshots.push(workflow.inspect(|service, key| describe(service, key, "final", now)));
    log.notes().is_over = true;
    if is_up {
        client.stop_worker(worker);
        calls.push(json!({ "call": "sdk worker shutdown" }));
    }
    let mut observed = workflow.inspect(|service, key| {
        let mut observed = history::observed(service, history::first_of(service, key));
        history::add_children(&mut observed, service, definition, ID);
        observed
    });
    observed["client_calls"] = json!(calls);
    observed["snapshots"] = json!(snapshots);
    if observed["workflow"]["closed"] == false {
        // A run ends when its workflows have closed.
        workflow.terminate("golden").await.expect("an open workflow");
    }
    observed
}

/// Waits until a history has so many events, without those about workflow tasks, or until then. A hand-over
/// takes a millisecond, so that nothing is missed.
async fn wait_for_events(client: &Client, workflow: &WorkflowHandle<Value>, events: usize, until: Time) {
    let has_them = |service: &Service, key: WorkflowKey| {
        let names =
            service.history(history::first_of(service, key)).iter().map(|event| history::type_name(&event.kind));
        names.filter(|name| !name.starts_with("WORKFLOW_TASK_")).count() >= events
    };
    while client.now() < until && !workflow.inspect(has_them) {
        client.sleep(Duration::from_micros(900)).await;
    }
}

/// The options with which the workflow is started.
fn options(workflow: &Value) -> StartOptions {
    let length = |field: &str| span(&workflow[field]).to_duration();
    StartOptions {
        run_timeout: length("run_timeout_ms"),
        execution_timeout: length("execution_timeout_ms"),
        task_timeout: length("task_timeout_ms"),
        start_delay: length("start_delay_ms"),
        retry_policy: retry(&workflow["retry"]),
        ..StartOptions::default()
    }
}

async fn call(workflow: &WorkflowHandle<Value>, event: &Value, what: &str) -> Value {
    let asks = |field: &str| event[field] == true;
    let activity = event["activity_id"].as_str().unwrap_or_default();
    let answer = match what {
        "cancel_workflow" => workflow.cancel().await,
        "signal" => workflow.signal(event["name"].as_str().unwrap_or("sig"), &event["value"]).await,
        "terminate" => workflow.terminate(event["reason"].as_str().unwrap_or("golden")).await,
        "by_id" => workflow.complete_activity(activity, event.get("value").unwrap_or(&json!("by-id"))).await,
        "pause" => workflow.pause_activity(activity).await,
        "unpause" => {
            let how = Unpause { reset_attempts: asks("reset_attempts"), reset_heartbeat: asks("reset_heartbeat") };
            workflow.unpause_activity(activity, how).await
        }
        "reset" => {
            let how = Reset {
                reset_heartbeat: asks("reset_heartbeat"),
                keep_paused: asks("keep_paused"),
                ..Default::default()
            };
            workflow.reset_activity(activity, how).await
        }
        other => panic!("unknown act from outside: {other}"),
    };
    let name = if what == "by_id" { "RespondActivityTaskCompletedById" } else { what };
    match answer {
        Ok(()) => json!({ "call": name, "ok": true }),
        Err(ClientError::Refused(refused)) => {
            let (code, message) = refused.split_once(": ").unwrap_or((&refused, ""));
            json!({ "call": name, "ok": false, "error": { "code": code, "message": message } })
        }
        Err(other) => panic!("{name}: {other}"),
    }
}

fn attempt(log: &AttemptLog) -> Value {
    let ended = log.ended.as_ref().map_or("no reply", |ended| &ended.label);
    json!({ "attempt": log.number, "heartbeat_details": log.details, "calls": log.calls, "ended": ended })
}

/// The times that the service or the worker sets: from the end of an attempt to the next one, from a start to a timeout,
/// and timers.
fn gaps(observed: &Value, attempts: &[AttemptLog]) -> Vec<Gap> {
    let mut gaps = Vec::new();
    for log in attempts {
        let next = attempts.iter().find(|next| next.reference == log.reference && next.place == log.place + 1);
        let activity = || log.reference.clone();
        if let (Some(ended), Some(next)) = (&log.ended, next)
            && ended.has_failed
        {
            gaps.push(Gap {
                from: Stamp::Ended { activity: activity(), attempt: log.place },
                to: Stamp::Started { activity: activity(), attempt: next.place },
                nominal: at(next.started_at) - at(ended.at),
            });
        }
        let outcome = &observed["activities"][&log.reference]["outcome"];
        if next.is_none() && outcome["event"] == "ACTIVITY_TASK_TIMED_OUT" {
            gaps.push(Gap {
                from: Stamp::StartedEvent,
                to: Stamp::Closed { activity: activity() },
                nominal: outcome["t_ms"].as_f64().unwrap_or(0.0) - at(log.started_at),
            });
        }
    }
    gaps
}

#[cfg(test)]
mod tests {
    use super::*;

    fn played(definition: &Value) -> Value {
        play(definition, Pace::Nominal).expect("a script that ends").0
    }

    fn calls(observed: &Value) -> Vec<Value> {
        let calls = observed["activities"]["a"]["attempts"][0]["calls"].as_array().cloned().unwrap_or_default();
        calls.iter().map(|call| json!([call["call"], call["details"], call["at_ms"]])).collect()
    }

    /// A workflow with one activity, whose script this is.
    fn activity(heartbeat: u32, cancel_at: Option<u32>, steps: &Value) -> Value {
        let options = json!({
            "ref": "a", "start_to_close_ms": 20000, "heartbeat_ms": heartbeat, "cancellation": "WAIT",
            "retry": { "max_attempts": 1 },
        });
        let cancel = cancel_at.map(|at| json!({ "at": at, "do": "cancel_workflow" }));
        json!({
            "engine": "sdk", "workflow": { "script": [{ "activity": options }, { "await": { "ref": "a" } }] },
            "activities": { "a": [steps] }, "external": cancel.as_slice(),
        })
    }

    #[test]
    fn the_notes_of_a_script_are_told() {
        let definition = json!({ "engine": "sdk", "workflow": { "script": [{ "sleep": 100 }, { "return": 1 }] } });
        assert_eq!(played(&definition)["workflow_trace"][0]["what"], "slept");
    }

    #[test]
    fn a_reason_to_terminate_is_passed_on() {
        let terminate = json!([{ "at": 100, "do": "terminate", "reason": "enough" }]);
        let workflow = json!({ "script": [{ "sleep": 500 }] });
        let definition = json!({ "engine": "sdk", "workflow": workflow, "external": terminate });
        assert_eq!(played(&definition)["workflow"]["reason"], "enough");
    }

    /// A heartbeat in the tick of another one takes its place, and is the first that is sent, at once.
    #[test]
    fn heartbeats_of_one_tick_are_one() {
        let steps = json!([{ "heartbeat": 1 }, { "heartbeat": 2 }, { "sleep": 500 }, { "vanish": true }]);
        let mut definition = activity(2000, None, &steps);
        definition["external"] = json!([{ "at": 300, "do": "describe" }]);
        definition["limit_ms"] = json!(1000);
        let observed = played(&definition);
        assert_eq!(observed["snapshots"][0]["pending_activities"][0]["heartbeat_details"], json!([2]));
        assert_eq!(observed["workflow"]["closed"], false);
    }

    #[test]
    fn a_loop_whose_cancellation_is_ignored_ends_at_it() {
        let every = json!({ "count": 100, "every": 100, "on_cancel": "ignore" });
        let observed = played(&activity(200, Some(450), &json!([{ "heartbeat_loop": every }, { "succeed": 1 }])));
        let calls = calls(&observed);
        assert_eq!(calls.last().unwrap()[0], "CancelledError delivered");
        assert_eq!(observed["activities"]["a"]["outcome"]["event"], "ACTIVITY_TASK_COMPLETED");
        assert!(calls.len() < 10, "{calls:?}");
    }

    #[test]
    fn heartbeats_of_a_handler_are_not_noted() {
        let every = json!({ "count": 100, "every": 100, "on_cancel": [{ "heartbeat": "bye" }, { "succeed": 1 }] });
        let observed = played(&activity(200, Some(450), &json!([{ "heartbeat_loop": every }])));
        assert_eq!(calls(&observed).last().unwrap()[0], "CancelledError delivered");
        assert_eq!(observed["activities"]["a"]["attempts"][0]["ended"], "returned after cancel");
    }

    /// Python takes a delay of zero for none.
    #[test]
    fn a_delay_of_zero_is_none_to_python() {
        let fail = json!({ "type": "E", "next_retry_delay_ms": 0 });
        let mut definition = activity(0, None, &json!([{ "fail": fail }]));
        definition["activities"]["a"] = json!([[{ "fail": fail }], [{ "succeed": 1 }]]);
        definition["workflow"]["script"][0]["activity"]["retry"] = json!({ "initial_ms": 200, "max_attempts": 2 });
        assert_eq!(played(&definition)["activities"]["a"]["attempts"][1]["ended"], "returned");
    }

    #[test]
    fn somebody_else_completes_an_activity_that_says_so() {
        let mut definition = activity(0, None, &json!([{ "async_complete": true }]));
        definition["external"] = json!([{ "at": 700, "do": "by_id", "op": "complete", "activity_id": "a" }]);
        let observed = played(&definition);
        assert_eq!(observed["activities"]["a"]["outcome"]["result"], json!(["by-id"]));
    }

    #[test]
    fn another_version_runs_from_the_next_execution_on() {
        let flip = json!([{ "flip": { "first": [{ "sleep": 100 }], "later": [{ "sleep": 100 }, { "return": 2 }] } }]);
        let sdk = json!({ "workflows": true, "max_cached": 0 });
        let observed = played(&json!({ "engine": "sdk", "sdk": sdk, "workflow": { "script": flip } }));
        assert_eq!(observed["workflow"]["result"], json!([2]));
    }
}
