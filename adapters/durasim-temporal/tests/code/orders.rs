//! Workflows of the SDK observe timers, signals and ends of activities in other orders than without faults. The bugs here are
//! shown by no single fault and by no pair.

use durasim::{Client, ClientError, Exploration, Ledger, Run, Simulation, check};
use durasim_temporal::{SimulationExt, sdk_activities};
use temporalio_macros::{activities, workflow, workflow_methods};
use temporalio_sdk::activities::{ActivityContext, ActivityError};
use temporalio_sdk::{
    ActivityCancellationType, ActivityOptions, SyncWorkflowContext, WorkflowCancellationToken, WorkflowContext,
    WorkflowContextView, WorkflowResult,
};

use crate::{is_found, seconds, silent};

/// The things that were done.
#[derive(Default)]
struct Books {
    paid: Ledger<String>,
    applied: Ledger<u32>,
}

struct Shop;

#[activities]
impl Shop {
    /// The bank takes two tries of one payment for one.
    #[activity]
    async fn pay(_ctx: ActivityContext, how: String) -> Result<(), ActivityError> {
        tokio::time::sleep(seconds(2)).await;
        let books = durasim::handle::<Books>();
        if books.with(|books| books.paid.count(&how)) == 0 {
            durasim::effect("pay", || books.with(|books| books.paid.record(how)))?;
        }
        Ok(())
    }

    #[activity]
    async fn reserve(_ctx: ActivityContext) -> Result<(), ActivityError> {
        tokio::time::sleep(seconds(20)).await;
        Ok(())
    }

    #[activity]
    async fn apply(_ctx: ActivityContext, change: u32) -> Result<(), ActivityError> {
        let books = durasim::handle::<Books>();
        if books.with(|books| books.applied.count(&change)) == 0 {
            durasim::effect("apply", || books.with(|books| books.applied.record(change)))?;
        }
        Ok(())
    }
}

fn options() -> ActivityOptions {
    let policy = temporalio_common::RetryPolicy::builder().maximum_attempts(3).build();
    ActivityOptions::with_start_to_close_timeout(seconds(60)).retry_policy(policy).build()
}

/// Pays by card where the transfer is not done after an hour, and leaves the transfer under way.
#[workflow]
#[derive(Default)]
struct PaysTwice;

#[workflow_methods]
impl PaysTwice {
    #[run]
    async fn run(ctx: &mut WorkflowContext<Self>) -> WorkflowResult<()> {
        let mut transfer = ctx.execute_activity(Shop::pay, "transfer".to_owned(), options());
        temporalio_sdk::workflows::select! {
            paid = transfer => return Ok(paid?),
            _ = ctx.timer(seconds(3_600)) => {}
        }
        ctx.execute_activity(Shop::pay, "card".to_owned(), options()).await?;
        Ok(transfer.await?)
    }
}

/// Takes the transfer back before it pays by card, and waits until that is over, one way or the other.
#[workflow]
#[derive(Default)]
struct PaysOnce;

#[workflow_methods]
impl PaysOnce {
    #[run]
    async fn run(ctx: &mut WorkflowContext<Self>) -> WorkflowResult<()> {
        let token = WorkflowCancellationToken::new();
        let mut taken_back = options();
        taken_back.cancellation_type = ActivityCancellationType::WaitCancellationCompleted;
        taken_back.cancellation_token = Some(token.clone());
        let mut transfer = ctx.execute_activity(Shop::pay, "transfer".to_owned(), taken_back);
        temporalio_sdk::workflows::select! {
            paid = transfer => return Ok(paid?),
            _ = ctx.timer(seconds(3_600)) => {}
        }
        token.cancel();
        if transfer.await.is_err() {
            ctx.execute_activity(Shop::pay, "card".to_owned(), options()).await?;
        }
        Ok(())
    }
}

/// Applies changes until the goods are reserved.
#[workflow]
#[derive(Default)]
struct Reserves {
    changes: Vec<u32>,
}

#[workflow_methods]
impl Reserves {
    #[run]
    async fn run(ctx: &mut WorkflowContext<Self>, looks_at_the_end: bool) -> WorkflowResult<()> {
        let mut reserving = ctx.execute_activity(Shop::reserve, (), options());
        loop {
            temporalio_sdk::workflows::select! {
                reserved = reserving => break reserved?,
                changed = ctx.wait_condition(|state: &Self| !state.changes.is_empty()) => changed?,
            }
            Self::apply(ctx).await?;
        }
        // A change that comes with the end of the activity is there, and nobody has looked.
        if looks_at_the_end {
            Self::apply(ctx).await?;
        }
        Ok(())
    }

    #[signal]
    fn change(&mut self, _ctx: &mut SyncWorkflowContext<Self>, change: u32) {
        self.changes.push(change);
    }
}

impl Reserves {
    async fn apply(ctx: &WorkflowContext<Self>) -> WorkflowResult<()> {
        while let Some(change) = ctx.state_mut(|state| state.changes.pop()) {
            ctx.execute_activity(Shop::apply, change, options()).await?;
        }
        Ok(())
    }
}

/// Its run begins with the limit of its input, and signals that come with the start are handled before.
#[workflow]
#[derive(Default)]
struct Forgets {
    limit: u32,
}

#[workflow_methods]
impl Forgets {
    #[run]
    async fn run(ctx: &mut WorkflowContext<Self>, limit: u32) -> WorkflowResult<u32> {
        ctx.state_mut(|state| state.limit = limit);
        ctx.timer(seconds(10)).await;
        Ok(ctx.state(|state| state.limit))
    }

    #[signal]
    fn set(&mut self, _ctx: &mut SyncWorkflowContext<Self>, limit: u32) {
        self.limit = limit;
    }
}

/// It has the limit of its input before any signal is handled.
#[workflow]
struct Remembers {
    limit: u32,
}

#[workflow_methods]
impl Remembers {
    #[init]
    fn new(_ctx: &WorkflowContextView, limit: u32) -> Self {
        Remembers { limit }
    }

    #[run]
    async fn run(ctx: &mut WorkflowContext<Self>) -> WorkflowResult<u32> {
        ctx.timer(seconds(10)).await;
        Ok(ctx.state(|state| state.limit))
    }

    #[signal]
    fn set(&mut self, _ctx: &mut SyncWorkflowContext<Self>, limit: u32) {
        self.limit = limit;
    }
}

fn simulation() -> Simulation {
    sdk_activities!(Simulation::temporal().state(Books::default), || Shop, [Shop::pay, Shop::reserve, Shop::apply])
        .sdk_workflow::<PaysTwice>()
        .sdk_workflow::<PaysOnce>()
        .sdk_workflow::<Reserves>()
        .sdk_workflow::<Forgets>()
        .sdk_workflow::<Remembers>()
}

fn paying(workflow: &str) -> Exploration {
    let once = |run: &Run| match run.state::<Books>().paid.len() {
        0 | 1 => Ok(()),
        more => Err(format!("paid {more} times")),
    };
    simulation().explore(workflow, &()).check(check::named("paid_once", once))
}

/// A script that signals a workflow after so many seconds.
fn signalled(workflow: &'static str, input: serde_json::Value, signal: &'static str, after: u64) -> Exploration {
    simulation().explore_script(async move |client: Client| {
        let main = client.start::<serde_json::Value>(workflow, "main", &input).await?;
        client.sleep(seconds(after)).await;
        main.signal(signal, &7_u32).await?;
        main.result().await as Result<serde_json::Value, ClientError>
    })
}

fn reserving(looks_at_the_end: bool) -> Exploration {
    // A workflow that was cancelled leaves changes alone.
    let applied = |run: &Run| {
        let completed = run.result::<Result<serde_json::Value, serde_json::Value>>().is_ok_and(|ended| ended.is_ok());
        let accepted = run.trace().signals().len();
        let applied = run.state::<Books>().applied.len();
        if !completed || accepted == applied { Ok(()) } else { Err(format!("{accepted} accepted, {applied} applied")) }
    };
    signalled("Reserves", looks_at_the_end.into(), "change", 4).check(check::named("changes_are_applied", applied))
}

/// No fault and no pair shows it; an order does.
#[track_caller]
fn found_by_orders(exploration: Exploration, check: &str, plan: &str) {
    silent(exploration.clone().every_fault().every_pair().budget(500));
    is_found(exploration.every_order(), check, plan);
}

#[test]
fn a_race_whose_lost_side_does_its_work_is_found() {
    found_by_orders(paying("PaysTwice"), "paid_once", "Shop::pay#1@1:dispatch=behind(timer1)");
    silent(paying("PaysOnce").every_fault().every_order().seeds(0..200));
}

#[test]
fn a_signal_that_comes_after_the_wait_is_found() {
    found_by_orders(reserving(false), "changes_are_applied", "Reserves#1:signal1=behind(activity1)");
    silent(reserving(true).every_fault().every_order().every_pair().budget(500).seeds(0..200));
}

/// The standard checks see it, since the result is another one.
#[test]
fn a_signal_that_comes_with_the_start_is_found() {
    let exploration = |workflow| signalled(workflow, 5.into(), "set", 2).every_order();
    is_found(exploration("Forgets"), "same_result", "Forgets#1:task1=behind(signal1)");
    silent(exploration("Remembers"));
}
