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
pub const STEPS: [&str; 9] = [
    "sleep",
    "sleep_until_started_plus",
    "heartbeat",
    "heartbeat_loop",
    "fail",
    "succeed",
    "vanish",
    "raise_plain",
    "raise_cancelled",
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
        "sleep" => wait(code, until(span(body)), &step["on_cancel"]).await?,
        "sleep_until_started_plus" => wait(code, code.started_at.plus(span(body)), &step["on_cancel"]).await?,
        "heartbeat" => heartbeat(code, body, &step["on_cancel"]).await?,
        "heartbeat_loop" => {
            for round in 1..=body["count"].as_u64().unwrap_or(1) {
                let said = body.get("details").cloned().unwrap_or(json!(round));
                heartbeat(code, &said, &body["on_cancel"]).await?;
                let next = code.log.next_heartbeat(code.attempt, &code.pace);
                wait(code, next.unwrap_or(until(span(&body["every"]))), &body["on_cancel"]).await?;
            }
        }
        "vanish" => wait(code, Time::MAX, &step["on_cancel"]).await?,
        "fail" => return Err(Left::Raised(Raised::application(body))),
        "raise_plain" => return Err(Left::Raised(Raised::plain(body))),
        "raise_cancelled" => return Err(Left::Raised(Raised::cancelled_unasked())),
        _ => return Ok(Flow::Return(body.clone())),
    }
    Ok(Flow::On)
}

/// The call itself does not wait; in a recording it came at its own time.
async fn heartbeat(code: &Surroundings, body: &Value, on_cancel: &Value) -> Result<(), Left> {
    if let Some(at) = code.log.next_heartbeat(code.attempt, &code.pace) {
        wait(code, at, on_cancel).await?;
    }
    code.note(json!({ "call": "heartbeat", "details": body }));
    let details = details(body);
    code.link.heartbeat(details.as_bytes()).obey();
    Ok(())
}

/// Waits until then, or until it is cancelled, which the script may handle.
async fn wait(code: &Surroundings, until: Time, on_cancel: &Value) -> Result<(), Left> {
    let Some(reason) = sleep(code, until).await else { return Ok(()) };
    code.note(json!({ "call": "CancelledError delivered", "cancellation_details": cancellation_details(reason) }));
    match on_cancel {
        Value::String(word) if word == "ignore" => Ok(()),
        Value::Array(_) => match run_steps(code, on_cancel).await {
            Ok(Flow::Return(value)) => Err(Left::Returned(value)),
            Ok(Flow::On) => Err(Left::Raised(Raised::Cancelled(reason))),
            Err(Left::Raised(raised)) => Err(Left::Raised(raised.after_cancel())),
            Err(returned) => Err(returned),
        },
        _ => Err(Left::Raised(Raised::Cancelled(reason))),
    }
}

async fn sleep(code: &Surroundings, until: Time) -> Option<CancelReason> {
    let mut sleep = pin!(durasim::time::sleep_until(until));
    poll_fn(|context| {
        if let Some(reason) = code.take_cancellation(context.waker()) {
            return Poll::Ready(Some(reason));
        }
        if until == Time::MAX {
            return Poll::Pending;
        }
        sleep.as_mut().poll(context).map(|()| None)
    })
    .await
}
