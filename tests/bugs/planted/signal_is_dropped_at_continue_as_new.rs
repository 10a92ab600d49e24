//! Bug 26: votes are counted for an hour, and made known; then the workflow continues as new. A vote that comes meanwhile ends
//! with the run that has taken it in.

use std::time::Duration;

use durasim::{
    ActivityContext, ActivityError, ActivityOptions, Client, ClientError, Exploration, Ledger, RetryPolicy, Simulation,
    WorkflowContext, WorkflowError,
};
use futures::select_biased;

#[derive(Default)]
struct Board {
    hours: Ledger<u32>,
}

async fn make_known(_: &ActivityContext, (hour, _votes): (u32, u32)) -> Result<(), ActivityError> {
    let board = durasim::state::<Board>();
    durasim::time::sleep(Duration::from_secs(5)).await;
    Ok(durasim::effect("make known", || board.hours.record(hour))?)
}

/// Counts for an hour, with the votes of the hours before.
async fn count(ctx: &WorkflowContext, (hour, mut votes): (u32, u32), takes_all: bool) -> Result<u32, WorkflowError> {
    let ballots = ctx.signals::<u32>("vote");
    let mut over = ctx.sleep(Duration::from_secs(3_600));
    loop {
        let mut ballot = ballots.recv();
        select_biased! {
            ballot = ballot => votes += ballot?,
            slept = over => {
                slept?;
                break;
            }
        }
    }
    let options = ActivityOptions {
        start_to_close_timeout: Duration::from_secs(60),
        retry_policy: Some(RetryPolicy { maximum_attempts: 4, ..Default::default() }),
        ..Default::default()
    };
    let () = ctx.execute_activity("make_known", &(hour, votes), options).await?;
    while takes_all && let Some(ballot) = ballots.try_recv()? {
        votes += ballot;
    }
    if hour == 2 { Ok(votes) } else { Err(ctx.continue_as_new(&(hour + 1, votes))) }
}

/// Votes twice in the first hour, the second time just before its end.
async fn voter(client: Client) -> Result<u32, ClientError> {
    let counting = client.start::<u32>("counting", "counting", &(1u32, 0u32)).await?;
    client.sleep(Duration::from_secs(1_800)).await;
    counting.signal("vote", &1u32).await?;
    client.sleep(Duration::from_millis(1_799_500)).await;
    counting.signal("vote", &10u32).await?;
    counting.result().await
}

fn explored(takes_all: bool) -> Exploration {
    let counting = async move |ctx: &WorkflowContext, begun: (u32, u32)| count(ctx, begun, takes_all).await;
    Simulation::temporal()
        .activity("make_known", make_known)
        .workflow("counting", counting)
        .state(Board::default)
        .explore_script(voter)
}

pub fn planted() -> Exploration {
    explored(false).named("signal_is_dropped_at_continue_as_new")
}

pub fn twin() -> Exploration {
    explored(true)
}
