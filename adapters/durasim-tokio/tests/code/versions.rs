//! Orders, deploys, rollbacks and the memory of a process find what is wrong in code for tokio, and nothing where nothing is.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::time::Duration;

use durasim::program::CancellationType;
use durasim::{
    ActivityContext, ActivityError, ActivityOptions, Exploration, Ledger, Run, Simulation, WorkflowContext,
    WorkflowError, check,
};
use durasim_tokio::SimulationExt;
use tokio::time;

use super::{millis, options};

#[derive(Default)]
struct World {
    done: Ledger<u64>,
    paid: Ledger<String>,
}

/// The first failure is of this check, and this is its smallest plan.
#[track_caller]
fn finds(exploration: Exploration, check: &str, plan: &str) {
    let report = exploration.report();
    assert!(report.error().is_none() && !report.holds(), "{report}");
    let failed = &report.failures()[0];
    let entries: Vec<String> = failed.plan.entries.iter().map(ToString::to_string).collect();
    assert_eq!((failed.check.as_str(), entries.join("; ").as_str()), (check, plan), "\n{}", failed.text);
}

#[track_caller]
fn is_silent(exploration: Exploration) {
    let report = exploration.every_fault().seeds(0..200).report();
    let texts: Vec<&str> = report.failures().iter().map(|failed| failed.text.as_str()).collect();
    assert!(report.error().is_none() && report.holds(), "{}\n{report}", texts.join("\n"));
}

async fn pay(_: &ActivityContext, way: String) -> Result<(), ActivityError> {
    let paying = tokio::spawn(time::sleep(millis(2_000)));
    paying.await.map_err(|error| ActivityError::retryable(error.to_string()))?;
    let world = durasim::state::<World>();
    // The bank takes two tries of one payment for one.
    if world.paid.count(&way) == 0 {
        durasim::effect("pay", || world.paid.record(way))?;
    }
    Ok(())
}

/// Pays by card where the transfer is not done after an hour.
async fn pays(ctx: &WorkflowContext, takes_back: bool) -> Result<(), WorkflowError> {
    let (scope, patient) = (ctx.child_scope(), Duration::from_secs(60));
    let cancellation_type = CancellationType::WaitCancellationCompleted;
    let options = ActivityOptions { start_to_close_timeout: patient, cancellation_type, ..Default::default() };
    let mut transfer = scope.execute_activity::<()>("pay", &"transfer", options.clone());
    tokio::select! {
        biased;
        paid = &mut transfer => return paid,
        slept = ctx.sleep(Duration::from_secs(3_600)) => slept?,
    }
    if takes_back {
        scope.cancel();
        if transfer.await.is_ok() {
            return Ok(());
        }
    }
    ctx.execute_activity("pay", &"card", options).await
}

#[test]
fn another_order_shows_a_race_that_is_lost() {
    let paying = |takes_back: bool| {
        let once = |run: &Run| match run.state::<World>().paid.len() {
            0 | 1 => Ok(()),
            more => Err(format!("paid {more} times")),
        };
        let simulation = Simulation::temporal().tokio().state(World::default).activity("pay", pay);
        simulation
            .workflow("pays", pays)
            .explore("pays", &takes_back)
            .check(check::named("paid_once", once))
            .every_order()
    };
    finds(paying(false), "paid_once", "pay#1@1:dispatch=behind(timer1)");
    is_silent(paying(true));
}

/// Does four steps, and says which is next: the old version in a number, the new one in words.
async fn steps(
    ctx: &ActivityContext,
    reads: fn(&ActivityContext) -> Option<u64>,
    in_words: bool,
) -> Result<u64, ActivityError> {
    for step in reads(ctx).unwrap_or(0)..4 {
        let sleeping = tokio::spawn(time::sleep(millis(500)));
        sleeping.await.map_err(|error| ActivityError::retryable(error.to_string()))?;
        durasim::effect("step", || durasim::state::<World>().done.record(step))?;
        if in_words { ctx.heartbeat(&(step + 1).to_string())? } else { ctx.heartbeat(&(step + 1))? }
    }
    Ok(4)
}

fn number(ctx: &ActivityContext) -> Option<u64> {
    ctx.heartbeat_details::<u64>().ok().flatten()
}

fn word(ctx: &ActivityContext) -> Option<u64> {
    ctx.heartbeat_details::<String>().ok().flatten()?.parse().ok()
}

fn either(ctx: &ActivityContext) -> Option<u64> {
    number(ctx).or_else(|| word(ctx))
}

/// Takes a step more than the checkpoint says.
fn one_too_far(ctx: &ActivityContext) -> Option<u64> {
    either(ctx).map(|next| next + 1)
}

/// A simulation whose workers die at a deploy, so that attempts meet the checkpoints of the other version.
fn versions(old: fn(&ActivityContext) -> Option<u64>, new: fn(&ActivityContext) -> Option<u64>) -> Exploration {
    let main = async |ctx: &WorkflowContext, (): ()| -> Result<u64, WorkflowError> {
        let done = ctx.execute_activity::<u64>("steps", &(), options());
        for _ in 0..2 {
            ctx.sleep(millis(700)).await?;
        }
        done.await
    };
    let simulation = Simulation::temporal()
        .tokio()
        .state(World::default)
        .activity("steps", async move |ctx: &ActivityContext, (): ()| steps(ctx, old, false).await)
        .workflow("main", main)
        .graceful_shutdown_period(Duration::ZERO)
        .deploy(move |simulation| {
            simulation.activity("steps", async move |ctx: &ActivityContext, (): ()| steps(ctx, new, true).await)
        });
    let all = |run: &Run| {
        let done: BTreeSet<u64> = (0..4).filter(|step| run.state::<World>().done.count(step) > 0).collect();
        if done.len() == 4 { Ok(()) } else { Err(format!("of four steps {done:?} are done")) }
    };
    simulation.rollback().explore("main", &()).without("progress").check(check::named("all_steps", all))
}

#[test]
fn a_deploy_shows_new_code_that_misreads_a_checkpoint() {
    finds(versions(either, one_too_far).every_fault(), "all_steps", "main#1:task2=deploy");
    is_silent(versions(either, either).every_pair().budget(500));
}

#[test]
fn a_rollback_shows_old_code_that_misreads_a_checkpoint() {
    fn far_in_words(ctx: &ActivityContext) -> Option<u64> {
        number(ctx).or_else(|| word(ctx).map(|next| next + 1))
    }
    let exploration = versions(far_in_words, either);
    let singles = exploration.clone().every_fault().report();
    assert!(singles.holds(), "{singles}");
    finds(exploration.every_pair(), "all_steps", "main#1:task1=deploy; main#1:task2=rollback");
}

/// The files on a worker's disk.
#[derive(Default)]
struct Disk(RefCell<BTreeSet<String>>);

/// Downloads a file, and counts it in another activity, which may find none.
fn files(looks_again: bool) -> Exploration {
    async fn download(name: &str) -> Result<(), ActivityError> {
        let loading = tokio::spawn(time::sleep(millis(300)));
        loading.await.map_err(|error| ActivityError::retryable(error.to_string()))?;
        durasim::worker_state::<Disk>().0.borrow_mut().insert(name.to_owned());
        Ok(())
    }
    let count = async move |_: &ActivityContext, (): ()| -> Result<usize, ActivityError> {
        if looks_again && durasim::worker_state::<Disk>().0.borrow().is_empty() {
            download("a").await?;
        }
        time::sleep(millis(300)).await;
        Ok(durasim::worker_state::<Disk>().0.borrow().len())
    };
    let main = async |ctx: &WorkflowContext, (): ()| -> Result<usize, WorkflowError> {
        ctx.execute_activity::<()>("download", &(), options()).await?;
        ctx.execute_activity("count", &(), options()).await
    };
    let simulation = Simulation::temporal().tokio().worker_state(Disk::default).workflow("main", main);
    let simulation = simulation.activity("download", async |_: &ActivityContext, (): ()| download("a").await);
    simulation.activity("count", count).explore("main", &())
}

#[test]
fn a_process_that_dies_takes_its_memory_along() {
    finds(files(false).every_fault(), "same_result", "count#1@1:dispatch=worker_dies");
    is_silent(files(true));
}
