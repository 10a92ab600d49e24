//! The guided tour of durasim: activities that heartbeat, resume, respect cancellation and deadlines, under every fault.
//!
//! Begin with [`activities::process_large_file`], then see how [`exploration`] puts it under every fault.

pub mod activities;
pub mod chunk_store;
pub mod exploration;
pub mod summary;
pub mod workflows;
