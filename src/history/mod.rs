//! Histories that were recorded elsewhere: the JSON of Temporal's command line and web interface is read into the events from
//! which a workflow is replayed.

mod activities;
mod document;
mod event;
mod failures;
mod fields;
mod kinds;
mod markers;
mod messages;
mod payloads;
mod problem;
mod recorded;
mod runs;
mod seed;
mod times;
mod updates;

pub use document::read;
pub use problem::HistoryProblem;
