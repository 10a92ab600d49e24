//! Points, faults and plans: what can go wrong, where, and its text form.

mod kind;
mod plan;
mod point;
mod site;

pub use kind::Fault;
pub use plan::{Entry, Order, Plan, PlanError};
pub use point::Point;
pub use site::Site;
