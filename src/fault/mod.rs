//! Points, faults and plans: what can go wrong, where, and its text form.

pub(crate) mod deadline;
mod kind;
pub(crate) mod menu;
mod plan;
pub(crate) mod planned;
mod point;
pub(crate) mod quiet;
pub(crate) mod source;
pub(crate) mod swarm;
mod text;

pub use kind::Fault;
pub use plan::{Entry, Order, Plan, PlanError, VERSION};
pub use point::{Point, Site};

pub(crate) use plan::{FaultWords, Ordinal};
pub(crate) use point::{Id, Name};
