//! A workflow's code ends in its own ways, and has its own failure when it breaks a rule.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use super::*;
use durasim::program::TimeoutType;
use durasim::{ApplicationFailure, Span};

/// The failure with which a workflow closes that waits for one activity, which ends so.
fn close_with(job: Job) -> Failure {
    let mut w = driven(async |ctx: &WorkflowContext, (): ()| ctx.execute_activity::<u32>("a", &(), options()).await);
    match w.try_activate([job]).expect("the task does not fail").as_slice() {
        [Command::Fail(failure)] => Failure::clone(failure),
        other => panic!("not failed: {other:?}"),
    }
}

#[test]
fn an_activitys_failure_closes_the_workflow_as_it_is() {
    let cause = Failure::application("Own", "no");
    assert_eq!(close_with(failed(1, cause.clone())), activity_failure(cause));
}

#[test]
fn a_result_of_another_type_names_activity_and_type() {
    let failure = close_with(done(1, "text"));
    assert!(
        matches!(&failure.kind, FailureKind::Application { error_type, .. } if &**error_type == "ResultDecodeError")
    );
    assert_eq!(
        &*failure.message,
        "the result of activity `a` does not decode as `u32`: invalid type: string \"text\", expected u32 at line 1 column 6"
    );
}

#[test]
fn an_error_tells_what_ended_the_activity() {
    let error = |cause| WorkflowError::ActivityFailed(Arc::new(activity_failure(cause)));
    let own = error(ApplicationFailure::new("Own", "no").details(&5).expect("encodes").into());
    assert_eq!((own.error_type(), own.timeout_type(), own.details()), (Some("Own"), None, Some(&b"5"[..])));
    assert_eq!((own.retry_state(), own.activity_type()), (Some(RetryState::MaximumAttemptsReached), Some("a")));

    let kind = FailureKind::Timeout {
        timeout_type: TimeoutType::Heartbeat,
        last_heartbeat_details: Details::from(Some(&b"7"[..])),
    };
    let timeout = error(Failure::new("late", kind));
    assert_eq!((timeout.error_type(), timeout.timeout_type()), (None, Some(TimeoutType::Heartbeat)));
    assert_eq!(timeout.details(), Some(&b"7"[..]));

    let mine = WorkflowError::application("no");
    assert_eq!((mine.error_type(), mine.retry_state(), mine.is_cancelled()), (Some("Application"), None, false));
}

#[test]
fn options_travel_as_they_are_given() {
    let w = driven(async |ctx: &WorkflowContext, (): ()| {
        let options = ActivityOptions {
            schedule_to_close_timeout: Duration::from_secs(300),
            heartbeat_timeout: Duration::from_secs(30),
            retry_policy: Some(RetryPolicy { maximum_attempts: 3, backoff_coefficient: 2.0, ..Default::default() }),
            activity_id: Some("mine".to_owned()),
            ..Default::default()
        };
        ctx.execute_activity_bytes("raw", b"\xff", options).await
    });
    let Command::ScheduleActivity { spec, .. } = &w.activations[0].1[0] else { panic!("{:?}", w.last()) };
    assert_eq!(spec.timeouts.schedule_to_close, Span::from_secs(300));
    assert_eq!(spec.timeouts.heartbeat, Span::from_secs(30));
    assert!(spec.timeouts.start_to_close.is_zero() && spec.timeouts.schedule_to_start.is_zero());
    assert_eq!(spec.activity_id.as_deref(), Some("mine"));
    assert_eq!(spec.task_queue, None);
    assert_eq!(spec.input.as_bytes(), b"\xff");
    let retry = spec.retry.as_ref().expect("given");
    assert_eq!((retry.maximum_attempts, retry.backoff_coefficient), (3, 2.0));
    assert!(retry.initial_interval.is_zero());
}

#[test]
fn bytes_travel_as_they_are() {
    let program = NativeWorkflow::bytes("raw", async |ctx: &WorkflowContext, input: Vec<u8>| {
        ctx.execute_activity_bytes("a", &input, options()).await
    });
    let start = WorkflowStart::new(Payload::new(b"\xfe"));
    let mut run = program.instantiate(info(), &start, unlinked()).expect("nothing to decode");
    let mut commands_of = |jobs| {
        let activation = Activation::new(Time::ZERO, jobs);
        activate(&mut *run, &activation).expect("the task does not fail")
    };
    commands_of(vec![Job::Start]);
    let result = ActivityResolution::Completed(Payload::new(b"\xfd"));
    assert_eq!(commands_of(vec![Job::ActivityDone { seq: 1, result }]), [Command::Complete(Payload::new(b"\xfd"))]);
}

#[test]
fn an_input_of_another_type_is_no_instance() {
    let program = NativeWorkflow::new("test", async |_: &WorkflowContext, n: u32| Ok::<_, WorkflowError>(n));
    let error = program.instantiate(info(), &start(&"text"), unlinked()).err().expect("not a number");
    assert!(error.to_string().starts_with("the workflow's input does not decode as `u32`: invalid type"), "{error}");
}

#[test]
fn the_clock_is_the_tasks() {
    let mut w = driven(async |ctx: &WorkflowContext, (): ()| {
        let before = ctx.now();
        ctx.sleep(Duration::from_secs(1)).await?;
        Ok::<_, WorkflowError>((ctx.now() - before).as_secs())
    });
    assert_eq!(w.activate([Job::FireTimer(1)]), ["complete 1"]);
}

#[test]
fn a_panic_fails_the_task_and_its_destructors_ask_for_nothing() {
    struct AsksOnDrop(WorkflowContext);
    impl Drop for AsksOnDrop {
        fn drop(&mut self) {
            drop(self.0.sleep(Duration::from_secs(1)));
            drop(self.0.execute_activity::<()>("late", &(), options()));
            self.0.cancel();
        }
    }
    let mut w = driven(async |ctx: &WorkflowContext, (): ()| {
        let _asks = AsksOnDrop(ctx.clone());
        ctx.sleep(Duration::from_secs(1)).await?;
        panic!("number {}", 5);
        #[expect(unreachable_code, reason = "the result has a type")]
        Ok(())
    });
    let failure = w.try_activate([Job::FireTimer(1)]);
    // The location is known once the process has its panic hook, which other tests install.
    let Err(TaskFailure::Panicked { message }) = failure else { panic!("{failure:?}") };
    assert!(message.starts_with("number 5"), "{message}");
    assert!(matches!(w.try_activate([]), Err(TaskFailure::Misuse(_))));
}

#[test]
fn eviction_runs_destructors() {
    static DROPPED: AtomicU32 = AtomicU32::new(0);
    struct Counts;
    impl Drop for Counts {
        fn drop(&mut self) {
            DROPPED.fetch_add(1, Ordering::Relaxed);
        }
    }
    let w = driven(async |ctx: &WorkflowContext, (): ()| {
        let _counts = Counts;
        ctx.sleep(Duration::from_secs(1)).await
    });
    assert_eq!(DROPPED.load(Ordering::Relaxed), 0);
    drop(w);
    assert_eq!(DROPPED.load(Ordering::Relaxed), 1);
}

/// The failure of the first task.
fn misuse(workflow: impl WorkflowFn<(), ()>) -> String {
    match fresh(workflow).try_activate([Job::Start]) {
        Err(TaskFailure::Misuse(message)) => message,
        other => panic!("no misuse: {other:?}"),
    }
}

#[test]
fn a_coefficient_that_is_not_a_number_is_misuse() {
    let message = misuse(async |ctx: &WorkflowContext, (): ()| {
        let retry_policy = Some(RetryPolicy { backoff_coefficient: f64::NAN, ..Default::default() });
        ctx.execute_activity("a", &(), ActivityOptions { retry_policy, ..options() }).await
    });
    assert!(message.contains("activity `a`") && message.contains("`backoff_coefficient`"), "{message}");
}

#[test]
fn code_that_wakes_itself_forever_is_misuse() {
    let message = misuse(async |_: &WorkflowContext, (): ()| {
        loop {
            tokio::task::yield_now().await;
        }
    });
    assert!(message.contains("wakes itself in a loop"), "{message}");
}

#[test]
fn a_failure_of_the_task_can_be_thrown() {
    let message = misuse(async |_: &WorkflowContext, (): ()| {
        std::panic::resume_unwind(Box::new(TaskFailure::Misuse("use ctx.sleep".into())))
    });
    assert_eq!(message, "use ctx.sleep");
}

#[test]
fn news_of_something_never_asked_for_is_misuse() {
    let mut w = driven(async |ctx: &WorkflowContext, (): ()| ctx.sleep(Duration::from_secs(1)).await);
    let message = w.try_activate([done(1, 1)]).expect_err("there is no activity").to_string();
    assert_eq!(message, "activity 1 has ended, but the workflow's code never asked for it");
}

#[test]
fn a_context_used_outside_its_workflow_is_misuse() {
    thread_local!(static LEAK: std::cell::RefCell<Option<WorkflowContext>> = const { std::cell::RefCell::new(None) });
    let mut w = driven(async |ctx: &WorkflowContext, (): ()| {
        LEAK.set(Some(ctx.clone()));
        ctx.sleep(Duration::from_secs(1)).await
    });
    drop(LEAK.take().expect("leaked").sleep(Duration::from_secs(5)));
    let message = w.try_activate([Job::FireTimer(1)]).expect_err("misuse").to_string();
    assert!(message.contains("used outside its code"), "{message}");
}
