//! The worker of activity tasks, and the scripts of attempts.

use std::pin::Pin;
use std::rc::Rc;

use serde_json::{Value, json};

use crate::client::Refusal;
use crate::recording::wire;
use crate::stage::{Attempt, IDENTITY, Stage};
use crate::translate::failure;
use crate::words;
use crate::workflow::attached;

/// Takes activity tasks until it is dropped, while they are to be polled, and runs their scripts.
pub async fn serve(stage: Rc<Stage>) {
    let mut polling = stage.polling.subscribe();
    loop {
        if polling.wait_for(|polling| *polling).await.is_err() {
            return;
        }
        let request = json!({ "taskQueue": { "name": stage.queues[1] }, "identity": IDENTITY });
        let task = tokio::select! {
            task = stage.client.call("PollActivityTaskQueue", request) => task,
            _ = polling.wait_for(|polling| !*polling) => continue,
        };
        match task {
            Ok(task) if task["taskToken"].is_string() => {
                let place = receive(&stage, &task);
                stage.running.set(stage.running.get() + 1);
                let stage = Rc::clone(&stage);
                tokio::task::spawn_local(async move {
                    run(Agent { stage: Rc::clone(&stage), place, token: task["taskToken"].clone() }, &task).await;
                    stage.running.set(stage.running.get() - 1);
                });
            }
            Ok(_) => {}
            Err(why) => {
                eprintln!("{}: a poll of activity tasks: {}: {}", stage.workflow, why.code, why.message);
                tokio::time::sleep(std::time::Duration::from_millis(100)).await;
            }
        }
    }
}

/// Notes an attempt. Gives its place among all.
fn receive(stage: &Stage, task: &Value) -> usize {
    let start = stage.start.get();
    let reference = task["activityId"].as_str().unwrap_or_default().to_owned();
    let number = task["attempt"].as_u64().unwrap_or(1);
    let notes = json!({
        "attempt": number,
        "received_at_ms": stage.now(),
        "scheduled_at_ms": words::since(&task["scheduledTime"], start),
        "attempt_scheduled_at_ms": words::since(&task["currentAttemptScheduledTime"], start),
        "started_at_ms": words::since(&task["startedTime"], start),
        "heartbeat_details": words::listed(&task["heartbeatDetails"]),
        "task": words::task(task),
        "calls": [],
    });
    let mut log = stage.log.borrow_mut();
    log.tokens.insert((reference.clone(), number), task["taskToken"].clone());
    log.attempts.push(Attempt { reference, notes });
    log.attempts.len() - 1
}

struct Agent {
    stage: Rc<Stage>,
    place: usize,
    token: Value,
}

/// Says whether the script goes on.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Flow {
    On,
    Stop,
}

async fn run(agent: Agent, task: &Value) {
    let reference = task["activityId"].as_str().unwrap_or_default();
    let number = task["attempt"].as_u64().unwrap_or(1);
    if number > 1 {
        agent.stage.look(&format!("at start of {reference} attempt {number}")).await;
    }
    let steps = match agent.stage.definition["activities"][reference].as_array() {
        Some(attempts) => attempts[(number as usize - 1).min(attempts.len() - 1)].clone(),
        None => json!([{ "succeed": "ok" }]),
    };
    let _ = run_steps(&agent, &steps).await;
}

fn run_steps<'a>(agent: &'a Agent, steps: &'a Value) -> Pin<Box<dyn Future<Output = Flow> + 'a>> {
    Box::pin(async move {
        for step in steps.as_array().into_iter().flatten() {
            if run_step(agent, step).await == Flow::Stop {
                return Flow::Stop;
            }
        }
        Flow::On
    })
}

async fn run_step(agent: &Agent, step: &Value) -> Flow {
    let names = ["sleep", "heartbeat", "heartbeat_loop", "fail", "succeed", "respond_canceled", "vanish", "by_id"];
    let name = names.into_iter().find(|name| step.get(name).is_some());
    let name = name.unwrap_or_else(|| panic!("unknown activity step {step}"));
    let body = &step[name];
    match name {
        "sleep" => agent.stage.sleep_until(agent.stage.now() + body.as_f64().unwrap_or(0.0)).await,
        "heartbeat" => return agent.heartbeat(body, step, &step["on_cancel"]).await.unwrap_or(Flow::On),
        "heartbeat_loop" => {
            for round in 1..=body["count"].as_u64().unwrap_or(1) {
                match agent.heartbeat(&json!(round), step, &body["on_cancel"]).await {
                    Ok(Flow::On) => {}
                    Ok(Flow::Stop) | Err(_) => return Flow::Stop,
                }
                agent.stage.sleep_until(agent.stage.now() + body["every"].as_f64().unwrap_or(0.0)).await;
            }
        }
        "fail" => {
            let note = json!({ "call": "RespondActivityTaskFailed", "failure": body });
            let mut request = json!({ "failure": failure(&wire::recorded(&wire::failure(body))) });
            if let Some(details) = body.get("last_heartbeat_details").and_then(attached) {
                request["lastHeartbeatDetails"] = details;
            }
            let how = format!("failed({})", body["type"].as_str().unwrap_or_default());
            agent.answer(note, request, step, how).await;
        }
        "succeed" => {
            let note = json!({ "call": "RespondActivityTaskCompleted" });
            agent.answer(note, json!({ "result": attached(&json!([body])) }), step, "completed".to_owned()).await;
        }
        "respond_canceled" => {
            let note = json!({ "call": "RespondActivityTaskCanceled" });
            let details = if body.is_null() { None } else { attached(body) };
            agent.answer(note, json!({ "details": details }), step, "canceled".to_owned()).await;
        }
        "by_id" => {
            let (method, request) = by_id(&agent.stage, body);
            let mut note = json!({ "call": method });
            let _ = agent.stage.call(method, request, &mut note).await;
            agent.note(note);
        }
        _ => return Flow::Stop,
    }
    Flow::On
}

impl Agent {
    fn note(&self, call: Value) {
        let mut log = self.stage.log.borrow_mut();
        log.attempts[self.place].notes["calls"].as_array_mut().expect("a list").push(call);
    }

    /// Makes the call that `note` names, with the token that the step shows.
    async fn call(&self, mut note: Value, mut request: Value, step: &Value) -> (Value, Result<Value, Refusal>) {
        let method = note["call"].as_str().expect("a call has a name").to_owned();
        request["taskToken"] = self.token.clone();
        request["identity"] = json!(IDENTITY);
        if let Some(number) = step["token"].as_u64() {
            note["token_of"] = json!(number);
            let log = self.stage.log.borrow();
            let token = log.tokens.get(&(log.attempts[self.place].reference.clone(), number));
            request["taskToken"] = token.expect("attempts show tokens of those before them").clone();
        }
        let answer = self.stage.call(&method, request, &mut note).await;
        (note, answer)
    }

    /// Sends a heartbeat, and does what a wish to cancel asks for.
    async fn heartbeat(&self, body: &Value, step: &Value, on_cancel: &Value) -> Result<Flow, Refusal> {
        let note = json!({ "call": "RecordActivityTaskHeartbeat", "details": body });
        let (mut note, answer) = self.call(note, json!({ "details": attached(body) }), step).await;
        if let Ok(answer) = &answer {
            let flags = [
                ("cancelRequested", "cancel_requested"),
                ("activityPaused", "activity_paused"),
                ("activityReset", "activity_reset"),
            ];
            for (_, name) in flags.into_iter().filter(|(flag, _)| answer[flag] == true) {
                note["response"][name] = json!(true);
            }
        }
        self.note(note);
        if answer?["cancelRequested"] != true {
            return Ok(Flow::On);
        }
        Ok(match on_cancel {
            Value::String(word) if word == "stop" => Flow::Stop,
            Value::Array(_) => {
                let _ = run_steps(self, on_cancel).await;
                Flow::Stop
            }
            _ => Flow::On,
        })
    }

    /// Answers the task. The first answer that shows its own token is its end, accepted or not.
    async fn answer(&self, note: Value, request: Value, step: &Value, how: String) {
        let (note, answer) = self.call(note, request, step).await;
        self.note(note);
        let mut log = self.stage.log.borrow_mut();
        let notes = &mut log.attempts[self.place].notes;
        if step["token"].is_null() && notes["ended"].is_null() {
            notes["ended"] = match answer {
                Ok(_) => json!(how),
                Err(refusal) => json!(format!("{how} but rejected {}", refusal.code)),
            };
        }
    }
}

/// The method and the request of a call by id.
pub fn by_id(stage: &Stage, step: &Value) -> (&'static str, Value) {
    let mut request = json!({ "workflowId": stage.workflow, "activityId": step["activity_id"], "identity": IDENTITY });
    let given = |field: &str, default: Value| step.get(field).cloned().unwrap_or(default);
    let method = match step["op"].as_str() {
        Some("complete") => {
            request["result"] = json!(attached(&json!([given("value", json!("by-id"))])));
            "RespondActivityTaskCompletedById"
        }
        Some("fail") => {
            let raised = given("failure", json!({ "type": "MyError", "message": "boom" }));
            request["failure"] = failure(&wire::recorded(&wire::failure(&raised)));
            "RespondActivityTaskFailedById"
        }
        Some("cancel") => {
            request["details"] = json!(step.get("details").and_then(attached));
            "RespondActivityTaskCanceledById"
        }
        Some("heartbeat") => {
            request["details"] = json!(attached(&given("details", json!("by-id"))));
            "RecordActivityTaskHeartbeatById"
        }
        _ => panic!("unknown call by id: {step}"),
    };
    (method, request)
}
