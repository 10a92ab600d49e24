//! Runs that go on as others, as the client's code asks for it.

use crabdance_activity::ActivityContext;
use crabdance_core::{ActivityOptions, ChildWorkflowOptions};
use crabdance_workflow::context::ContinueAsNewOptions;
use crabdance_workflow::{ActivityError, WorkflowContext, WorkflowError};
use durasim::{Client, Ledger, Run, Simulation, check};
use durasim_cadence::CadenceExt;
use serde::Serialize;

use super::{call, holds, is_found, is_silent, options, secs};

#[derive(Default)]
struct Post {
    letters: Ledger<u32>,
}

/// Takes a second letter of the same day for the first.
async fn remind(_: &ActivityContext, day: u32) -> Result<(), ActivityError> {
    tokio::time::sleep(secs(1)).await;
    let post = durasim::state::<Post>();
    if post.letters.count(&day) == 0 {
        let sent = durasim::effect("letter", || post.letters.record(day));
        sent.map_err(ActivityError::execution_failed_error)?;
    }
    Ok(())
}

/// The options of the run before.
fn same() -> ContinueAsNewOptions {
    ContinueAsNewOptions {
        task_list: String::new(),
        execution_start_to_close_timeout: secs(0),
        task_start_to_close_timeout: secs(0),
        retry_policy: None,
        cron_schedule: None,
        memo: None,
        search_attributes: None,
    }
}

async fn as_new(ctx: &WorkflowContext, workflow: &str, input: impl Serialize) -> ! {
    let input = serde_json::to_vec(&input).expect("it encodes");
    ctx.continue_as_new(workflow, Some(input), same()).await
}

/// Reminds once a day, with a history for each day.
async fn subscription(ctx: &mut WorkflowContext, day: u32) -> Result<u32, WorkflowError> {
    ctx.sleep(secs(24 * 3_600)).await;
    let once = ctx.side_effect(|| day).await;
    call::<_, ()>(ctx, "remind", once, ActivityOptions { heartbeat_timeout: secs(0), ..options() }).await?;
    // A replay recalls it without a word.
    let next = ctx.side_effect(|| day + 1).await;
    if day < 3 { as_new(ctx, "subscription", next).await } else { Ok(day) }
}

fn simulation() -> Simulation {
    Simulation::cadence()
        .state(Post::default)
        .cadence_activity("remind", remind)
        .cadence_workflow("subscription", subscription)
}

#[test]
fn the_result_is_that_of_the_last_run() {
    let run = simulation().run("subscription", &1).unwrap();
    assert_eq!(run.result::<u32>(), Ok(3), "{}", run.timeline());
    assert_eq!(run.state::<Post>().letters.total(), 3);
    assert_eq!(run.trace().workflows().len(), 3);
    let told = run.timeline().to_string();
    assert!(told.contains("workflow continued as new"), "{told}");
}

#[test]
fn a_chain_lives_through_each_fault() {
    let letters = |run: &Run| match run.state::<Post>().letters.total() {
        3 => Ok(()),
        other => Err(format!("{other} letters")),
    };
    let exploration = simulation().explore("subscription", &1);
    is_silent(exploration.check(check::named("letters", letters)).check(check::same_result()), 100);
}

#[test]
fn a_script_follows_a_chain_to_its_end() {
    let script = async |client: Client| {
        let handle = client.start::<u32>("subscription", "sub-1", &1).await.unwrap();
        client.sleep(secs(40 * 3_600)).await;
        let open = (handle.is_open(), handle.inspect(|service, key| service.workflow(key).number()));
        (open, handle.result().await.unwrap())
    };
    let (seen, run) = simulation().drive(script).unwrap();
    assert_eq!(seen, ((true, 2), 3), "{}", run.timeline());
}

/// Goes on as another workflow, from a spawned task, with timeouts of its own: the run is over at once.
#[test]
fn the_next_run_has_the_options_that_it_is_given() {
    let main = async |ctx: &mut WorkflowContext, (): ()| -> Result<(), WorkflowError> {
        let own = ctx.clone();
        let leaving = ctx.spawn(async move {
            let options = ContinueAsNewOptions {
                execution_start_to_close_timeout: std::time::Duration::from_millis(6_500),
                task_start_to_close_timeout: secs(3),
                ..same()
            };
            let _: () = own.continue_as_new("next", Some(b"7".to_vec()), options).await;
        });
        let _ = leaving.join().await;
        // Nobody comes here.
        ctx.sleep(secs(1)).await;
        Ok(())
    };
    let next = async |ctx: &mut WorkflowContext, number: u32| -> Result<String, WorkflowError> {
        let info = ctx.workflow_info();
        let (run, task) = (info.execution_start_to_close_timeout, info.task_start_to_close_timeout);
        Ok(format!("{number} {run:?} {task:?} {:?}", info.continued_execution_run_id))
    };
    let simulation = Simulation::cadence().cadence_workflow("main", main).cadence_workflow("next", next);
    let run = simulation.run("main", &()).unwrap();
    assert_eq!(run.result::<String>().as_deref(), Ok("7 7s 3s Some(\"main\")"), "{}", run.timeline());
}

/// A parent hears of the last run of its child.
#[test]
fn a_child_may_be_a_chain() {
    let main = async |ctx: &mut WorkflowContext, (): ()| -> Result<u32, WorkflowError> {
        let options = ChildWorkflowOptions { workflow_id: "sub".to_owned(), ..Default::default() };
        let output = ctx.execute_child_workflow("subscription", Some(b"2".to_vec()), options).await?;
        serde_json::from_slice(&output).map_err(WorkflowError::execution_failed_error)
    };
    let simulation = simulation().cadence_workflow("main", main);
    let run = simulation.run("main", &()).unwrap();
    assert_eq!(run.result::<u32>(), Ok(3), "{}", run.timeline());
    assert_eq!(run.trace().workflows().len(), 3);
    holds(simulation.explore("main", &()).check(check::same_result()).every_fault().seeds(0..200));
}

/// Takes numbers until none has come for a minute, two for each run. One that `forgets` leaves those that it has not looked
/// at to the run that it ends.
async fn takes(ctx: &mut WorkflowContext, (forgets, mut sum): (bool, u32)) -> Result<u32, WorkflowError> {
    let mut numbers = ctx.get_signal_channel("number");
    let number = |bytes: Option<Vec<u8>>| serde_json::from_slice::<u32>(&bytes.unwrap_or_default()).unwrap_or(0);
    for _ in 0..2 {
        tokio::select! {
            biased;
            given = numbers.recv() => sum += number(given),
            () = ctx.sleep(secs(60)) => return Ok(sum),
        }
    }
    if !forgets {
        while let Some(given) = numbers.try_recv() {
            sum += number(Some(given));
        }
    }
    as_new(ctx, "takes", (forgets, sum)).await
}

#[test]
fn a_signal_that_is_forgotten_with_its_run_is_found() {
    let taken = |forgets: bool| {
        let script = async move |client: Client| {
            let main = client.start::<u32>("takes", "main-1", &(forgets, 0)).await?;
            for number in [1u32, 2, 4] {
                client.sleep(secs(5)).await;
                main.signal("number", &number).await?;
            }
            main.result().await
        };
        let simulation = Simulation::cadence().cadence_workflow("takes", takes);
        simulation.explore_script(script).check(check::same_result())
    };
    is_silent(taken(false), 100);
    is_found(taken(true).every_fault().every_order(), "same_result", "takes#1:task2=crash");
}

/// Queries of a run that has gone on are answered by the next.
#[test]
fn a_query_is_answered_by_the_newest_run() {
    let main = async |ctx: &mut WorkflowContext, number: u32| -> Result<u32, WorkflowError> {
        ctx.set_query_handler("number", move |_| number.to_string().into_bytes());
        ctx.sleep(secs(10)).await;
        if number < 2 { as_new(ctx, "main", number + 1).await } else { Ok(number) }
    };
    let script = async |client: Client| {
        let main = client.start::<u32>("main", "main-1", &1).await.unwrap();
        let mut answers = Vec::new();
        for _ in 0..2 {
            client.sleep(secs(5)).await;
            answers.push(main.query::<u32>("number", &()).await.unwrap());
            client.sleep(secs(5)).await;
        }
        answers
    };
    let (answers, run) = Simulation::cadence().cadence_workflow("main", main).drive(script).unwrap();
    assert_eq!(answers, [1, 2], "{}", run.timeline());
}

/// Each run sees the schedule, which a run that goes on as another one has to say again, and a child has one of its own.
#[test]
fn a_schedule_runs_children_and_is_said_again_by_who_goes_on() {
    let job = async |ctx: &mut WorkflowContext, is_second: Option<bool>| -> Result<Option<String>, WorkflowError> {
        ctx.sleep(secs(60)).await;
        let schedule = ctx.workflow_info().cron_schedule.clone();
        if is_second.is_none() {
            let options = ContinueAsNewOptions { cron_schedule: schedule, ..same() };
            let _: () = ctx.continue_as_new("job", Some(b"true".to_vec()), options).await;
        }
        Ok(schedule)
    };
    let parent = async |ctx: &mut WorkflowContext, (): ()| -> Result<(), WorkflowError> {
        let options = ChildWorkflowOptions {
            workflow_id: "job".to_owned(),
            cron_schedule: Some("@every 1h".to_owned()),
            ..Default::default()
        };
        let child = ctx.clone();
        let _running =
            ctx.spawn(async move { child.execute_child_workflow("job", Some(b"null".to_vec()), options).await });
        ctx.sleep(secs(2 * 3_600 + 150)).await;
        Ok(())
    };
    let simulation = Simulation::cadence().cadence_workflow("job", job).cadence_workflow("parent", parent);
    let run = simulation.run("parent", &()).unwrap();
    let told = run.timeline().to_string();
    // Two at the first hour, and an hour after the second of them two more.
    assert_eq!(run.trace().workflows().len(), 5, "{told}");
    assert!(told.contains("workflow completed: \"@every 1h\""), "{told}");
}
