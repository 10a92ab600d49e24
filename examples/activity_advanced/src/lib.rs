//! The guided tour of durasim: activities that heartbeat, resume, respect cancellation and deadlines, under every fault.
//!
//! Begin with [`activities::process_large_file`], then see in [`stops`] how it and the others are put under every fault.

pub mod activities;
pub mod arguments;
pub mod checks;
pub mod chunk_store;
pub mod database;
pub mod item_queue;
pub mod numbers;
pub mod outcomes;
pub mod row;
pub mod stops;
pub mod summary;
pub mod table;
pub mod tale;
pub mod workflows;
