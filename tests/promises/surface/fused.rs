//! Every future that durasim gives out can be given to `select_biased!` as it is.

use std::time::Duration;

use durasim::{
    ActivityContext, ActivityError, ActivityOptions, Client, ClientError, Simulation, WorkflowContext, WorkflowError,
};
use futures::future::FusedFuture;
use futures::select_biased;

/// Takes only futures that can be given to `select_biased!` as they are, in a loop.
fn fused<F: FusedFuture + Unpin>(future: F) -> F {
    future
}

#[test]
fn every_future_is_fused_and_unpin() {
    let waits = async |ctx: &ActivityContext, _: u32| -> Result<u32, ActivityError> {
        let second = Duration::from_secs(1);
        let mut interval = durasim::time::interval(second);
        fused(interval.tick()).await;
        let mut sleep = fused(durasim::time::sleep(second));
        let mut until = fused(durasim::time::sleep_until(ctx.now() + 2 * second));
        let mut limited = fused(durasim::time::timeout(3 * second, ctx.cancelled()));
        let mut beside = fused(durasim::task::spawn(durasim::time::sleep(4 * second)));
        let (mut cancelled, mut stopping) = (fused(ctx.cancelled()), fused(ctx.worker_stopping()));
        let mut ended = String::new();
        loop {
            select_biased! {
                () = sleep => ended.push('s'),
                () = until => ended.push('u'),
                result = limited => ended.push_str(if result.is_err() { "l" } else { "cancelled" }),
                () = beside => ended.push('b'),
                _ = cancelled => ended.push_str("cancelled"),
                () = stopping => ended.push_str("stopping"),
                complete => unreachable!("nobody cancels"),
            }
            if beside.is_terminated() {
                break;
            }
        }
        assert_eq!(ended, "sulb");
        assert!(sleep.is_terminated() && until.is_terminated() && limited.is_terminated());
        Ok(interval.tick().await.as_nanos() as u32)
    };
    let workflow = async |ctx: &WorkflowContext, number: u32| -> Result<u32, WorkflowError> {
        fused(ctx.sleep(Duration::from_secs(1))).await?;
        drop((fused(ctx.cancelled()), fused(ctx.signals::<u32>("none").recv())));
        let options = ActivityOptions { schedule_to_close_timeout: Duration::from_secs(60), ..Default::default() };
        fused(ctx.execute_activity::<u32>("waits", &number, options)).await
    };
    let simulation = Simulation::temporal().activity("waits", waits).workflow("waiting", workflow);
    let script = async |client: Client| -> Result<bool, ClientError> {
        let handle = fused(client.start::<u32>("waiting", "w", &1u32)).await?;
        let (mut result, mut patience) = (fused(handle.result()), client.sleep(Duration::from_secs(3)));
        let patient = select_biased! {
            _ = result => true,
            () = patience => false,
        };
        result.await?;
        Ok(patient)
    };
    assert_eq!(simulation.drive(script).unwrap().0, Ok(false));
}
