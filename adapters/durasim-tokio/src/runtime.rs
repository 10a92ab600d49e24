//! [`Paused`]: a tokio runtime whose clock stands still, and moves as the run wants it.

use std::cell::RefCell;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use durasim::Time;
use durasim::program::Doorway;
use tokio::runtime::{Builder, Runtime};
use tokio::time::{Instant, Sleep};

use crate::pool::Pool;

/// tokio's timers have whole milliseconds.
pub(crate) const TICK: Duration = Duration::from_millis(1);

/// The period of tokio's timer wheel: after so long a runtime without timers behaves as a new one.
const PERIOD: Duration = Duration::from_millis(1 << 36);

/// A runtime on the thread of the run whose clock is paused.
pub(crate) struct Paused {
    /// The only timer of the host's own: never later than the end of a wait, often earlier.
    sentinel: RefCell<Option<(Pin<Box<Sleep>>, Instant)>>,
    runtime: Runtime,
    pool: Arc<Pool>,
    idle: Arc<Idle>,
    unparked: Arc<Unparked>,
    /// The moment at which it was made, or made as new.
    start: Instant,
}

/// Notices where the runtime has nothing left to do at the present moment.
#[derive(Default)]
struct Idle {
    is_watched: AtomicBool,
    is_reached: AtomicBool,
    root: Mutex<Option<Waker>>,
}

/// Brings the runtime back as soon as its clock has moved, before anything that has become due runs.
#[derive(Default)]
struct Unparked {
    is_watched: AtomicBool,
    /// The moment at which the clock has stood, and what is to be woken once it has moved.
    root: Mutex<Option<(Instant, Waker)>>,
}

impl Unparked {
    fn root(&self) -> MutexGuard<'_, Option<(Instant, Waker)>> {
        self.root.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A wake where the clock has not moved would keep it where it is.
    fn look(&self) {
        if self.is_watched.load(Ordering::Relaxed)
            && let Some((from, root)) = &*self.root()
            && Instant::now() > *from
        {
            root.wake_by_ref();
        }
    }
}

impl Idle {
    fn root(&self) -> MutexGuard<'_, Option<Waker>> {
        self.root.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Paused {
    /// A new one. `seed` decides which branch a `select!` takes, where tokio lets it.
    pub(crate) fn new(seed: u64) -> Paused {
        let (pool, idle) = (Arc::new(Pool::default()), Arc::new(Idle::default()));
        let mut builder = Builder::new_current_thread();
        // After each poll of a spawned task the run hears of its news.
        builder.enable_time().start_paused(true).event_interval(1);
        builder.max_blocking_threads(1).thread_keep_alive(Duration::ZERO);
        let parks = (pool.clone(), idle.clone());
        builder.on_thread_park(move || {
            let (pool, idle) = &parks;
            pool.settle();
            // Jobs that do not come to an end would keep the clock from moving: the runtime would wait in real time.
            if idle.is_watched.load(Ordering::Relaxed) || pool.is_stuck() {
                idle.is_reached.store(true, Ordering::Relaxed);
                if let Some(root) = &*idle.root() {
                    root.wake_by_ref();
                }
            }
        });
        let unparked = Arc::new(Unparked::default());
        let unparks = unparked.clone();
        builder.on_thread_unpark(move || unparks.look());
        let made = pool.clone();
        // Called by the thread that makes the pool's, which is the run's.
        builder.thread_name_fn(move || {
            made.thread_is_made();
            "durasim-tokio".to_owned()
        });
        let starts = pool.clone();
        builder.on_thread_start(move || starts.thread_starts());
        let stops = pool.clone();
        builder.on_thread_stop(move || stops.thread_stops());
        #[cfg(tokio_unstable)]
        builder.rng_seed(tokio::runtime::RngSeed::from_bytes(&seed.to_le_bytes()));
        #[cfg(not(tokio_unstable))]
        let _ = seed;
        let runtime = builder.build().expect("a runtime without a reactor needs nothing of the system");
        let start = {
            let _entered = runtime.enter();
            Instant::now()
        };
        Paused { sentinel: RefCell::new(None), runtime, pool, idle, unparked, start }
    }

    /// It belongs to a process of this worker from now on, which began at this time of the run.
    pub(crate) fn begin(&self, worker: u32, doorway: Doorway, began: Time, patience: Duration) {
        self.pool.begin(worker, doorway, (began, self.start), patience);
    }

    /// Lets blocking jobs come to their end.
    pub(crate) fn settle(&self) {
        let _entered = self.runtime.enter();
        self.pool.settle();
    }

    /// The gate before its blocking jobs.
    pub(crate) fn pool(&self) -> &Pool {
        &self.pool
    }

    /// How long its clock has gone since it was new.
    pub(crate) fn elapsed(&self) -> Duration {
        let _entered = self.runtime.enter();
        Instant::now() - self.start
    }

    /// Counts spawned tasks that have not ended.
    pub(crate) fn tasks(&self) -> usize {
        self.runtime.metrics().num_alive_tasks()
    }

    /// Counts tasks that were woken while the runtime did not run, and have not run since.
    pub(crate) fn woken(&self) -> usize {
        self.runtime.metrics().global_queue_depth()
    }

    /// Calls code inside the runtime, once its clock stands at `at` at least.
    pub(crate) fn enter(&self, at: Duration, code: &mut dyn FnMut()) {
        // As in production the code is inside `block_on`: to block the thread panics, and the branches of `select!` come
        // from the runtime's seed, if it has one. It is the handle's `block_on` and not the runtime's: a task that yields
        // would wait there for a scheduler that does not come to it.
        self.runtime.handle().block_on(poll_fn(|_| {
            advance_to(self.start + at);
            code();
            Poll::Ready(())
        }));
    }

    /// Lets time go on to `until`, or to where `news` is ready.
    pub(crate) fn wait(&self, until: Duration, news: &mut (impl Future<Output = ()> + Unpin)) {
        let deadline = self.start + until;
        // The timer wheel would round a part of a millisecond up.
        let whole = deadline - Duration::from_nanos(u64::from(until.subsec_nanos()) % TICK.as_nanos() as u64);
        let mut sentinel = self.sentinel.borrow_mut();
        self.runtime.block_on(poll_fn(|context| {
            if Pin::new(&mut *news).poll(context).is_ready() || self.pool.is_stuck() {
                return Poll::Ready(());
            }
            *self.idle.root() = Some(context.waker().clone());
            loop {
                let now = Instant::now();
                if now >= whole {
                    advance_to(deadline);
                    return Poll::Ready(());
                }
                let (sleep, at) = sentinel.get_or_insert_with(|| (Box::pin(tokio::time::sleep_until(whole)), whole));
                if *at > whole || *at <= now {
                    sleep.as_mut().reset(whole);
                    *at = whole;
                }
                if sleep.as_mut().poll(context).is_pending() {
                    return Poll::Pending;
                }
            }
        }));
        *self.idle.root() = None;
    }

    /// Lets time go on to where the clock next stops, and not beyond `limit`, whole ticks later than it stands. Timers
    /// fire, and nothing runs. Gives how far it is. Everything that was due before has run.
    pub(crate) fn go_ahead(&self, limit: Duration) -> Duration {
        let limit = self.start + limit;
        let mut sentinel = self.sentinel.borrow_mut();
        let mut from = None;
        self.unparked.is_watched.store(true, Ordering::Relaxed);
        let reached = self.runtime.block_on(poll_fn(|context| {
            let now = Instant::now();
            match from {
                Some(from) if now > from => return Poll::Ready(now - self.start),
                Some(_) => return Poll::Pending,
                None => from = Some(now),
            }
            *self.unparked.root() = Some((now, context.waker().clone()));
            let (sleep, at) = sentinel.get_or_insert_with(|| (Box::pin(tokio::time::sleep_until(limit)), limit));
            if *at != limit {
                sleep.as_mut().reset(limit);
                *at = limit;
            }
            // Its end wakes the root, as every stop of the clock does.
            let _ = sleep.as_mut().poll(context);
            Poll::Pending
        }));
        self.unparked.is_watched.store(false, Ordering::Relaxed);
        *self.unparked.root() = None;
        reached
    }

    /// Moves the clock to `to`, and lets timers fire: nothing runs. Everything that was due before has run.
    pub(crate) fn reach(&self, to: Duration) {
        let mut has_moved = false;
        self.runtime.block_on(poll_fn(|context| {
            if has_moved {
                return Poll::Ready(());
            }
            has_moved = true;
            advance_to(self.start + to);
            // The runtime looks at its timers before it comes here again, and here before anything runs.
            context.waker().wake_by_ref();
            Poll::Pending
        }));
    }

    /// Moves the clock to `to`, and lets everything run that is to run then. `true` if `news` was
    /// ready before.
    pub(crate) fn step(&self, to: Duration, news: &mut (impl Future<Output = ()> + Unpin)) -> bool {
        let (mut has_moved, mut is_news) = (false, false);
        self.idle.is_reached.store(false, Ordering::Relaxed);
        self.idle.is_watched.store(true, Ordering::Relaxed);
        self.runtime.block_on(poll_fn(|context| {
            if Pin::new(&mut *news).poll(context).is_ready() {
                is_news = true;
                return Poll::Ready(());
            }
            if !has_moved {
                has_moved = true;
                *self.idle.root() = Some(context.waker().clone());
                advance_to(self.start + to);
                // The runtime looks at its timers before it comes here again.
                context.waker().wake_by_ref();
                return Poll::Pending;
            }
            if self.idle.is_reached.load(Ordering::Relaxed) { Poll::Ready(()) } else { Poll::Pending }
        }));
        self.idle.is_watched.store(false, Ordering::Relaxed);
        *self.idle.root() = None;
        is_news
    }

    /// The same runtime as new, if nothing of its last process is left in it. Otherwise it is dropped.
    pub(crate) fn into_new(mut self) -> Option<Paused> {
        if self.pool.is_lost() {
            // To drop it would be to wait for its thread.
            self.runtime.shutdown_background();
            return None;
        }
        // The generator of a seeded runtime has gone on.
        if cfg!(tokio_unstable) || self.tasks() > 0 {
            return None;
        }
        *self.sentinel.borrow_mut() = None;
        let next = self.start + PERIOD;
        self.runtime.block_on(async { tokio::time::advance(next - Instant::now()).await });
        self.start = next;
        Some(self)
    }
}

/// Moves the clock of the runtime that is entered, and nothing else.
fn advance_to(at: Instant) {
    let now = Instant::now();
    if now < at {
        let mut advance = std::pin::pin!(tokio::time::advance(at - now));
        let _ = advance.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    }
}
