//! `cargo run -p activity_advanced`: the demonstration. `DURASIM_PLAN='..' cargo run -p activity_advanced` replays one
//! run instead.

use std::env;
use std::error::Error;
use std::process::ExitCode;

use activity_advanced::activities::process_large_file::FileProcessingResult;
use activity_advanced::exploration::{
    self, CRASH_AND_RESUME, CRASH_AND_RESUME_EXPLAINED, RESILIENT_PROCESSING, file, simulation,
};
use activity_advanced::summary::Summary;
use durasim::fault::Plan;
use durasim::{Run, Time};

const COMMAND: &str = "cargo run -p activity_advanced";

fn main() -> ExitCode {
    let plan = env::var_os("DURASIM_PLAN").unwrap_or_default();
    let done = if plan.is_empty() { demonstrate() } else { replay(&plan.to_string_lossy()) };
    match done {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(2)
        }
    }
}

/// Without faults, under every fault and 1,000 random plans, and one telling run.
fn demonstrate() -> Result<ExitCode, Box<dyn Error>> {
    let run = simulation().run(RESILIENT_PROCESSING, &file())?;
    println!("{RESILIENT_PROCESSING} without faults: {}\n", end_of(&run));

    let summary = Summary::of(&exploration::explore(&simulation()))?;
    println!("{summary}");
    for failed in summary.failures() {
        println!("{}", failed.text);
    }
    if !summary.holds() {
        return Ok(ExitCode::FAILURE);
    }

    let plan: Plan = CRASH_AND_RESUME.parse()?;
    let run = simulation().plan(plan).run(RESILIENT_PROCESSING, &file())?;
    println!("One of these runs: {}.", run.plan().words());
    println!("{CRASH_AND_RESUME_EXPLAINED}\n");
    print!("{}", run.timeline().between(Time::from_millis(60_000), Time::MAX));
    println!("\nTo see all of it, or the run of any other plan:\n\n    DURASIM_PLAN='{}' {COMMAND}", run.plan());
    Ok(ExitCode::SUCCESS)
}

/// One run with the faults of a plan.
fn replay(plan: &str) -> Result<ExitCode, Box<dyn Error>> {
    let plan: Plan = plan.parse().map_err(|why| {
        format!("DURASIM_PLAN is not a plan: {why}\nit is `{plan}`, and should look like `{CRASH_AND_RESUME}`")
    })?;
    let run = simulation().plan(plan).run(RESILIENT_PROCESSING, &file())?;
    println!("{}\n\n{}", run.plan(), run.timeline());
    println!("{RESILIENT_PROCESSING}: {}", end_of(&run));
    let not_fired = run.not_fired();
    for entry in &not_fired {
        eprintln!("error: the run did not come to the point of `{entry}`");
    }
    Ok(if not_fired.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// How and when a run ended.
fn end_of(run: &Run) -> String {
    let ended = run.virtual_time();
    match run.result::<FileProcessingResult>() {
        Ok(FileProcessingResult { chunks, checksum, .. }) => {
            format!("{chunks} chunks processed, checksum {checksum}, after {ended}")
        }
        Err(why) => format!("{why}, after {ended}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(plan: &str) -> Run {
        let run = simulation().plan(plan.parse().unwrap()).run(RESILIENT_PROCESSING, &file()).unwrap();
        assert_eq!(run.not_fired(), []);
        run
    }

    #[track_caller]
    fn assert_timeline(name: &str, run: &Run) {
        let mut settings = insta::Settings::clone_current();
        settings.set_snapshot_path("../snapshots");
        settings.set_prepend_module_to_snapshot(false);
        settings.set_omit_expression(true);
        settings.bind(|| insta::assert_snapshot!(name, run.timeline().header(run.plan().to_string()).to_string()));
    }

    #[test]
    fn resilient_processing_loses_nothing_under_any_fault() {
        exploration::explore(&simulation()).assert();
    }

    #[test]
    fn without_faults() {
        let run = run("v1");
        assert_eq!(run.result::<FileProcessingResult>().unwrap().chunks, 24);
        assert_timeline("without_faults", &run);
    }

    #[test]
    fn a_crash_resumes_from_the_last_visible_heartbeat() {
        let run = run(CRASH_AND_RESUME);
        assert_timeline("crash_and_resume", &run);
    }
}
