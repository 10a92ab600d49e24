//! The steps of an activity script that runs on a worker.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::Poll;

use durasim::program::CancelReason;
use durasim::{Span, Time};
use serde_json::{Value, json};

use super::activity::Surroundings;
use super::raised::{Raised, cancellation_details};
use crate::recording::wire::{details, span};

/// The place to which the code goes after a step.
enum Flow {
    On,
    Return(Value),
}

/// The names of all steps that this interpreter knows.
pub const STEPS: [&str; 10] = [
    "sleep",
    "sleep_until_started_plus",
    "heartbeat",
    "heartbeat_loop",
    "fail",
    "succeed",
    "vanish",
    "raise_plain",
    "raise_cancelled",
    "async_complete",
];

/// Runs a script. Gives its value, and the driver's word for that.
pub async fn run(code: &Surroundings, steps: &Value) -> Result<(Value, &'static str), Raised> {
    match run_steps(code, steps).await {
        Ok(Flow::Return(value)) => Ok((value, "returned")),
        Ok(Flow::On) => Ok((Value::Null, "returned")),
        Err(Left::Raised(raised)) => Err(raised),
        Err(Left::Returned(value)) => Ok((value, "returned after cancel")),
    }
}

/// The way in which the code is left from within.
enum Left {
    Raised(Raised),
    /// The handler of a cancellation returned.
    Returned(Value),
}

fn run_steps<'a>(code: &'a Surroundings, steps: &'a Value) -> Pin<Box<dyn Future<Output = Result<Flow, Left>> + 'a>> {
    Box::pin(async move {
        for step in steps.as_array().into_iter().flatten() {
            if let Flow::Return(value) = run_step(code, step).await? {
                return Ok(Flow::Return(value));
            }
        }
        Ok(Flow::On)
    })
}

async fn run_step(code: &Surroundings, step: &Value) -> Result<Flow, Left> {
    let name = STEPS.into_iter().find(|name| step.get(name).is_some());
    let name = name.unwrap_or_else(|| panic!("unknown activity step {step}"));
    let body = &step[name];
    let until = |length: Span| code.link.now().plus(length);
    match name {
        "sleep" => drop(wait(code, until(span(body)), &step["on_cancel"]).await?),
        "sleep_until_started_plus" => drop(wait(code, code.started_at.plus(span(body)), &step["on_cancel"]).await?),
        "heartbeat" => drop(heartbeat(code, body, &step["on_cancel"]).await?),
        "heartbeat_loop" => {
            for round in 1..=body["count"].as_u64().unwrap_or(1) {
                let said = body.get("details").cloned().unwrap_or(json!(round));
                let mut waited = heartbeat(code, &said, &body["on_cancel"]).await?;
                if waited == Waited::ToTheEnd {
                    let next = code.log.next_heartbeat(code.attempt, &code.pace);
                    waited = wait(code, next.unwrap_or(until(span(&body["every"]))), &body["on_cancel"]).await?;
                }
                if waited == Waited::UntilCancelled {
                    break;
                }
            }
        }
        "vanish" => drop(wait(code, Time::MAX, &step["on_cancel"]).await?),
        "async_complete" => return Err(Left::Raised(Raised::CompletesAsync)),
        "fail" => return Err(Left::Raised(Raised::application(body))),
        "raise_plain" => return Err(Left::Raised(Raised::plain(body))),
        "raise_cancelled" => return Err(Left::Raised(Raised::cancelled_unasked())),
        _ => return Ok(Flow::Return(body.clone())),
    }
    Ok(Flow::On)
}

/// Says how a wait ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Waited {
    ToTheEnd,
    /// A cancellation cut it short, which the script ignores.
    UntilCancelled,
}

/// The call itself does not wait; in a recording it came at its own time.
async fn heartbeat(code: &Surroundings, body: &Value, on_cancel: &Value) -> Result<Waited, Left> {
    let mut waited = Waited::ToTheEnd;
    if let Some(at) = code.log.next_heartbeat(code.attempt, &code.pace) {
        waited = wait(code, at, on_cancel).await?;
    }
    code.note_heartbeat(body);
    code.heartbeat_soon(details(body));
    Ok(waited)
}

/// Waits until then, or until it is cancelled, which the script may handle.
async fn wait(code: &Surroundings, until: Time, on_cancel: &Value) -> Result<Waited, Left> {
    let Some(reason) = sleep(code, until).await else { return Ok(Waited::ToTheEnd) };
    code.note(json!({ "call": "CancelledError delivered", "cancellation_details": cancellation_details(reason) }));
    match on_cancel {
        Value::String(word) if word == "ignore" => Ok(Waited::UntilCancelled),
        Value::Array(_) => {
            code.handle(true);
            let handled = run_steps(code, on_cancel).await;
            code.handle(false);
            match handled {
                Ok(Flow::Return(value)) => Err(Left::Returned(value)),
                Ok(Flow::On) => Err(Left::Raised(Raised::Cancelled(reason))),
                Err(Left::Raised(raised)) => Err(Left::Raised(raised.after_cancel())),
                Err(returned) => Err(returned),
            }
        }
        _ => Err(Left::Raised(Raised::Cancelled(reason))),
    }
}

async fn sleep(code: &Surroundings, until: Time) -> Option<CancelReason> {
    let mut sleep = pin!(durasim::time::sleep_until(until));
    poll_fn(|context| {
        if let Some(reason) = code.take_cancellation(context.waker()) {
            return Poll::Ready(Some(reason));
        }
        let polled = if until == Time::MAX { Poll::Pending } else { sleep.as_mut().poll(context).map(|()| None) };
        if polled.is_pending() {
            code.send_heartbeat();
        }
        polled
    })
    .await
}
