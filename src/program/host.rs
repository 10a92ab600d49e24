//! [`Host`]: a runtime that keeps time for code which brings timers and tasks of its own.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use super::Time;

/// A runtime whose timers and tasks the code of activities uses, such as tokio's. There is one for each run, on the thread of
/// the run, made by what [`Simulation::host`](crate::Simulation::host) was given.
///
/// The run goes on deciding which of its tasks is polled. Only when it has nothing to do at the present moment does it ask the
/// host to [wait](Host::wait): then a timer of the host's may come before the next event of the run.
///
/// Workers are told by their number, from 1. Code of workflows and scripts never runs in a host.
pub trait Host {
    /// Calls `code`, which is code of an activity on this worker, where it finds the runtime of the worker's process. The time
    /// of the run may have gone on to `now` meanwhile.
    fn enter(&self, worker: u32, now: Time, code: &mut dyn FnMut());

    /// Lets the time of these workers' processes go on to `until`, or to where `news` is ready, and no further. Tasks of their
    /// own run meanwhile; those of other workers stand still. Called when the run has nothing to do at `now`.
    ///
    /// Gives the moment at which the wait has ended.
    fn wait(&self, workers: &[u32], now: Time, until: Time, news: News<'_>) -> Time;

    /// Waits, in real time, until the threads of the host have done what they were given.
    ///
    /// # Errors
    /// A text that says why they do not come to an end. It ends the run.
    fn settle(&self) -> Result<(), String>;

    /// The present moment, while the host waits.
    fn now(&self) -> Time;

    /// The worker whose tasks run, while the host waits: it says in whose memory they find what is a process's own. Without
    /// an answer they find nothing there.
    fn running(&self) -> Option<u32> {
        None
    }

    /// Says that the process of a worker is gone with all that it ran. If it has `crashed`, nothing of it may run any more,
    /// destructors included, until the host itself is dropped.
    fn worker_gone(&self, worker: u32, crashed: bool);

    /// Counts the tasks of this worker's process that are the host's own and have not ended.
    fn tasks(&self, worker: u32) -> usize {
        let _ = worker;
        0
    }
}

/// The things that a host is made with.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Ground {
    /// The seed of the run.
    pub seed: u64,
    /// The way by which threads of the host reach the run.
    pub doorway: Doorway,
    /// The tries of the run, of which this is one.
    pub tries: Tries,
}

impl Ground {
    pub(crate) fn new(seed: u64, door: Arc<dyn Door>, tries: Tries) -> Ground {
        Ground { seed, doorway: Doorway(door), tries }
    }

    /// Calls this, and keeps back the wakes of tasks of the run meanwhile: gives the wakers to call later, in their order.
    /// For a host that lets the clock of one process go ahead of the others', to see when its next timer is due.
    pub fn hold_wakes(&self, call: &mut dyn FnMut()) -> Vec<Waker> {
        self.doorway.0.hold_wakes(call)
    }
}

/// The tries of one run. A host that cannot know how far a clock may go before it is too late lets it go, and has the run
/// made again from its start where it was too far: what it has learned is still there, and the run is the same up to there.
#[derive(Clone)]
pub struct Tries(Rc<Shared>);

struct Shared {
    can_go_again: bool,
    goes_again: Cell<bool>,
    learned: RefCell<Option<Rc<dyn Any>>>,
}

impl Tries {
    /// `can_go_again`: the run can be made from its start as often as it is wanted.
    pub(crate) fn new(can_go_again: bool) -> Tries {
        Tries(Rc::new(Shared { can_go_again, goes_again: Cell::new(false), learned: RefCell::default() }))
    }

    /// Says whether [`go_again`](Tries::go_again) is heeded. The script of [`drive`](crate::Simulation::drive) is there once.
    pub fn can_go_again(&self) -> bool {
        self.0.can_go_again
    }

    /// Ends this try as soon as the call into the host is over, and has the run made again from its start, with a new host.
    /// Nothing of this try is kept but [`learned`](Tries::learned).
    pub fn go_again(&self) {
        self.0.goes_again.set(true);
    }

    /// The value that the hosts of all tries share. The first of them finds the default one, and so does whoever asks for
    /// another type.
    pub fn learned<T: Default + 'static>(&self) -> Rc<T> {
        let mut learned = self.0.learned.borrow_mut();
        match learned.clone().and_then(|learned| learned.downcast().ok()) {
            Some(learned) => learned,
            None => {
                let new = Rc::new(T::default());
                *learned = Some(new.clone());
                new
            }
        }
    }

    /// Says whether this try is to end.
    pub(crate) fn is_over(&self) -> bool {
        self.0.can_go_again && self.0.goes_again.get()
    }

    /// Another try begins, if one was asked for.
    pub(crate) fn begin_next(&self) -> bool {
        self.is_over() && self.0.goes_again.replace(false)
    }
}

impl fmt::Debug for Tries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tries")
    }
}

/// Lets the host's own threads wake tasks of the run. Such tasks are polled once nothing else is ready and [`Host::settle`]
/// has returned. A wake from any other thread ends the run.
#[derive(Clone)]
pub struct Doorway(Arc<dyn Door>);

/// The run's side of a [`Doorway`].
pub(crate) trait Door: Send + Sync {
    fn open(&self, worker: u32);

    fn set_now(&self, now: Time);

    fn hold_wakes(&self, call: &mut dyn FnMut()) -> Vec<Waker>;
}

impl Doorway {
    /// Makes the thread that calls it one of the host's, which works for this worker.
    pub fn open(&self, worker: u32) {
        self.0.open(worker);
    }

    /// Says at which moment of the run the threads of the host work from now on: the clock of their jobs.
    pub fn set_now(&self, now: Time) {
        self.0.set_now(now);
    }
}

impl fmt::Debug for Doorway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Doorway")
    }
}

/// A future that is ready when there is something to do in the run.
pub struct News<'a>(&'a mut dyn FnMut(&mut Context<'_>) -> Poll<()>);

impl<'a> News<'a> {
    pub(crate) fn new(poll: &'a mut dyn FnMut(&mut Context<'_>) -> Poll<()>) -> News<'a> {
        News(poll)
    }
}

impl Future for News<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        (self.0)(context)
    }
}

impl fmt::Debug for News<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("News")
    }
}
