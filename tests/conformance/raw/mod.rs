//! Scenarios that act on the service by itself, with their own virtual time.

mod agent;
mod by_hand;
mod clock;
mod external;
mod hosted;
mod stage;
mod step;
mod task;
mod trials;
mod world;

pub use by_hand::COMMANDS;
pub use hosted::ID;
pub use stage::play;
pub use step::STEPS;
