//! [`Bare`]: a hand-written minimal executor of the workloads. A heap of timers and the rules that the workloads need:
//! heartbeat timeout, retry, the worker's death. No trace, faults, history, replay, throttle, checks or wakers.

use std::cell::{Cell, RefCell};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use crate::workload::{self, AttemptHost, Batch, Done, Job, Json, Raw, WorkflowHost, Workload};

const HEARTBEAT_TIMEOUT: u64 = 30_000_000_000;
const BACKOFF: u64 = 1_000_000_000;
const CRASH: u64 = 450_000_000;

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Start { activity: u32 },
    Wake { activity: u32, attempt: u32 },
    HeartbeatDue { activity: u32, attempt: u32 },
    WorkerDies,
}

type AttemptFuture = Pin<Box<dyn Future<Output = Result<Vec<u8>, &'static str>>>>;

struct Activity {
    input: Rc<[u8]>,
    attempt: u32,
    details: Vec<u8>,
    last_heartbeat: u64,
    future: Option<AttemptFuture>,
    result: Option<Vec<u8>>,
    waiting: Option<Waker>,
}

#[derive(Default)]
struct World {
    now: Cell<u64>,
    order: Cell<u64>,
    timers: RefCell<BinaryHeap<Reverse<(u64, u64, Event)>>>,
    activities: RefCell<Vec<Activity>>,
}

impl World {
    fn at(&self, when: u64, event: Event) {
        let order = self.order.get();
        self.order.set(order + 1);
        self.timers.borrow_mut().push(Reverse((when, order, event)));
    }
}

struct Attempt {
    world: Rc<World>,
    activity: u32,
    number: u32,
    details: Option<Vec<u8>>,
}

struct Sleep<'a> {
    attempt: &'a Attempt,
    length: u64,
    until: Option<u64>,
}

impl Future for Sleep<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        let world = &self.attempt.world;
        match self.until {
            Some(until) if until <= world.now.get() => Poll::Ready(()),
            Some(_) => Poll::Pending,
            None => {
                let until = world.now.get() + self.length;
                world.at(until, Event::Wake { activity: self.attempt.activity, attempt: self.attempt.number });
                self.until = Some(until);
                Poll::Pending
            }
        }
    }
}

impl AttemptHost for Attempt {
    fn sleep(&self, length: Duration) -> impl Future<Output = ()> {
        Sleep { attempt: self, length: length.as_nanos() as u64, until: None }
    }

    fn heartbeat(&self, details: &[u8]) {
        let activity = &mut self.world.activities.borrow_mut()[self.activity as usize];
        activity.details.clear();
        activity.details.extend_from_slice(details);
        activity.last_heartbeat = self.world.now.get();
    }

    fn details(&self) -> Option<&[u8]> {
        self.details.as_deref()
    }

    fn attempt(&self) -> u32 {
        self.number
    }
}

struct Workflow {
    world: Rc<World>,
    json: bool,
}

struct ActivityResult {
    world: Rc<World>,
    activity: u32,
}

impl Future for ActivityResult {
    type Output = Vec<u8>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Vec<u8>> {
        let activity = &mut self.world.activities.borrow_mut()[self.activity as usize];
        match activity.result.take() {
            Some(result) => Poll::Ready(result),
            None => {
                activity.waiting = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }
}

impl WorkflowHost for Workflow {
    type Error = std::convert::Infallible;

    fn chunks(&self, job: &Job) -> impl Future<Output = Result<Done, Self::Error>> {
        let input = if self.json { serde_json::to_vec(job).expect("encodes").into() } else { Raw::job(job)[..].into() };
        let mut activities = self.world.activities.borrow_mut();
        let activity = activities.len() as u32;
        activities.push(Activity {
            input,
            attempt: 0,
            details: Vec::new(),
            last_heartbeat: 0,
            future: None,
            result: None,
            waiting: None,
        });
        drop(activities);
        self.world.at(self.world.now.get(), Event::Start { activity });
        let result = ActivityResult { world: self.world.clone(), activity };
        let json = self.json;
        async move {
            let bytes = result.await;
            Ok(if json { serde_json::from_slice(&bytes).expect("decodes") } else { Raw::read_done(&bytes) })
        }
    }
}

async fn attempt_json(host: Attempt, input: Rc<[u8]>) -> Result<Vec<u8>, &'static str> {
    let job = serde_json::from_slice(&input).expect("decodes");
    workload::chunks::<Json>(&host, job).await.map(|done| serde_json::to_vec(&done).expect("encodes"))
}

async fn attempt_raw(host: Attempt, input: Rc<[u8]>) -> Result<Vec<u8>, &'static str> {
    workload::chunks::<Raw>(&host, Raw::read_job(&input)).await.map(|done| done.chunks.to_le_bytes().to_vec())
}

/// The executor, with the memory of the runs before.
#[derive(Default)]
pub struct Bare {
    world: Rc<World>,
}

impl Bare {
    /// One run. Gives the result and the virtual time at its end.
    pub fn run(&mut self, workload: &Workload) -> (Vec<u8>, Duration) {
        let world = &self.world;
        world.now.set(0);
        world.order.set(0);
        let json = workload.json;
        let input = if json { serde_json::to_vec(&workload.batch).expect("encodes") } else { Vec::new() };
        let batch = workload.batch.clone();
        let host = Workflow { world: world.clone(), json };
        let mut workflow = Box::pin(async move {
            let batch: Batch = if json { serde_json::from_slice(&input).expect("decodes") } else { batch };
            let Ok(done) = workload::batch(&host, batch).await;
            if json { serde_json::to_vec(&done).expect("encodes") } else { done.chunks.to_le_bytes().to_vec() }
        });
        if workload.crash {
            world.at(CRASH, Event::WorkerDies);
        }
        let mut cx = Context::from_waker(Waker::noop());
        let mut result = workflow.as_mut().poll(&mut cx);
        while result.is_pending() {
            let Some(Reverse((when, _, event))) = world.timers.borrow_mut().pop() else { panic!("stuck") };
            world.now.set(world.now.get().max(when));
            if self.happen(event, json, &mut cx) {
                result = workflow.as_mut().poll(&mut cx);
            }
        }
        let Poll::Ready(result) = result else { unreachable!() };
        world.timers.borrow_mut().clear();
        world.activities.borrow_mut().clear();
        (result, Duration::from_nanos(world.now.get()))
    }

    /// Whether the workflow has news.
    fn happen(&self, event: Event, json: bool, cx: &mut Context<'_>) -> bool {
        let world = &self.world;
        match event {
            Event::Start { activity } => {
                let mut activities = world.activities.borrow_mut();
                let state = &mut activities[activity as usize];
                state.attempt += 1;
                state.last_heartbeat = world.now.get();
                let number = state.attempt;
                let details = (!state.details.is_empty()).then(|| state.details.clone());
                let host = Attempt { world: world.clone(), activity, number, details };
                let input = state.input.clone();
                let future: AttemptFuture =
                    if json { Box::pin(attempt_json(host, input)) } else { Box::pin(attempt_raw(host, input)) };
                state.future = Some(future);
                drop(activities);
                world.at(world.now.get() + HEARTBEAT_TIMEOUT, Event::HeartbeatDue { activity, attempt: number });
                self.poll(activity, cx)
            }
            Event::Wake { activity, attempt } => {
                world.activities.borrow()[activity as usize].attempt == attempt && self.poll(activity, cx)
            }
            Event::HeartbeatDue { activity, attempt } => {
                let state = &mut world.activities.borrow_mut()[activity as usize];
                if state.attempt != attempt || state.result.is_some() {
                    return false;
                }
                let due = state.last_heartbeat + HEARTBEAT_TIMEOUT;
                if due > world.now.get() {
                    world.at(due, event);
                } else {
                    state.future = None;
                    self.retry(activity, attempt);
                }
                false
            }
            Event::WorkerDies => {
                world.activities.borrow_mut().iter_mut().for_each(|activity| activity.future = None);
                false
            }
        }
    }

    fn poll(&self, activity: u32, cx: &mut Context<'_>) -> bool {
        let place = activity as usize;
        let Some(mut future) = self.world.activities.borrow_mut()[place].future.take() else { return false };
        let polled = future.as_mut().poll(cx);
        let state = &mut self.world.activities.borrow_mut()[place];
        match polled {
            Poll::Pending => {
                state.future = Some(future);
                false
            }
            Poll::Ready(Ok(result)) => {
                state.result = Some(result);
                if let Some(waker) = state.waiting.take() {
                    waker.wake();
                }
                true
            }
            Poll::Ready(Err(_)) => {
                self.retry(activity, state.attempt);
                false
            }
        }
    }

    fn retry(&self, activity: u32, attempt: u32) {
        self.world.at(self.world.now.get() + (BACKOFF << (attempt - 1)), Event::Start { activity });
    }
}
