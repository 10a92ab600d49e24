//! [`deadline_aware_activity`]: it processes as many items as there is time for, and its result says how many.

use std::time::Duration;

use durasim::{ActivityContext, ActivityError};
use serde::{Deserialize, Serialize};

use crate::fakes::item_queue::{ITEM_TIME, ItemQueue, worth};

/// The least time that is left when the activity reports: a tenth of the 5 s that it has in all.
pub const MARGIN: Duration = Duration::from_millis(500);

/// The number of items after which it heartbeats. It also does when it stops.
pub const HEARTBEAT_EVERY: u32 = 2;

/// The work to do in the time there is.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ItemsInput {
    /// The number of items, or the most of them.
    pub items: u32,
}

/// The work that was done.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct ItemsResult {
    /// The number of items processed, from the first.
    pub items_done: u32,
    /// The number of items there were.
    pub items: u32,
    /// The worth of the processed items together.
    pub total: u64,
    /// Says whether the deadline kept it from doing all.
    pub stopped_before_deadline: bool,
}

impl ItemsResult {
    /// The work that has been done, when it came to no report.
    pub fn so_far(progress: ItemsProgress, items: u32) -> ItemsResult {
        let ItemsProgress { items_done, total } = progress;
        ItemsResult { items_done, items, total, stopped_before_deadline: items_done < items }
    }

    /// Says whether the total is that of the items that were done.
    pub fn is_right(&self) -> bool {
        self.items_done <= self.items && self.total == (0..self.items_done).map(worth).sum::<u64>()
    }
}

/// The progress so far: the details of each heartbeat.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct ItemsProgress {
    /// The number of items processed, from the first.
    pub items_done: u32,
    /// The worth of these items together.
    pub total: u64,
}

/// Processes items until they are done or the deadline comes near, and reports how many it did: part of the items is a
/// result here, unlike part of a file. A retry begins where the last heartbeat that reached the service says.
///
/// # Errors
/// - The queue fails: this is worth a retry.
/// - The activity is cancelled: progress is saved in a heartbeat first.
pub async fn deadline_aware_activity(ctx: &ActivityContext, input: ItemsInput) -> Result<ItemsResult, ActivityError> {
    let queue = durasim::state::<ItemQueue>();
    let mut progress: ItemsProgress = ctx.heartbeat_details()?.unwrap_or_default();
    while progress.items_done < input.items {
        if ctx.is_cancelled() {
            ctx.heartbeat(&progress)?;
            return Err(ActivityError::Cancelled);
        }
        // It looks before the item, not after it: an item that is begun has to fit in the time that is left.
        if ctx.get_remaining_time().is_some_and(|left| left < ITEM_TIME + MARGIN) {
            ctx.heartbeat(&progress)?;
            break;
        }
        let worth = queue.process(progress.items_done).await?;
        progress = ItemsProgress { items_done: progress.items_done + 1, total: progress.total + worth };
        if progress.items_done.is_multiple_of(HEARTBEAT_EVERY) {
            ctx.heartbeat(&progress)?;
        }
    }
    Ok(ItemsResult::so_far(progress, input.items))
}
