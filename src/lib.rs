//! Deterministic simulation tests for durable execution.

pub mod fault;
mod instant;
pub mod program;
pub mod report;
pub mod service;
pub mod trace;

pub use instant::{Span, Time};
