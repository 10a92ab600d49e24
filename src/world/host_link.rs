//! [`HostLink`]: what a run keeps for its host.

use std::rc::Rc;
use std::sync::Arc;
use std::task::Waker;

use crate::engine::choice::{Draws, Stream};
use crate::engine::outside::{self, Outside};
use crate::program::host::Door;
use crate::program::{Ground, Host, Time, Tries, panics};
use crate::worker::process::ProcessKey;

/// Makes a host for each run.
pub(crate) type MakeHost = Arc<dyn Fn(Ground) -> Result<Box<dyn Host>, String> + Send + Sync>;

/// The part of a run that its host has to do with.
#[derive(Default)]
pub(super) struct HostLink {
    is_there: bool,
    /// The tries of the run, if there is a host.
    tries: Option<Tries>,
    /// Processes that are gone, of which the host has not been told, and whether they crashed.
    gone: Vec<(ProcessKey, bool)>,
    /// The host waits: its time is the run's.
    waiting: Option<Rc<dyn Host>>,
    /// Random bytes of the process, where they follow the run.
    ambient: Option<Draws>,
}

impl HostLink {
    /// The run has a host.
    pub(super) fn begin(&mut self, tries: Tries) {
        self.is_there = true;
        self.tries = Some(tries);
    }

    /// Says whether the host wants another try of the run, so that this one is to end.
    pub(super) fn is_over(&self) -> bool {
        self.tries.as_ref().is_some_and(Tries::is_over)
    }

    /// Takes a process of which the host has not been told.
    pub(super) fn take_gone(&mut self) -> Option<(ProcessKey, bool)> {
        self.gone.pop()
    }

    /// The host begins to wait, or has waited.
    pub(super) fn set_waiting(&mut self, host: Option<Rc<dyn Host>>) {
        self.waiting = host;
    }

    pub(super) fn is_there(&self) -> bool {
        self.is_there
    }

    /// Random bits for code that asks the process for some.
    pub(super) fn ambient_bits(&mut self, seed: u64) -> u64 {
        self.ambient.get_or_insert_with(|| Draws::new(seed, Stream::Ambient)).bits()
    }

    /// A process of a worker is gone.
    pub(super) fn process_gone(&mut self, process: ProcessKey, crashed: bool) {
        if self.is_there {
            self.gone.push((process, crashed));
        }
    }

    /// The number of the worker whose code a host runs that waits.
    pub(super) fn running_worker(&self) -> Option<u32> {
        self.waiting.as_ref()?.running()
    }

    /// The moment at which a host that waits stands.
    pub(super) fn now(&self) -> Option<Time> {
        self.waiting.as_ref().map(|host| host.now())
    }
}

impl Door for Arc<Outside> {
    fn open(&self, worker: u32) {
        panics::all_is_user_code();
        Outside::open(self, worker);
    }

    fn set_now(&self, now: Time) {
        Outside::set_now(self, now.as_nanos());
    }

    fn hold_wakes(&self, call: &mut dyn FnMut()) -> Vec<Waker> {
        outside::hold_wakes(call)
    }
}
