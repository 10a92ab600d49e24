//! Activities that keep their progress in their heartbeats, in the ways that people do.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use durasim::{
    ActivityContext, ActivityError, ActivityFn, ActivityOptions, Exploration, Ledger, RetryPolicy, Simulation,
    WorkflowContext, WorkflowError, check,
};
use futures::future::join_all;

use crate::Sound;

#[derive(Default)]
struct Store {
    parts: Ledger<u32>,
    sessions: Ledger<&'static str>,
    open: Cell<bool>,
}

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

fn options() -> ActivityOptions {
    ActivityOptions {
        schedule_to_close_timeout: seconds(1_800),
        start_to_close_timeout: seconds(600),
        heartbeat_timeout: seconds(30),
        retry_policy: Some(RetryPolicy { maximum_attempts: 4, ..Default::default() }),
        ..Default::default()
    }
}

/// A workflow of this one activity, of six parts.
fn explored(copy: impl ActivityFn<u32, u32>, options: fn() -> ActivityOptions) -> Exploration {
    let main = async move |ctx: &WorkflowContext, parts: u32| -> Result<u32, WorkflowError> {
        ctx.execute_activity("copy", &parts, options()).await
    };
    let simulation = Simulation::temporal().activity("copy", copy).workflow("main", main).state(Store::default);
    simulation.explore("main", &6u32).check(check::same_result()).check(check::replays()).check(check::completes())
}

async fn put(part: u32) -> Result<(), ActivityError> {
    durasim::time::sleep(seconds(4)).await;
    let store = durasim::state::<Store>();
    Ok(durasim::effect("put", || store.parts.record(part))?)
}

fn parts() -> check::Effects<Store, u32> {
    check::effects(|store: &Store| &store.parts).repeats_at_most(4)
}

/// A step, a heartbeat, from the last one on: the plain case.
async fn resumes(ctx: &ActivityContext, parts: u32) -> Result<u32, ActivityError> {
    for part in ctx.heartbeat_details::<u32>()?.unwrap_or(0)..parts {
        put(part).await?;
        ctx.heartbeat(&(part + 1))?;
    }
    Ok(parts)
}

/// Parallel parts, each with a bit in the details.
async fn bitmap(ctx: &ActivityContext, parts: u32) -> Result<u32, ActivityError> {
    let done = Cell::new(ctx.heartbeat_details::<u64>()?.unwrap_or(0));
    let copy = async |part: u32| {
        if done.get() & 1 << part == 0 {
            durasim::time::sleep(seconds(u64::from(part % 3))).await;
            put(part).await?;
            done.set(done.get() | 1 << part);
            ctx.heartbeat(&done.get())?;
        }
        Ok::<(), ActivityError>(())
    };
    for part in join_all((0..parts).map(copy)).await {
        part?;
    }
    Ok(done.get().count_ones())
}

/// A task beside the work heartbeats every 8 s with the progress that the work has written down last.
async fn heartbeats_beside(ctx: &ActivityContext, parts: u32) -> Result<u32, ActivityError> {
    let done = Rc::new(Cell::new(ctx.heartbeat_details::<u32>()?.unwrap_or(0)));
    let beat = async {
        let mut ticks = durasim::time::interval(seconds(8));
        loop {
            ticks.tick().await;
            ctx.heartbeat(&done.get())?;
        }
    };
    let work = async {
        for part in done.get()..parts {
            put(part).await?;
            done.set(part + 1);
        }
        Ok::<u32, ActivityError>(parts)
    };
    futures::pin_mut!(beat, work);
    futures::select_biased! {
        done = futures::FutureExt::fuse(work) => done,
        failed = futures::FutureExt::fuse(beat) => failed,
    }
}

/// Logs in, opens and lists at the start of each attempt.
async fn sets_up(ctx: &ActivityContext, parts: u32) -> Result<u32, ActivityError> {
    let store = durasim::state::<Store>();
    for step in ["log in", "open", "list"] {
        durasim::time::sleep(seconds(1)).await;
        durasim::effect(step, || store.sessions.record(step))?;
    }
    resumes(ctx, parts).await
}

/// Ten seconds without a heartbeat, under a start-to-close timeout alone.
async fn short(_: &ActivityContext, parts: u32) -> Result<u32, ActivityError> {
    durasim::time::sleep(seconds(10)).await;
    Ok(parts)
}

fn short_options() -> ActivityOptions {
    ActivityOptions { heartbeat_timeout: Duration::ZERO, start_to_close_timeout: seconds(60), ..options() }
}

/// Sends a sign of life with the details it was given, before it looks at them.
async fn sign_of_life(ctx: &ActivityContext, parts: u32) -> Result<u32, ActivityError> {
    ctx.heartbeat(&ctx.heartbeat_details::<u32>()?.unwrap_or(0))?;
    durasim::time::sleep(seconds(5)).await;
    resumes(ctx, parts).await
}

/// Heartbeats every third part and at the last.
async fn every_third(ctx: &ActivityContext, parts: u32) -> Result<u32, ActivityError> {
    for part in ctx.heartbeat_details::<u32>()?.unwrap_or(0)..parts {
        put(part).await?;
        if (part + 1).is_multiple_of(3) || part + 1 == parts {
            ctx.heartbeat(&(part + 1))?;
        }
    }
    Ok(parts)
}

/// Holds the file open and closes it whatever happens, but for a crash.
async fn opens_and_closes(ctx: &ActivityContext, parts: u32) -> Result<u32, ActivityError> {
    struct Open(Rc<Store>);
    impl Drop for Open {
        fn drop(&mut self) {
            self.0.open.set(false);
        }
    }
    let store = durasim::state::<Store>();
    store.open.set(true);
    let _open = Open(store);
    resumes(ctx, parts).await
}

/// Keeps the names of the done parts in the details.
async fn names(ctx: &ActivityContext, parts: u32) -> Result<u32, ActivityError> {
    let done = RefCell::new(ctx.heartbeat_details::<Vec<u32>>()?.unwrap_or_default());
    for part in 0..parts {
        if !done.borrow().contains(&part) {
            put(part).await?;
            done.borrow_mut().push(part);
            ctx.heartbeat(&*done.borrow())?;
        }
    }
    Ok(parts)
}

pub fn all() -> Vec<Sound> {
    let progress = || check::progress("copy", |done: &u32| *done);
    let named = |name: &str, exploration: Exploration| (format!("checkpoints: {name}"), exploration);
    vec![
        named("resumes", explored(resumes, options).check(progress()).check(parts()).check(check::protected())),
        named(
            "bitmap",
            explored(bitmap, options).check(check::progress("copy", |done: &u64| done.count_ones())).check(parts()),
        ),
        named("heartbeats beside the work", explored(heartbeats_beside, options).check(progress()).check(parts())),
        named("sets up", explored(sets_up, options).check(progress()).check(parts())),
        named("short", explored(short, short_options).check(check::protected())),
        named("sign of life", explored(sign_of_life, options).check(progress()).check(parts())),
        named("every third", explored(every_third, options).check(progress()).check(parts())),
        named(
            "opens and closes",
            explored(opens_and_closes, options).check(progress()).check(check::cleaned_up(|store: &Store| {
                assert!(!store.open.get(), "the file is still open");
            })),
        ),
        named("names", explored(names, options).check(check::progress("copy", Vec::<u32>::len)).check(parts())),
    ]
}
