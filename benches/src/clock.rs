//! [`Clock`]: the clock from which criterion reads time.

use std::time::{Duration, Instant};

use criterion::Criterion;
use criterion::measurement::{Measurement, ValueFormatter, WallTime};

use crate::cpu_time;

/// The number of times that criterion measures each. It counts those before as warm-up.
pub const SAMPLES: usize = 21;

/// Criterion as the command line asks for it, by one of the clocks.
pub fn criterion(clock: Clock) -> Criterion<Clock> {
    Criterion::default()
        .sample_size(SAMPLES)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(3))
        .with_measurement(clock)
        .configure_from_args()
}

/// A clock from which time is read.
#[derive(Clone, Copy)]
pub enum Clock {
    /// CPU time of this process, in all its threads: the work of other processes does not count.
    Cpu,
    /// The time since the given moment, for work that is to be fast by running on several threads.
    Wall(Instant),
}

impl Clock {
    /// The time since some fixed moment.
    pub fn now(self) -> Duration {
        match self {
            Clock::Cpu => cpu_time::now(),
            Clock::Wall(start) => start.elapsed(),
        }
    }
}

impl Measurement for Clock {
    type Intermediate = Duration;
    type Value = Duration;

    fn start(&self) -> Duration {
        self.now()
    }

    fn end(&self, start: Duration) -> Duration {
        self.now() - start
    }

    fn add(&self, a: &Duration, b: &Duration) -> Duration {
        *a + *b
    }

    fn zero(&self) -> Duration {
        WallTime.zero()
    }

    fn to_f64(&self, value: &Duration) -> f64 {
        WallTime.to_f64(value)
    }

    fn formatter(&self) -> &dyn ValueFormatter {
        WallTime.formatter()
    }
}
