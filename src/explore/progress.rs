//! [`Progress`]: how far a long exploration has come, on a terminal.

use std::sync::LazyLock;
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

/// A part that takes less than this shows nothing.
const LONG: Duration = Duration::from_secs(2);

/// The bars of explorations that go on at the same time, below one another. Hidden where stderr is no terminal.
static BARS: LazyLock<MultiProgress> = LazyLock::new(MultiProgress::new);

/// How far a part of an exploration has come.
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
        let bar = self.bar.get_or_insert_with(|| {
            let (bar, form) = match self.runs {
                Some(runs) => {
                    (ProgressBar::new(runs), "{prefix} [{bar:30}] {pos}/{len} runs, {per_sec}, {eta} left{msg}")
                }
                None => (ProgressBar::no_length(), "{prefix} {pos} runs, {per_sec}{msg}"),
            };
            if let Ok(style) = ProgressStyle::with_template(form) {
                bar.set_style(style.progress_chars("=> "));
            }
            bar.set_prefix(std::mem::take(&mut self.what));
            bar.reset_elapsed();
            BARS.add(bar.with_elapsed(self.started.elapsed()))
        });
        if failed > 0 {
            bar.set_message(format!(", {failed} FAILED"));
        }
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
