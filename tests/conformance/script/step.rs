//! The steps of a workflow script.

use std::pin::Pin;

use durasim::program::{ActivitySpec, CancellationType, RetrySpec, Timeouts};
use serde_json::{Value, json};

use super::TASK_QUEUE;
use super::context::{Context, Handle};
use super::error::ScriptError;
use crate::recording::wire::{failure, payload, span};

/// The place to which a script goes after a step.
enum Flow {
    On,
    Return(Value),
}

/// Runs a script. Its result is the value that it returns, or else its trace.
pub async fn run_script(context: &Context, script: &Value) -> Result<Value, ScriptError> {
    match run_steps(context, script).await? {
        Flow::Return(value) => Ok(value),
        Flow::On => Ok(json!({ "trace": context.trace() })),
    }
}

fn run_steps<'a>(
    context: &'a Context,
    steps: &'a Value,
) -> Pin<Box<dyn Future<Output = Result<Flow, ScriptError>> + 'a>> {
    Box::pin(async move {
        for step in steps.as_array().into_iter().flatten() {
            let (name, body) = step.as_object().and_then(|step| step.iter().next()).expect("a step has a name");
            if let Flow::Return(value) = run_step(context, name, body).await? {
                return Ok(Flow::Return(value));
            }
        }
        Ok(Flow::On)
    })
}

async fn run_step(context: &Context, name: &str, body: &Value) -> Result<Flow, ScriptError> {
    match name {
        "activity" => {
            let reference = text(body, "ref");
            context.start_activity(reference, activity(reference, body));
        }
        "timer" => {
            let timer = context.start_timer(span(&body["ms"]));
            context.name(text(body, "ref"), timer);
        }
        "sleep" => sleep(context, body).await?,
        "await" => wait_for_one(context, body).await?,
        "await_all" => wait_for_all(context, body).await?,
        "race" => {
            let handles = handles(context, body);
            context.wait(&handles, || handles.iter().find_map(|handle| context.result(*handle))).await??;
        }
        "cancel" => {
            context.cancel(context.handle(text(body, "ref")));
            context.note(format!("cancel_sent {}", text(body, "ref")), Value::Null);
        }
        "wait_signals" => context.wait_for_signals(body.as_u64().unwrap_or(1) as usize).await?,
        "try" => return handle_errors(context, body).await,
        "attempt" => {
            let applies = body["if"].as_array().is_some_and(|attempts| attempts.contains(&json!(context.attempt)));
            if applies {
                return run_steps(context, &body["then"]).await;
            }
        }
        "return" => return Ok(Flow::Return(body.clone())),
        "raise" => return Err(ScriptError::Failure(failure(body))),
        "panic" => {
            let count = context.worker.panics.get() + 1;
            context.worker.panics.set(count);
            if count <= body["times"].as_u64().unwrap_or(u64::MAX) {
                return Err(ScriptError::Panic);
            }
        }
        "block_thread" => context.worker.held.set(span(body)),
        other => panic!("unknown workflow step {other}"),
    }
    Ok(Flow::On)
}

fn text<'a>(body: &'a Value, field: &str) -> &'a str {
    body[field].as_str().unwrap_or_else(|| panic!("a step without `{field}`: {body}"))
}

fn handles(context: &Context, body: &Value) -> Vec<Handle> {
    let references = body["refs"].as_array().into_iter().flatten();
    references.filter_map(Value::as_str).map(|reference| context.handle(reference)).collect()
}

fn activity(reference: &str, body: &Value) -> ActivitySpec {
    let timeouts = Timeouts::default()
        .schedule_to_close(span(&body["schedule_to_close_ms"]))
        .schedule_to_start(span(&body["schedule_to_start_ms"]))
        .start_to_close(span(&body["start_to_close_ms"]))
        .heartbeat(span(&body["heartbeat_ms"]));
    let cancellation = match body["cancellation"].as_str() {
        None | Some("TRY_CANCEL") => CancellationType::TryCancel,
        Some("WAIT") => CancellationType::WaitCancellationCompleted,
        Some("ABANDON") => CancellationType::Abandon,
        Some(other) => panic!("unknown cancellation {other}"),
    };
    let spec = ActivitySpec::new("act", payload(&json!(reference)))
        .activity_id(reference)
        .task_queue(TASK_QUEUE)
        .timeouts(timeouts)
        .cancellation(cancellation);
    let retry = &body["retry"];
    if retry.is_null() {
        return spec;
    }
    let listed = retry["non_retryable"].as_array().into_iter().flatten().filter_map(Value::as_str);
    spec.retry(
        RetrySpec::default()
            .initial_interval(span(&retry["initial_ms"]))
            .backoff_coefficient(retry["coefficient"].as_f64().unwrap_or(0.0))
            .maximum_interval(span(&retry["max_interval_ms"]))
            .maximum_attempts(retry["max_attempts"].as_i64().unwrap_or(0) as i32)
            .non_retryable_error_types(listed),
    )
}

async fn sleep(context: &Context, body: &Value) -> Result<(), ScriptError> {
    if span(body).is_zero() {
        // `asyncio.sleep(0)` only lets others go first.
        context.yield_now().await;
    } else {
        let timer = context.start_timer(span(body));
        context.wait(&[timer], || context.result(timer)).await??;
    }
    context.note("slept", body.clone());
    Ok(())
}

async fn wait_for_one(context: &Context, body: &Value) -> Result<(), ScriptError> {
    let reference = text(body, "ref");
    let handle = context.handle(reference);
    let result = context.wait(&[handle], || context.result(handle)).await.and_then(|result| result);
    match &result {
        Ok(value) => context.note(format!("ok {reference}"), value.clone()),
        Err(error) => context.note(format!("err {reference}"), error.shown()),
    }
    if body["catch"] == true { Ok(()) } else { result.map(|_| ()) }
}

/// Waits as `asyncio.gather` does: the first error ends the wait, and leaves the others alone.
async fn wait_for_all(context: &Context, body: &Value) -> Result<(), ScriptError> {
    let handles = handles(context, body);
    let ready = || {
        let results: Vec<_> = handles.iter().map(|handle| context.result(*handle)).collect();
        let failed = results.iter().flatten().find_map(|result| result.as_ref().err().cloned());
        match failed {
            Some(error) => Some(Err(error)),
            None => results.iter().all(Option::is_some).then_some(Ok(())),
        }
    };
    context.wait(&handles, ready).await?
}

async fn handle_errors(context: &Context, body: &Value) -> Result<Flow, ScriptError> {
    match run_steps(context, &body["body"]).await {
        Err(ScriptError::Panic) => Err(ScriptError::Panic),
        Err(error) => match run_steps(context, &body["handler"]).await? {
            Flow::On if body["reraise"] == true => Err(error),
            flow => Ok(flow),
        },
        done => done,
    }
}
