//! One exploration over several inputs: each has a run without faults of its own.

use durasim::explore::Report;
use durasim::{ActivityContext, ActivityError, Client, Exploration, Simulation, WorkflowContext, WorkflowError, check};

use super::{resilient, simulation, steps};

/// It forgets the last step when it is retried, which shows only where there are more than three.
async fn forgets(ctx: &ActivityContext, count: u32) -> Result<u32, ActivityError> {
    let done = steps(ctx, count).await?;
    Ok(if count > 3 && ctx.get_info().attempt > 1 { done - 1 } else { done })
}

fn forgetful() -> Exploration {
    Simulation::temporal()
        .activity("steps", forgets)
        .workflow("work", async |ctx: &WorkflowContext, count: u32| -> Result<u32, WorkflowError> {
            ctx.execute_activity("steps", &count, resilient()).await
        })
        .explore("work", &1u32)
        .named("work")
        .every_fault()
        .check(check::same_result())
}

fn names(report: &Report) -> Vec<&str> {
    report.parts().iter().map(|part| part.name.as_str()).collect()
}

#[test]
fn each_input_is_compared_with_its_own_run_without_faults() {
    let report = simulation(resilient())
        .explore("work", &1u32)
        .inputs([2u32, 4])
        .every_fault()
        .check(check::same_result())
        .report();
    assert!(report.holds(), "{report}");
    let expected = ["without faults", "every fault"];
    let expected = (1..=3).flat_map(|input| expected.map(|part| format!("input {input}: {part}")));
    assert_eq!(names(&report), expected.collect::<Vec<_>>());
    let runs: Vec<u64> = report.parts().iter().map(|part| part.tally.runs).collect();
    assert!(runs[1] < runs[3] && runs[3] < runs[5], "{report}");
}

#[test]
fn a_failure_of_one_input_says_which_and_its_plan_finds_it_again() {
    let report = forgetful().inputs([2u32, 4]).report();
    let [failed] = report.failures() else { panic!("{report}") };
    assert_eq!(failed.plan.exploration.as_deref(), Some("work[3]"));
    assert!(failed.text.contains("DURASIM_PLAN='v1 seed=0 order=fifo for="), "{}", failed.text);
    // By the runner's own way to name a test.
    let test = std::thread::current().name().unwrap().to_owned();
    let last = failed.text.trim_end();
    assert!(
        [format!(" -- --exact {test}"), format!("'test(={test})'")].iter().any(|end| last.ends_with(end)),
        "{last}"
    );
    assert_eq!(failed.plan.to_string().parse::<durasim::fault::Plan>().as_ref(), Ok(&failed.plan));
    assert!(forgetful().inputs([2u32]).report().holds());
}

#[test]
fn an_input_that_cannot_be_is_an_error_that_says_which() {
    let error = |report: Report| report.error().expect("an error").to_string();
    let script = simulation(resilient()).explore_script(async |_: Client| 1).inputs([1u32]).every_fault();
    assert!(error(script.check(check::same_result()).report()).contains("a script takes none"));
    let wrong = error(forgetful().inputs(["four"]).report());
    assert!(wrong.contains("four") || wrong.contains("input 2"), "{wrong}");
}
