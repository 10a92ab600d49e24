//! CPU time: the work of other processes on the machine does not count.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// The CPU time of this process so far.
pub fn now() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// The CPU time of so many calls.
pub fn of(calls: u64, mut call: impl FnMut()) -> Duration {
    let before = now();
    for _ in 0..calls {
        call();
    }
    now() - before
}

pub fn median<T: PartialOrd>(mut values: Vec<T>) -> T {
    values.sort_by(|a, b| a.partial_cmp(b).expect("no NaN"));
    let middle = values.len() / 2;
    values.swap_remove(middle)
}

/// Seconds as people read them: `1.85 us`, `218 us`, `34.0 ms`.
pub fn words(seconds: f64) -> String {
    let micros = seconds * 1e6;
    match micros {
        ..10.0 => format!("{micros:.2} us"),
        ..10_000.0 => format!("{micros:.0} us"),
        _ => format!("{:.1} ms", micros / 1e3),
    }
}
