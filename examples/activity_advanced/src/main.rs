//! `cargo run -p activity_advanced`: the demonstration. `--help` lists its options.

use std::process::ExitCode;

use activity_advanced::tour::{Arguments, guide};

fn main() -> ExitCode {
    guide::follow(&Arguments::read()).unwrap_or_else(|error| {
        eprintln!("error: {error}");
        ExitCode::from(2)
    })
}

#[cfg(test)]
mod tests {
    use activity_advanced::activities::process_large_file::FileProcessingResult;
    use activity_advanced::stops::{STOPS, simulation};
    use activity_advanced::tour::outcomes::Outcomes;
    use activity_advanced::tour::tale::CRASH_AND_RESUME;
    use durasim::{Dialect, Run};

    #[test]
    fn resilient_processing_loses_nothing_under_any_fault() {
        let simulation = simulation(Dialect::Temporal);
        STOPS[0].judged(&simulation).every_fault().seeds(0..1000).assert();
    }

    #[test]
    fn without_faults_every_workflow_completes() {
        for stop in STOPS {
            let run = stop.run(&simulation(Dialect::Temporal)).unwrap();
            assert!(run.result::<serde_json::Value>().is_ok(), "{}: {:?}", stop.workflow, run.outcome());
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
}
