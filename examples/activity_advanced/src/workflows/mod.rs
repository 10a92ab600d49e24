//! The workflows of the tour.

pub mod data_migration;
pub mod deadline_aware;
pub mod file_processing;
pub mod resilient_processing;
pub mod skip_at_a_signal;

pub use data_migration::{data_migration_with_retries_workflow, data_migration_workflow};
pub use deadline_aware::{deadline_aware_with_retries_workflow, deadline_aware_workflow};
pub use file_processing::{file_processing_with_retries_workflow, file_processing_workflow};
pub use resilient_processing::resilient_processing_workflow;
pub use skip_at_a_signal::skip_at_a_signal_workflow;
