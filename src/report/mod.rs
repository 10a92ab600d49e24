//! A run as text, made of its trace when it is over.

mod excerpt;
mod happening;
mod timeline;

use crate::world::Run;

pub use timeline::Timeline;

impl Run {
    /// The trace as text.
    pub fn timeline(&self) -> Timeline<'_> {
        Timeline::new(self.trace())
    }
}
