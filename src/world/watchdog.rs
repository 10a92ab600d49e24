//! The watchdog: a thread of the process that notices user code which does not come back, and Ctrl-C.
//!
//! It is the one reader of the real clock, and never influences a run. Code that loops without a call, or blocks its
//! thread, cannot be ended from outside; what can be done is to say who it is, and by which plan it got there. After a
//! second that stands in a file below `target/durasim`, which is there also when the process is killed, and after half a
//! minute on stderr.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::PathBuf;
use std::sync::Once;
use std::thread;
use std::time::{Duration, Instant};

use super::interrupt::Interrupt;
use super::shown::Shown;
use super::stderr::say;

/// How often it looks.
const LOOK: Duration = Duration::from_millis(50);

/// After so long in one piece of user code a file says so.
const NOTE: Duration = Duration::from_secs(1);

/// Starts it, the first time. Where there can be no other thread, there is none.
pub(super) fn start() {
    static STARTED: Once = Once::new();
    STARTED.call_once(|| {
        let mut interrupt = Interrupt::new();
        let watch = move || {
            let mut watchdog = Watchdog::default();
            loop {
                thread::sleep(LOOK);
                watchdog.look(Instant::now());
                interrupt.look();
            }
        };
        if thread::Builder::new().name("durasim watchdog".to_owned()).spawn(watch).is_err() {
            Interrupt::stand_back();
        }
    });
}

/// A piece of user code that is running.
struct Lasting {
    entry: u64,
    since: Instant,
    /// The file that says so.
    noted: Option<PathBuf>,
    told: bool,
}

/// Its sightings, by the numbers of the threads.
#[derive(Default)]
struct Watchdog {
    lasting: BTreeMap<u64, Lasting>,
}

impl Watchdog {
    fn look(&mut self, now: Instant) {
        let mut gone = std::mem::take(&mut self.lasting);
        Shown::each(|shown| {
            let before = gone.remove(&shown.number());
            let Some(entry) = shown.entry() else {
                before.into_iter().for_each(Lasting::end);
                return;
            };
            let mut lasting = match before {
                Some(lasting) if lasting.entry == entry => lasting,
                other => {
                    other.into_iter().for_each(Lasting::end);
                    Lasting { entry, since: now, noted: None, told: false }
                }
            };
            lasting.look(shown, now);
            self.lasting.insert(shown.number(), lasting);
        });
        gone.into_values().for_each(Lasting::end);
    }
}

impl Lasting {
    fn look(&mut self, shown: &Shown, now: Instant) {
        let lasted = now.saturating_duration_since(self.since);
        if lasted >= NOTE && self.noted.is_none() {
            let file = folder().join(format!("{}-{}.txt", std::process::id(), shown.number()));
            let text = format!("{}\n", words(shown, None));
            let _ = fs::create_dir_all(folder()).and_then(|()| fs::write(&file, text));
            self.noted = Some(file);
        }
        if lasted >= shown.patience() && !self.told {
            self.told = true;
            say(&words(shown, Some(lasted)));
        }
    }

    /// It came back.
    fn end(self) {
        if let Some(file) = self.noted {
            let _ = fs::remove_file(file);
        }
    }
}

/// Says whose code has not come back, maybe for how long.
fn words(shown: &Shown, lasted: Option<Duration>) -> String {
    let (test, who) = (shown.thread_words(), shown.doing_words());
    let lasted = lasted.map_or(String::new(), |lasted| format!(" for {} s", lasted.as_secs()));
    let cause = shown.cause_words().map_or(String::new(), |cause| format!(" ({cause})"));
    let poll = if shown.is_polled() { " from a poll" } else { "" };
    format!("{test}: {who} has not come back{poll}{lasted}{cause}: it loops without an await, or blocks its thread")
}

/// Where the files are: in cargo's target folder.
fn folder() -> PathBuf {
    let tagged = || {
        let program = env::current_exe().ok()?;
        // Cargo marks the folder, wherever it is.
        program.ancestors().find(|folder| folder.join("CACHEDIR.TAG").exists()).map(PathBuf::from)
    };
    let manifest = || env::var_os("CARGO_MANIFEST_DIR").map(|folder| PathBuf::from(folder).join("target"));
    let target = env::var_os("CARGO_TARGET_DIR").map(PathBuf::from).or_else(tagged).or_else(manifest);
    target.unwrap_or_else(env::temp_dir).join("durasim")
}
