//! [`Ground`]: the tokio runtime in which code of workflows is polled, and nothing of which ever runs.
//!
//! The client's `get_version` records its marker in a task that it spawns with tokio, and panics where there is no runtime.
//! The marker is taken from the client's own list instead, so the task is dropped unpolled. Anything else that workflow
//! code spawns is told.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::runtime::{Builder, EnterGuard, Runtime};

thread_local! {
    /// A ground that nothing was left on.
    static KEPT: RefCell<Option<Kept>> = const { RefCell::new(None) };
}

struct Kept {
    runtime: Runtime,
    /// Set when a thread is made for blocking jobs.
    blocks: Arc<AtomicBool>,
}

/// A runtime without timers, sockets and threads, for the time of one activation.
pub(crate) struct Ground(Option<Kept>);

impl Ground {
    pub(crate) fn new() -> Ground {
        Ground(Some(KEPT.with_borrow_mut(Option::take).unwrap_or_else(Kept::new)))
    }

    fn kept(&self) -> &Kept {
        match &self.0 {
            Some(kept) => kept,
            None => unreachable!("a ground has its runtime until it is dropped"),
        }
    }

    /// Enters the runtime.
    pub(crate) fn enter(&self) -> EnterGuard<'_> {
        self.kept().runtime.enter()
    }

    /// The number of tasks that code has spawned on it.
    pub(crate) fn tasks(&self) -> usize {
        self.kept().runtime.metrics().num_alive_tasks()
    }

    /// Says whether code has asked for a thread that may block.
    pub(crate) fn blocks(&self) -> bool {
        self.kept().blocks.load(Ordering::Relaxed)
    }
}

impl Kept {
    fn new() -> Kept {
        let blocks = Arc::new(AtomicBool::new(false));
        let made = blocks.clone();
        let mut builder = Builder::new_current_thread();
        // It is called by the thread that asks for another one.
        builder.thread_name_fn(move || {
            made.store(true, Ordering::Relaxed);
            "durasim-cadence".to_owned()
        });
        let runtime = builder.build().expect("a runtime without a reactor needs nothing of the system");
        Kept { runtime, blocks }
    }
}

impl Drop for Ground {
    fn drop(&mut self) {
        let clean = self.tasks() == 0 && !self.blocks();
        let Some(kept) = self.0.take() else { return };
        if clean {
            // Fails only while the thread ends.
            let _ = KEPT.try_with(|place| place.replace(Some(kept)));
        } else {
            // Drops what was spawned, and does not wait for a thread.
            kept.runtime.shutdown_background();
        }
    }
}
