//! Scenarios that act on the service by itself, with their own virtual time.

mod agent;
mod by_hand;
mod external;
mod stage;
mod step;
mod task;
mod world;

pub use stage::play;
pub use step::STEPS;
