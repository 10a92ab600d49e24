//! The commands of a completed workflow task.
