//! Recordings of a real server: read, written in the same words, and compared.

pub mod chain;
pub mod compare;
pub mod gap;
pub mod history;
pub mod scenario;
pub mod snapshot;
pub mod wire;
