//! Bug 24: a build rents a machine by a child, which gives it back when it is told to. The child is to be left alone when the
//! build closes. Where the build is cancelled or fails, nobody tells it.

use std::time::Duration;

use durasim::program::ParentClosePolicy;
use durasim::{
    ActivityContext, ActivityError, ActivityOptions, ChildOptions, Exploration, Ledger, RetryPolicy, Simulation,
    WorkflowContext, WorkflowError,
};
use futures::{FutureExt, select_biased};

#[derive(Default)]
struct Cloud {
    calls: Ledger<String>,
}

async fn call(_: &ActivityContext, what: String) -> Result<(), ActivityError> {
    let cloud = durasim::state::<Cloud>();
    durasim::time::sleep(Duration::from_secs(5)).await;
    Ok(durasim::effect("call", || cloud.calls.record(what))?)
}

fn options(maximum_attempts: i32) -> ActivityOptions {
    ActivityOptions {
        start_to_close_timeout: Duration::from_secs(60),
        retry_policy: Some(RetryPolicy { maximum_attempts, ..Default::default() }),
        ..Default::default()
    }
}

/// The child: rents a machine until it is told, or asked to cancel.
async fn rental(ctx: &WorkflowContext, (): ()) -> Result<(), WorkflowError> {
    let done = ctx.signals::<()>("done");
    let scope = ctx.detached();
    let () = scope.execute_activity("call", &"rent", options(0)).await?;
    let mut told = done.recv();
    let ended = select_biased! {
        told = told => told,
        () = ctx.cancelled().fuse() => Err(WorkflowError::cancelled()),
    };
    let () = scope.execute_activity("call", &"give back", options(0)).await?;
    ended
}

async fn build(ctx: &WorkflowContext, parent_close_policy: ParentClosePolicy) -> Result<(), WorkflowError> {
    let machine = ctx.start_child::<()>("rental", &(), ChildOptions { parent_close_policy, ..Default::default() });
    machine.started().await?;
    let () = ctx.execute_activity("call", &"compile", options(4)).await?;
    machine.signal("done", &()).await?;
    machine.result().await
}

fn explored(policy: ParentClosePolicy) -> Exploration {
    let building = async move |ctx: &WorkflowContext, (): ()| build(ctx, policy).await;
    Simulation::temporal()
        .activity("call", call)
        .workflow("build", building)
        .workflow("rental", rental)
        .state(Cloud::default)
        .explore("build", &())
}

pub fn planted() -> Exploration {
    explored(ParentClosePolicy::Abandon).named("child_is_left_running")
}

pub fn twin() -> Exploration {
    explored(ParentClosePolicy::RequestCancel)
}
