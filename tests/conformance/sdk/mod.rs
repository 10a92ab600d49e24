//! Scenarios that run on a whole simulation: a worker stands between the activities' code and the service.
//!
//! The recordings were made with Temporal's Python SDK. The simulated worker behaves as its core does; [`raised`] has
//! the parts that the Python layer adds.

mod activity;
mod drive;
mod log;
mod raised;
mod step;

pub use drive::{play, simulate};
pub use step::STEPS;
