//! Native attempts driven by hand, over a link that only takes notes.

use std::future::poll_fn;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use futures::{FutureExt, join, select_biased};
use serde::{Deserialize, Serialize};

use super::*;
use crate::program::{
    ActivityId, ActivityInfo, ActivityLink, ActivityOutcome, ActivityProgram, ActivitySpec, ActivityTask, Attempt,
    Beat, CancelReason, CancellationType, Details, FailureKind, Payload, RunInfo, Span, Time, Timeouts,
};

#[derive(Default)]
struct Notes {
    heartbeats: Mutex<Vec<Option<Vec<u8>>>>,
    reads: AtomicU32,
    now: AtomicU64,
}

impl ActivityLink for Notes {
    fn heartbeat(&self, details: Option<&[u8]>) -> Beat {
        self.heartbeats.lock().expect("not poisoned").push(details.map(<[u8]>::to_vec));
        Beat::Taken
    }

    fn details_read(&self) {
        self.reads.fetch_add(1, Ordering::Relaxed);
    }

    fn now(&self) -> Time {
        Time::from_nanos(self.now.load(Ordering::Relaxed))
    }
}

fn task(input: &str, heartbeat_details: Details) -> ActivityTask {
    let spec = ActivitySpec {
        activity_id: None,
        activity_type: "a".into(),
        task_queue: None,
        input: Payload::new(input),
        timeouts: Timeouts::default(),
        retry: None,
        cancellation: CancellationType::TryCancel,
        headers: Default::default(),
    };
    let workflow = RunInfo::new("w", "r", "test", "q");
    let info = ActivityInfo {
        is_local: false,
        activity_id: ActivityId::Seq(1),
        spec: Arc::new(spec),
        workflow: Arc::new(workflow),
        attempt: 2,
        scheduled_at: Time::ZERO,
        attempt_scheduled_at: Time::from_millis(900),
        started_at: Time::from_millis(1000),
        timeouts: Timeouts {
            schedule_to_close: Span::from_secs(20),
            start_to_close: Span::from_secs(10),
            ..Timeouts::default()
        },
        retry: Arc::default(),
    };
    ActivityTask { info, heartbeat_details }
}

struct Driven {
    attempt: Attempt,
    notes: Arc<Notes>,
    wakes: Arc<Wakes>,
}

#[derive(Default)]
struct Wakes(AtomicU32);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

fn attempt<O: Serialize + 'static>(details: Details, activity: impl ActivityFn<(), O>) -> Driven {
    hosted(&NativeActivity::new("a", activity), task("null", details))
}

fn hosted(program: &dyn ActivityProgram, task: ActivityTask) -> Driven {
    let notes = Arc::new(Notes::default());
    let attempt = program.start(task, Arc::<Notes>::clone(&notes));
    Driven { attempt, notes, wakes: Arc::default() }
}

impl Driven {
    fn poll(&mut self) -> Poll<ActivityOutcome> {
        let waker = Waker::from(Arc::clone(&self.wakes));
        self.attempt.run.as_mut().poll(&mut Context::from_waker(&waker))
    }

    fn wakes(&self) -> u32 {
        self.wakes.0.load(Ordering::Relaxed)
    }
}

fn completed(json: &str) -> Poll<ActivityOutcome> {
    Poll::Ready(ActivityOutcome::Completed(Payload::new(json)))
}

#[derive(Serialize, Deserialize)]
struct Progress {
    chunks_done: u32,
}

#[test]
fn a_context_goes_where_production_code_takes_it() {
    fn needs<T: Send + Sync + Clone + 'static>() {}
    needs::<ActivityContext>();
}

#[test]
fn details_are_read_once_for_the_link_and_as_often_as_liked_for_the_code() {
    let details = Details::from(Some(&br#"{"chunks_done":3}"#[..]));
    let mut a = attempt(details, async |ctx: &ActivityContext, (): ()| {
        assert!(ctx.has_heartbeat_details());
        poll_fn(|_| Poll::Ready(())).await;
        let progress: Progress = ctx.heartbeat_details()?.expect("left by attempt 1");
        let raw: Progress = serde_json::from_slice(ctx.get_heartbeat_details().expect("the same"))?;
        ctx.heartbeat(&Progress { chunks_done: 4 })?;
        ctx.record_heartbeat(None);
        // Recorded is not visible: this attempt goes on seeing what it started with.
        let still: Progress = ctx.heartbeat_details()?.expect("left by attempt 1");
        Ok::<_, ActivityError>(progress.chunks_done + raw.chunks_done + still.chunks_done)
    });
    assert_eq!(a.poll(), completed("9"));
    assert_eq!(a.notes.reads.load(Ordering::Relaxed), 1);
    assert_eq!(*a.notes.heartbeats.lock().unwrap(), [Some(br#"{"chunks_done":4}"#.to_vec()), None]);
}

#[test]
fn asking_whether_there_are_details_is_not_reading_them() {
    let mut a = attempt(Details::from(Some(&b"1"[..])), async |ctx: &ActivityContext, (): ()| {
        Ok::<_, ActivityError>(ctx.has_heartbeat_details())
    });
    assert_eq!(a.poll(), completed("true"));
    assert_eq!(a.notes.reads.load(Ordering::Relaxed), 0);
}

#[test]
fn an_empty_list_of_details_is_none() {
    let mut a = attempt(Details::Empty, async |ctx: &ActivityContext, (): ()| {
        Ok::<_, ActivityError>((ctx.has_heartbeat_details(), ctx.heartbeat_details::<u32>()?))
    });
    assert_eq!(a.poll(), completed("[false,null]"));
}

#[test]
fn the_deadline_is_the_earlier_one_and_remaining_time_stops_at_zero() {
    let mut a = attempt(Details::Absent, async |ctx: &ActivityContext, (): ()| {
        assert_eq!(ctx.get_deadline(), Some(Time::from_millis(11_000)));
        assert_eq!(ctx.get_info().attempt, 2);
        loop {
            let left = ctx.get_remaining_time().expect("there is a deadline");
            if left.is_zero() {
                return Ok::<_, ActivityError>(ctx.now().as_nanos());
            }
            ctx.heartbeat(&left.as_millis())?;
            let mut waited = false;
            poll_fn(|_| if std::mem::replace(&mut waited, true) { Poll::Ready(()) } else { Poll::Pending }).await;
        }
    });
    for (millis, left) in [(1_000, "10000"), (10_999, "1"), (12_000, "")] {
        a.notes.now.store(Duration::from_millis(millis).as_nanos() as u64, Ordering::Relaxed);
        let poll = a.poll();
        match left {
            "" => assert_eq!(poll, completed("12000000000")),
            _ => assert_eq!(a.notes.heartbeats.lock().unwrap().last(), Some(&Some(left.as_bytes().to_vec()))),
        }
    }
}

#[test]
fn a_cancel_wakes_all_who_wait_and_keeps_its_first_reason() {
    let mut a = attempt(Details::Absent, async |ctx: &ActivityContext, (): ()| {
        assert!(ctx.cancelled().now_or_never().is_none());
        let other = ctx.clone();
        let (first, second) = join!(ctx.cancelled(), other.cancelled());
        assert_eq!((first, second), (CancelReason::Requested, CancelReason::Requested));
        assert!(ctx.is_cancelled() && !ctx.is_worker_stopping());
        assert_eq!(ctx.cancelled().await, CancelReason::Requested);
        Err::<(), _>(ActivityError::Cancelled)
    });
    assert_eq!(a.poll(), Poll::Pending);
    assert_eq!(a.poll(), Poll::Pending);
    a.attempt.listener.cancel(CancelReason::Requested);
    a.attempt.listener.cancel(CancelReason::TimedOut);
    assert_eq!(a.wakes(), 2);
    assert_eq!(a.poll(), Poll::Ready(ActivityOutcome::Cancelled(Details::Absent)));
}

#[test]
fn a_future_that_gave_up_is_not_woken() {
    let mut a = attempt(Details::Absent, async |ctx: &ActivityContext, (): ()| {
        for _ in 0..1000 {
            // Polled, then dropped.
            select_biased! { _ = ctx.cancelled() => unreachable!("nobody cancels"), () = async {}.fuse() => {} }
        }
        ctx.worker_stopping().await;
        Ok::<_, ActivityError>((ctx.is_worker_stopping(), ctx.is_cancelled()))
    });
    assert_eq!(a.poll(), Poll::Pending);
    a.attempt.listener.cancel(CancelReason::Requested);
    assert_eq!(a.wakes(), 0);
    a.attempt.listener.worker_stopping();
    assert_eq!(a.wakes(), 1);
    assert_eq!(a.poll(), completed("[true,true]"));
}

/// Type and message of an attempt that fails for good.
fn fatal(poll: Poll<ActivityOutcome>) -> (String, String) {
    match poll {
        Poll::Ready(ActivityOutcome::Failed(failure)) => match &failure.kind {
            FailureKind::Application { error_type, non_retryable: true, .. } => {
                (error_type.to_string(), failure.message.to_string())
            }
            other => panic!("retried, or no application failure: {other:?}"),
        },
        other => panic!("not failed: {other:?}"),
    }
}

#[test]
fn an_input_of_another_type_fails_for_good_and_names_activity_and_type() {
    let program = NativeActivity::new("a", async |_: &ActivityContext, n: u32| Ok::<_, ActivityError>(n));
    let (error_type, message) = fatal(hosted(&program, task("\"x\"", Details::Absent)).poll());
    assert_eq!(error_type, "InputDecodeError");
    let wanted = "the input of activity `a` does not decode as `u32`: invalid type: string \"x\", expected u32";
    assert!(message.starts_with(wanted), "{message}");
}

#[test]
fn a_result_that_json_cannot_hold_fails_for_good() {
    type Pairs = std::collections::BTreeMap<(u8, u8), u8>;
    let mut a = attempt(Details::Absent, async |_: &ActivityContext, (): ()| {
        Ok::<_, ActivityError>(Pairs::from([((1, 2), 3)]))
    });
    let (error_type, message) = fatal(a.poll());
    assert_eq!(error_type, "ResultEncodeError");
    assert!(message.ends_with("cannot be encoded: key must be a string"), "{message}");
}

#[test]
fn bytes_travel_as_they_are() {
    let program = NativeActivity::bytes("a", async |_: &ActivityContext, mut input: Vec<u8>| {
        input.push(0xff);
        Ok::<_, ActivityError>(input)
    });
    assert_eq!(program.activity_type(), "a");
    let outcome = hosted(&program, task("not json", Details::Absent)).poll();
    assert_eq!(outcome, Poll::Ready(ActivityOutcome::Completed(Payload::new(b"not json\xff"))));
}

#[test]
fn functions_closures_and_functions_that_return_futures_can_be_registered() {
    async fn function(_: &ActivityContext, n: u32) -> Result<u32, ActivityError> {
        Ok(n)
    }
    fn boxed(
        ctx: &ActivityContext,
        n: u32,
    ) -> std::pin::Pin<Box<dyn Future<Output = Result<u32, ActivityError>> + Send>> {
        // As published clients have it: the future is `Send` and `'static`, so it holds a clone.
        let ctx = ctx.clone();
        Box::pin(async move {
            ctx.record_heartbeat(None);
            Ok(n)
        })
    }
    let captured = 1;
    let programs: [Box<dyn ActivityProgram>; 3] = [
        Box::new(NativeActivity::new("f", function)),
        Box::new(NativeActivity::new("b", boxed)),
        Box::new(NativeActivity::new("c", async move |_: &ActivityContext, n: u32| {
            Ok::<_, ActivityError>(n * captured)
        })),
    ];
    for program in &programs {
        assert_eq!(hosted(&**program, task("5", Details::Absent)).poll(), completed("5"));
    }
}
