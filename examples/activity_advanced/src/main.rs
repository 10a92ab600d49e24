//! `cargo run -p activity_advanced`: the demonstration. `--help` says what else it can do.

use std::env;
use std::error::Error;
use std::process::ExitCode;
use std::time::Instant;

use activity_advanced::arguments::{Arguments, HELP, Request, workflows};
use activity_advanced::outcomes::Outcomes;
use activity_advanced::row::Row;
use activity_advanced::stops::{STOPS, Stop, simulation};
use activity_advanced::table::Table;
use activity_advanced::tale::{CRASH_AND_RESUME, Tale};
use durasim::fault::Plan;
use durasim::service::WorkflowOutcome;
use durasim::{Dialect, Outcome, Run};
use serde_json::json;

const COMMAND: &str = "cargo run -p activity_advanced";

fn main() -> ExitCode {
    let done = Arguments::parse(env::args().skip(1), |name| env::var(name).ok())
        .map_err(Into::into)
        .and_then(|arguments| obey(&arguments));
    match done {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(2)
        }
    }
}

fn obey(arguments: &Arguments) -> Result<ExitCode, Box<dyn Error>> {
    match &arguments.request {
        Request::Help => {
            print!("{HELP}\nworkflows: {}\n", workflows());
            Ok(ExitCode::SUCCESS)
        }
        Request::Tour(seeds) => tour(arguments, seeds.clone()),
        Request::Seed(seed) => {
            let stop = arguments.stop.unwrap_or(&STOPS[0]);
            one_run(arguments, stop, &stop.run(&simulation(arguments.dialect).random_faults(*seed))?)
        }
        Request::Plan(plan) => {
            let stop = stop_of(arguments, plan);
            one_run(arguments, stop, &stop.run(&simulation(arguments.dialect).plan(plan.clone()))?)
        }
    }
}

/// Everything, and one telling run.
fn tour(arguments: &Arguments, seeds: std::ops::Range<u64>) -> Result<ExitCode, Box<dyn Error>> {
    let simulation = simulation(arguments.dialect);
    let stops: Vec<Stop> = arguments.stop.map_or(STOPS.to_vec(), |stop| vec![*stop]);
    let started = Instant::now();
    let table = Table::new(Row::of_each(&stops, &simulation, seeds)?);
    if arguments.json {
        println!("{}", table.json()?);
    } else {
        if arguments.dialect == Dialect::Cadence {
            println!("dialect cadence (from sources, not recorded)\n");
        }
        println!("{table}");
        println!("{}, in {:.1?}\n", table.effort(), started.elapsed());
    }
    for failed in table.rows().iter().flat_map(Row::failures) {
        eprintln!("{}", failed.text);
    }
    if !table.holds() {
        return Ok(ExitCode::FAILURE);
    }
    let is_there = stops.iter().any(|stop| stop.workflow == CRASH_AND_RESUME.workflow);
    if is_there && arguments.dialect == Dialect::Temporal && !arguments.json {
        tell(&CRASH_AND_RESUME)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn tell(tale: &Tale) -> Result<(), Box<dyn Error>> {
    let plan: Plan = tale.plan.parse()?;
    let stop = Stop::of(tale.workflow).ok_or("the tale is of no stop")?;
    let run = stop.run(&simulation(Dialect::Temporal).plan(plan))?;
    println!("One of the runs of {}: {}.", tale.workflow, run.plan().words());
    println!("{}\n\n{}", tale.words, tale.timeline(&run));
    let plan = run.plan().with_exploration(tale.workflow);
    println!("To see all of it, or the run of any other plan:\n\n    {COMMAND} -- --plan '{plan}'");
    Ok(())
}

/// The stop that a plan belongs to: as asked for, as the plan says, or the first that has the activity of its first fault.
fn stop_of(arguments: &Arguments, plan: &Plan) -> &'static Stop {
    let named = plan.exploration.as_deref().and_then(Stop::of);
    let first = || plan.entries.first().map(|entry| entry.point.name.as_ref());
    let having =
        |name: &str| STOPS.iter().find(|stop| stop.workflow == name || stop.activity == name).unwrap_or(&STOPS[0]);
    arguments.stop.or(named).unwrap_or_else(|| first().map_or(&STOPS[0], having))
}

fn one_run(arguments: &Arguments, stop: &Stop, run: &Run) -> Result<ExitCode, Box<dyn Error>> {
    let plan = run.plan().with_exploration(stop.workflow);
    let not_fired: Vec<String> = run.not_fired().iter().map(ToString::to_string).collect();
    if arguments.json {
        let report = json!({
            "workflow": stop.workflow,
            "plan": plan.to_string(),
            "not_fired": not_fired,
            "virtual_seconds": run.virtual_time().since_epoch().as_secs_f64(),
            "end": end_of(run),
            "outcomes": Outcomes::of(run),
        });
        println!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        println!("{plan}\n\n{}", run.timeline());
        println!("{}: {}, after {}", stop.workflow, end_of(run), run.virtual_time());
    }
    for entry in &not_fired {
        eprintln!("error: the run did not come to the point of `{entry}`");
    }
    Ok(if not_fired.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// How a run ended, in words.
fn end_of(run: &Run) -> String {
    match run.outcome() {
        Outcome::Script(result) => format!("the script returned {result}"),
        Outcome::Closed(WorkflowOutcome::Completed(result)) => format!("completed with {result}"),
        _ => run.result::<()>().map_or_else(|why| why.to_string(), |()| String::new()),
    }
}

#[cfg(test)]
mod tests {
    use activity_advanced::activities::process_large_file::FileProcessingResult;

    use super::*;

    #[test]
    fn resilient_processing_loses_nothing_under_any_fault() {
        let simulation = simulation(Dialect::Temporal);
        STOPS[0].judged(&simulation).every_fault().seeds(0..1000).assert();
    }

    #[test]
    fn without_faults_every_workflow_completes() {
        for stop in STOPS {
            let run = stop.run(&simulation(Dialect::Temporal)).unwrap();
            assert!(run.result::<serde_json::Value>().is_ok(), "{}: {}", stop.workflow, end_of(&run));
        }
    }

    #[test]
    fn a_crash_repeats_nothing_that_the_service_knew_of() {
        let run = |plan: &str| STOPS[0].run(&simulation(Dialect::Temporal).plan(plan.parse().unwrap())).unwrap();
        let crashed = run(CRASH_AND_RESUME.plan);
        let result = |run: &Run| run.result::<FileProcessingResult>().unwrap();
        assert_eq!(result(&crashed), result(&run("v1")));
        assert_eq!(Outcomes::of(&crashed).resumed, 1);
    }

    #[test]
    fn a_plan_finds_its_workflow() {
        let stop = |plan: &str| {
            let arguments = Arguments::parse([], |_| None).unwrap();
            stop_of(&arguments, &plan.parse().unwrap()).workflow
        };
        assert_eq!(stop("v1 for=file_processing; process_large_file#1@1:await1=crash"), "file_processing");
        assert_eq!(stop("migrate_data#1@1:await1=crash"), "data_migration");
        assert_eq!(stop("skip_at_a_signal#1:signal1=delayed(1s)"), "skip_at_a_signal");
        assert_eq!(stop("v1"), "resilient_processing");
    }
}
