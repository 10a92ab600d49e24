//! Bug 7: heartbeats carry details that no attempt reads.

use durasim::{ActivityContext, ActivityError};

use crate::activities::deadline_aware::{HEARTBEAT_EVERY, ItemsInput, ItemsProgress, ItemsResult, MARGIN};
use crate::fakes::item_queue::{ITEM_TIME, ItemQueue};

/// Works as [`deadline_aware_activity`](crate::activities::deadline_aware_activity) does, with the bug.
///
/// # Errors
/// The queue fails, or the workflow was cancelled.
pub async fn deadline_aware_activity(ctx: &ActivityContext, input: ItemsInput) -> Result<ItemsResult, ActivityError> {
    let queue = durasim::state::<ItemQueue>();
    let mut progress = ItemsProgress::default();
    while progress.items_done < input.items {
        if ctx.is_cancelled() {
            return Err(ActivityError::Cancelled);
        }
        if ctx.get_remaining_time().is_some_and(|left| left < ITEM_TIME + MARGIN) {
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
