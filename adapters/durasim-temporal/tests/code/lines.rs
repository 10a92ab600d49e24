//! Messages name the lines of SDK code that they are about.

use std::time::Duration;

use durasim::{Simulation, check};
use durasim_temporal::SimulationExt;
use temporalio_macros::{activities, workflow, workflow_methods};
use temporalio_sdk::activities::{ActivityContext, ActivityError};
use temporalio_sdk::{ActivityOptions, TimerOptions, WorkflowCancellationToken, WorkflowContext, WorkflowResult};

use crate::{contains, found, seconds};

struct Pack;

/// The line of the call in `Pack::items`.
const BEATS: u32 = line!() + 8;

#[activities]
impl Pack {
    #[activity]
    async fn items(ctx: ActivityContext, items: u32) -> Result<u32, ActivityError> {
        for item in 0..items {
            tokio::time::sleep(Duration::from_millis(300)).await;
            ctx.record_heartbeat(item).await?;
        }
        Ok(items)
    }
}

#[workflow]
#[derive(Default)]
struct Packs;

/// The line of the call in `Packs::run`.
const SCHEDULES: u32 = line!() + 8;

#[workflow_methods]
impl Packs {
    #[run]
    async fn run(ctx: &mut WorkflowContext<Self>, items: u32) -> WorkflowResult<u32> {
        let options = ActivityOptions::with_start_to_close_timeout(seconds(30)).heartbeat_timeout(seconds(5)).build();
        // This is the bug: a replay asks for another number.
        let packed = ctx.execute_activity(Pack::items, items + u32::from(ctx.is_replaying()), options).await?;
        ctx.timer(seconds(1)).await;
        Ok(packed)
    }
}

fn simulation() -> Simulation {
    Simulation::temporal().sdk_activity(Pack::items, || Pack).sdk_workflow::<Packs>()
}

#[test]
fn of_a_heartbeat() {
    // A replay asks for something else, which is not the matter here.
    let exploration = simulation().explore("Packs", &3).every_fault().without("replays");
    let exploration = exploration.check(check::progress("Pack::items", |item: &u32| *item));
    let text = found(exploration, "the first it records is behind that");
    contains(&text, &format!("`ctx.record_heartbeat` at tests/code/lines.rs:{BEATS}"));
}

#[test]
fn of_a_command() {
    let text = found(simulation().explore("Packs", &3).every_fault().check(check::replays()), "with another input");
    contains(&text, &format!("`ctx.execute_activity` at tests/code/lines.rs:{SCHEDULES}"));
}

/// A cancel of the workflow takes its timer away in a replay, for which no line of its code asks. Before, the timer is not
/// the workflow's to cancel.
#[workflow]
#[derive(Default)]
struct Stops;

#[workflow_methods]
impl Stops {
    #[run]
    async fn run(ctx: &mut WorkflowContext<Self>) -> WorkflowResult<u32> {
        let of_its_own = WorkflowCancellationToken::new();
        let mut options = TimerOptions::from(seconds(60));
        options.cancellation_token = Some(of_its_own.clone()).filter(|_| !ctx.is_replaying());
        let _longer = ctx.timer(options);
        let _reason = ctx.cancelled().await;
        let mut options = TimerOptions::from(seconds(10));
        options.cancellation_token = Some(of_its_own);
        ctx.timer(options).await;
        Ok(1)
    }
}

#[test]
fn of_no_other_call() {
    let exploration = simulation().sdk_workflow::<Stops>().explore_script(async |client| {
        let handle = client.start::<u32>("Stops", "s", &()).await?;
        client.sleep(seconds(1)).await;
        handle.cancel().await?;
        handle.result().await
    });
    let text = found(exploration.every_fault().check(check::same_result()), "asks to cancel timer 1");
    assert!(!text.contains("it is asked for by"), "{text}");
}
