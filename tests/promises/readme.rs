//! The README tells the truth about the code. Its example is compiled by the documentation tests.

#[path = "../golden/backup.rs"]
mod backup;

use backup::{Bucket, backup, copy_files, copy_files_rightly};
use durasim::explore::{Report, VARIABLES, Variable};
use durasim::fault::Plan;
use durasim::{ActivityFn, Simulation, check};

const README: &str = include_str!("../../README.md");

#[test]
fn the_table_of_variables_is_the_codes() {
    let rows: Vec<&str> = README.lines().filter(|line| line.starts_with("| `DURASIM_")).collect();
    let expected: Vec<String> = VARIABLES
        .iter()
        .map(|variable| {
            let Variable { name, form, default, help, .. } = variable;
            format!("| `{name}` | `{form}` | {default} | {help} |")
        })
        .collect();
    assert_eq!(rows, expected);
}

#[test]
fn the_table_of_faults_is_the_grammar_of_plans() {
    let table = README.split("| point | faults |").nth(1).expect("the table");
    let rows = table.lines().skip(2).take_while(|line| line.starts_with('|'));
    let quoted = |text: &str| -> Vec<String> { text.split('`').skip(1).step_by(2).map(str::to_owned).collect() };
    let mut read = 0;
    for row in rows {
        let (points, faults) = row[1..].split_once('|').expect("two columns");
        for site in quoted(points).iter().filter(|name| !name.starts_with("durasim")) {
            let of_workflow = ["task", "signal", "timer", "child", "message"].iter().any(|kind| site.starts_with(kind));
            let owner = if of_workflow { "backup#1" } else { "copy_files#1@1" };
            for fault in quoted(faults).iter().filter(|fault| *fault != "duplicated" || site.starts_with("signal")) {
                let plan = format!("{owner}:{site}={fault}");
                plan.parse::<Plan>().unwrap_or_else(|error| panic!("{plan}: {error}"));
                read += 1;
            }
        }
    }
    assert!(read > 40, "{read} faults");
}

/// The rows stand in the documentation of the module too.
#[test]
fn the_table_of_faults_is_the_modules() {
    let module = include_str!("../../src/fault/mod.rs");
    let table = README.split("| point | faults |").nth(1).expect("the table");
    let rows = table.lines().skip(2).take_while(|line| line.starts_with('|'));
    let missing: Vec<&str> = rows.filter(|row| !module.contains(&format!("//! {row}\n"))).collect();
    assert!(missing.is_empty(), "{missing:#?}");
}

/// Code of the Temporal SDK, which the adapter's step of `.ci/run` compiles and runs.
const SDK: [(&str, &str); 5] = [
    ("backup.rs", include_str!("../../adapters/durasim-temporal/tests/readme/backup.rs")),
    ("starter.rs", include_str!("../../adapters/durasim-temporal/tests/readme/starter.rs")),
    ("starter_test.rs", include_str!("../../adapters/durasim-temporal/tests/readme/starter_test.rs")),
    ("test.rs", include_str!("../../adapters/durasim-temporal/tests/readme/test.rs")),
    ("worker.rs", include_str!("../../adapters/durasim-temporal/tests/readme/worker.rs")),
];

#[test]
fn the_code_of_the_sdk_is_the_code_that_is_run() {
    let chapter = include_str!("../../docs/from-a-worker-to-a-test.md");
    for (file, code) in SDK {
        let block = format!("```rust,ignore\n{code}```\n");
        assert!(chapter.contains(&block), "the chapter does not have {file} as it is");
        let is_in_readme = ["backup.rs", "test.rs"].contains(&file);
        assert!(README.contains(&block) || !is_in_readme, "the README does not have {file} as it is");
    }
}

#[test]
fn both_commands_are_there() {
    for command in ["cargo run -p activity_advanced", "cargo test"] {
        assert!(README.lines().any(|line| line.starts_with(command)), "{command}");
    }
}

fn every_fault(copy_files: impl ActivityFn<u32, u32>) -> Report {
    Simulation::temporal()
        .activity("copy_files", copy_files)
        .workflow("backup", backup)
        .state(Bucket::default)
        .explore("backup", &10)
        .named("resumes_from_every_crash")
        .every_fault()
        .check(check::same_result())
        .check(check::progress("copy_files", |files_done: &u32| *files_done))
        .check(check::effects(|bucket: &Bucket| &bucket.files))
        .report()
}

#[test]
fn the_coverage_is_what_the_example_gives() {
    let report = every_fault(copy_files_rightly);
    assert!(report.holds(), "{report}");
    let text = report.coverage().to_string();
    let shown = text.lines().map(|line| format!("  {line}\n")).collect::<String>();
    assert!(README.contains(&format!("```text\n{shown}```\n")), "{shown}");
}

#[test]
fn the_failure_message_is_what_the_bug_gives() {
    let report = every_fault(copy_files);
    let text = &report.failures()[0].text;
    let title = README.find("─ resumes_from_every_crash ─").expect("the README shows the failure");
    let start = README[..title].rfind("```text\n").unwrap_or_default() + "```text\n".len();
    let shown = README[start..].split("```").next().unwrap_or_default();
    let mut rest = text.as_str();
    // The example stands in another file here.
    for line in shown.lines().filter(|line| line.trim() != "..." && !line.contains(" tests/backup.rs:")) {
        // The reader's package has another name.
        let line = line.split("' cargo ").next().unwrap_or_default();
        let place = rest.find(line);
        let place = place.unwrap_or_else(|| panic!("the README shows `{line}`; the message is\n{text}"));
        rest = &rest[place + line.len()..];
    }
}
