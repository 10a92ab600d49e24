//! [`Progress`]: how far a long exploration has come, on a terminal.

use std::sync::LazyLock;
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

/// A part that takes less than this shows nothing.
const LONG: Duration = Duration::from_secs(2);

/// The bars of explorations that go on at the same time, below one another. Hidden where stderr is no terminal.
static BARS: LazyLock<MultiProgress> = LazyLock::new(MultiProgress::new);

/// The progress of a part of an exploration.
pub(super) struct Progress {
    what: String,
    /// Runs there will be, if that is known.
    runs: Option<u64>,
    started: Instant,
    bar: Option<ProgressBar>,
}

impl Progress {
    pub(super) fn new(what: String, runs: Option<u64>) -> Progress {
        Progress { what, runs, started: Instant::now(), bar: None }
    }

    /// Says how many runs are done, and how many of them failed.
    pub(super) fn at(&mut self, done: u64, failed: u64) {
        if self.bar.is_none() && self.started.elapsed() < LONG {
            return;
        }
        let each_second = done as f64 / self.started.elapsed().as_secs_f64();
        let message = match failed {
            0 => format!("{each_second:.0}/s"),
            failed => format!("{each_second:.0}/s, {failed} FAILED"),
        };
        let bar = self.bar.get_or_insert_with(|| {
            let (bar, form) = match self.runs {
                Some(runs) => {
                    (ProgressBar::new(runs), "{prefix} [{bar:30}] {human_pos}/{human_len} runs, {msg}, {eta} left")
                }
                None => (ProgressBar::no_length(), "{prefix} {human_pos} runs, {msg}"),
            };
            bar.set_prefix(std::mem::take(&mut self.what));
            bar.set_message(message.clone());
            // From the beginning, not from when it was long enough to be shown.
            let bar = BARS.add(bar.with_position(done).with_elapsed(self.started.elapsed()));
            bar.reset_eta();
            if let Ok(style) = ProgressStyle::with_template(form) {
                bar.set_style(style.progress_chars("=> "));
            }
            bar
        });
        bar.set_message(message);
        bar.set_position(done);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
            BARS.remove(bar);
        }
    }
}
