//! [`follow`]: it does and prints the things that the command was asked for.

use std::error::Error;
use std::process::ExitCode;
use std::time::Instant;

use durasim::fault::Plan;
use durasim::service::WorkflowOutcome;
use durasim::{Dialect, Outcome, Run};
use serde_json::json;

use crate::broken::Bug;
use crate::stops::{STOPS, Stop, simulation};
use crate::tour::Arguments;
use crate::tour::found::Found;
use crate::tour::outcomes::Outcomes;
use crate::tour::overview::Overview;
use crate::tour::row::Row;
use crate::tour::summary::Summary;
use crate::tour::tale::{CRASH_AND_RESUME, Tale};

/// Makes the whole tour, or the one run that was asked for.
///
/// # Errors
/// The error says that nothing could be run.
pub fn follow(arguments: &Arguments) -> Result<ExitCode, Box<dyn Error>> {
    if let Some(bug) = arguments.bug {
        return broken(arguments, bug);
    }
    let simulation = simulation(arguments.dialect);
    match (&arguments.plan, arguments.seed) {
        (Some(plan), _) => {
            let stop = arguments.workflow.unwrap_or_else(|| stop_of(plan));
            one_run(arguments, stop, &stop.run(&simulation.plan(plan.clone()))?)
        }
        (None, Some(seed)) => {
            let stop = arguments.workflow.unwrap_or(&STOPS[0]);
            one_run(arguments, stop, &stop.run(&simulation.random_faults(seed))?)
        }
        (None, None) => tour(arguments),
    }
}

/// Plants a bug in the tour's code, and shows how it is found, or the one run that was asked for.
fn broken(arguments: &Arguments, bug: &Bug) -> Result<ExitCode, Box<dyn Error>> {
    if let Some(plan) = &arguments.plan {
        return one_run(arguments, bug.stop(), &bug.stop().run(&bug.planted(arguments.dialect).plan(plan.clone()))?);
    }
    match Found::find(bug, arguments.dialect) {
        Some(found) => {
            println!("{found}");
            Ok(ExitCode::SUCCESS)
        }
        None => {
            println!("Not found: bug {}, {}.", bug.number, bug.about);
            Ok(ExitCode::FAILURE)
        }
    }
}

/// Tries every workflow under every fault, and shows one of the runs in full.
fn tour(arguments: &Arguments) -> Result<ExitCode, Box<dyn Error>> {
    let simulation = simulation(arguments.dialect);
    let stops: Vec<Stop> = arguments.workflow.map_or(STOPS.to_vec(), |stop| vec![*stop]);
    let started = Instant::now();
    let table = Overview::new(Row::of_each(&stops, &simulation, arguments.seeds.clone())?);
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
    let shown = table.rows().iter().find(|row| row.stop.workflow == CRASH_AND_RESUME.workflow);
    if let Some(row) = shown
        && arguments.dialect == Dialect::Temporal
        && !arguments.json
    {
        println!("{} in detail\n\n{}\n", row.stop.workflow, Summary(row));
        show(&CRASH_AND_RESUME)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn show(tale: &Tale) -> Result<(), Box<dyn Error>> {
    let plan: Plan = tale.plan.parse()?;
    let stop = Stop::of(tale.workflow).ok_or("the tale is of no stop")?;
    let run = stop.run(&simulation(Dialect::Temporal).plan(plan))?;
    println!("One of the runs of {}:\n{}.\n", tale.workflow, run.plan().words());
    println!("{}\n\n{}", tale.words, tale.timeline(&run));
    println!("To see all of it, or the run of any other plan:\n\n{}", tale.command());
    Ok(())
}

/// The stop to which a plan belongs: the stop that the plan names, or the first that has the activity or workflow of
/// its first fault.
fn stop_of(plan: &Plan) -> &'static Stop {
    let named = plan.exploration.as_deref().and_then(Stop::of);
    let first = || plan.entries.first().map(|entry| entry.point.name.as_ref());
    let having = |name: &str| STOPS.iter().find(|stop| stop.workflow == name || stop.activity == name);
    named.or_else(|| first().and_then(having)).unwrap_or(&STOPS[0])
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

/// Says in words how a run ended.
fn end_of(run: &Run) -> String {
    match run.outcome() {
        Outcome::Script(result) => format!("the script returned {result}"),
        Outcome::Closed(WorkflowOutcome::Completed(result)) => format!("completed with {result}"),
        _ => run.result::<()>().map_or_else(|why| why.to_string(), |()| String::new()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_finds_its_workflow() {
        let stop = |plan: &str| stop_of(&plan.parse().unwrap()).workflow;
        assert_eq!(stop("v1 for=file_processing; process_large_file#1@1:await1=crash"), "file_processing");
        assert_eq!(stop("migrate_data#1@1:await1=crash"), "data_migration");
        assert_eq!(stop("skip_at_a_signal#1:signal1=delayed(1s)"), "skip_at_a_signal");
        assert_eq!(stop("v1"), "resilient_processing");
    }
}
