//! A run without faults that fails is the failure: an exploration of it would hold whatever the code does. Unless the user
//! says that it may.

use std::time::Duration;

use durasim::explore::Report;
use durasim::{
    ActivityContext, ActivityError, ActivityOptions, Exploration, Simulation, WorkflowContext, WorkflowError, check,
};

use crate::snapshot::{assert_kept, unfolded};

use super::{resilient, simulation};

#[track_caller]
fn is_the_failure(exploration: &Exploration, says: &[&str]) {
    let report = exploration.report();
    assert!(report.error().is_none() && !report.holds(), "{report}");
    assert_eq!(report.parts().len(), 1, "nothing is explored then: {report}");
    let text = unfolded(&report.failures()[0].text);
    for words in says.iter().chain(&["without any fault", "`.reference_may_fail()`"]) {
        assert!(text.contains(words), "{words:?} is missing in\n{text}");
    }
}

#[track_caller]
fn holds(report: &Report, says: &str) {
    let text = report.failures().iter().map(|failed| failed.text.as_str()).collect::<String>();
    assert!(report.holds(), "{report}\n{text}");
    assert!(report.to_string().contains(says), "{says:?} is missing in\n{report}");
}

/// The activity takes a text, and the workflow sends it a number.
fn of_another_type() -> Exploration {
    Simulation::temporal()
        .activity("put", async |_ctx: &ActivityContext, _row: String| -> Result<(), ActivityError> {
            durasim::time::sleep(Duration::from_secs(1)).await;
            Ok(())
        })
        .workflow("main", async |ctx: &WorkflowContext, row: u32| -> Result<(), WorkflowError> {
            ctx.execute_activity("put", &row, resilient()).await
        })
        .explore("main", &3u32)
        .named("of_another_type")
        .every_fault()
        .seeds(0..20)
        .check(check::same_result())
        .check(check::completes())
}

#[test]
fn a_workflow_that_fails() {
    is_the_failure(&of_another_type(), &["the workflow main#1 does not complete", "found failed: ", "invalid type"]);
    let report = of_another_type().report();
    assert_kept("reference_fails", &report.failures()[0].text);
}

#[test]
fn a_failure_that_is_meant() {
    async fn charge(ctx: &ActivityContext, cents: u64) -> Result<(), ActivityError> {
        durasim::time::sleep(Duration::from_secs(1)).await;
        match ctx.get_info().attempt {
            1 => Err(ActivityError::non_retryable(format!("{cents} declined"))),
            _ => Ok(()),
        }
    }
    let exploration = Simulation::temporal()
        .activity("charge", charge)
        .workflow("order", async |ctx: &WorkflowContext, cents: u64| -> Result<(), WorkflowError> {
            ctx.execute_activity("charge", &cents, resilient()).await
        })
        .explore("order", &995u64)
        .every_fault()
        .check(check::same_result());
    is_the_failure(&exploration, &["995 declined"]);
    // Once it may fail, other ends are wrong: a second try pays.
    let report = exploration.reference_may_fail().report();
    assert!(report.error().is_none() && report.parts().len() > 1, "{report}");
    assert!(report.to_string().contains("without faults it may fail, and does: failed: "), "{report}");
    let found = report.failures()[0].violation.found.as_deref();
    assert_eq!(found, Some("completed with null"), "{}", report.failures()[0].text);
}

#[test]
fn an_allowance_that_nothing_needs_is_told() {
    let exploration = simulation(resilient()).explore("work", &4u32).every_fault().check(check::same_result());
    holds(&exploration.clone().reference_may_fail().report(), "`.reference_may_fail()` can be left away");
    assert!(!exploration.report().to_string().contains("reference_may_fail"));
}

/// One input that fails is enough.
#[test]
fn an_allowance_that_one_input_needs_is_not_called_needless() {
    let doubts = async |_: &WorkflowContext, number: u32| -> Result<u32, WorkflowError> {
        if number == 13 { Err(WorkflowError::application("no luck")) } else { Ok(number) }
    };
    let simulation = Simulation::temporal().workflow("doubts", doubts);
    for inputs in [[12, 13], [13, 14]] {
        let [first, second] = inputs;
        let exploration = simulation.explore("doubts", &first).inputs([second]).every_fault();
        holds(&exploration.reference_may_fail().report(), "without faults it may fail, and does: failed");
    }
}

fn scripted(workflow: &'static str) -> Exploration {
    simulation(resilient())
        .explore_script(async move |client| {
            let work = client.start::<u32>(workflow, "work-1", &4u32).await?;
            work.result().await
        })
        .every_fault()
        .check(check::same_result())
}

#[test]
fn a_script_that_returns_an_error() {
    assert!(scripted("work").report().holds());
    is_the_failure(&scripted("wrok"), &["the script returns an error", "no workflow `wrok` is registered"]);
}

#[test]
fn a_workflow_that_fails_behind_a_script_that_does_not_look() {
    let exploration = Simulation::temporal()
        .workflow("main", async |_ctx: &WorkflowContext, _: ()| -> Result<(), WorkflowError> {
            Err(WorkflowError::application("no such table"))
        })
        .explore_script(async |client| {
            let main = client.start::<()>("main", "main-1", &()).await.unwrap();
            main.result().await.is_ok()
        })
        .every_fault()
        .check(check::same_result());
    is_the_failure(&exploration, &["the workflow main#1 does not complete", "no such table"]);
    holds(&exploration.reference_may_fail().report(), "without faults it may fail, and does: failed: ");
}

#[test]
fn a_workflow_that_the_script_stops_may_end_so() {
    for terminates in [false, true] {
        let report = simulation(resilient())
            .explore_script(async move |client| {
                let work = client.start::<u32>("work", "work-1", &4u32).await?;
                client.sleep(Duration::from_secs(15)).await;
                let stopped = if terminates { work.terminate("enough").await } else { work.cancel().await };
                stopped?;
                work.result().await
            })
            .every_fault()
            .check(check::same_result())
            .report();
        holds(&report, "every fault:");
    }
}

#[test]
fn a_timeout_that_is_the_normal_case() {
    async fn asks(ctx: &ActivityContext, _: ()) -> Result<u32, ActivityError> {
        loop {
            durasim::time::sleep(Duration::from_secs(5)).await;
            ctx.heartbeat(&0)?;
            if ctx.is_cancelled() {
                return Err(ActivityError::Cancelled);
            }
        }
    }
    let exploration = Simulation::temporal()
        .activity("ask", asks)
        .workflow("main", async |ctx: &WorkflowContext, _: ()| -> Result<String, WorkflowError> {
            let options = ActivityOptions {
                schedule_to_close_timeout: Duration::from_secs(60),
                heartbeat_timeout: Duration::from_secs(20),
                ..Default::default()
            };
            match ctx.execute_activity::<u32>("ask", &(), options).await {
                Ok(answer) => Ok(answer.to_string()),
                Err(error) if error.timeout_type().is_some() => Ok("nobody answered".to_owned()),
                Err(error) => Err(error),
            }
        })
        .explore("main", &())
        .every_fault()
        .check(check::same_result());
    is_the_failure(&exploration, &["the activity ask#1 runs into its schedule-to-close timeout"]);
    holds(
        &exploration.reference_may_fail().report(),
        "without faults it may fail, and does: the activity ask#1 runs into its schedule-to-close timeout",
    );
}
