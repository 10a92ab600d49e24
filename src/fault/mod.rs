//! Points, faults and plans: what can go wrong, where, and its text form.

mod coordinate;
mod cursor;
pub(crate) mod deadline;
mod header;
mod kind;
mod length;
pub(crate) mod menu;
mod name;
mod parse;
mod plan;
pub(crate) mod planned;
mod point;
pub(crate) mod quiet;
mod simpler;
mod site;
pub(crate) mod source;
pub(crate) mod swarm;
mod words;

pub use kind::Fault;
pub use plan::{Entry, Order, Plan, PlanError, VERSION};
pub use point::Point;
pub use site::Site;

pub(crate) use name::{Id, Name};
pub(crate) use words::{FaultWords, Ordinal};
