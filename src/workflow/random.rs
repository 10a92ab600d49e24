//! A workflow's own random numbers.

use std::ops::Range;

use rand::{Rng, RngExt};
use rand_chacha::ChaCha8Rng;

use super::context::WorkflowContext;
use crate::program::places;

impl WorkflowContext {
    /// 64 random bits. They follow from the run's [`random_seed`](crate::program::RunInfo::random_seed), so a replay draws
    /// the same ones, in the same order. Not for secrets.
    ///
    /// A query handler may not draw: it would shift what the workflow draws next.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use durasim::{WorkflowContext, WorkflowError};
    /// async fn jitter(ctx: &WorkflowContext, _: ()) -> Result<(), WorkflowError> {
    ///     ctx.sleep(Duration::from_millis(1000 + ctx.random_range(0..250))).await
    /// }
    /// ```
    #[track_caller]
    pub fn random(&self) -> u64 {
        places::called("ctx.random");
        self.draw(|source| source.next_u64())
    }

    /// A random number of a range, each equally likely. As [`random`](Self::random).
    ///
    /// # Panics
    /// If the range is empty.
    #[track_caller]
    pub fn random_range(&self, range: Range<u64>) -> u64 {
        places::called("ctx.random_range");
        assert!(!range.is_empty(), "there is no number in the empty range {range:?}");
        self.draw(|source| source.random_range(range))
    }

    fn draw(&self, draw: impl FnOnce(&mut ChaCha8Rng) -> u64) -> u64 {
        let instance = &self.instance;
        instance.called();
        if !instance.is_usable() {
            // Nobody will see it: the instance is closing, or its task fails.
            return 0;
        }
        draw(instance.random.borrow_mut().source(instance.run.random_seed))
    }
}
