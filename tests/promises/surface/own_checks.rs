//! A check of one's own judges the runs that nothing excuses, and all runs if it says so.

use std::sync::Mutex;

use durasim::check::{self, Class};
use durasim::fault::Plan;
use durasim::{Exploration, Run, RunError};

use super::{answers, asking};

/// Plans that end the activity's time, or the workflow: in both cases less than the whole is right.
const EXCUSED: [&str; 2] = ["ask#1@1:dispatch=delayed(100s)", "twice#1:task1=cancel"];

fn exploration() -> Exploration {
    asking(answers).explore("twice", &1u32)
}

/// The plans of the runs that the check was given.
fn judged(plan: &Plan, all: bool) -> usize {
    static JUDGED: Mutex<Vec<String>> = Mutex::new(Vec::new());
    let key = format!("{plan} {all}");
    let note = {
        let key = key.clone();
        check::named("two", move |run: &Run| {
            if !run.plan().is_empty() {
                JUDGED.lock().unwrap().push(key.clone());
            }
        })
    };
    let note = if all { note.all_runs() } else { note };
    let report = exploration().check(note).without_repeats().replay(plan);
    assert!(report.holds(), "{report}");
    JUDGED.lock().unwrap().iter().filter(|other| **other == key).count()
}

#[test]
fn an_excused_run_is_judged_only_by_checks_of_all_runs() {
    for plan in EXCUSED {
        let plan: Plan = plan.parse().unwrap();
        assert_eq!((judged(&plan, false), judged(&plan, true)), (0, 1), "{plan}");
    }
    let survives: Plan = "ask#1@1:await1=crash".parse().unwrap();
    assert_eq!((judged(&survives, false), judged(&survives, true)), (1, 1));
}

#[test]
fn a_check_without_the_result_judges_runs_that_differ() {
    // The activity forgets the number when its worker has died.
    let forgets = async |ctx: &durasim::ActivityContext, number: u32| -> Result<u32, durasim::ActivityError> {
        answers(ctx, number).await?;
        Ok(if ctx.get_info().attempt == 1 { number } else { 0 })
    };
    let exploration = asking(forgets).explore("twice", &1u32).without("same_result");
    let doubles = check::named("doubles", |run: &Run| assert_eq!(run.result(), Ok(2u32)));
    let is_different = check::judged("different", |judged: &check::Judged<'_>| {
        assert!(judged.run().plan().is_empty() || judged.class() == Class::Different);
    });
    let crash: Plan = "ask#1@1:await1=crash".parse().unwrap();
    let report = exploration.check(doubles).check(is_different).replay(&crash);
    let failed: Vec<&str> = report.failures().iter().map(|failed| failed.check.as_str()).collect();
    assert_eq!(failed, ["doubles"]);
}

#[test]
fn a_plan_leads_to_its_run() {
    let exploration = exploration().check(check::same_result());
    let crash: Plan = "ask#1@1:await1=crash".parse().unwrap();
    assert!(exploration.replay(&crash).holds());
    let run = exploration.run(&crash).unwrap();
    assert_eq!((run.plan(), run.result()), (crash, Ok(2u32)));
    assert!(run.timeline().to_string().contains("crash"), "{}", run.timeline());
    assert!(exploration.run(&Plan::none()).unwrap().plan().is_empty());

    let missing: Plan = "ask#1@7:await1=crash".parse().unwrap();
    assert!(matches!(exploration.run(&missing), Err(RunError::PlanNotFired(_))));
    let seeded = asking(answers).seed(3).explore("twice", &1u32);
    assert!(matches!(seeded.run(&Plan::none()), Err(RunError::Setup(_))));
}
