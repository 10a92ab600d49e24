//! The loop that ties engine, service, workers and faults together, and what it leaves: [`Run`].

mod error;
mod hosting;
mod news;
pub(crate) mod setup;
mod strike;
mod turn;
mod workers;
mod workflow_task;
pub(crate) mod world;

pub use error::RunError;
