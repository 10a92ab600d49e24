//! The loop that ties engine, service, workers and faults together, and what it leaves: [`Run`].

pub(crate) mod agenda;
mod awaits;
pub(crate) mod background;
mod client_calls;
pub(crate) mod core;
mod deadline;
mod effects;
mod ending;
mod error;
mod faults;
mod heartbeats;
mod hosted;
mod hosting;
mod matching;
mod messages;
pub(crate) mod misuse;
mod news;
mod notices;
mod queries;
mod record;
pub(crate) mod replay;
mod run;
pub(crate) mod running;
pub(crate) mod settings;
pub(crate) mod setup;
mod signals;
pub(crate) mod sleeps;
mod spawning;
pub(crate) mod start;
pub(crate) mod states;
mod step;
#[cfg(test)]
mod tests;
pub(crate) mod watch;
mod workers;
mod workflow_tasks;

pub use error::RunError;
pub(crate) use record::outcome_words;
pub use record::{ActivityRecord, AttemptRecord, EffectRecord, FaultRecord, HeartbeatRecord};
pub(crate) use run::Finished;
pub use run::{Outcome, ResultError, Run};
pub use settings::{HeartbeatThrottle, Settings};
