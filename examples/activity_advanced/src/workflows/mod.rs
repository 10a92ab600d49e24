//! The workflows of the tour.

pub mod resilient_processing;

pub use resilient_processing::resilient_processing_workflow;
