//! Code written for the SDK's client runs in scripts and in activities, against the simulated service.

mod calls;
mod mistakes;
mod refusals;
mod starts;

use durasim::{RunError, Simulation};
use durasim_temporal::{SimulationExt, connect, sdk_activities};
use temporalio_client::errors::{WorkflowGetResultError, WorkflowInteractionError, WorkflowStartError};
use temporalio_client::{
    Client, WorkflowCountOptions, WorkflowGetResultOptions, WorkflowHandle, WorkflowIdConflictPolicy,
    WorkflowIdReusePolicy, WorkflowSignalOptions, WorkflowStartOptions,
};
use temporalio_macros::{activities, workflow, workflow_methods};
use temporalio_sdk::activities::{ActivityContext, ActivityError};
use temporalio_sdk::{
    ActivityOptions, ApplicationFailure, SyncWorkflowContext, WorkflowContext, WorkflowContextView, WorkflowResult,
    WorkflowTermination,
};

use crate::seconds;

/// It weighs what it is told to pack, until it is told to ship.
#[workflow]
#[derive(Default)]
struct Parcel {
    items: Vec<String>,
    ships: bool,
}

#[workflow_methods]
impl Parcel {
    #[run]
    async fn run(ctx: &mut WorkflowContext<Self>, first: String) -> WorkflowResult<Vec<String>> {
        if first == "nothing" {
            return Err(ApplicationFailure::builder(anyhow::anyhow!("nothing to pack"))
                .type_name("Empty".to_owned())
                .build()
                .into());
        }
        ctx.state_mut(|state| state.items.push(first));
        temporalio_sdk::workflows::select! {
            reason = ctx.cancelled() => {
                ctx.state_mut(|state| state.items.push(format!("cancelled: {}", reason.unwrap_or_default())));
                return Err(WorkflowTermination::cancelled());
            }
            shipped = ctx.wait_condition(|state: &Self| state.ships) => shipped?,
        }
        let options = ActivityOptions::start_to_close_timeout(seconds(10));
        let items = ctx.state(|state| state.items.clone());
        ctx.execute_activity(Desk::weigh, u32::try_from(items.len()).unwrap_or_default(), options).await?;
        Ok(items)
    }

    #[signal]
    fn add(&mut self, _ctx: &mut SyncWorkflowContext<Self>, item: String) {
        self.items.push(item);
    }

    #[signal]
    fn ship(&mut self, _ctx: &mut SyncWorkflowContext<Self>) {
        self.ships = true;
    }

    #[query]
    fn items(&self, _ctx: &WorkflowContextView) -> Vec<String> {
        self.items.clone()
    }

    #[update]
    fn label(&mut self, _ctx: &mut SyncWorkflowContext<Self>, _text: String) -> u32 {
        7
    }
}

struct Desk;

#[activities]
impl Desk {
    #[activity]
    async fn weigh(_ctx: ActivityContext, items: u32) -> Result<u32, ActivityError> {
        tokio::time::sleep(seconds(2)).await;
        Ok(items)
    }

    /// It sends the parcel of its workflow's customer on its way, and waits for it.
    #[activity]
    async fn dispatch(ctx: ActivityContext, item: String) -> Result<u32, ActivityError> {
        let id = format!("parcel-of-{}", ctx.info().workflow_id.as_deref().unwrap_or_default());
        Ok(send(&ctx.client(), &id, &item).await?)
    }

    #[activity]
    async fn dispatch_in_a_task(ctx: ActivityContext, item: String) -> Result<u32, ActivityError> {
        let client = ctx.client();
        Ok(tokio::spawn(async move { send(&client, "parcel-of-a-task", &item).await }).await??)
    }

    #[activity]
    async fn lists(ctx: ActivityContext) -> Result<(), ActivityError> {
        let _ = ctx.client().count_workflows("", WorkflowCountOptions::default()).await;
        Ok(())
    }

    #[activity]
    async fn lists_in_a_task(ctx: ActivityContext) -> Result<(), ActivityError> {
        let client = ctx.client();
        let counted =
            tokio::spawn(async move { client.count_workflows("", WorkflowCountOptions::default()).await.is_ok() });
        let _ = counted.await;
        Ok(())
    }
}

/// It is idempotent: a parcel that is there already is shipped once.
async fn send(client: &Client, id: &str, item: &str) -> anyhow::Result<u32> {
    let mut options = start(id);
    options.id_conflict_policy = WorkflowIdConflictPolicy::UseExisting;
    options.id_reuse_policy = WorkflowIdReusePolicy::RejectDuplicate;
    let handle = match client.start_workflow(Parcel::run, item.to_owned(), options).await {
        Err(WorkflowStartError::AlreadyStarted { .. }) => client.get_workflow_handle::<parcel::Run>(id),
        started => started?,
    };
    match handle.signal(Parcel::ship, (), WorkflowSignalOptions::default()).await {
        Ok(()) | Err(WorkflowInteractionError::NotFound(_)) => {}
        Err(other) => return Err(other.into()),
    }
    match handle.get_result(WorkflowGetResultOptions::default()).await {
        // One that its customer has called back has been dealt with, too.
        Err(WorkflowGetResultError::Cancelled { .. }) => Ok(1),
        ended => Ok(u32::try_from(ended?.len())?),
    }
}

/// A workflow that lets an activity do it.
#[workflow]
#[derive(Default)]
struct Orders;

#[workflow_methods]
impl Orders {
    #[run]
    async fn run(ctx: &mut WorkflowContext<Self>, how: String) -> WorkflowResult<u32> {
        let options = ActivityOptions::start_to_close_timeout(seconds(20));
        Ok(match how.as_str() {
            "in a task" => ctx.execute_activity(Desk::dispatch_in_a_task, "lamp".to_owned(), options).await?,
            "lists" => {
                ctx.execute_activity(Desk::lists, (), options).await?;
                0
            }
            "lists in a task" => {
                ctx.execute_activity(Desk::lists_in_a_task, (), options).await?;
                0
            }
            _ => ctx.execute_activity(Desk::dispatch, "lamp".to_owned(), options).await?,
        })
    }
}

fn simulation() -> Simulation {
    sdk_activities!(
        Simulation::temporal(),
        || Desk,
        [Desk::weigh, Desk::dispatch, Desk::dispatch_in_a_task, Desk::lists, Desk::lists_in_a_task]
    )
    .sdk_workflow::<Parcel>()
    .sdk_workflow::<Orders>()
}

fn start(id: &str) -> WorkflowStartOptions {
    WorkflowStartOptions::new("parcels", id).build()
}

type Handle = WorkflowHandle<Client, parcel::Run>;

/// Starts a parcel.
async fn parcel_of(client: &Client, id: &str) -> Handle {
    client.start_workflow(Parcel::run, "book".to_owned(), start(id)).await.unwrap()
}

/// Runs a script with a client of the SDK. A script that returns has been simulated as far as it goes.
fn driven<R>(script: impl AsyncFnOnce(durasim::Client, Client) -> R) -> Result<R, RunError> {
    let simulation = simulation().graceful_shutdown_period(seconds(1)).restart_delay(seconds(3_600));
    let ran = simulation.drive(async |native| {
        let client = connect(&native);
        script(native, client).await
    });
    ran.map(|(result, _)| result)
}
