//! A sample is tried of an attempt or a workflow with more than 200 points of one kind, and the report says so.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use durasim::{ActivityContext, ActivityError, Run, Simulation, WorkflowContext, WorkflowError, check};

use super::{resilient, simulation};

#[test]
fn few_awaits_are_all_tried() {
    let report = simulation(resilient()).explore("work", &20u32).every_fault().check(check::same_result()).report();
    assert!(report.holds());
    assert_eq!(report.parts()[1].sampled, None);
    assert!(report.to_string().contains("every fault:") && !report.to_string().contains("sampled"), "{report}");
}

#[test]
fn of_many_a_sample_is_tried() {
    let report = simulation(resilient()).explore("work", &250u32).every_fault().check(check::same_result()).report();
    assert!(report.holds(), "{}", report.failures()[0].text);
    let part = &report.parts()[1];
    let (tried, points) = part.sampled.expect("250 awaits are sampled");
    // Awaits, heartbeats, deadlines; dispatch, completion and workflow tasks besides.
    assert!(points >= 3 * 250 && tried < points && tried > 3 * 100, "{tried} of {points}");
    assert!(part.tally.runs > tried, "{} runs", part.tally.runs);
    let text = report.to_string();
    assert!(text.contains(&format!("{tried} of {points} points (sampled)")) && !text.contains("every"), "{text}");
}

#[test]
fn of_a_long_workflow_a_sample_is_tried_with_all_that_is_next_to_something_rare() {
    async fn long(ctx: &WorkflowContext, (): ()) -> Result<(), WorkflowError> {
        for second in 0..300 {
            if second == 123 {
                ctx.execute_activity::<()>("nap", &(), resilient()).await?;
            }
            ctx.sleep(Duration::from_secs(1)).await?;
        }
        Ok(())
    }
    async fn nap(_: &ActivityContext, (): ()) -> Result<(), ActivityError> {
        Ok(())
    }
    let struck = Arc::new(Mutex::new(String::new()));
    let seen = struck.clone();
    let collect = check::named("collect", move |run: &Run| *seen.lock().unwrap() += &format!("{}\n", run.plan()));
    let simulation = Simulation::temporal().activity("nap", nap).workflow("long", long);
    let report = simulation.explore("long", &()).every_fault().check(check::same_result()).check(collect).report();
    assert!(report.holds(), "{report}");
    // 302 tasks, 300 timers, and the activity's dispatch and completion: 50 of the first and of the last of each kind are
    // tried, some 50 of those between, and the neighbours of the activity's end.
    let (tried, points) = report.parts()[1].sampled.expect("302 tasks are sampled");
    assert_eq!(points, 604);
    assert!((250..320).contains(&tried), "{tried} points are tried");
    assert!(report.to_string().contains(&format!("{tried} of 604 points (sampled)")), "{report}");
    let struck = struck.lock().unwrap();
    let tries = |site: &str| struck.contains(&format!("; long#1:{site}="));
    for site in ["task1", "task50", "task253", "task302", "timer1", "timer300"] {
        assert!(tries(site), "{site} is not tried");
    }
    // The task that sees the activity's result.
    assert!(tries("task125") && !tries("task126"));
}
