//! The example explored, its deadline heeded, and the document's fragments in it.

use super::app::deadline_aware::DeadlineResult;
use super::judged;

#[test]
fn the_example_holds_under_every_fault_and_deploy() {
    let simulation = judged::simulation();
    for (workflow, exploration) in judged::explorations(&simulation) {
        let report = exploration.every_fault().every_order().report();
        let texts: Vec<&str> = report.failures().iter().map(|failed| failed.text.as_str()).collect();
        assert!(report.holds(), "{workflow}\n{}\n{report}", texts.join("\n"));
        let deploys: u64 =
            report.coverage().cells().filter(|cell| cell.fault == "deploy").map(|cell| cell.struck).sum();
        // At the dispatch and at two tasks.
        assert_eq!(deploys, 3, "{workflow}\n{report}");
    }
}

#[test]
fn the_deadline_aware_activity_stops_by_itself() {
    let run = judged::simulation().run("deadline_aware", &judged::items()).unwrap();
    let DeadlineResult { completed_items, stopped_early, .. } = run.result().unwrap();
    // 96 items of 50 ms each, and the ways of two tasks and an attempt to their workers.
    assert_eq!((completed_items, stopped_early, run.virtual_time().since_epoch().as_millis()), (96, true, 4_803));
}

/// The document's fragments in their order: the file where each stands, and its text. Where the example has more between
/// two of its lines, the parts are separate. `...` is what the document leaves out.
const FRAGMENTS: &[(&str, &str)] = &[
    (FILE, "// Record progress periodically\nfor chunk in chunks {"),
    (
        FILE,
        "process_chunk(chunk)?;\n// Save progress in heartbeat\n\
         let progress = serde_json::to_vec(&ProcessingProgress { ... })?;\nctx.record_heartbeat(Some(&progress));\n}",
    ),
    (FILE, CANCELLATION),
    (MIGRATION, CANCELLATION),
    (
        FILE,
        "if let Some(remaining) = ctx.get_remaining_time() {\nif remaining < Duration::from_secs(5) {\n\
         // Stop gracefully\nbreak;\n}\n}",
    ),
    (
        DEADLINE,
        "let mut progress = if ctx.has_heartbeat_details() {\nif let Some(details) = ctx.get_heartbeat_details() {\n\
         serde_json::from_slice::<Progress>(details)?\n} else { Progress::default() }\n} else { Progress::default() };\n\
         // Resume from saved position\nfor i in progress.completed_items..total_items {",
    ),
    (
        WORKFLOWS,
        "schedule_to_close_timeout: Duration::from_secs(300),\nheartbeat_timeout: Duration::from_secs(30),\n..Default::default()\n};",
    ),
    (
        WORKFLOWS,
        "schedule_to_close_timeout: Duration::from_secs(600),\nheartbeat_timeout: Duration::from_secs(60),\n..Default::default()\n};",
    ),
    (
        WORKFLOWS,
        "schedule_to_close_timeout: Duration::from_secs(5),\nheartbeat_timeout: Duration::from_secs(2),\n..Default::default()\n};",
    ),
    (WORKFLOWS, "let retry_policy = RetryPolicy {\nmaximum_attempts: 3,\nbackoff_coefficient: 2.0,\n..\n};"),
];

const CANCELLATION: &str = "if ctx.is_cancelled() {\n// Save current progress\nlet details = serde_json::to_vec(&progress)?;\n\
                            ctx.record_heartbeat(Some(&details));\n\
                            return Err(ActivityError::ExecutionFailed(\"Cancelled\".to_string()));\n}";

const FILE: &str = include_str!("../../examples/activity_advanced/app/process_large_file.rs");
const MIGRATION: &str = include_str!("../../examples/activity_advanced/app/migrate_data.rs");
const DEADLINE: &str = include_str!("../../examples/activity_advanced/app/deadline_aware.rs");
const WORKFLOWS: &str = include_str!("../../examples/activity_advanced/app/workflows.rs");

/// The edits that version 0.3.0 of the client forces, and Rust. The example's README lists them.
const EDITS: &[(&str, &str)] = &[
    ("ActivityError::ExecutionFailed(", "ActivityError::execution_failed("),
    ("serde_json::to_vec(&progress)?", "serde_json::to_vec(&progress).map_err(ActivityError::execution_failed_error)?"),
    (
        "serde_json::to_vec(&ProcessingProgress { ... })?",
        "serde_json::to_vec(&ProcessingProgress { ..progress }).map_err(ActivityError::execution_failed_error)?",
    ),
    (
        "serde_json::from_slice::<Progress>(details)?",
        "serde_json::from_slice::<Progress>(details).map_err(ActivityError::execution_failed_error)?",
    ),
    ("backoff_coefficient: 2.0,\n..\n", "backoff_coefficient: 2.0,\n..Default::default()\n"),
];

/// The text without what a formatter decides.
fn bare(text: &str) -> String {
    text.chars().filter(|character| !character.is_whitespace()).collect()
}

#[test]
fn every_fragment_of_the_document_stands_in_the_example() {
    let mut used = vec![false; EDITS.len()];
    for (file, fragment) in FRAGMENTS {
        let mut edited = (*fragment).to_owned();
        for (index, (before, after)) in EDITS.iter().enumerate() {
            used[index] |= edited.contains(before);
            edited = edited.replace(before, after);
        }
        assert!(bare(file).contains(&bare(&edited)), "this is not in the example:\n{edited}");
    }
    assert!(used.iter().all(|used| *used), "an edit is of no use: {used:?}");
}
