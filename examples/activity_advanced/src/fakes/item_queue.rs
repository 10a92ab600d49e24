//! [`ItemQueue`]: the fake of a queue to which [`deadline_aware_activity`](crate::activities::deadline_aware_activity)
//! hands its items.

use std::time::Duration;

use durasim::{EffectError, Ledger, time};

/// The time that one item takes.
pub const ITEM_TIME: Duration = Duration::from_millis(600);

/// A queue that takes items, and counts how often it was handed each. It is part of the run's state.
#[derive(Debug, Default)]
pub struct ItemQueue {
    /// The items that were processed, from 0.
    pub processed: Ledger<u32>,
}

impl ItemQueue {
    /// Processes one item in [`ITEM_TIME`] and gives its worth.
    ///
    /// # Errors
    /// It fails where the simulation lets the effect fail.
    pub async fn process(&self, item: u32) -> Result<u64, EffectError> {
        time::sleep(ITEM_TIME).await;
        durasim::effect("process item", || self.processed.record(item))?;
        Ok(worth(item))
    }
}

/// The worth that an item adds to the total.
pub fn worth(item: u32) -> u64 {
    let item = u64::from(item) + 1;
    item * item
}
