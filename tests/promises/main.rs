//! The crate keeps its promises: there is one module for each, whose first sentence is the promise.
//!
//! `cargo test --test promises wakers` runs one of them. Those about proptest's strategies need the feature:
//! `cargo test --features proptest --test promises strategy`.

mod aborts;
mod adapters;
mod bad_input;
mod by_id;
mod cache;
mod cadence;
mod chains;
mod checks;
mod child;
mod children;
mod coordinates;
mod crash_buries;
mod cron;
mod deploys;
mod deterministic;
mod each_fault;
mod executions;
mod expiration;
mod explore;
mod failing_tasks;
mod heartbeats;
mod history_json;
mod late_signals;
mod limits;
mod local_activities;
mod long_histories;
mod loops;
mod messages;
mod native_workflow;
mod not_deterministic;
mod operated;
mod operators;
mod orders;
mod pairs;
mod places;
mod plan_text;
mod properties;
mod readme;
mod replay;
mod report_as_data;
mod scripts;
mod seam;
mod service;
mod slow;
#[path = "../snapshot/mod.rs"]
mod snapshot;
mod spawn;
mod standalone;
#[cfg(feature = "proptest")]
mod strategy;
mod surface;
mod taken_back;
mod timelines;
mod trace_events;
mod try_now;
mod updates;
mod waits_for_nothing;
mod wakers;
mod watchdog;
#[cfg(feature = "proptest")]
mod whole_inputs;
mod worker_state;
mod workers;
mod workflow_faults;
mod zombies;
