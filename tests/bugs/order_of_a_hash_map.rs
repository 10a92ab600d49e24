//! Bug 14: the order of a `HashMap` is the order of the activities. They are all alike, so no worker notices when a replay
//! takes another one. Another form of it: the real clock in an argument.

use std::collections::HashMap;
use std::time::{Duration, SystemTime};

use durasim::{
    ActivityContext, ActivityError, ActivityOptions, Exploration, Simulation, WorkflowContext, WorkflowError,
    WorkflowFn, check,
};

use super::{found, keep_message, silent};

fn options() -> ActivityOptions {
    ActivityOptions { start_to_close_timeout: Duration::from_secs(60), ..Default::default() }
}

async fn send(_ctx: &ActivityContext, to: (String, u128)) -> Result<(), ActivityError> {
    durasim::time::sleep(Duration::from_secs(1)).await;
    drop(to);
    Ok(())
}

fn readers() -> HashMap<String, u32> {
    (0..20).map(|number| (format!("reader {number}"), number)).collect()
}

async fn with_bug(ctx: &WorkflowContext, (): ()) -> Result<(), WorkflowError> {
    for name in readers().into_keys() {
        let () = ctx.execute_activity("send", &(name, 0), options()).await?;
    }
    Ok(())
}

async fn with_the_real_clock(ctx: &WorkflowContext, (): ()) -> Result<(), WorkflowError> {
    let now = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default().as_nanos();
    ctx.execute_activity("send", &("reader 0", now), options()).await
}

async fn corrected(ctx: &WorkflowContext, (): ()) -> Result<(), WorkflowError> {
    let mut names: Vec<String> = readers().into_keys().collect();
    names.sort();
    for name in names {
        let () = ctx.execute_activity("send", &(name, ctx.now().as_nanos()), options()).await?;
    }
    Ok(())
}

fn explored(newsletter: impl WorkflowFn<(), ()>) -> Exploration {
    Simulation::temporal()
        .activity("send", send)
        .workflow("newsletter", newsletter)
        .explore("newsletter", &())
        .check(check::replays())
        .check(check::same_result())
}

pub fn planted() -> Exploration {
    explored(with_bug).named("order_of_a_hash_map")
}

pub fn twin() -> Exploration {
    explored(corrected)
}

#[test]
fn is_found() {
    let failed = found(planted(), "replays", "");
    assert_eq!(failed.violation.kind, "drift", "{}", failed.text);
}

#[test]
fn the_real_clock_is_found() {
    let mut failed = found(explored(with_the_real_clock).named("order_of_a_hash_map"), "replays", "");
    assert_eq!(failed.violation.kind, "drift", "{}", failed.text);
    // It is another time whenever this runs.
    failed.text =
        failed.text.split_inclusive(|character: char| !character.is_ascii_digit()).map(without_clock).collect();
    keep_message("order_of_a_hash_map", &failed);
}

/// Replaces a run of digits that is as long as a time. The text behind it stays.
fn without_clock(text: &str) -> String {
    let rest = text.trim_start_matches(|character: char| character.is_ascii_digit());
    if text.len() - rest.len() > 15 { format!("<now>{rest}") } else { text.to_owned() }
}

#[test]
fn is_gone_when_corrected() {
    silent(twin());
}
