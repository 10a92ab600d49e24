//! The application: three activities, four workflows, and how they are registered, here as with a worker.

pub mod deadline_aware;
pub mod migrate_data;
pub mod process_large_file;
pub mod workflows;

use crabdance_worker::registry::Registry;

/// Registers all of it.
pub fn register_all(registry: &dyn Registry) {
    process_large_file::process_large_file_activity_cadence::register(registry);
    migrate_data::migrate_data_activity_cadence::register(registry);
    deadline_aware::deadline_aware_activity_cadence::register(registry);
    workflows::file_processing_workflow_cadence::register(registry);
    workflows::data_migration_workflow_cadence::register(registry);
    workflows::deadline_aware_workflow_cadence::register(registry);
    workflows::resilient_processing_workflow_cadence::register(registry);
}
