//! Deterministic simulation tests for durable execution.

pub mod fault;
mod instant;
pub mod program;
pub mod service;
pub mod trace;
pub mod worker;

pub use instant::{Span, Time};
