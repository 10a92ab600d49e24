//! An exploration that could show nothing is an error, and so is one whose run without faults comes to no end.

use std::sync::atomic::{AtomicU32, Ordering};

use durasim::explore::Report;
use durasim::fault::{Order, Plan};
use durasim::{
    ActivityContext, ActivityError, Exploration, Run, RunError, Simulation, WorkflowContext, WorkflowError, check,
};

use crate::snapshot::unfolded;

use super::{resilient, simulation};

fn explored() -> Exploration {
    simulation(resilient()).explore("work", &4u32)
}

#[track_caller]
fn is_refused(report: &Report, says: &str) {
    let error = report.error().expect("an error").to_string();
    assert!(error.contains(says), "{error}");
    assert!(!report.holds());
    assert!(report.to_string().contains(&error), "{report}");
}

#[test]
fn nothing_to_judge_by() {
    is_refused(&explored().without_standard_checks().every_fault().report(), "has no check");
}

#[test]
fn nothing_asked_for() {
    is_refused(&explored().check(check::same_result()).report(), "asks for no run");
    is_refused(&explored().seeds(7..7).check(check::same_result()).report(), "asks for no run");
}

#[test]
fn a_simulation_that_has_a_plan_of_its_own() {
    let explored =
        |simulation: Simulation| simulation.explore("work", &4u32).every_fault().check(check::same_result()).report();
    let plan: Plan = "steps#1@1:await1=crash".parse().unwrap();
    let with_plan = simulation(resilient()).plan(plan.clone());
    is_refused(&explored(with_plan.clone()), "has `.plan(..)`, which an exploration would not follow");
    is_refused(&explored(with_plan.clone()), "hand it to `Exploration::replay` or set DURASIM_PLAN");
    is_refused(
        &explored(simulation(resilient()).random_faults(3)),
        "Leave `.random_faults(..)` away; to try seeds, say",
    );
    is_refused(&explored(simulation(resilient()).seed(3)), "has `.seed(..)`");
    is_refused(&explored(simulation(resilient()).order(Order::Random)), "odd seeds draw the order of ready tasks");
    let scripted = with_plan.explore_script(async |_client| 1).every_fault().check(check::same_result());
    is_refused(&scripted.report(), "has `.plan(..)`");
    is_refused(&scripted.replay(&plan), "has `.plan(..)`");
    // A plan, a seed and an order that change nothing are allowed.
    assert!(explored(simulation(resilient()).plan(Plan::none()).seed(0).order(Order::Fifo)).holds());
}

#[test]
fn a_budget_of_nothing() {
    is_refused(&explored().every_pair().budget(0).check(check::same_result()).report(), "the budget for pairs is zero");
}

#[test]
fn two_checks_that_normalize() {
    let as_it_is = || check::same_result().normalize(|_: &mut u32| ());
    is_refused(
        &explored().every_fault().check(as_it_is()).check(as_it_is()).report(),
        "two checks have a `.normalize(..)`",
    );
}

#[test]
fn a_normalize_that_is_not_deterministic() {
    static ASKED: AtomicU32 = AtomicU32::new(0);
    let counts = check::same_result().normalize(|done: &mut u32| *done = ASKED.fetch_add(1, Ordering::Relaxed));
    is_refused(
        &explored().every_fault().check(counts).report(),
        "`.normalize(..)` is not deterministic: of the same result it makes",
    );
}

#[test]
fn a_normalize_that_depends_on_the_thread() {
    let here = std::thread::current().id();
    let check =
        check::same_result().normalize(move |done: &mut u32| *done += u32::from(std::thread::current().id() == here));
    is_refused(
        &explored().every_fault().check(check).report(),
        "is not deterministic: of the same result it makes 5, and then 4",
    );
}

#[test]
fn a_normalize_of_another_type_or_that_panics() {
    let other = check::same_result().normalize(|done: &mut String| done.clear());
    is_refused(&explored().every_fault().check(other).report(), "does not decode as what `.normalize(..)` takes");
    let panics = check::same_result().normalize(|done: &mut u32| assert_eq!(*done, 9, "nine, please"));
    is_refused(
        &explored().every_fault().check(panics).report(),
        "`.normalize(..)` panicked at the result of the run without faults, 4: ",
    );
}

#[test]
fn a_check_that_panics_on_the_fault_free_run() {
    struct Careless;
    impl check::Check for Careless {
        fn name(&self) -> &str {
            "careless"
        }
        fn check(&self, _run: &Run, _reference: &check::Reference) -> Result<(), check::Violation> {
            panic!("no such row")
        }
    }
    let report = explored().every_fault().check(check::same_result()).check(Careless).report();
    assert_eq!(report.parts().len(), 1, "nothing is explored then: {report}");
    let text = unfolded(&report.failures()[0].text);
    assert!(
        text.contains("`careless` does not hold: the check itself panicked: ") && text.contains("no such row"),
        "{text}"
    );
    assert!(text.contains("without any fault"), "{text}");
}

#[test]
fn runs_of_which_each_is_excused() {
    // This seed draws a cancel and nothing else that matters.
    let seed = (0..1_000).find(|seed| {
        let run = simulation(resilient()).random_faults(*seed).run("work", &4u32).unwrap();
        run.result::<u32>().is_err_and(|why| why.to_string().contains("cancelled"))
    });
    let seed = seed.expect("one of a thousand seeds cancels");
    is_refused(&explored().seeds(seed..seed + 1).check(check::same_result()).report(), "could show anything");
}

#[test]
fn a_fault_free_run_that_comes_to_no_end() {
    let report = durasim::Simulation::temporal()
        .workflow("work", async |ctx: &WorkflowContext, _: u32| -> Result<(), WorkflowError> {
            ctx.cancelled().await;
            Ok(())
        })
        .explore("work", &4u32)
        .every_fault()
        .check(check::same_result())
        .report();
    assert!(matches!(report.error(), Some(RunError::Stuck { .. })), "{report}");
    is_refused(&report, "waits for ever");
}

#[test]
fn a_fault_free_run_of_what_is_not_there() {
    let report = simulation(resilient()).explore("sleep", &4u32).every_fault().check(check::same_result()).report();
    assert!(matches!(report.error(), Some(RunError::UnknownWorkflow { .. })), "{report}");
}

#[test]
fn a_fault_free_run_that_violates_a_check_is_the_failure() {
    let report = explored()
        .every_fault()
        .check(check::same_result())
        .check(check::named("is five", |run: &Run| assert_eq!(run.result::<u32>().unwrap(), 5)))
        .report();
    assert!(report.error().is_none() && !report.holds());
    assert_eq!(report.parts().len(), 1, "nothing is explored then: {report}");
    let failed = &report.failures()[0];
    assert_eq!((failed.check.as_str(), failed.plan.is_empty()), ("is five", true));
    assert!(failed.text.contains("without any fault") && failed.text.contains("left: 4"), "{}", failed.text);
}

#[test]
fn a_fault_free_run_that_times_out_is_the_failure() {
    async fn hangs(_ctx: &ActivityContext, _count: u32) -> Result<u32, ActivityError> {
        durasim::time::sleep(std::time::Duration::from_secs(100_000)).await;
        Ok(0)
    }
    let report = durasim::Simulation::temporal()
        .activity("steps", hangs)
        .workflow("work", async |ctx: &WorkflowContext, count: u32| {
            ctx.execute_activity::<u32>("steps", &count, resilient()).await
        })
        .explore("work", &4u32)
        .every_fault()
        .check(check::same_result())
        .report();
    assert!(report.error().is_none() && !report.holds(), "{report}");
    assert_eq!(report.parts().len(), 1, "{report}");
    let text = unfolded(&report.failures()[0].text);
    assert!(text.contains("the activity steps#1 runs into its heartbeat timeout without any fault"), "{text}");
}

/// The likely mistake comes before the option that would hide it.
#[test]
fn a_timeout_without_faults_says_what_the_attempt_did() {
    let says = |activity: fn(u32) -> std::pin::Pin<Box<dyn Future<Output = ()>>>, words: &[&str]| {
        let report = durasim::Simulation::temporal()
            .activity("steps", async move |ctx: &ActivityContext, count: u32| -> Result<u32, ActivityError> {
                activity(count).await;
                ctx.heartbeat(&count)?;
                Ok(count)
            })
            .workflow("work", async |ctx: &WorkflowContext, count: u32| {
                ctx.execute_activity::<u32>("steps", &count, resilient()).await
            })
            .explore("work", &4u32)
            .every_fault()
            .check(check::same_result())
            .report();
        let text = unfolded(&report.failures()[0].text);
        let mut rest = text.as_str();
        for words in words.iter().chain(&["`.reference_may_fail()`"]) {
            let place = rest.find(words).unwrap_or_else(|| panic!("{words:?} is missing in\n{text}"));
            rest = &rest[place..];
        }
    };
    says(
        |_| Box::pin(async { durasim::time::sleep(std::time::Duration::from_secs(45)).await }),
        &[
            "without any fault: the service does not hear of the attempt in time",
            "Heartbeat more often",
            "`check::heartbeats_in_time()`",
        ],
    );
}

#[test]
#[should_panic(expected = "has no check")]
fn assert_panics_with_the_error() {
    explored().without_standard_checks().every_fault().assert();
}
