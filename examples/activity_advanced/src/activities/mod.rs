//! The activities of the tour.

pub mod deadline_aware;
pub mod migrate_data;
pub mod process_large_file;

pub use deadline_aware::deadline_aware_activity;
pub use migrate_data::migrate_data_activity;
pub use process_large_file::process_large_file_activity;
