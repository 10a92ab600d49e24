//! The activities of the tour.
//!
//! [`stops::simulation`](crate::stops::simulation) registers them, and the workflows, under the names of their functions
//! without `_activity` and `_workflow`. One activity keeps its suffix: `deadline_aware` is the name of its workflow,
//! and a timeline in which both have the same name is hard to read.

pub mod deadline_aware;
pub mod migrate_data;
pub mod process_large_file;

pub use deadline_aware::deadline_aware_activity;
pub use migrate_data::migrate_data_activity;
pub use process_large_file::process_large_file_activity;
