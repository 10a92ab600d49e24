//! Bug 31: the heartbeat details are the only record of what is done. An operator resets the activity that has failed, with
//! `--reset-heartbeats` as a runbook says, and the rows that it has written are written again.

use std::cell::Cell;
use std::time::Duration;

use durasim::service::Reset;
use durasim::{ActivityContext, ActivityError, Client, ClientError, Exploration, Ledger, check};

use super::simulation;

const ROW: Duration = Duration::from_secs(5);

/// A file to which rows are appended. One that comes twice in a row is dropped, so that an attempt may be lost at any time.
#[derive(Default)]
struct File {
    rows: Ledger<u32>,
    last: Cell<Option<u32>>,
}

impl File {
    /// Appends a row only where it belongs.
    async fn append_in_order(&self, row: u32) -> Result<(), ActivityError> {
        durasim::time::sleep(ROW).await;
        Ok(durasim::effect("append", || {
            if self.last.get().map_or(0, |last| last + 1) == row {
                self.last.set(Some(row));
                self.rows.record(row);
            }
        })?)
    }

    async fn append(&self, row: u32) -> Result<(), ActivityError> {
        durasim::time::sleep(ROW).await;
        Ok(durasim::effect("append", || {
            if self.last.replace(Some(row)) != Some(row) {
                self.rows.record(row);
            }
        })?)
    }
}

async fn with_bug(ctx: &ActivityContext, rows: u32) -> Result<String, ActivityError> {
    let file = durasim::state::<File>();
    for row in ctx.heartbeat_details::<u32>()?.unwrap_or(0)..rows {
        file.append(row).await?;
        ctx.heartbeat(&(row + 1))?;
    }
    Ok(format!("{rows} rows"))
}

/// Lets the file say which row is next.
async fn corrected(ctx: &ActivityContext, rows: u32) -> Result<String, ActivityError> {
    let file = durasim::state::<File>();
    for row in ctx.heartbeat_details::<u32>()?.unwrap_or(0)..rows {
        file.append_in_order(row).await?;
        ctx.heartbeat(&(row + 1))?;
    }
    Ok(format!("{rows} rows"))
}

/// Starts the workflow, and resets its activity once if that has failed.
async fn operated(client: Client) -> Result<String, ClientError> {
    let workflow = client.start::<String>("copying", "copying-1", &4).await?;
    let has_failed = || {
        workflow.inspect(|service, run| {
            let copy = service.workflow(run).activity(1).map(|copy| service.activity(copy));
            copy.is_some_and(|copy| copy.next_attempt_at().is_some())
        })
    };
    while workflow.is_open() && !has_failed() {
        client.sleep(Duration::from_millis(300)).await;
    }
    if has_failed() {
        workflow.reset_activity("1", Reset { reset_heartbeat: true, ..Default::default() }).await?;
    }
    workflow.result().await
}

fn checked(exploration: Exploration) -> Exploration {
    exploration.check(check::effects(|file: &File| &file.rows).repeats_at_most(0)).check(check::same_result())
}

pub fn planted() -> Exploration {
    checked(
        simulation()
            .state(File::default)
            .activity("copy", with_bug)
            .explore_script(operated)
            .named("reset_begins_at_zero"),
    )
}

pub fn twin() -> Exploration {
    checked(simulation().state(File::default).activity("copy", corrected).explore_script(operated))
}
