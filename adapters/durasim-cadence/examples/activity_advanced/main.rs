//! The application in [`app`], which is written for the Cadence Rust client, in durasim. Its README has the commands.

mod app;
mod bug_4;
mod judged;

use std::process::ExitCode;

use durasim::{Exploration, RunError, Simulation, check};
use durasim_cadence::CadenceExt;

fn main() -> ExitCode {
    if !durasim_wallclock::works() {
        eprintln!("error: the clocks of this program do not follow the runs");
        return ExitCode::FAILURE;
    }
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match *arguments {
        [] => Ok(explore_all()),
        ["--bug-4"] => Ok(told(files().every_fault())),
        ["--bug-4", plan] => run(&with_bug_4(), plan),
        [plan] => run(&judged::simulation(), plan),
        _ => Err("no arguments, a plan for `resilient_processing`, or `--bug-4` before either".to_owned()),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(2)
        }
    }
}

/// Explores the four workflows: without faults, under every fault, every order, 5,000 pairs of faults and 1,000 seeds.
fn explore_all() -> bool {
    let simulation = judged::simulation();
    let explored = judged::explorations(&simulation).map(|(workflow, exploration)| {
        println!("== {workflow}");
        // Without a retry policy the first attempt is the last: a fourth of the seeds may end it.
        told(exploration.every_fault().every_order().every_pair().budget(5_000).seeds(0..1_000).over_budget(0.25))
    });
    explored.iter().all(|holds| *holds)
}

/// Prints what came of it, and says whether it holds.
fn told(exploration: Exploration) -> bool {
    let report = exploration.report();
    println!("{report}\n");
    for failed in report.failures() {
        println!("{}\n", failed.text);
    }
    report.holds()
}

/// Prints one run of `resilient_processing`.
fn run(simulation: &Simulation, plan: &str) -> Result<bool, String> {
    let plan = plan.parse().map_err(|why| format!("the plan does not parse: {why}"))?;
    let run = simulation.clone().plan(plan).run("resilient_processing", &judged::file());
    let run = run.and_then(|run| run.strict()).map_err(|why: RunError| why.to_string())?;
    println!("{}", run.timeline());
    println!("result: {}", run.result::<serde_json::Value>().map_err(|why| why.to_string())?);
    Ok(true)
}

/// The example with the published fault in its activity.
fn with_bug_4() -> Simulation {
    Simulation::cadence()
        .cadence_activity("process_large_file", bug_4::checksum_in_the_loop)
        .registered(app::workflows::resilient_processing_workflow_cadence::register)
}

fn files() -> Exploration {
    with_bug_4().explore("resilient_processing", &judged::file()).check(check::same_result())
}
