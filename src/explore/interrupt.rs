//! Ctrl-C: the first ends the explorations that go on, each with what it has found; the second ends the process.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};

use signal_hook::consts::SIGINT;
use signal_hook::flag;

struct Flags {
    interrupted: Arc<AtomicBool>,
    /// True while a signal does what it would do without us.
    is_default: Arc<AtomicBool>,
}

static FLAGS: LazyLock<Flags> = LazyLock::new(|| {
    let flags = Flags { interrupted: Arc::new(AtomicBool::new(false)), is_default: Arc::new(AtomicBool::new(true)) };
    // In this order: the first Ctrl-C finds `is_default` as it was. A process in which no handler can be registered just
    // ends, as it would without us.
    let _ = flag::register_conditional_default(SIGINT, flags.is_default.clone());
    let _ = flag::register(SIGINT, flags.is_default.clone());
    let _ = flag::register(SIGINT, flags.interrupted.clone());
    flags
});

/// Explorations of the process that go on now.
static EXPLORING: AtomicUsize = AtomicUsize::new(0);

/// An exploration that goes on. While there is one, Ctrl-C asks it to end.
pub(super) struct Exploring(());

impl Exploring {
    pub(super) fn begin() -> Exploring {
        let flags = &*FLAGS;
        EXPLORING.fetch_add(1, Ordering::SeqCst);
        if !flags.interrupted.load(Ordering::SeqCst) {
            flags.is_default.store(false, Ordering::SeqCst);
        }
        Exploring(())
    }

    /// Counts those that go on.
    pub(super) fn count() -> usize {
        EXPLORING.load(Ordering::SeqCst)
    }

    /// Says whether those that go on were asked to end.
    pub(super) fn is_interrupted() -> bool {
        FLAGS.interrupted.load(Ordering::Relaxed)
    }
}

impl Drop for Exploring {
    fn drop(&mut self) {
        if EXPLORING.fetch_sub(1, Ordering::SeqCst) == 1 {
            FLAGS.is_default.store(true, Ordering::SeqCst);
        }
    }
}
