//! The fakes of the world outside, which the activities work on: each is state of the run, fresh for each run and untouched
//! by crashes of workers.

pub mod chunk_store;
pub mod database;
pub mod item_queue;

pub use chunk_store::ChunkStore;
pub use database::Database;
pub use item_queue::ItemQueue;
