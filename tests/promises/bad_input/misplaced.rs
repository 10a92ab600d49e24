//! Calls in the wrong place.

use super::*;

pub fn cases() -> Vec<Case> {
    vec![
        case("a state that is not registered", || {
            activity(async |_ctx: &ActivityContext, number: u32| {
                let _ = durasim::state::<Missing>();
                Ok(number)
            })
            .run("main", &1u32)
        }),
        case("`time::sleep` in a workflow", || {
            workflow(async |_ctx: &WorkflowContext, number: u32| -> Result<u32, WorkflowError> {
                durasim::time::sleep(second()).await;
                Ok(number)
            })
            .run("main", &1u32)
        }),
        case("`time::now` in a workflow", || {
            workflow(async |_ctx: &WorkflowContext, number: u32| -> Result<u32, WorkflowError> {
                let _ = durasim::time::now();
                Ok(number)
            })
            .run("main", &1u32)
        }),
        case("an effect in a workflow", || {
            workflow(async |_ctx: &WorkflowContext, number: u32| -> Result<u32, WorkflowError> {
                let _ = durasim::effect("insert", || ());
                Ok(number)
            })
            .run("main", &1u32)
        }),
        case("a ledger in a workflow", || {
            workflow(async |_ctx: &WorkflowContext, number: u32| -> Result<u32, WorkflowError> {
                durasim::Ledger::new().record(number);
                Ok(number)
            })
            .run("main", &1u32)
        }),
        case("a ledger that is recorded to while it is read", || {
            activity(async |_ctx: &ActivityContext, number: u32| {
                let ledger = durasim::Ledger::new();
                ledger.record(number);
                ledger.each(|key, _| ledger.record(key + 1));
                Ok(number)
            })
            .run("main", &1u32)
        }),
        case("random numbers of activities in a workflow", || {
            workflow(async |_ctx: &WorkflowContext, number: u32| -> Result<u32, WorkflowError> {
                Ok(number + durasim::random() as u32)
            })
            .run("main", &1u32)
        }),
        case("a state in a workflow", || {
            workflow(async |_ctx: &WorkflowContext, number: u32| -> Result<u32, WorkflowError> {
                let _ = durasim::state::<Missing>();
                Ok(number)
            })
            .state(Missing::default)
            .run("main", &1u32)
        }),
        case("`task::spawn` in a workflow", || {
            workflow(async |_ctx: &WorkflowContext, number: u32| -> Result<u32, WorkflowError> {
                drop(durasim::task::spawn(async {}));
                Ok(number)
            })
            .run("main", &1u32)
        }),
        case("`task::spawn` where no activity runs", || {
            with(options()).state(|| drop(durasim::task::spawn(async {}))).run("main", &1u32)
        }),
        case("a workflow that swallows its misuse", || {
            workflow(async |_ctx: &WorkflowContext, number: u32| -> Result<u32, WorkflowError> {
                let _ = catch_unwind(durasim::time::now);
                Ok(number)
            })
            .run("main", &1u32)
        }),
        case("`time::sleep` outside a run", || {
            drop(durasim::time::sleep(second()));
            plan("v1")
        }),
        case("`time::now` outside a run", || {
            let _ = durasim::time::now();
            plan("v1")
        }),
        case("`state` outside a run", || {
            let _ = durasim::state::<Missing>();
            plan("v1")
        }),
        case("`task::spawn` outside a run", || {
            drop(durasim::task::spawn(async {}));
            plan("v1")
        }),
        case("an interval of zero", || {
            activity(async |_ctx: &ActivityContext, number: u32| {
                let _ = durasim::time::interval(Duration::ZERO);
                Ok(number)
            })
            .run("main", &1u32)
        }),
        case("`tokio::time` in an activity", || {
            activity(async |_ctx: &ActivityContext, number: u32| {
                tokio::time::sleep(second()).await;
                Ok(number)
            })
            .run("main", &1u32)
        }),
        case("`tokio::spawn` in an activity", || {
            activity(async |_ctx: &ActivityContext, number: u32| {
                let _ = tokio::spawn(async {}).await;
                Ok(number)
            })
            .run("main", &1u32)
        }),
        case("`tokio::time` in a background task", || {
            activity(async |_ctx: &ActivityContext, number: u32| {
                durasim::task::spawn(async { tokio::time::sleep(second()).await }).await;
                Ok(number)
            })
            .run("main", &1u32)
        }),
        case("`tokio::time` in a workflow", || {
            workflow(async |_ctx: &WorkflowContext, number: u32| -> Result<u32, WorkflowError> {
                tokio::time::sleep(second()).await;
                Ok(number)
            })
            .run("main", &1u32)
        }),
        case("`time::sleep` on a thread of one's own", || {
            activity(async |_ctx: &ActivityContext, number: u32| {
                let thread = std::thread::spawn(|| drop(durasim::time::sleep(second())));
                let payload = thread.join().unwrap_err();
                Err(ActivityError::non_retryable(payload.downcast_ref::<&str>().map_or(
                    payload.downcast_ref::<String>().cloned().unwrap_or_default() + &number.to_string(),
                    |text| (*text).to_owned(),
                )))
            })
            .run("main", &1u32)
        }),
        case("a heartbeat on a thread of one's own", || {
            activity(async |ctx: &ActivityContext, number: u32| {
                let ctx = ctx.clone();
                let thread = std::thread::spawn(move || ctx.record_heartbeat(None));
                match thread.join() {
                    Ok(()) => Ok(number),
                    Err(payload) => std::panic::resume_unwind(payload),
                }
            })
            .run("main", &1u32)
        }),
        case("an activity woken by a thread", || {
            activity(async |_ctx: &ActivityContext, number: u32| {
                let mut first = true;
                poll_fn(|context| {
                    if !std::mem::take(&mut first) {
                        return Poll::Ready(());
                    }
                    let waker = context.waker().clone();
                    std::thread::spawn(move || waker.wake()).join().unwrap();
                    Poll::Pending
                })
                .await;
                Ok(number)
            })
            .run("main", &1u32)
        }),
    ]
}
