//! [`Bare`]: a hand-written minimal executor of the workloads. A heap of timers, a list of ready tasks, a waker for each
//! task, and the rules that the workloads need: heartbeat timeout, retry, the worker's death. No trace, faults, history,
//! replay, throttle or checks.
//!
//! Its wakers are real, although these workloads would do without. Users test code that waits for a channel or for one
//! of two things, and a loop that polls whatever its next timer belongs to cannot run that.

use std::cell::{Cell, RefCell};
use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use crate::workload::{self, AttemptHost, Batch, Done, Job, Json, Raw, WorkflowHost, Workload};

const HEARTBEAT_TIMEOUT: u64 = 30_000_000_000;
const BACKOFF: u64 = 1_000_000_000;
const CRASH: u64 = 450_000_000;

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Start { activity: u32 },
    Wake { sleeper: u32, generation: u32 },
    HeartbeatDue { activity: u32, attempt: u32 },
    WorkerDies,
}

type AttemptFuture = Pin<Box<dyn Future<Output = Result<Vec<u8>, &'static str>>>>;

thread_local! {
    /// Tasks to be polled.
    static READY: RefCell<VecDeque<u32>> = const { RefCell::new(VecDeque::new()) };
}

/// The workflow's task; those of the activities follow it.
const WORKFLOW: u32 = 0;

struct Task {
    number: u32,
    queued: AtomicBool,
}

impl Task {
    fn signal(&self) {
        if !self.queued.load(Ordering::Relaxed) {
            self.queued.store(true, Ordering::Relaxed);
            READY.with_borrow_mut(|ready| ready.push_back(self.number));
        }
    }
}

impl Wake for Task {
    fn wake(self: Arc<Self>) {
        self.signal();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.signal();
    }
}

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
    sleepers: RefCell<Sleepers>,
}

/// The sleepers that wait for a timer. A sleeper that is dropped leaves its place to another.
#[derive(Default)]
struct Sleepers {
    places: Vec<(u32, Option<Waker>)>,
    vacant: Vec<u32>,
}

impl Sleepers {
    fn add(&mut self, waker: Waker) -> (u32, u32) {
        let place = self.vacant.pop().unwrap_or_else(|| {
            self.places.push((0, None));
            self.places.len() as u32 - 1
        });
        let (generation, sleeper) = &mut self.places[place as usize];
        *sleeper = Some(waker);
        (place, *generation)
    }

    fn remove(&mut self, place: u32, generation: u32) -> Option<Waker> {
        let (current, sleeper) = &mut self.places[place as usize];
        if *current != generation {
            return None;
        }
        *current += 1;
        self.vacant.push(place);
        sleeper.take()
    }
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
    waiting: Option<(u32, u32)>,
}

impl Future for Sleep<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let world = &self.attempt.world;
        match self.until {
            Some(until) if until <= world.now.get() => Poll::Ready(()),
            Some(_) => {
                if let Some((place, _)) = self.waiting {
                    let sleeper = &mut world.sleepers.borrow_mut().places[place as usize].1;
                    if !sleeper.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
                        *sleeper = Some(cx.waker().clone());
                    }
                }
                Poll::Pending
            }
            None => {
                let until = world.now.get() + self.length;
                let (sleeper, generation) = world.sleepers.borrow_mut().add(cx.waker().clone());
                world.at(until, Event::Wake { sleeper, generation });
                self.until = Some(until);
                self.waiting = Some((sleeper, generation));
                Poll::Pending
            }
        }
    }
}

impl Drop for Sleep<'_> {
    fn drop(&mut self) {
        if let Some((place, generation)) = self.waiting {
            self.attempt.world.sleepers.borrow_mut().remove(place, generation);
        }
    }
}

impl AttemptHost for Attempt {
    fn sleep(&self, length: Duration) -> impl Future<Output = ()> {
        Sleep { attempt: self, length: length.as_nanos() as u64, until: None, waiting: None }
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
    tasks: Vec<(Arc<Task>, Waker)>,
}

impl Bare {
    /// Makes one run, and gives the result and the virtual time at its end.
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
        self.task(WORKFLOW).0.signal();
        let result = loop {
            match READY.with_borrow_mut(VecDeque::pop_front) {
                Some(WORKFLOW) => {
                    let (task, waker) = self.task(WORKFLOW);
                    task.queued.store(false, Ordering::Relaxed);
                    if let Poll::Ready(result) = workflow.as_mut().poll(&mut Context::from_waker(waker)) {
                        break result;
                    }
                }
                Some(task) => self.poll(task - 1),
                None => {
                    let Some(Reverse((when, _, event))) = self.world.timers.borrow_mut().pop() else { panic!("stuck") };
                    self.world.now.set(self.world.now.get().max(when));
                    self.happen(event, json);
                }
            }
        };
        let world = &self.world;
        world.timers.borrow_mut().clear();
        world.activities.borrow_mut().clear();
        (result, Duration::from_nanos(world.now.get()))
    }

    fn task(&mut self, number: u32) -> &(Arc<Task>, Waker) {
        while self.tasks.len() <= number as usize {
            let task = Arc::new(Task { number: self.tasks.len() as u32, queued: AtomicBool::new(false) });
            self.tasks.push((task.clone(), task.into()));
        }
        &self.tasks[number as usize]
    }

    fn happen(&mut self, event: Event, json: bool) {
        let world = self.world.clone();
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
                self.task(activity + 1).0.signal();
            }
            Event::Wake { sleeper, generation } => {
                let waker = world.sleepers.borrow_mut().remove(sleeper, generation);
                if let Some(waker) = waker {
                    waker.wake();
                }
            }
            Event::HeartbeatDue { activity, attempt } => {
                let state = &mut world.activities.borrow_mut()[activity as usize];
                if state.attempt != attempt || state.result.is_some() {
                    return;
                }
                let due = state.last_heartbeat + HEARTBEAT_TIMEOUT;
                if due > world.now.get() {
                    world.at(due, event);
                } else {
                    state.future = None;
                    self.retry(activity, attempt);
                }
            }
            Event::WorkerDies => {
                world.activities.borrow_mut().iter_mut().for_each(|activity| activity.future = None);
            }
        }
    }

    fn poll(&self, activity: u32) {
        let (task, waker) = &self.tasks[activity as usize + 1];
        task.queued.store(false, Ordering::Relaxed);
        let place = activity as usize;
        let Some(mut future) = self.world.activities.borrow_mut()[place].future.take() else { return };
        let polled = future.as_mut().poll(&mut Context::from_waker(waker));
        let state = &mut self.world.activities.borrow_mut()[place];
        match polled {
            Poll::Pending => state.future = Some(future),
            Poll::Ready(Ok(result)) => {
                state.result = Some(result);
                if let Some(waker) = state.waiting.take() {
                    waker.wake();
                }
            }
            Poll::Ready(Err(_)) => self.retry(activity, state.attempt),
        }
    }

    fn retry(&self, activity: u32, attempt: u32) {
        self.world.at(self.world.now.get() + (BACKOFF << (attempt - 1)), Event::Start { activity });
    }
}
