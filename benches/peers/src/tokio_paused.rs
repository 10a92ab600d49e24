//! tokio with its clock paused: it moves to the next timer when nothing is ready.

use std::sync::OnceLock;
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio::task::{JoinHandle, LocalSet};
use tokio::time::Instant;

use crate::peer::{self, Peer};
use durasim_benches::workload::Workload;

/// Its runtime, used for all runs.
pub struct TokioPaused(Runtime);

enum Tokio {}

impl Peer for Tokio {
    type Task = JoinHandle<()>;

    fn spawn(future: impl Future<Output = ()> + 'static) -> JoinHandle<()> {
        tokio::task::spawn_local(future)
    }

    fn kill(task: JoinHandle<()>) {
        task.abort();
    }

    fn sleep(length: Duration) -> impl Future<Output = ()> {
        tokio::time::sleep(length)
    }

    fn now() -> Duration {
        static FIRST: OnceLock<Instant> = OnceLock::new();
        Instant::now() - *FIRST.get_or_init(Instant::now)
    }
}

impl TokioPaused {
    pub fn new() -> TokioPaused {
        TokioPaused(Builder::new_current_thread().enable_time().start_paused(true).build().expect("a runtime"))
    }

    pub fn run(&self, workload: &Workload) -> (Vec<u8>, Duration) {
        LocalSet::new().block_on(&self.0, peer::run::<Tokio>(workload))
    }
}
