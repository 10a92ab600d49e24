//! [`deadline_aware_activity`]: as many items as there is time for.

use std::time::Duration;

use crabdance_activity::{ActivityContext, activity};
use crabdance_workflow::ActivityError;
use serde::{Deserialize, Serialize};

/// The time that an item takes.
pub const ITEM_TIME: Duration = Duration::from_millis(50);

/// No item is begun when less time is left.
pub const MARGIN: Duration = Duration::from_millis(200);

/// The number of items after which it heartbeats. It also does when it stops.
pub const ITEMS_PER_HEARTBEAT: u32 = 10;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DeadlineInput {
    pub task_name: String,
    pub total_items: u32,
}

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct DeadlineResult {
    pub task_name: String,
    pub completed_items: u32,
    pub total_items: u32,
    pub stopped_early: bool,
}

#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct Progress {
    pub completed_items: u32,
}

#[activity(name = "deadline_aware_task")]
pub async fn deadline_aware_activity(
    ctx: &ActivityContext,
    input: DeadlineInput,
) -> Result<DeadlineResult, ActivityError> {
    let total_items = input.total_items;
    let mut progress = if ctx.has_heartbeat_details() {
        if let Some(details) = ctx.get_heartbeat_details() {
            serde_json::from_slice::<Progress>(details).map_err(ActivityError::execution_failed_error)?
        } else {
            Progress::default()
        }
    } else {
        Progress::default()
    };

    // Resume from saved position
    for i in progress.completed_items..total_items {
        if ctx.is_cancelled() {
            record(ctx, &progress)?;
            return Err(ActivityError::Cancelled);
        }
        if ctx.get_remaining_time().is_some_and(|remaining| remaining < MARGIN) {
            break;
        }
        tokio::time::sleep(ITEM_TIME).await;
        progress.completed_items = i + 1;
        if progress.completed_items.is_multiple_of(ITEMS_PER_HEARTBEAT) {
            record(ctx, &progress)?;
        }
    }
    record(ctx, &progress)?;
    Ok(DeadlineResult {
        task_name: input.task_name,
        completed_items: progress.completed_items,
        total_items,
        stopped_early: progress.completed_items < total_items,
    })
}

fn record(ctx: &ActivityContext, progress: &Progress) -> Result<(), ActivityError> {
    let details = serde_json::to_vec(progress).map_err(ActivityError::execution_failed_error)?;
    ctx.record_heartbeat(Some(&details));
    Ok(())
}
