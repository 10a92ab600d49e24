//! A run as text, and as JSON for viewers, made of its trace when it is over.

mod changes;
mod event_text;
mod excerpt;
pub(crate) mod fold;
mod history_json;
mod lanes;
mod last_state;
mod timeline;
mod trace_events;

use crate::world::Run;

pub(crate) use excerpt::plain;
pub use history_json::HistoryError;
pub(crate) use last_state::last_state;
pub use timeline::Timeline;
pub use trace_events::TraceEvents;

impl Run {
    /// The trace as text.
    ///
    /// Entries of the run's plan that did not strike, because the run did not come to their points, stand at its head: a
    /// snapshot shows it when the waits of the code move.
    pub fn timeline(&self) -> Timeline<'_> {
        Timeline::new(self.trace()).not_struck(self.not_fired())
    }

    /// Gives the run as Chrome (`chrome://tracing`) and Perfetto read it: JSON in the Trace Event Format, with virtual
    /// time, and lanes for workers, workflows, activities and attempts. Its text is [`Display`](std::fmt::Display)'s.
    pub fn trace_events(&self) -> TraceEvents<'_> {
        TraceEvents::new(self.trace())
    }
}
