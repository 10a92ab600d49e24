//! A parent and its children: a film is rendered scene by scene, all scenes at once, each by a child workflow. Their results are
//! collected in order. A film that ends early takes its scenes with it; its publication goes on without it.
//!
//! `cargo run --example parent_and_children`

use std::process::ExitCode;
use std::time::Duration;

use durasim::program::{CancellationType, ParentClosePolicy};
use durasim::service::WorkflowKey;
use durasim::{
    ActivityContext, ActivityError, ActivityOptions, ChildOptions, Exploration, Ledger, RetryPolicy, Run, Simulation,
    WorkflowContext, WorkflowError, check,
};
use futures::future::try_join_all;

/// The world outside: the pictures that are there, and the films that are published.
#[derive(Default)]
struct Studio {
    pictures: Ledger<(String, u32)>,
    published: Ledger<String>,
}

/// Renders the pictures of a scene, one a minute. A retry goes on after the last one that it has heard of.
async fn render(ctx: &ActivityContext, (scene, pictures): (String, u32)) -> Result<u32, ActivityError> {
    let studio = durasim::state::<Studio>();
    for picture in ctx.heartbeat_details::<u32>()?.unwrap_or(0)..pictures {
        durasim::time::sleep(Duration::from_secs(60)).await;
        if ctx.is_cancelled() {
            return Err(ActivityError::Cancelled);
        }
        durasim::effect("render", || studio.pictures.record((scene.clone(), picture)))?;
        ctx.heartbeat(&(picture + 1))?;
    }
    Ok(pictures)
}

/// Publishes a film once, however often it is asked to.
async fn upload(_ctx: &ActivityContext, film: String) -> Result<(), ActivityError> {
    let studio = durasim::state::<Studio>();
    durasim::time::sleep(Duration::from_secs(300)).await;
    if studio.published.count(&film) == 0 {
        durasim::effect("publish", || studio.published.record(film))?;
    }
    Ok(())
}

fn options(maximum_attempts: i32) -> ActivityOptions {
    ActivityOptions {
        start_to_close_timeout: Duration::from_secs(3_600),
        heartbeat_timeout: Duration::from_secs(120),
        retry_policy: Some(RetryPolicy { maximum_attempts, ..Default::default() }),
        cancellation_type: CancellationType::WaitCancellationCompleted,
        ..Default::default()
    }
}

/// A child: its result is its part of the film.
async fn scene(ctx: &WorkflowContext, (scene, pictures): (String, u32)) -> Result<String, WorkflowError> {
    let pictures: u32 = ctx.execute_activity("render", &(&scene, pictures), options(3)).await?;
    Ok(format!("{scene} ({pictures})"))
}

/// A child that outlives its parent, and is tried for ever.
async fn publication(ctx: &WorkflowContext, film: String) -> Result<(), WorkflowError> {
    let start_to_close_timeout = Duration::from_secs(600);
    let heartbeat_timeout = Duration::ZERO;
    let options = ActivityOptions { start_to_close_timeout, heartbeat_timeout, ..options(0) };
    ctx.execute_activity("upload", &film, options).await
}

async fn film(ctx: &WorkflowContext, scenes: Vec<(String, u32)>) -> Result<String, WorkflowError> {
    // Its end ends the scenes that are still rendered, where the film fails because of another one.
    let ends_too = ChildOptions { parent_close_policy: ParentClosePolicy::Terminate, ..Default::default() };
    let children = scenes.iter().map(|scene| ctx.start_child::<String>("scene", scene, ends_too.clone()).result());
    // In the order of the scenes, whichever is ready first.
    let film = try_join_all(children).await?.join(", ");
    let goes_on = ChildOptions { parent_close_policy: ParentClosePolicy::Abandon, ..Default::default() };
    // Once it has started, it needs nobody.
    ctx.start_child::<()>("publication", &film, goes_on).started().await?;
    Ok(film)
}

/// No scene is rendered for a film that is over: the end of each comes at most a minute later.
fn scenes_end_with_their_film(run: &Run) -> Result<(), String> {
    let workflows = run.executions().workflows();
    let closed = |key: WorkflowKey| workflows[key].closed.map(|(closed, _)| closed.at);
    let Some(film) = closed(WorkflowKey::FIRST) else { return Err("the film goes on".to_owned()) };
    let scenes = run.trace().workflows().iter().filter(|(_, workflow)| &*workflow.workflow_type == "scene");
    let late = |key| closed(key).is_none_or(|scene| scene > film + Duration::from_secs(60));
    match scenes.map(|(key, _)| key).find(|key| late(*key)) {
        Some(key) => Err(format!("scene {} goes on after its film", key.index())),
        None => Ok(()),
    }
}

fn simulation() -> Simulation {
    Simulation::temporal()
        .activity("render", render)
        .activity("upload", upload)
        .workflow("film", film)
        .workflow("scene", scene)
        .workflow("publication", publication)
        .state(Studio::default)
}

/// Every fault and order, and 5,000 pairs, those of the messages between the workflows among them.
pub fn explored() -> Exploration {
    simulation()
        .explore("film", &[("dawn", 2), ("noon", 5)])
        .named("film")
        .every_fault()
        .every_order()
        .every_pair()
        .budget(5_000)
        .seeds(0..1_000)
        .check(check::effects(|studio: &Studio| &studio.pictures).named("pictures"))
        .check(check::effects(|studio: &Studio| &studio.published).named("published_once").repeats_at_most(0))
        .check(check::progress("render", |pictures: &u32| *pictures))
        .check(check::hears_cancel(Duration::from_secs(300)))
        .check(check::named("scenes_end_with_their_film", scenes_end_with_their_film).all_runs())
}

fn main() -> Result<ExitCode, Box<dyn std::error::Error>> {
    // A worker dies; the scene goes on after its second picture.
    let plan = "film_2:render#1@1:await3=crash".parse()?;
    println!("{}\n", simulation().plan(plan).run("film", &[("dawn", 2), ("noon", 5)])?.timeline());
    let report = explored().report();
    println!("{report}");
    report.failures().iter().for_each(|failed| println!("{}", failed.text));
    Ok(if report.holds() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
