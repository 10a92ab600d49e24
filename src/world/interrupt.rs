//! Ctrl-C, and SIGTERM: the first ends the explorations that go on, each with what it has found, and says which runs are
//! waited for; the second ends the process.
//!
//! The [watchdog](super::watchdog) takes them, for who makes a run may never look.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::{flag, low_level};

use super::shown::Shown;
use super::stderr::say;

/// The signals that end a process.
const SIGNALS: [i32; 2] = [SIGINT, SIGTERM];

/// So many runs in progress are named.
const NAMED: usize = 4;

struct Flags {
    /// A signal has come that the watchdog has not taken.
    come: [Arc<AtomicBool>; 2],
    /// True while a signal does what it would do without us.
    is_default: Arc<AtomicBool>,
}

static FLAGS: LazyLock<Flags> = LazyLock::new(|| {
    let flags = Flags { come: Default::default(), is_default: Arc::new(AtomicBool::new(false)) };
    for (signal, come) in SIGNALS.into_iter().zip(&flags.come) {
        // A process in which no handler can be registered just ends, as it would without us.
        let _ = flag::register_conditional_default(signal, flags.is_default.clone());
        let _ = flag::register(signal, come.clone());
    }
    flags
});

/// Says whether a signal has asked to end.
static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// Explorations of the process that go on now.
static EXPLORING: AtomicUsize = AtomicUsize::new(0);

/// An exploration that goes on. While there is one, Ctrl-C asks it to end.
pub(crate) struct Exploring(());

impl Exploring {
    pub(crate) fn begin() -> Exploring {
        EXPLORING.fetch_add(1, Ordering::SeqCst);
        Exploring(())
    }

    /// Counts those that go on.
    pub(crate) fn count() -> usize {
        EXPLORING.load(Ordering::SeqCst)
    }

    /// Says whether those that go on were asked to end.
    pub(crate) fn is_interrupted() -> bool {
        INTERRUPTED.load(Ordering::Relaxed)
    }
}

impl Drop for Exploring {
    fn drop(&mut self) {
        EXPLORING.fetch_sub(1, Ordering::SeqCst);
    }
}

/// The watchdog's knowledge of the signals.
pub(super) struct Interrupt {
    /// This signal ends the process once no run goes on.
    ends_after_runs: Option<i32>,
}

impl Interrupt {
    /// From here on signals are taken.
    pub(super) fn new() -> Interrupt {
        LazyLock::force(&FLAGS);
        Interrupt { ends_after_runs: None }
    }

    /// Nobody takes signals: they do what they would do without us.
    pub(super) fn stand_back() {
        FLAGS.is_default.store(true, Ordering::SeqCst);
    }

    /// Takes the signals that have come.
    pub(super) fn look(&mut self) {
        for (signal, come) in SIGNALS.into_iter().zip(&FLAGS.come) {
            if come.swap(false, Ordering::SeqCst) {
                self.take(signal);
            }
        }
        if let Some(signal) = self.ends_after_runs
            && !any_run()
        {
            end(signal);
        }
    }

    fn take(&mut self, signal: i32) {
        if INTERRUPTED.swap(true, Ordering::SeqCst) {
            tell("ended at once: a second signal has asked for it");
            end(signal);
        }
        if Exploring::count() == 0 {
            if !any_run() {
                end(signal);
            }
            self.ends_after_runs = Some(signal);
        }
        tell(&format!("ending after the runs in progress ({}); again to end at once", runs_words()));
    }
}

/// Says something. Should that not come to an end, the next signal ends the process.
fn tell(what: &str) {
    FLAGS.is_default.store(true, Ordering::SeqCst);
    say(what);
    FLAGS.is_default.store(false, Ordering::SeqCst);
}

/// Does what the signal would have done without us.
fn end(signal: i32) {
    let _ = low_level::emulate_default_handler(signal);
}

fn any_run() -> bool {
    let mut any = false;
    Shown::each(|shown| any |= shown.is_running());
    any
}

/// The runs in progress, in words.
fn runs_words() -> String {
    let mut runs = Vec::new();
    Shown::each(|shown| {
        if shown.is_running() {
            let cause = shown.cause_words().map_or(String::new(), |cause| format!(", {cause}"));
            runs.push(format!("{}{cause}", shown.doing_words()));
        }
    });
    let more = runs.len().saturating_sub(NAMED);
    runs.truncate(NAMED);
    let rest = if more > 0 { format!(", and {more} more") } else { String::new() };
    if runs.is_empty() { "between two of them".to_owned() } else { runs.join("; ") + &rest }
}
