//! The steps of a workflow script.

use std::pin::Pin;

use durasim::Span;
use durasim::program::{
    ActivitySpec, CancellationType, ChildCancellation, ChildSpec, Failure, LocalActivitySpec, ParentClosePolicy,
    Timeouts,
};
use serde_json::{Value, json};

use super::context::{Context, Handle};
use super::error::ScriptError;
use super::{TASK_QUEUE, TYPE};
use crate::recording::wire::{payload, raised_failure, retry, span};

/// The place to which a script goes after a step.
enum Flow {
    On,
    End(End),
}

/// The end of a script that has not failed.
pub enum End {
    Return(Value),
    /// Another run follows, with this script.
    ContinueAsNew(Value),
}

/// Runs a script. Its result is the value that it returns, or else its trace.
pub async fn run_script(context: &Context, script: &Value) -> Result<End, ScriptError> {
    match run_steps(context, script).await? {
        Flow::End(end) => Ok(end),
        Flow::On => Ok(End::Return(json!({ "trace": context.trace() }))),
    }
}

fn run_steps<'a>(
    context: &'a Context,
    steps: &'a Value,
) -> Pin<Box<dyn Future<Output = Result<Flow, ScriptError>> + 'a>> {
    Box::pin(async move {
        for step in steps.as_array().into_iter().flatten() {
            let (name, body) = step.as_object().and_then(|step| step.iter().next()).expect("a step has a name");
            if let Flow::End(end) = run_step(context, name, body).await? {
                return Ok(Flow::End(end));
            }
        }
        Ok(Flow::On)
    })
}

async fn run_step(context: &Context, name: &str, body: &Value) -> Result<Flow, ScriptError> {
    match name {
        "activity" => {
            let reference = text(body, "ref");
            let spec = activity(reference, body);
            let is_elsewhere = !context.worker.kept().runs_activities;
            context.start_activity(reference, if is_elsewhere { spec.task_queue(TASK_QUEUE) } else { spec });
        }
        "local_activity" => {
            let reference = text(body, "ref");
            context.start_local_activity(reference, local_activity(reference, body));
        }
        "child" => start_child(context, body).await?,
        "timer" => {
            // The recorder lets it begin.
            context.let_begin();
            let timer = context.start_timer(span(&body["ms"]));
            context.name(text(body, "ref"), timer);
        }
        "sleep" => sleep(context, body).await?,
        "await" => wait_for_one(context, body).await?,
        "await_all" => wait_for_all(context, body).await?,
        "race" => race(context, body).await?,
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
        "return" => return Ok(Flow::End(End::Return(body.clone()))),
        "continue_as_new" => return Ok(Flow::End(End::ContinueAsNew(body["script"].clone()))),
        "raise" => return Err(ScriptError::Failure(raised(body))),
        "panic" => {
            let count = {
                let mut kept = context.worker.kept();
                kept.panics += 1;
                kept.panics
            };
            if count <= body["times"].as_u64().unwrap_or(u64::MAX) {
                return Err(ScriptError::Panic(format!("scripted panic {count}")));
            }
        }
        "flip" => {
            let count = {
                let mut kept = context.worker.kept();
                kept.flips += 1;
                kept.flips
            };
            let version = if count <= body["times"].as_u64().unwrap_or(1) { "first" } else { "later" };
            return run_steps(context, &body[version]).await;
        }
        "block_thread" => context.worker.kept().held = span(body),
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
        .timeouts(timeouts)
        .cancellation(cancellation);
    match retry(&body["retry"]) {
        Some(policy) => spec.retry(policy),
        None => spec,
    }
}

/// A local activity. Its schedule-to-close timeout is left out: the core of the recorded SDK panics when it is to end one for it, and
/// goes on without (recorded scenario `local_s2c_timeout`).
fn local_activity(reference: &str, body: &Value) -> LocalActivitySpec {
    let mut spec = activity(reference, body);
    if spec.timeouts.start_to_close.is_zero() {
        spec.timeouts = spec.timeouts.start_to_close(span(&body["schedule_to_close_ms"]));
    }
    spec.timeouts = spec.timeouts.schedule_to_close(Span::ZERO);
    LocalActivitySpec::new(spec).local_retry_threshold(span(&body["local_retry_threshold_ms"]))
}

fn child(context: &Context, reference: &str, body: &Value) -> ChildSpec {
    let cancellation = match body["cancellation"].as_str() {
        // sdk-core lets the code wait for the end of the child in both cases (recorded scenario
        // `wf_child_cancel_wait_cancellation_requested`).
        None | Some("WAIT" | "WAIT_CANCELLATION_COMPLETED" | "WAIT_CANCELLATION_REQUESTED") => {
            ChildCancellation::WaitCancellationCompleted
        }
        Some("TRY_CANCEL") => ChildCancellation::TryCancel,
        Some("ABANDON") => ChildCancellation::Abandon,
        Some(other) => panic!("unknown cancellation {other}"),
    };
    let close = match body["parent_close_policy"].as_str() {
        None | Some("TERMINATE") => ParentClosePolicy::Terminate,
        Some("REQUEST_CANCEL") => ParentClosePolicy::RequestCancel,
        Some("ABANDON") => ParentClosePolicy::Abandon,
        Some(other) => panic!("unknown policy {other}"),
    };
    let id = format!("{}/{reference}", context.workflow_id);
    let spec = ChildSpec::new(id, TYPE, payload(&body["script"]))
        .run_timeout(span(&body["run_timeout_ms"]))
        .execution_timeout(span(&body["execution_timeout_ms"]))
        .parent_close_policy(close)
        .cancellation(cancellation);
    match retry(&body["retry"]) {
        Some(policy) => spec.retry(policy),
        None => spec,
    }
}

/// Asks for a child, and waits until it has started.
async fn start_child(context: &Context, body: &Value) -> Result<(), ScriptError> {
    let reference = text(body, "ref");
    let handle = context.start_child(child(context, reference, body));
    context.wait(&[handle], || context.started(handle)).await??;
    context.name(reference, handle);
    context.note("child_started", json!(reference));
    Ok(())
}

/// The failure of a `raise` step, which has words of its own if the step has none.
fn raised(body: &Value) -> Failure {
    let mut body = body.clone();
    if body["message"].is_null() {
        body["message"] = json!("wf boom");
    }
    raised_failure(&body)
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

/// Waits as `asyncio.wait` does, for the first end: no error is raised, and a cancel leaves the things alone.
async fn race(context: &Context, body: &Value) -> Result<(), ScriptError> {
    let names: Vec<&str> = body["refs"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let is_done = |name: &&&str| context.result(context.handle(name)).is_some();
    let done = || names.iter().filter(|name| is_done(name)).collect::<Vec<_>>();
    context.wait(&[], || (!done().is_empty()).then_some(())).await?;
    context.note("race_done", json!(done()));
    Ok(())
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
        Err(ScriptError::Panic(message)) => Err(ScriptError::Panic(message)),
        Err(error) => {
            context.note("caught", error.shown());
            match run_steps(context, &body["handler"]).await? {
                Flow::On if body["reraise"] == true => Err(error),
                flow => Ok(flow),
            }
        }
        done => done,
    }
}
