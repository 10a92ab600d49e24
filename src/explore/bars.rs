//! [`Bar`]: a line at the foot of a terminal that changes while work goes on.

use std::io;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use console::{Term, truncate_str};

/// So often the lines are written again, at most.
const OFTEN: Duration = Duration::from_millis(50);

/// A line of its own on stderr until it is dropped, below those of others in the process. Nothing where stderr is no
/// terminal.
pub(super) struct Bar(u64);

impl Bar {
    pub(super) fn new() -> Bar {
        let mut bars = Bars::of_process();
        bars.next += 1;
        Bar(bars.next)
    }

    /// Shows this, unless something was shown just now.
    pub(super) fn show(&self, line: impl FnOnce() -> String) {
        let mut bars = Bars::of_process();
        if !bars.terminal.is_term() || bars.written.is_some_and(|written| written.elapsed() < OFTEN) {
            return;
        }
        match bars.lines.iter_mut().find(|(bar, _)| *bar == self.0) {
            Some((_, shown)) => *shown = line(),
            None => bars.lines.push((self.0, line())),
        }
        bars.write();
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        let mut bars = Bars::of_process();
        let before = bars.lines.len();
        bars.lines.retain(|(bar, _)| *bar != self.0);
        if bars.lines.len() < before {
            bars.write();
        }
    }
}

struct Bars {
    terminal: Term,
    lines: Vec<(u64, String)>,
    /// How many of them are on the terminal, the cursor at the end of the last one.
    shown: usize,
    written: Option<Instant>,
    next: u64,
}

impl Bars {
    fn of_process() -> MutexGuard<'static, Bars> {
        static BARS: LazyLock<Mutex<Bars>> = LazyLock::new(|| {
            let terminal = Term::buffered_stderr();
            Mutex::new(Bars { terminal, lines: Vec::new(), shown: 0, written: None, next: 0 })
        });
        BARS.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&mut self) {
        // A terminal that cannot be written to shows nothing.
        let _ = self.write_over();
        self.shown = self.lines.len();
        self.written = Some(Instant::now());
    }

    /// Over the lines that are shown. The last one is not ended, so that what others print stands after it and stays.
    fn write_over(&self) -> io::Result<()> {
        let width = usize::from(self.terminal.size().1);
        let lines: Vec<_> = self.lines.iter().map(|(_, line)| truncate_str(line, width, "")).collect();
        self.terminal.move_cursor_up(self.shown.saturating_sub(1))?;
        self.terminal.clear_to_end_of_screen()?;
        self.terminal.write_str(&lines.join("\n"))?;
        self.terminal.flush()
    }
}
