//! A run as text, made of its trace when it is over.

mod event_text;
mod excerpt;
mod timeline;

use crate::world::Run;

pub use timeline::Timeline;

impl Run {
    /// The trace as text.
    pub fn timeline(&self) -> Timeline<'_> {
        Timeline::new(self.trace())
    }
}
