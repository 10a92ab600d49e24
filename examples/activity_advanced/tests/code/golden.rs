//! Every event of the tour's workflows, on small inputs: without faults, and under some plans. This is part of the
//! golden net; `tests/golden/main.rs` of the crate says what it is for.
//!
//! ```text
//! INSTA_UPDATE=always cargo test -p activity_advanced golden
//! ```

use crate::kept::Kept;
use crate::run_text::run_text;
use activity_advanced::activities::deadline_aware::ItemsInput;
use activity_advanced::activities::migrate_data::MigrationInput;
use activity_advanced::activities::process_large_file::FileProcessingInput;
use activity_advanced::stops::simulation;
use activity_advanced::workflows::skip_at_a_signal::{FileAndMigration, FileAndMigrationResult, SKIP_FILE};
use durasim::{Dialect, Run, RunError, Simulation};
use serde::Serialize;

fn file() -> FileProcessingInput {
    FileProcessingInput { file: "data.csv".to_owned(), chunks: 7 }
}

fn migration() -> MigrationInput {
    MigrationInput { from: "orders".to_owned(), to: "orders_v2".to_owned(), records: 24, batch_size: 9 }
}

const DIALECTS: [(&str, Dialect); 2] = [("temporal", Dialect::Temporal), ("cadence", Dialect::Cadence)];

/// Runs, each with its name.
type NamedRuns = Vec<(String, Result<Run, RunError>)>;

/// Each of the workflows under each of the plans, on both dialects.
fn keep(name: &'static str, plans: &[&str], run: &dyn Fn(&Simulation) -> NamedRuns) {
    let mut kept = Kept::new(name);
    for (words, dialect) in DIALECTS {
        for plan in plans {
            for (workflow, result) in run(&simulation(dialect).plan(plan.parse().unwrap())) {
                kept.add(&format!("{workflow}, {words}: {plan}"), &run_text(result.as_ref()));
            }
        }
    }
    kept.assert();
}

fn each<I: Serialize>(workflows: &[&str], input: I) -> impl Fn(&Simulation) -> Vec<(String, Result<Run, RunError>)> {
    move |simulation| {
        workflows.iter().map(|workflow| ((*workflow).to_owned(), simulation.run(workflow, &input))).collect()
    }
}

#[test]
fn golden_file_processing() {
    let plans = [
        "v1",
        "process_large_file#1@1:await4=crash",
        "process_large_file#1@1:await4=cancel",
        "process_large_file#1@1:await4=stop",
        "process_large_file#1@1:await4=stall(45s)",
        "process_large_file#1@1:dispatch=delayed(270s)",
        "v1 seed=3 order=random; process_large_file#1@1:effect5=crash_after; process_large_file#1@2:await1=fail",
    ];
    let workflows = ["resilient_processing", "file_processing", "file_processing_with_retries"];
    keep("tour_file_processing", &plans, &each(&workflows, file()));
}

#[test]
fn golden_data_migration() {
    let plans = [
        "v1",
        "migrate_data#1@1:await20=crash",
        "migrate_data#1@1:await20=cancel",
        "migrate_data#1@1:await15=stall(80s)",
        "migrate_data#1@1:dispatch=delayed(590s)",
    ];
    keep("tour_data_migration", &plans, &each(&["data_migration", "data_migration_with_retries"], migration()));
}

#[test]
fn golden_deadline_aware() {
    let plans = [
        "v1",
        "deadline_aware_activity#1@1:await3=crash",
        "deadline_aware_activity#1@1:await5=stall(3s)",
        "deadline_aware_activity#1@1:heartbeat1=request_lost",
    ];
    let workflows = ["deadline_aware", "deadline_aware_with_retries"];
    keep("tour_deadline_aware", &plans, &each(&workflows, ItemsInput { items: 10 }));
}

/// The user skips the file after 12 s.
fn skip(simulation: &Simulation) -> Vec<(String, Result<Run, RunError>)> {
    let script = simulation.drive(async |client| {
        let input = FileAndMigration { file: file(), migration: migration() };
        let both = client.start::<FileAndMigrationResult>("skip_at_a_signal", "skip-1", &input).await.unwrap();
        client.sleep(std::time::Duration::from_secs(12)).await;
        both.signal(SKIP_FILE, &()).await.unwrap();
        both.result().await
    });
    vec![("skip_at_a_signal".to_owned(), script.map(|(_, run)| run))]
}

#[test]
fn golden_skip_at_a_signal() {
    let plans = ["v1", "skip_at_a_signal#1:signal1=delayed(5s)", "process_large_file#1@1:await2=crash"];
    keep("tour_skip_at_a_signal", &plans, &skip);
}

/// The run that the tour begins with, at its full size.
#[test]
fn golden_crash_and_resume() {
    let mut kept = Kept::new("tour_crash_and_resume");
    let plan = "process_large_file#1@1:await17=crash";
    let simulation = simulation(Dialect::Temporal).plan(plan.parse().unwrap());
    let file = FileProcessingInput { chunks: 24, ..file() };
    kept.add(plan, &run_text(simulation.run("resilient_processing", &file).as_ref()));
    kept.assert();
}
