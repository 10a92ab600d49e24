//! The tests of the tour and of its activities, in one binary: a module for each of them, and for each promise of the tour.

mod command;
mod deadline_aware;
mod explorations;
mod golden;
#[path = "../../../../tests/golden/kept.rs"]
mod kept;
mod migrate_data;
mod planted_bugs;
mod process_large_file;
mod properties;
mod published_originals;
#[path = "../../../../tests/golden/run_text.rs"]
mod run_text;
mod seed_document;
mod timelines;
mod tour;
