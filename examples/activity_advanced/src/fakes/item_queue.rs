//! [`ItemQueue`]: the fake of what the items of [`deadline_aware_activity`](crate::activities::deadline_aware_activity) are
//! handed to.

use std::time::Duration;

use durasim::{EffectError, Ledger, time};

/// How long one item takes.
pub const ITEM_TIME: Duration = Duration::from_millis(600);

/// Takes items, and counts how often it was handed each. Part of the run's state.
#[derive(Debug, Default)]
pub struct ItemQueue {
    /// The items that were processed, from 0.
    pub processed: Ledger<u32>,
}

impl ItemQueue {
    /// Processes one item in [`ITEM_TIME`] and gives its worth.
    ///
    /// # Errors
    /// Where the simulation lets the effect fail.
    pub async fn process(&self, item: u32) -> Result<u64, EffectError> {
        time::sleep(ITEM_TIME).await;
        durasim::effect("process item", || self.processed.record(item))?;
        Ok(worth(item))
    }
}

/// What an item adds to the total.
pub fn worth(item: u32) -> u64 {
    let item = u64::from(item) + 1;
    item * item
}
