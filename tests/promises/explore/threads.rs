//! The findings of an exploration do not depend on the number of threads, and shards are disjoint and together
//! complete.

use std::process::{Command, Stdio};
use std::sync::Mutex;

use durasim::explore::Report;
use durasim::{ActivityContext, ActivityError, Simulation, WorkflowContext, check};

use crate::child::child;

use super::{resilient, steps};

/// Fails whenever it is retried twice, or once after it has heartbeated twice.
async fn fails_later(ctx: &ActivityContext, count: u32) -> Result<u32, ActivityError> {
    if ctx.get_info().attempt > 2 || ctx.heartbeat_details::<u32>()?.is_some_and(|done| done == 2) {
        return Err(ActivityError::non_retryable("already begun"));
    }
    steps(ctx, count).await
}

fn report(threads: usize) -> Report {
    Simulation::temporal()
        .activity("steps", fails_later)
        .workflow("work", async |ctx: &WorkflowContext, count: u32| {
            ctx.execute_activity::<u32>("steps", &count, resilient()).await
        })
        .explore("work", &4u32)
        .named("threads")
        .every_fault()
        .every_pair()
        .budget(3_000)
        .seeds(0..3_000)
        .check(check::same_result())
        .check(
            check::named("never retried twice", |run: &durasim::Run| {
                assert!(run.activities().iter().all(|activity| activity.attempts.len() < 3));
            })
            .all_runs(),
        )
        .threads(threads)
        .report()
}

/// Tells all of a report but the real time.
fn told(report: &Report) -> String {
    let mut told = format!("{report}");
    for failed in report.failures() {
        told.push_str(&format!("run {}\n{}", failed.found_by_run, failed.text));
    }
    for part in report.parts() {
        told.push_str(&format!("{:?}\n", part.tally));
    }
    told
}

#[test]
fn a_fingerprint_tells_reports_of_equal_counts_apart() {
    let naps = |millis: u64| {
        let nap = async move |ctx: &WorkflowContext, (): ()| {
            ctx.sleep(std::time::Duration::from_millis(millis)).await.map(|()| 1)
        };
        Simulation::temporal()
            .workflow("nap", nap)
            .explore("nap", &())
            .every_fault()
            .check(check::same_result())
            .report()
    };
    let (one, again, other) = (naps(500), naps(500), naps(501));
    assert_eq!((one.to_string(), one.fingerprint()), (again.to_string(), again.fingerprint()));
    assert_eq!(one.to_string(), other.to_string());
    assert_ne!(one.fingerprint(), other.fingerprint());
}

#[test]
fn what_is_found_does_not_depend_on_the_number_of_threads() {
    let one = told(&report(1));
    assert!(one.contains("FAILED") && one.contains("seeds 0..3000"), "{one}");
    for threads in [2, 5] {
        assert_eq!(one, told(&report(threads)), "with {threads} threads");
    }
}

#[test]
#[ignore = "the shards' test runs it"]
fn explored() {
    static SEEN: Mutex<Vec<String>> = Mutex::new(Vec::new());
    let exploration = || {
        Simulation::temporal()
            .activity("steps", steps)
            .workflow("work", async |ctx: &WorkflowContext, count: u32| {
                ctx.execute_activity::<u32>("steps", &count, resilient()).await
            })
            .explore("work", &4u32)
            .without_repeats()
            .check(check::same_result())
            .check(
                check::named("seen", |run: &durasim::Run| SEEN.lock().unwrap().push(run.plan().to_string())).all_runs(),
            )
    };
    exploration().every_fault().seeds(0..200).assert();
    let singles = std::mem::take(&mut *SEEN.lock().unwrap());
    exploration().every_pair().budget(500).assert();
    let pairs = std::mem::take(&mut *SEEN.lock().unwrap());
    // The first faults of pairs are run in every shard, to find the second.
    let pairs = pairs.iter().filter(|plan| plan.matches("; ").count() > 1);
    for plan in singles.iter().filter(|plan| plan.contains("; ")).chain(pairs) {
        println!("seen {plan}");
    }
}

/// The plans with faults that a shard has tried, in any order.
fn seen(shard: Option<&str>) -> Vec<String> {
    let mut command = child("explore::threads::explored");
    command.arg("--nocapture");
    if let Some(shard) = shard {
        command.env("DURASIM_SHARD", shard);
    }
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    if let Some(shard) = shard {
        assert!(text.contains(&format!("work, shard {shard}")), "{text}");
        // A point that this shard leaves out may belong to the others.
        assert!(text.contains("coverage: ") && !text.contains("not struck"), "{text}");
    }
    let mut seen: Vec<String> = text.lines().filter_map(|line| line.strip_prefix("seen ")).map(str::to_owned).collect();
    seen.sort();
    seen
}

#[test]
fn shards_make_each_run_once() {
    let whole = seen(None);
    let shards: Vec<Vec<String>> = ["1/3", "2/3", "3/3"].into_iter().map(|shard| seen(Some(shard))).collect();
    let least = whole.len() / 4;
    assert!(least > 100 && shards.iter().all(|shard| shard.len() > least), "{}", whole.len());
    let mut together = shards.concat();
    together.sort();
    assert!(whole == together, "the shards together make other runs than the whole");
}

#[test]
#[ignore = "the test of Ctrl-C runs it"]
fn without_end() {
    Simulation::temporal()
        .activity("steps", steps)
        .workflow("work", async |ctx: &WorkflowContext, count: u32| {
            ctx.execute_activity::<u32>("steps", &count, resilient()).await
        })
        .explore("work", &4u32)
        .named("without_end")
        .seeds(0..u64::MAX)
        .seeds(0..10)
        .check(check::same_result())
        .check(check::named("says that it runs", |run: &durasim::Run| {
            if !run.plan().is_empty() {
                static SAID: std::sync::Once = std::sync::Once::new();
                SAID.call_once(|| println!("it runs"));
            }
        }))
        .assert();
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_an_exploration_with_what_it_has_found() {
    use std::io::{BufRead, BufReader, Read};
    let mut process = child("explore::threads::without_end")
        .arg("--nocapture")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = BufReader::new(process.stdout.take().unwrap());
    let mut line = String::new();
    while !line.contains("it runs") {
        line.clear();
        assert_ne!(said.read_line(&mut line).unwrap(), 0, "it ended by itself");
    }
    let sent = Command::new("kill").args(["-INT", &process.id().to_string()]).status().unwrap();
    assert!(sent.success());
    let (mut text, mut told) = (String::new(), String::new());
    process.stderr.take().unwrap().read_to_string(&mut told).unwrap();
    said.read_to_string(&mut text).unwrap();
    // The process was ended by the failed test, not by the signal.
    assert_eq!(process.wait().unwrap().code(), Some(101), "{text}{told}");
    let both = format!("{text}{told}");
    assert!(both.contains("interrupted by Ctrl-C or SIGTERM: not all runs were made"), "{both}");
    assert!(both.contains("hold ("), "what it has found is missing in\n{both}");
    assert!(!both.contains("seeds 0..10:"), "nothing was made of that\n{both}");
}

#[test]
fn so_many_threads_as_no_machine_has_are_no_error() {
    let report = super::simulation(resilient())
        .explore("work", &4u32)
        .seeds(0..100)
        .check(check::same_result())
        .threads(usize::MAX)
        .report();
    assert!(report.holds() && report.parts()[1].tally.runs == 100, "{report}");
}
