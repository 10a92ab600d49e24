//! The steps of an activity script that calls the service by itself.

use std::pin::Pin;

use durasim::program::Details;
use serde_json::{Value, json};

use super::agent::{Agent, Shown};
use crate::recording::wire::{details, failure, payload, span};

/// The names of all steps that this interpreter knows.
pub const STEPS: [&str; 10] = [
    "sleep",
    "sleep_until_started_plus",
    "heartbeat",
    "heartbeat_loop",
    "fail",
    "succeed",
    "respond_canceled",
    "vanish",
    "by_id",
    "big",
];

/// Says whether the script goes on.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Flow {
    On,
    Stop,
}

/// Runs an attempt's script to its end.
pub async fn run(agent: Agent<'_>, steps: Value) {
    let _ = run_steps(&agent, &steps).await;
    let mut world = agent.world.borrow_mut();
    world.attempts[agent.attempt].ended.get_or_insert_with(|| "no reply".to_owned());
}

fn run_steps<'a>(agent: &'a Agent<'_>, steps: &'a Value) -> Pin<Box<dyn Future<Output = Flow> + 'a>> {
    Box::pin(async move {
        for step in steps.as_array().into_iter().flatten() {
            if run_step(agent, step).await == Flow::Stop {
                return Flow::Stop;
            }
        }
        Flow::On
    })
}

async fn run_step(agent: &Agent<'_>, step: &Value) -> Flow {
    let name = STEPS.into_iter().find(|name| step.get(name).is_some());
    let name = name.unwrap_or_else(|| panic!("unknown activity step {step}"));
    let body = &step[name];
    let shown = Shown::of(step);
    match name {
        "sleep" => agent.sleep(span(body)).await,
        "sleep_until_started_plus" => agent.sleep_until(agent.started_at().plus(span(body))).await,
        "heartbeat" => return heartbeat(agent, body, &step["on_cancel"], shown).await.unwrap_or(Flow::On),
        "heartbeat_loop" => return heartbeat_loop(agent, body, shown).await,
        "fail" => {
            let call = json!({ "call": "RespondActivityTaskFailed", "failure": body });
            let attached = body.get("last_heartbeat_details").map(details);
            let answer = agent.fail(call, failure(body), attached, shown).await;
            let kind = body["kind"].as_str().unwrap_or("application");
            let said = if kind == "application" { body["type"].as_str().unwrap_or_default() } else { kind };
            agent.end(format!("failed({said})"), answer, shown);
        }
        "succeed" => {
            let call = json!({ "call": "RespondActivityTaskCompleted" });
            let answer = agent.complete(call, payload(body), shown).await;
            agent.end("completed".to_owned(), answer, shown);
        }
        "respond_canceled" => {
            let call = json!({ "call": "RespondActivityTaskCanceled" });
            let attached = if body.is_null() { Details::Absent } else { details(body) };
            let answer = agent.cancel(call, attached, shown).await;
            agent.end("canceled".to_owned(), answer, shown);
        }
        "vanish" => return Flow::Stop,
        "by_id" => {
            let _ = agent.by_id(body).await;
        }
        _ => return big(agent, body, step, shown).await,
    }
    Flow::On
}

/// Sends something too large, or nearly so.
async fn big(agent: &Agent<'_>, body: &Value, step: &Value, shown: Shown) -> Flow {
    let (what, length) = body.as_object().and_then(|body| body.iter().next()).expect("something big");
    let text = "x".repeat(length.as_u64().unwrap_or(0) as usize);
    let failed =
        |details: Value, message: &str| failure(&json!({ "type": "MyError", "message": message, "details": details }));
    match what.as_str() {
        "heartbeat" => {
            let call = json!({ "call": "RecordActivityTaskHeartbeat", "details_len": length });
            let answer = agent.heartbeat(call, details(&json!(text)), shown).await;
            if answer.is_ok_and(|answer| answer.cancel_requested) {
                return cancelled(agent, &step["on_cancel"]).await;
            }
        }
        "succeed" => {
            let call = json!({ "call": "RespondActivityTaskCompleted", "result_len": length });
            let answer = agent.complete(call, payload(&json!(text)), shown).await;
            agent.end("completed(big)".to_owned(), answer, shown);
        }
        "fail_message" | "fail_details" => {
            let call = json!({ "call": "RespondActivityTaskFailed", what: length });
            let failure =
                if what == "fail_message" { failed(Value::Null, &text) } else { failed(json!([text]), "boom") };
            let answer = agent.fail(call, failure, None, shown).await;
            agent.end("failed(big)".to_owned(), answer, shown);
        }
        other => panic!("unknown big thing {other}"),
    }
    Flow::On
}

/// Sends one heartbeat; gives an error if it was refused.
async fn heartbeat(agent: &Agent<'_>, body: &Value, on_cancel: &Value, shown: Shown) -> Result<Flow, ()> {
    let call = json!({ "call": "RecordActivityTaskHeartbeat", "details": body });
    let answer = agent.heartbeat(call, details(body), shown).await?;
    Ok(if answer.cancel_requested { cancelled(agent, on_cancel).await } else { Flow::On })
}

async fn heartbeat_loop(agent: &Agent<'_>, body: &Value, shown: Shown) -> Flow {
    for round in 1..=body["count"].as_u64().unwrap_or(1) {
        let said = body.get("details").cloned().unwrap_or(json!(round));
        match heartbeat(agent, &said, &body["on_cancel"], shown).await {
            Ok(Flow::Stop) => return Flow::Stop,
            Err(()) if body["stop_on_error"] != false => return Flow::Stop,
            Ok(Flow::On) | Err(()) => {}
        }
        agent.sleep(span(&body["every"])).await;
    }
    Flow::On
}

/// Does the steps of the script for a known cancellation. They take the place of the rest.
async fn cancelled(agent: &Agent<'_>, on_cancel: &Value) -> Flow {
    match on_cancel {
        Value::String(word) if word == "stop" => Flow::Stop,
        Value::Array(_) => {
            let _ = run_steps(agent, on_cancel).await;
            Flow::Stop
        }
        _ => Flow::On,
    }
}
