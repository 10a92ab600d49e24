//! A run is a file that Chrome and Perfetto read: each thing has its lane, what begins ends in the same lane, properly
//! nested, and time never falls.

use std::collections::BTreeMap;
use std::time::Duration;

use activity_advanced::stops::{STOPS, simulation};
use durasim::{
    ActivityContext, ActivityError, ActivityOptions, Client, Dialect, Run, Simulation, WorkflowContext, WorkflowError,
};
use serde_json::Value;

/// An event of the file: its phase, its time in microseconds, its lane and its name.
#[derive(PartialEq, Debug)]
struct Row {
    ph: String,
    ts: f64,
    pid: u64,
    tid: u64,
    name: String,
}

fn rows(run: &Run) -> Vec<Row> {
    let text = run.trace_events().to_string();
    let file: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
    let row = |event: &Value| Row {
        ph: event["ph"].as_str().expect("a phase").to_owned(),
        ts: event["ts"].as_f64().expect("a time"),
        pid: event["pid"].as_u64().expect("a process"),
        tid: event["tid"].as_u64().expect("a thread"),
        name: event["name"].as_str().expect("a name").to_owned(),
    };
    file["traceEvents"].as_array().expect("events").iter().map(row).collect()
}

async fn copy(ctx: &ActivityContext, files: u32) -> Result<u32, ActivityError> {
    for file in ctx.heartbeat_details::<u32>()?.unwrap_or(0)..files {
        durasim::time::sleep(Duration::from_secs(5)).await;
        durasim::effect("put", || ())?;
        ctx.heartbeat(&(file + 1))?;
    }
    Ok(files)
}

async fn backup(ctx: &WorkflowContext, files: u32) -> Result<u32, WorkflowError> {
    let options = ActivityOptions {
        schedule_to_close_timeout: Duration::from_secs(600),
        heartbeat_timeout: Duration::from_secs(30),
        ..Default::default()
    };
    ctx.execute_activity("copy", &files, options).await
}

fn crashed() -> Run {
    let simulation = Simulation::temporal().activity("copy", copy).workflow("backup", backup).workers(2);
    let simulation = simulation.plan("copy#1@1:await2=crash".parse().unwrap());
    let script = async |client: Client| {
        let backup = client.start::<u32>("backup", "b", &2u32).await.unwrap();
        client.sleep(Duration::from_secs(1)).await;
        backup.signal("hurry", &()).await.unwrap();
        backup.result().await.unwrap()
    };
    simulation.drive(script).unwrap().1
}

/// The run has two workers, a signal, a crash and a retry.
#[test]
fn each_event_has_its_phase_time_lane_and_name() {
    let run = crashed();
    let rows = rows(&run);
    let lines = rows.iter().map(|Row { ph, ts, pid, tid, name }| format!("{ph} {ts} {pid} {tid} {name}"));
    let expected = "\
M 0 1 0 process_name
M 0 2 0 process_name
M 0 3 0 process_name
M 0 1 1 thread_name
M 0 1 2 thread_name
M 0 1 3 thread_name
M 0 2 4 thread_name
M 0 3 5 thread_name
M 0 3 6 thread_name
M 0 3 7 thread_name
B 0 2 4 process
B 0 3 5 process
B 0 1 2 backup#1
B 1000 1 2 task 1
E 1000 1 2 task 1
B 1000 1 3 copy#1
B 2000 3 6 copy#1@1
i 1000000 1 2 signal: hurry
B 1001000 1 2 task 2
E 1001000 1 2 task 2
i 5002000 3 6 effect: put
i 5002000 3 6 heartbeat recorded
i 5002000 3 6 heartbeat sent
i 5002000 3 6 heartbeat visible
i 5002000 3 6 fault: crash
E 5002000 3 5 process
E 5002000 3 6 copy#1@1
B 6002000 3 5 process
i 35002000 1 3 heartbeat timeout: attempt given up
i 35002000 1 3 retry scheduled
B 36003000 3 7 copy#1@2
i 41003000 3 7 effect: put
i 41003000 3 7 heartbeat recorded
i 41003000 3 7 heartbeat sent
i 41003000 3 7 heartbeat visible
E 41003000 3 7 copy#1@2
E 41003000 1 3 copy#1
B 41004000 1 2 task 3
E 41004000 1 2 task 3
E 41004000 1 2 backup#1
E 41004000 2 4 process
E 41004000 3 5 process
";
    assert_eq!(lines.collect::<Vec<_>>().join("\n"), expected.trim_end(), "{}", run.timeline());
}

/// Checks that all that begins in a lane ends there, the inner one first, and that no time is before the one above it.
#[track_caller]
fn is_well_formed(run: &Run) {
    let mut open: BTreeMap<(u64, u64), Vec<String>> = BTreeMap::new();
    let mut last: BTreeMap<(u64, u64), f64> = BTreeMap::new();
    let mut named = Vec::new();
    for Row { ph, ts, pid, tid, name } in rows(run) {
        let lane = (pid, tid);
        let before = last.insert(lane, ts).unwrap_or_default();
        assert!(ts >= before, "{name} at {ts} comes after {before}");
        match ph.as_str() {
            "M" if name == "process_name" => named.push((pid, 0)),
            "M" => named.push(lane),
            "B" => open.entry(lane).or_default().push(name),
            "E" => assert_eq!(open.entry(lane).or_default().pop(), Some(name), "{}", run.timeline()),
            "i" => {}
            other => panic!("phase {other}"),
        }
        assert!(named.contains(&lane) && named.contains(&(pid, 0)), "{lane:?} has no name");
    }
    assert!(open.values().all(Vec::is_empty), "{open:?} never ends: {}", run.timeline());
    let mut threads: Vec<u64> = named.iter().filter(|(_, tid)| *tid > 0).map(|(_, tid)| *tid).collect();
    threads.sort_unstable();
    assert!(threads.windows(2).all(|pair| pair[0] < pair[1]), "two lanes have one number");
}

#[test]
fn what_begins_ends_in_its_lane_whatever_strikes() {
    is_well_formed(&crashed());
    for dialect in [Dialect::Temporal, Dialect::Cadence] {
        for stop in &STOPS {
            is_well_formed(&stop.run(&simulation(dialect)).unwrap());
        }
    }
    let mut struck = 0;
    for seed in 0..200 {
        let stop = &STOPS[seed as usize % STOPS.len()];
        let run = stop.run(&simulation(Dialect::Temporal).workers(2).random_faults(seed)).unwrap();
        struck += u64::from(!run.trace().faults().is_empty());
        is_well_formed(&run);
    }
    assert!(struck > 150, "only {struck} of 200 are struck");
}

/// Absurdly long details are cut, with their length; bytes that are not UTF-8 are shown.
#[test]
fn long_details_are_cut_and_no_bytes_break_the_file() {
    let simulation = Simulation::temporal()
        .activity_bytes("beat", async |ctx: &ActivityContext, _: Vec<u8>| {
            ctx.record_heartbeat(Some(&vec![b'x'; 1 << 20]));
            ctx.record_heartbeat(Some(b"\xff\"\\\n\0"));
            durasim::time::sleep(Duration::from_secs(1)).await;
            Ok::<_, ActivityError>(Vec::new())
        })
        .workflow("a \"quoted\"\nname", async |ctx: &WorkflowContext, (): ()| -> Result<(), WorkflowError> {
            let options = ActivityOptions { start_to_close_timeout: Duration::from_secs(9), ..Default::default() };
            let _: Result<Value, _> = ctx.execute_activity("beat", &(), options).await;
            Ok(())
        });
    let run = simulation.run("a \"quoted\"\nname", &()).unwrap();
    is_well_formed(&run);
    let text = run.trace_events().to_string();
    assert!(text.contains("(1048576 bytes)") && text.contains(r"\\xff"), "{text}");
    assert!(text.len() < 20_000, "{} bytes", text.len());
}
