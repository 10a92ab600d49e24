//! The workloads of the design's "Numbers", the two sides that run them, and what criterion measures of them.

pub mod bare;
pub mod check;
pub mod clock;
pub mod cpu_time;
pub mod in_turn;
pub mod plans;
pub mod simulated;
pub mod sweep;
pub mod workload;
