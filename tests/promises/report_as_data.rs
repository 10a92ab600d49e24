//! A report is data: JSON with a documented schema, and a file for each exploration where `DURASIM_REPORT` asks for it. Each
//! test of the files runs this very binary with the variable set, as `cargo test` does.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use durasim::explore::Report;
use durasim::fault::Plan;
use durasim::report::TraceEvents;
use durasim::{
    ActivityContext, ActivityError, ActivityOptions, Exploration, RetryPolicy, Simulation, WorkflowContext, check,
};
use serde_json::Value;

use crate::child::child;
use crate::snapshot::unfolded;

/// Explores an activity that fails when it is retried, unless it `resumes`.
fn exploration(resumes: bool) -> Exploration {
    let steps = async move |ctx: &ActivityContext, count: u32| -> Result<u32, ActivityError> {
        let done = ctx.heartbeat_details::<u32>()?.unwrap_or(0);
        if done > 0 && !resumes {
            return Err(ActivityError::non_retryable("already begun"));
        }
        for step in done..count {
            if ctx.is_cancelled() {
                return Err(ActivityError::Cancelled);
            }
            durasim::time::sleep(Duration::from_secs(10)).await;
            ctx.heartbeat(&(step + 1))?;
        }
        Ok(count)
    };
    let options = || ActivityOptions {
        schedule_to_close_timeout: Duration::from_secs(3_600),
        heartbeat_timeout: Duration::from_secs(30),
        retry_policy: Some(RetryPolicy { maximum_attempts: 5, ..Default::default() }),
        ..Default::default()
    };
    Simulation::temporal()
        .activity("steps", steps)
        .workflow("work", async move |ctx: &WorkflowContext, count: u32| {
            ctx.execute_activity::<u32>("steps", &count, options()).await
        })
        .explore("work", &4u32)
        .without("completes")
        .every_fault()
        .seeds(0..10)
        .check(check::same_result())
}

fn data(report: &Report) -> Value {
    serde_json::to_value(report).unwrap()
}

#[test]
fn a_failure_and_the_counts_are_data() {
    let report = exploration(false).named("fails").report();
    let data = data(&report);
    assert_eq!(data["version"], 1);
    assert_eq!(
        (&data["exploration"], &data["workflow"], &data["holds"]),
        (&"fails".into(), &"work".into(), &false.into())
    );
    let failure = &data["failures"][0];
    assert_eq!(
        (&failure["check"], &failure["rule"]),
        (&"same_result".into(), &"different result".into()),
        "{failure:#}"
    );
    let plan: Plan = failure["plan"].as_str().unwrap().parse().unwrap();
    assert_eq!((&plan, &failure["smallest"]), (&report.failures()[0].plan, &true.into()));
    assert_eq!(failure["text"], *report.failures()[0].text);
    assert_eq!(serde_json::to_value(&report.failures()[0]).unwrap(), *failure);
    let parts = data["parts"].as_array().unwrap();
    assert_eq!(
        parts.iter().map(|part| part["kind"].as_str().unwrap()).collect::<Vec<_>>(),
        ["without faults", "faults", "seeds"]
    );
    for (value, part) in parts.iter().zip(report.parts()) {
        let tally = &part.tally;
        assert_eq!(value["runs"]["all"], tally.runs);
        assert_eq!(value["runs"]["failed"], tally.failed);
        for (check, runs) in &tally.judged {
            assert_eq!(value["checks"][check]["judged"], *runs);
        }
        assert_eq!(value["fingerprint"], format!("{:016x}", tally.fingerprint));
    }
    assert!(parts[2]["checks"]["same_result"]["judged"].as_u64() > Some(0));
    assert!(parts[1]["checks"]["same_result"]["violations"].as_u64() > Some(0));
    assert_eq!(parts[2]["seeds"], serde_json::json!({ "first": 0, "last": 9 }));
    assert_eq!(data["coverage"]["cells"].as_array().unwrap().len(), report.coverage().there());
    let text = TraceEvents::new(report.failures()[0].trace()).to_string();
    assert!(text.contains("\"fault: "), "{text}");
}

/// Collects the paths of all fields below a value. The names of a map of checks are `*`.
fn paths(value: &Value, path: &str, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                let name = if path.ends_with(".checks") { "*" } else { name };
                let path = if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
                if name != "*" {
                    found.insert(path.clone());
                }
                paths(value, &path, found);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| paths(item, &format!("{path}[]"), found)),
        _ => {}
    }
}

#[test]
fn the_document_has_each_field_and_no_other() {
    let document = include_str!("../../docs/report.md");
    let table = document.split("| --- | --- | --- |").nth(1).expect("the table");
    let fields = table.lines().filter_map(|line| line.strip_prefix("| ")?.split(" | ").next());
    let documented: BTreeSet<String> =
        fields.flat_map(|cell| cell.split(", ")).map(|field| field.trim_matches('`').to_owned()).collect();
    let folder = folder("fields");
    let file = folder.join("kept.regressions");
    let plans =
        "steps#1@1:await2=crash\naccepted \"same_result\" \"different result\" \"known\": steps#1@1:await3=crash\n";
    fs::write(&file, plans).unwrap();
    let ends = async |ctx: &WorkflowContext, (): ()| ctx.sleep(Duration::from_secs(1)).await;
    let naps = Simulation::temporal().workflow("naps", ends);
    let reports = [
        exploration(false).report(),
        exploration(false).regressions(&file).report(),
        exploration(true).every_pair().budget(3).reference_may_fail().report(),
        exploration(true).without_standard_checks().check(check::named("never", |_| Err("no"))).report(),
        exploration(false).seeds(0..3_000).report(),
        exploration(true).over_budget(7.0).report(),
        naps.explore("naps", &()).report(),
    ];
    let mut found = BTreeSet::new();
    for report in &reports {
        paths(&data(report), "", &mut found);
    }
    let missing: Vec<_> = found.difference(&documented).collect();
    let unknown: Vec<_> = documented.difference(&found).collect();
    assert!(missing.is_empty() && unknown.is_empty(), "not in docs/report.md: {missing:?}; in no report: {unknown:?}");
}

#[test]
#[ignore = "the tests of this file run it"]
fn holds() {
    exploration(true).assert();
}

#[test]
#[ignore = "the tests of this file run it"]
fn fails() {
    exploration(false).assert();
}

#[test]
#[ignore = "the tests of this file run it"]
fn explores_three_times() {
    exploration(true).assert();
    exploration(true).named("a/b: \"c\"\n").assert();
    exploration(true).assert();
}

/// Its run without faults has 100,000 events, and details of bytes.
#[test]
#[ignore = "the tests of this file run it"]
fn is_long() {
    let beats = async |ctx: &ActivityContext, _: Vec<u8>| -> Result<Vec<u8>, ActivityError> {
        ctx.record_heartbeat(Some(&vec![b'x'; 1 << 20]));
        for _ in 0..25_000 {
            durasim::time::sleep(Duration::from_secs(60)).await;
            ctx.record_heartbeat(Some(b"\xff\"\\"));
        }
        Ok(b"\xff".to_vec())
    };
    let options = || ActivityOptions { start_to_close_timeout: Duration::from_secs(10_000_000), ..Default::default() };
    let exploration = Simulation::temporal()
        .activity_bytes("beats", beats)
        .workflow_bytes("work", async move |ctx: &WorkflowContext, _: Vec<u8>| {
            ctx.execute_activity_bytes("beats", Vec::new(), options()).await
        })
        .explore("work", &())
        .every_fault()
        .check(check::named("never", |run| {
            let events = run.trace().events().len();
            assert!(events >= 100_000, "{events}");
            Err(format!("{events} events"))
        }));
    exploration.assert();
}

/// Makes an empty folder of this name.
fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("report_as_data_{name}"));
    let _ = fs::remove_dir_all(&folder);
    let _ = fs::remove_file(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}

struct Ended {
    passed: bool,
    output: String,
}

/// Runs a test of this file with its reports in this folder, as a test of this package.
fn run(test: &str, folder: &OsStr, package: &str) -> Ended {
    run_share(test, folder, package, "")
}

/// Runs only a share of it.
fn run_share(test: &str, folder: &OsStr, package: &str, shard: &str) -> Ended {
    let output = child(&format!("report_as_data::{test}"))
        .env("DURASIM_REPORT", folder)
        .env("CARGO_PKG_NAME", package)
        .env("DURASIM_SHARD", shard)
        .output()
        .unwrap();
    let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(text.contains("running 1 test"), "{text}");
    Ended { passed: output.status.success(), output: text }
}

fn files(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(folder).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn read(folder: &Path, name: &str) -> Value {
    serde_json::from_slice(&fs::read(folder.join(name)).unwrap()).unwrap()
}

#[test]
fn an_exploration_writes_its_file_whether_it_passes_or_fails() {
    // The folder is not there yet.
    let folder = folder("written").join("deep/er");
    let passed = run("holds", folder.as_os_str(), "one");
    assert!(passed.passed, "{}", passed.output);
    assert_eq!(files(&folder), ["one@promises@report_as_data+holds.json"]);
    assert_eq!(read(&folder, "one@promises@report_as_data+holds.json")["holds"], true);
    let failed = run("fails", folder.as_os_str(), "one");
    assert!(!failed.passed && failed.output.contains("does not hold"), "{}", failed.output);
    let name = "one@promises@report_as_data+fails";
    assert_eq!(files(&folder)[..2], [format!("{name}.json"), format!("{name}.trace.json")]);
    let report = read(&folder, &format!("{name}.json"));
    assert_eq!(
        (&report["holds"], &report["failures"][0]["trace_file"]),
        (&false.into(), &format!("{name}.trace.json").into())
    );
    let trace = read(&folder, &format!("{name}.trace.json"));
    assert!(trace["traceEvents"].as_array().unwrap().iter().any(|event| event["cat"] == "fault"));
}

#[test]
fn tests_of_one_name_and_names_with_a_slash_have_files_of_their_own() {
    let folder = folder("names");
    assert!(run("holds", folder.as_os_str(), "one").passed);
    assert!(run("holds", folder.as_os_str(), "two").passed);
    assert!(run_share("holds", folder.as_os_str(), "two", "2/2").passed);
    let three = run("explores_three_times", folder.as_os_str(), "one");
    assert!(three.passed, "{}", three.output);
    let names = [
        "one@promises@report_as_data+explores_three_times.json",
        "one@promises@report_as_data+explores_three_times@a%2fb%3a%20%22c%22%0a.json",
        "one@promises@report_as_data+explores_three_times~2.json",
        "one@promises@report_as_data+holds.json",
        "two@promises@report_as_data+holds.json",
        "two@promises@report_as_data+holds~2of2.json",
    ];
    assert_eq!(files(&folder), names);
    assert_eq!(read(&folder, names[1])["exploration"], "a/b: \"c\"\n");
}

/// A text without its spaces and line breaks: a path that is longer than a line is broken wherever the line ends.
fn squeezed(text: &str) -> String {
    unfolded(text).split_whitespace().collect()
}

/// The error names the variable, the path and what the system says, and nothing else panics.
#[test]
fn a_folder_that_cannot_be_written_is_a_clear_error() {
    let folder = folder("unwritable");
    let file = folder.join("file");
    fs::write(&file, "").unwrap();
    let below = file.join("below");
    let ended = run("holds", below.as_os_str(), "one");
    let expected = format!("DURASIM_REPORT is `{0}`, and durasim cannot make the folder `{0}`: ", below.display());
    assert!(
        !ended.passed && squeezed(&ended.output).contains(&squeezed(&expected)) && ended.output.contains("os error"),
        "{}",
        ended.output
    );
    // The folder can be made, and the file in it cannot.
    let name = "one@promises@report_as_data+holds.json";
    fs::create_dir(folder.join(name)).unwrap();
    let ended = run("holds", folder.as_os_str(), "one");
    let expected = format!("cannot write `{}`: ", folder.join(name).display());
    assert!(!ended.passed && squeezed(&ended.output).contains(&squeezed(&expected)), "{}", ended.output);
    assert_eq!(files(&folder), ["file", name], "nothing unfinished is left");
    // A failure is told all the same.
    let name = "one@promises@report_as_data+fails.json";
    fs::create_dir(folder.join(name)).unwrap();
    let ended = run("fails", folder.as_os_str(), "one");
    assert!(
        !ended.passed && unfolded(&ended.output).contains("does not hold") && squeezed(&ended.output).contains(name),
        "{}",
        ended.output
    );
}

#[cfg(unix)]
#[test]
fn a_folder_need_not_be_utf_8() {
    use std::os::unix::ffi::OsStrExt;
    let folder = folder("bytes").join(OsStr::from_bytes(b"\xff"));
    assert!(run("holds", folder.as_os_str(), "one").passed);
    assert_eq!(files(&folder), ["one@promises@report_as_data+holds.json"]);
}

#[test]
fn a_long_run_is_written_in_bounded_time() {
    let folder = folder("long");
    let started = Instant::now();
    let ended = run("is_long", folder.as_os_str(), "one");
    assert!(!ended.passed && ended.output.contains("events"), "{}", ended.output);
    let name = "one@promises@report_as_data+is_long";
    assert_eq!(files(&folder), [format!("{name}.json"), format!("{name}.trace.json")]);
    let trace = fs::read_to_string(folder.join(format!("{name}.trace.json"))).unwrap();
    assert!(trace.contains("(1048576 bytes)") && trace.contains(r"\\xff"));
    let size = fs::metadata(folder.join(format!("{name}.json"))).unwrap().len();
    assert!(size < 300_000, "{size} bytes");
    assert!(started.elapsed() < Duration::from_secs(120), "{:?}", started.elapsed());
}
