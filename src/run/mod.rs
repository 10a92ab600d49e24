//! The loop that ties engine, service, workers and faults together, and what it leaves: [`Run`].

pub(crate) mod agenda;
mod awaits;
mod deadline;
mod error;
mod finished;
mod heartbeats;
mod hosted;
mod hosting;
mod matching;
mod messages;
pub(crate) mod misuse;
mod news;
mod query;
mod record;
pub(crate) mod replay;
pub(crate) mod running;
pub(crate) mod setup;
mod signal;
pub(crate) mod start;
mod strike;
mod telling;
#[cfg(test)]
mod tests;
mod turn;
pub(crate) mod watch;
mod workers;
mod workflow_task;
pub(crate) mod world;

pub use error::RunError;
pub(crate) use finished::Finished;
pub use finished::{Outcome, ResultError, Run};
pub(crate) use record::outcome_words;
pub use record::{ActivityRecord, AttemptEnd, AttemptRecord, HeartbeatRecord};
