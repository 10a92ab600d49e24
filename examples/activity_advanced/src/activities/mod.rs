//! The activities of the tour.

pub mod process_large_file;

pub use process_large_file::process_large_file_activity;
