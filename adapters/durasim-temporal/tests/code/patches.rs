//! Patches are held to the markers in their histories, as the SDK's core holds them.

use durasim::{RunError, Simulation, check};
use durasim_temporal::SimulationExt;
use temporalio_macros::{activities, workflow, workflow_methods};
use temporalio_sdk::activities::{ActivityContext, ActivityError};
use temporalio_sdk::{
    ActivityCancellationType, ActivityOptions, WorkflowCancellationToken, WorkflowContext, WorkflowResult,
};

use crate::{contains, found, seconds};

/// It has patches before and behind a wait, and another way to ask for them in a replay: as code does that was changed
/// since.
#[workflow]
#[derive(Default)]
struct Patched;

#[workflow_methods]
impl Patched {
    #[run]
    async fn run(ctx: &mut WorkflowContext<Self>, change: String) -> WorkflowResult<u32> {
        let is_changed = ctx.is_replaying();
        let mut number = 0;
        match change.as_str() {
            "nothing" => number += u32::from(ctx.patched("one")) + u32::from(ctx.patched("other")),
            "removed" if is_changed => {}
            "deprecated" => _ = if is_changed { ctx.deprecate_patch("one") } else { ctx.patched("one") },
            "turned around" if is_changed => _ = (ctx.patched("other"), ctx.patched("one")),
            "later" if is_changed => {}
            "removed" | "later" | "turned around" => _ = (ctx.patched("one"), ctx.patched("other")),
            "removed when deprecated" => _ = is_changed || ctx.deprecate_patch("one"),
            "earlier" if is_changed => _ = ctx.patched("one"),
            _ => {}
        }
        for _ in 0..2 {
            ctx.timer(seconds(1)).await;
            match change.as_str() {
                "nothing" => number += u32::from(ctx.patched("behind a wait")) + u32::from(ctx.patched("one")),
                "later" | "earlier" => _ = ctx.patched("one"),
                "removed behind a wait" if !is_changed => _ = ctx.patched("one"),
                _ => {}
            }
        }
        if change.ends_with("behind a cancel") {
            let token = WorkflowCancellationToken::new();
            let mut options = ActivityOptions::start_to_close_timeout(seconds(60));
            options.cancellation_type = ActivityCancellationType::TryCancel;
            options.cancellation_token = Some(token.clone());
            let working = ctx.execute_activity(Works::work, (), options);
            ctx.timer(seconds(1)).await;
            token.cancel();
            // The code hears of it within the task.
            number += u32::from(working.await.is_err());
            if change == "behind a cancel" || !is_changed {
                number += u32::from(ctx.patched("one"));
            }
            ctx.timer(seconds(1)).await;
        }
        Ok(number)
    }
}

struct Works;

#[activities]
impl Works {
    #[activity]
    async fn work(_ctx: ActivityContext) -> Result<(), ActivityError> {
        tokio::time::sleep(seconds(30)).await;
        Ok(())
    }
}

fn simulation() -> Simulation {
    Simulation::temporal().sdk_activity(Works::work, || Works).sdk_workflow::<Patched>()
}

/// Runs it with a replay at every task.
fn replayed(change: &str) -> Result<u32, RunError> {
    simulation().cached_workflows(0).run("Patched", &change).map(|run| run.result().unwrap())
}

#[test]
fn a_marker_without_its_call_is_not_deterministic() {
    for change in ["removed", "removed behind a wait", "removed behind a cancel", "later", "earlier", "turned around"] {
        // It runs through where nothing is replayed, so that a check has to look.
        assert!(simulation().run("Patched", &change).is_ok(), "{change}");
        let exploration = simulation().explore("Patched", &change).every_fault().check(check::replays());
        let text = found(exploration, "the history of this task has a marker of the patch `");
        contains(&text, "the workflow is not deterministic");
        contains(&text, "Then `deprecate_patch` takes its place");
    }
}

#[test]
fn the_marker_of_a_deprecated_patch_may_be_left() {
    for (change, number) in [("nothing", 6), ("deprecated", 0), ("removed when deprecated", 0)] {
        assert_eq!(replayed(change).unwrap(), number, "{change}");
        simulation().explore("Patched", &change).every_fault().seeds(0..50).check(check::replays()).assert();
    }
}

/// The news of the cancel comes to the code in the task in which it asks for it, behind the markers of that task.
#[test]
fn a_patch_behind_a_cancel_is_asked_for_in_its_task() {
    assert_eq!(replayed("behind a cancel").unwrap(), 2);
    simulation().explore("Patched", &"behind a cancel").every_fault().check(check::replays()).assert();
}
