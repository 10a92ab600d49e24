//! Scenarios that act on the service by itself, with their own virtual time.

mod agent;
mod external;
mod pace;
mod stage;
mod step;
mod world;

pub use pace::Pace;
pub use stage::play;
