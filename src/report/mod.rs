//! What people read of a run: made of its trace when it is over, never while it runs.

mod difference;
mod excerpt;
pub(crate) mod failure;
mod happening;
mod ink;
mod timeline;

use crate::run::Run;
pub(crate) use happening::timeout_words;
pub(crate) use ink::Ink;

pub use timeline::Timeline;

impl Run {
    /// The trace as text.
    pub fn timeline(&self) -> Timeline<'_> {
        Timeline::new(self.trace())
    }
}
