//! Code that goes on for ever, or stops for ever.

use super::*;

pub fn cases() -> Vec<Case> {
    vec![
        case("a workflow that waits on nothing", || {
            workflow(async |_ctx: &WorkflowContext, _number: u32| std::future::pending::<Result<u32, _>>().await)
                .run("main", &1u32)
        }),
        case("a workflow that awaits what has ended", || {
            workflow(async |ctx: &WorkflowContext, number: u32| -> Result<u32, WorkflowError> {
                let mut fine = ctx.execute_activity("fine", &number, options());
                let _: u32 = (&mut fine).await?;
                fine.await
            })
            .run("main", &1u32)
        }),
        case("a workflow that waits on a channel of an activity", || {
            let (sender, receiver) = tokio::sync::oneshot::channel::<u32>();
            let (sender, receiver) = (Mutex::new(Some(sender)), Mutex::new(Some(receiver)));
            workflow(async move |ctx: &WorkflowContext, number: u32| -> Result<u32, WorkflowError> {
                let _running = ctx.execute_activity::<u32>("send", &number, options());
                let receiver = receiver.lock().unwrap().take().unwrap();
                Ok(receiver.await.unwrap())
            })
            .activity("send", async move |_ctx: &ActivityContext, number: u32| {
                durasim::time::sleep(second()).await;
                sender.lock().unwrap().take().unwrap().send(number).unwrap();
                Ok(number)
            })
            .run("main", &1u32)
        }),
        case("an endless retry", || {
            with_policy(RetryPolicy::default())
                .activity("fails", async |_ctx: &ActivityContext, _number: u32| -> Result<u32, ActivityError> {
                    Err(ActivityError::retryable("the disk is full"))
                })
                .workflow("retries", async |ctx: &WorkflowContext, number: u32| -> Result<u32, WorkflowError> {
                    let options = ActivityOptions { start_to_close_timeout: second(), ..Default::default() };
                    ctx.execute_activity("fails", &number, options).await
                })
                .run("retries", &1u32)
        }),
        case("a timer beyond the horizon", || {
            workflow(async |ctx: &WorkflowContext, number: u32| -> Result<u32, WorkflowError> {
                ctx.sleep(second() * 3600).await?;
                Ok(number)
            })
            .horizon(second() * 60)
            .run("main", &1u32)
        }),
        case("a zombie that never ends", || {
            activity(async |ctx: &ActivityContext, number: u32| {
                if ctx.get_info().attempt == 1 {
                    loop {
                        durasim::time::sleep(second() * 600).await;
                    }
                }
                Ok(number)
            })
            .run("main", &1u32)
        }),
        case("an activity that yields for ever", || {
            activity(async |_ctx: &ActivityContext, _number: u32| {
                loop {
                    tokio::task::yield_now().await;
                }
            })
            .run("main", &1u32)
        }),
        case("a background task that wakes itself for ever", || {
            activity(async |_ctx: &ActivityContext, number: u32| {
                drop(durasim::task::spawn(poll_fn::<(), _>(|context| {
                    context.waker().wake_by_ref();
                    Poll::Pending
                })));
                durasim::time::sleep(second()).await;
                Ok(number)
            })
            .run("main", &1u32)
        }),
        case("a workflow that wakes itself for ever", || {
            workflow(async |_ctx: &WorkflowContext, _number: u32| -> Result<u32, WorkflowError> {
                poll_fn(|context| {
                    context.waker().wake_by_ref();
                    Poll::Pending
                })
                .await
            })
            .run("main", &1u32)
        }),
        case("an activity that heartbeats and sleeps for zero in a loop", || {
            activity(async |ctx: &ActivityContext, number: u32| {
                loop {
                    ctx.heartbeat(&number)?;
                    durasim::time::sleep(Duration::ZERO).await;
                }
            })
            .event_budget(10_000)
            .run("main", &1u32)
        }),
        case("an activity that does effects in a loop, and catches whatever unwinds it", || {
            activity(async |_ctx: &ActivityContext, number: u32| {
                loop {
                    let _ = catch_unwind(|| drop(durasim::effect("row", || ())));
                    // Dead code stops where it next waits.
                    durasim::time::sleep(Duration::ZERO).await;
                    if number == 0 {
                        break;
                    }
                }
                Ok(number)
            })
            .event_budget(10_000)
            .run("main", &1u32)
        }),
        case("an activity that sleeps for zero in a loop", || {
            activity(async |ctx: &ActivityContext, number: u32| {
                while !ctx.is_cancelled() {
                    durasim::time::sleep(Duration::ZERO).await;
                }
                Ok(number)
            })
            .event_budget(10_000)
            .run("main", &1u32)
        }),
        case("an activity that spawns in a loop", || {
            activity(async |_ctx: &ActivityContext, _number: u32| {
                loop {
                    drop(durasim::task::spawn(async {}));
                }
            })
            .event_budget(10_000)
            .run("main", &1u32)
        }),
        case("a workflow that starts timers in a loop", || {
            workflow(async |ctx: &WorkflowContext, _number: u32| -> Result<u32, WorkflowError> {
                let mut timers = Vec::new();
                loop {
                    timers.push(ctx.sleep(second()));
                }
            })
            .event_budget(10_000)
            .run("main", &1u32)
        }),
        case("a workflow that starts activities in a loop, and catches whatever unwinds it", || {
            workflow(async |ctx: &WorkflowContext, number: u32| -> Result<u32, WorkflowError> {
                let mut running = Vec::new();
                let _ = catch_unwind(AssertUnwindSafe(|| {
                    loop {
                        running.push(ctx.execute_activity::<u32>("fine", &number, options()));
                    }
                }));
                running.push(ctx.execute_activity::<u32>("fine", &number, options()));
                Ok(number)
            })
            .event_budget(10_000)
            .run("main", &1u32)
        }),
        case("a workflow that records side effects in a loop", || {
            workflow(async |ctx: &WorkflowContext, number: u32| -> Result<u32, WorkflowError> {
                while ctx.side_effect(|| number) > 0 {}
                Ok(number)
            })
            .event_budget(10_000)
            .run("main", &1u32)
        }),
        case("a horizon of zero", || with(options()).horizon(Duration::ZERO).run("main", &1u32)),
        case("a poll budget of zero", || with(options()).poll_budget(0).run("main", &1u32)),
    ]
}
