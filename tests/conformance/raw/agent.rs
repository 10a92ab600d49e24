//! [`Agent`]: a worker with one attempt, which calls the service as its script says.

use std::cell::RefCell;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::Poll;

use durasim::internals::{ActivityState, HeartbeatAnswer, Rank, Refused, Service, Token};
use durasim::program::{ActivityId, Details, Failure, Payload};
use durasim::{Span, Time};
use serde_json::{Value, json};

use super::world::{Happening, World, note_answer};
use crate::recording::gap::Stamp;
use crate::recording::wire::payload;

/// The words of the server's front for a token that it cannot read. It can always read tokens of the simulated service.
const UNREADABLE_TOKEN: &str = "Error deserializing task token.";

/// The driver's words for an answer to a task that was refused.
const REJECTED: &str = " but rejected ";

#[derive(Clone)]
pub struct Agent<'a> {
    pub world: Rc<RefCell<World<'a>>>,
    /// The number of the attempt among all.
    pub attempt: usize,
}

/// The token that a call shows.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    Own,
    OfAttempt(u32),
    Garbage,
}

impl Shown {
    pub fn of(step: &Value) -> Shown {
        match &step["token"] {
            Value::Number(number) => Shown::OfAttempt(number.as_u64().unwrap_or(0) as u32),
            Value::String(_) => Shown::Garbage,
            _ => Shown::Own,
        }
    }
}

impl Agent<'_> {
    pub async fn sleep_until(&self, until: Time) {
        let world = &self.world;
        if world.borrow().now >= until {
            return;
        }
        world.borrow_mut().push(until, Happening::Wake { agent: self.attempt });
        poll_fn(|_| if world.borrow().now >= until { Poll::Ready(()) } else { Poll::Pending }).await;
    }

    pub async fn sleep(&self, length: Span) {
        let until = self.world.borrow().now.plus(length);
        self.sleep_until(until).await;
    }

    pub fn started_at(&self) -> Time {
        self.world.borrow().attempts[self.attempt].started_at
    }

    /// Waits until the time has come for the next call.
    async fn turn(&self) {
        let until = {
            let world = self.world.borrow();
            let log = &world.attempts[self.attempt];
            world.pace.call(&log.reference, log.place, log.calls.len())
        };
        if let Some(until) = until {
            self.sleep_until(until).await;
        }
    }

    /// Makes a call and notes it with its answer.
    async fn call<T>(
        &self,
        mut call: Value,
        shown: Shown,
        make: impl FnOnce(&mut Service, Token, Time, Rank) -> Result<T, Refused>,
        response: impl FnOnce(&T) -> Value,
    ) -> Result<T, ()> {
        self.turn().await;
        let mut world = self.world.borrow_mut();
        let (now, order) = (world.now, world.next_rank());
        world.attempts[self.attempt].called_at.push(now);
        let log = &world.attempts[self.attempt];
        let (activity, number) = (log.activity, log.number);
        let from = Stamp::Call { activity: log.reference.clone(), attempt: log.place, call: log.calls.len() };
        let attempt = match shown {
            Shown::OfAttempt(number) => {
                call["token_of"] = json!(number);
                number
            }
            Shown::Own | Shown::Garbage => number,
        };
        if shown == Shown::Garbage {
            call["token_of"] = json!("garbage");
            call["ok"] = json!(false);
            call["error"] = json!({ "code": "INVALID_ARGUMENT", "message": UNREADABLE_TOKEN });
            world.attempts[self.attempt].calls.push(call);
            return Err(());
        }
        let ran = matches!(world.service.activity(activity).state(), ActivityState::Started(_));
        let answer = make(&mut world.service, Token { activity, attempt }, now, order);
        world.drain();
        if ran && answer.is_ok() {
            world.note_gap(activity, from, now);
        }
        note_answer(&mut call, answer.as_ref().err());
        if let Ok(answer) = &answer {
            call["response"] = response(answer);
        }
        world.attempts[self.attempt].calls.push(call);
        answer.map_err(|_| ())
    }

    pub async fn heartbeat(&self, call: Value, details: Details, shown: Shown) -> Result<HeartbeatAnswer, ()> {
        let heartbeat = |service: &mut Service, token, now, order| service.heartbeat(token, details, now, order);
        let flag = |flag: bool| flag.then_some(true);
        let response = |answer: &HeartbeatAnswer| {
            crate::recording::wire::without_nulls(json!({
                "cancel_requested": flag(answer.cancel_requested),
                "activity_paused": flag(answer.activity_paused),
                "activity_reset": flag(answer.activity_reset),
            }))
        };
        self.call(call, shown, heartbeat, response).await
    }

    pub async fn complete(&self, call: Value, result: Payload, shown: Shown) -> Result<(), ()> {
        self.call(call, shown, |service, token, now, _| service.complete(token, result, now), |()| Value::Null).await
    }

    pub async fn fail(&self, call: Value, failure: Failure, details: Option<Details>, shown: Shown) -> Result<(), ()> {
        let fail = |service: &mut Service, token, now, _| service.fail(token, Some(failure.into()), details, now);
        self.call(call, shown, fail, |()| Value::Null).await
    }

    pub async fn cancel(&self, call: Value, details: Details, shown: Shown) -> Result<(), ()> {
        self.call(call, shown, |service, token, now, _| service.cancel(token, details, now), |()| Value::Null).await
    }

    pub async fn by_id(&self, step: &Value) -> Result<(), ()> {
        let workflow = self.world.borrow().newest();
        let call = json!({ "call": by_id_name(step) });
        let mut step = step.clone();
        if step["op"] == "heartbeat" && step.get("details").is_none() {
            step["details"] = json!("hb-by-id");
        }
        let act = |service: &mut Service, _, now, order| by_id(service, workflow, &step, now, order);
        self.call(call, Shown::Own, act, |()| Value::Null).await
    }

    /// Notes how the attempt ended: by the first answer to the task that shows its own token, accepted or not.
    pub fn end(&self, how: String, answer: Result<(), ()>, shown: Shown) {
        let mut world = self.world.borrow_mut();
        let log = &mut world.attempts[self.attempt];
        if shown != Shown::Own || log.ended.is_some() {
            return;
        }
        let code = log.calls.last().and_then(|call| call["error"]["code"].as_str()).unwrap_or_default();
        log.ended = Some(if answer.is_ok() { how } else { format!("{how}{REJECTED}{code}") });
    }
}

/// The name of a call by id.
pub fn by_id_name(step: &Value) -> &'static str {
    match step["op"].as_str() {
        Some("complete") => "RespondActivityTaskCompletedById",
        Some("fail") => "RespondActivityTaskFailedById",
        Some("cancel") => "RespondActivityTaskCanceledById",
        Some("heartbeat") => "RecordActivityTaskHeartbeatById",
        _ => panic!("unknown call by id: {step}"),
    }
}

/// Makes a call by id.
pub fn by_id(
    service: &mut Service,
    workflow: durasim::service::WorkflowKey,
    step: &Value,
    now: Time,
    order: Rank,
) -> Result<(), Refused> {
    let only = service.workflow(workflow).standalone_activity().map(|key| service.activity(key).id().clone());
    let id = only.unwrap_or_else(|| ActivityId::Named(step["activity_id"].as_str().unwrap_or_default().into()));
    let given = |field: &str, default: Value| step.get(field).cloned().unwrap_or(default);
    match step["op"].as_str() {
        Some("complete") => service.complete_by_id(workflow, &id, payload(&given("value", json!("by-id"))), now),
        Some("fail") => {
            let failure = given("failure", json!({ "type": "MyError", "message": "boom" }));
            service.fail_by_id(workflow, &id, Some(crate::recording::wire::failure(&failure).into()), None, now)
        }
        Some("cancel") => {
            let details = step.get("details").map_or(Details::Absent, crate::recording::wire::details);
            service.cancel_by_id(workflow, &id, details, now)
        }
        Some("heartbeat") => {
            let details = crate::recording::wire::details(&given("details", json!("by-id")));
            service.heartbeat_by_id(workflow, &id, details, now, order).map(|_| ())
        }
        _ => panic!("unknown call by id: {step}"),
    }
}
