//! A run as text, made of its trace when it is over.

mod event_text;
mod excerpt;
mod timeline;

use crate::world::Run;

pub(crate) use excerpt::plain;
pub use timeline::Timeline;

impl Run {
    /// The trace as text.
    ///
    /// Entries of the run's plan that did not strike, because the run did not come to their points, stand at its head: a snapshot
    /// shows it when the waits of the code move.
    pub fn timeline(&self) -> Timeline<'_> {
        Timeline::new(self.trace()).not_struck(self.not_fired())
    }
}
