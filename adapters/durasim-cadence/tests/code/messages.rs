//! Messages that spawned tasks pass to each other, of which the client tells nobody.

use crabdance_workflow::{WorkflowContext, WorkflowError, workflow};
use durasim::Simulation;
use durasim_cadence::CadenceExt;

use super::{millis, secs};

/// Three tasks that pass numbers on, one at a time, and ask for nothing meanwhile.
#[workflow(name = "pipeline")]
async fn pipeline(ctx: WorkflowContext, count: u32) -> Result<u32, WorkflowError> {
    let (first, numbers) = ctx.new_channel::<u32>(1);
    let (second, doubled) = ctx.new_channel::<u32>(1);
    ctx.spawn(async move {
        let mut sum = 0;
        while let Some(number) = doubled.recv().await {
            sum += number;
        }
        sum
    });
    let total = ctx.spawn(async move {
        let mut sum = 0;
        while let Some(number) = numbers.recv().await {
            sum += number;
            let _ = second.send(2 * number).await;
        }
        sum
    });
    let inner = ctx.clone();
    ctx.spawn(async move {
        inner.sleep(secs(1)).await;
        for number in 0..count {
            let _ = first.send(number).await;
        }
    });
    total.join().await.map_err(WorkflowError::execution_failed_error)
}

/// The client's dispatcher wakes nobody: the tasks have to be polled until nothing happens any more.
#[test]
fn what_tasks_pass_to_each_other_arrives_at_once() {
    let run = Simulation::cadence().registered(pipeline_cadence::register).run("pipeline", &40).unwrap();
    assert_eq!(run.result::<u32>(), Ok(780));
    // With the way of two tasks to their worker.
    assert_eq!(run.virtual_time().since_epoch(), millis(1_002));
}

#[test]
fn a_thousand_messages_arrive_too() {
    let run = Simulation::cadence().registered(pipeline_cadence::register).run("pipeline", &1_000).unwrap();
    assert_eq!((run.result::<u32>(), run.virtual_time().since_epoch()), (Ok(499_500), millis(1_002)));
}

/// A message that goes round a ring of tasks, each of which waits for the one after it: each hop takes a round.
#[test]
fn the_more_tasks_the_longer_a_message_may_take() {
    async fn main(ctx: &mut WorkflowContext, hops: u32) -> Result<u32, WorkflowError> {
        let (end, ended) = ctx.new_channel::<u32>(1);
        let (first, mut from) = ctx.new_channel::<u32>(1);
        let mut tasks = Vec::new();
        for _ in 1..250 {
            let (to, next) = ctx.new_channel::<u32>(1);
            tasks.push((std::mem::replace(&mut from, next), to));
        }
        tasks.push((from, first.clone()));
        for (from, to) in tasks.into_iter().rev() {
            let end = end.clone();
            ctx.spawn(async move {
                while let Some(hop) = from.recv().await {
                    let to = if hop == hops { &end } else { &to };
                    let _ = to.send(hop + 1).await;
                }
            });
        }
        let _ = first.send(1).await;
        Ok(ended.recv().await.unwrap_or(0))
    }
    let run = Simulation::cadence().cadence_workflow("main", main).run("main", &2_100);
    assert_eq!(run.map(|run| run.result::<u32>()), Ok(Ok(2_101)));
}

/// Two tasks that pass a number to and fro. One of them decides something for each, which shows; a replay recalls it
/// without a word.
#[workflow(name = "to_and_fro")]
async fn to_and_fro(ctx: WorkflowContext, count: u32) -> Result<u32, WorkflowError> {
    let (question, questions) = ctx.new_channel::<u32>(1);
    let (answer, answers) = ctx.new_channel::<u32>(1);
    let inner = ctx.clone();
    ctx.spawn(async move {
        while let Some(number) = questions.recv().await {
            let _ = answer.send(inner.side_effect(|| 2 * number).await).await;
        }
    });
    let asking = ctx.spawn(async move {
        let mut sum = 0;
        for number in 0..count {
            let _ = question.send(number).await;
            sum += answers.recv().await.unwrap_or(0);
        }
        sum
    });
    // They go on with it, if there are too many for one moment.
    ctx.sleep(secs(1)).await;
    asking.join().await.map_err(WorkflowError::execution_failed_error)
}

#[test]
fn a_replay_goes_as_far_as_the_original() {
    for (count, sum) in [(1_000, 999_000), (3_000, 8_997_000)] {
        for plan in ["v1", "to_and_fro#1:task2=evicted"] {
            let simulation = Simulation::cadence().registered(to_and_fro_cadence::register).plan(plan.parse().unwrap());
            let run = simulation.event_budget(100_000).run("to_and_fro", &count);
            assert_eq!(run.map(|run| run.result::<u32>()), Ok(Ok(sum)), "{count} numbers, {plan}");
        }
    }
}

/// So many are polled more often than code may go on without waiting.
#[test]
fn more_than_a_thousand_tasks_are_no_loop() {
    async fn main(ctx: &mut WorkflowContext, count: u32) -> Result<u32, WorkflowError> {
        for _ in 0..count {
            let inner = ctx.clone();
            ctx.spawn(async move { inner.sleep(secs(3_600)).await });
        }
        // The tasks ask for their timers while this is in the channel.
        let (sender, receiver) = ctx.new_channel::<u32>(1);
        ctx.spawn(async move { sender.send(count).await });
        ctx.sleep(secs(1)).await;
        Ok(receiver.recv().await.unwrap_or(0))
    }
    let run = Simulation::cadence().cadence_workflow("main", main).run("main", &1_250).unwrap();
    assert_eq!(run.result::<u32>(), Ok(1_250));
}
