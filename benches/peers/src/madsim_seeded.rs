//! madsim, whose runtime is made anew for each run, since a run is a seed.

use std::time::Duration;

use madsim::runtime::Runtime;
use madsim::task::JoinHandle;
use madsim::time::Instant;
use madsim::{Config, time};

use crate::peer::{self, Peer};
use durasim_benches::workload::Workload;

enum Madsim {}

thread_local! {
    static FIRST: std::cell::Cell<Option<Instant>> = const { std::cell::Cell::new(None) };
}

impl Peer for Madsim {
    type Task = JoinHandle<()>;

    fn spawn(future: impl Future<Output = ()> + 'static) -> JoinHandle<()> {
        madsim::task::spawn_local(future)
    }

    fn kill(task: JoinHandle<()>) {
        task.abort();
    }

    fn sleep(length: Duration) -> impl Future<Output = ()> {
        time::sleep(length)
    }

    fn now() -> Duration {
        let now = Instant::now();
        let first = FIRST.get().unwrap_or(now);
        FIRST.set(Some(first));
        now - first
    }
}

pub fn run(workload: &Workload) -> (Vec<u8>, Duration) {
    FIRST.set(None);
    let runtime = Runtime::with_seed_and_config(1, Config::default());
    runtime.block_on(peer::run::<Madsim>(workload))
}
