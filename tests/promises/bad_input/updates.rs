//! Mistakes with updates.

use std::time::Duration;

use durasim::{ActivityOptions, Client, ClientError, Run, RunError, Simulation, WorkflowContext, WorkflowError};

use super::{Case, case, fine, second};

/// Runs a workflow that is sent the update `set`, whose caller panics with the error that it gets.
fn sent(simulation: Simulation) -> Result<Run, RunError> {
    let script = async |client: Client| -> Result<(), ClientError> {
        let main = client.start::<u32>("main", "main-1", &1u32).await?;
        if let Err(error) = main.update::<u32>("set", &7u32).await {
            panic!("the caller is told: {error}");
        }
        Ok(())
    };
    simulation.drive(script).map(|(_, run)| run)
}

/// A workflow with a handler for `set`, which takes the number, and a validator.
fn handled(
    validator: impl Fn(&WorkflowContext) + Clone + Send + Sync + 'static,
    handler: impl AsyncFn(&WorkflowContext) -> Result<u32, WorkflowError> + Clone + Send + Sync + 'static,
) -> Simulation {
    let main = async move |ctx: &WorkflowContext, number: u32| -> Result<u32, WorkflowError> {
        let (outer, inner) = (ctx.clone(), ctx.clone());
        let (validator, handler) = (validator.clone(), handler.clone());
        ctx.on_validated_update(
            "set",
            move |_: &u32| {
                validator(&outer);
                Ok(())
            },
            async move |_: u32| handler(&inner).await,
        );
        ctx.sleep(second()).await?;
        Ok(number)
    };
    Simulation::temporal().activity("fine", fine).workflow("main", main)
}

pub fn cases() -> Vec<Case> {
    vec![
        case("an update without a handler", || {
            let main = async |ctx: &WorkflowContext, number: u32| -> Result<u32, WorkflowError> {
                ctx.on_update("add", async |_: u32| Ok(()));
                ctx.sleep(second()).await?;
                Ok(number)
            };
            sent(Simulation::temporal().workflow("main", main))
        }),
        case("an update whose validator panics", || {
            sent(handled(|_| panic!("no such number"), async |_: &WorkflowContext| Ok(1)))
        }),
        case("an update whose validator schedules an activity", || {
            let schedules = |ctx: &WorkflowContext| {
                let options = ActivityOptions { start_to_close_timeout: second(), ..Default::default() };
                drop(ctx.execute_activity::<u32>("fine", &1u32, options));
            };
            sent(handled(schedules, async |_: &WorkflowContext| Ok(1)))
        }),
        case("an update whose handler panics", || {
            sent(handled(|_| (), async |_: &WorkflowContext| panic!("no such number")))
        }),
        case("an update whose handler continues as new", || {
            sent(handled(|_| (), async |ctx: &WorkflowContext| Err(ctx.continue_as_new(&2u32))))
        }),
        case("continue-as-new with an open update", || {
            let main = async |ctx: &WorkflowContext, number: u32| -> Result<u32, WorkflowError> {
                let inner = ctx.clone();
                ctx.on_update("set", async move |_: u32| inner.sleep(Duration::from_secs(60)).await);
                ctx.sleep(second()).await?;
                if number == 1 { Err(ctx.continue_as_new(&2u32)) } else { Ok(number) }
            };
            sent(Simulation::temporal().workflow("main", main))
        }),
        case("an update in Cadence's dialect", || {
            let main = async |ctx: &WorkflowContext, number: u32| -> Result<u32, WorkflowError> {
                ctx.sleep(second()).await?;
                Ok(number)
            };
            sent(Simulation::cadence().workflow("main", main))
        }),
    ]
}
