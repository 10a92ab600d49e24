//! Messages name the lines of SDK code that they are about.

use std::time::Duration;

use durasim::{Simulation, check};
use durasim_temporal::SimulationExt;
use temporalio_macros::{activities, workflow, workflow_methods};
use temporalio_sdk::activities::{ActivityContext, ActivityError};
use temporalio_sdk::{ActivityOptions, WorkflowContext, WorkflowResult};

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
    let exploration =
        simulation().explore("Packs", &3).every_fault().check(check::progress("Pack::items", |item: &u32| *item));
    let text = found(exploration, "the first it records is behind that");
    contains(&text, &format!("`ctx.record_heartbeat` at tests/code/lines.rs:{BEATS}"));
}

#[test]
fn of_a_command() {
    let text = found(simulation().explore("Packs", &3).every_fault().check(check::replays()), "with another input");
    contains(&text, &format!("`ctx.start_activity` at tests/code/lines.rs:{SCHEDULES}"));
}
