//! Making a value in the memory of a worker's process, and finding the process whose code runs.

use super::core::{Core, World};
use super::error::RunError;
use super::memories::Value;
use crate::program::panics::{self, Unwound};
use crate::trace::WorkerKey;
use crate::worker::process::ProcessKey;

impl World {
    /// Gives the value that this process has under this key. The first to ask makes it. `what` it is stands in the errors.
    pub(super) fn process_value(
        &self,
        process: ProcessKey,
        key: usize,
        what: &str,
        make: &mut dyn FnMut() -> Value,
    ) -> Value {
        let known = self.core.borrow().memories.get(process, key);
        if let Some(value) = known {
            return value;
        }
        if !self.core.borrow_mut().memories.begin_making(process, key) {
            let message = format!("{what} asks for itself while it is being made");
            self.end_with(RunError::Misuse(message.clone()));
            // The thread unwinds already.
            panic!("{message}");
        }
        let made = panics::catch(make);
        self.core.borrow_mut().memories.end_making(process, key);
        let value = match made {
            Ok(value) => value,
            Err(unwound) => {
                if let Unwound::Panic(panic) = &unwound {
                    self.end_with(RunError::Setup(format!("making {what} panicked: {panic}")));
                }
                match unwound {
                    Unwound::Other(thrown) => std::panic::resume_unwind(thrown.into_payload()),
                    Unwound::Panic(panic) => panic!("{panic}"),
                }
            }
        };
        self.core.borrow_mut().memories.put(process, key, value.clone());
        value
    }

    /// A process has stopped, and nothing of it runs any more: drops what it had in its memory. The destructors find what is
    /// left of that, and a runtime of the host's that ends behind them.
    pub(super) fn forget(&self, process: ProcessKey) {
        let outer = self.core.borrow_mut().memories.begin_stop(Some(process));
        loop {
            let Some(value) = self.core.borrow_mut().memories.take_first_of(process) else { break };
            self.core.borrow_mut().calls.begin();
            let dropped = self.in_process(process.worker, || panics::catch_drop(value));
            if let Err(Unwound::Panic(panic)) = dropped {
                let message = format!("dropping the values of a worker's process that stops panicked: {panic}");
                self.core.borrow_mut().fail(RunError::Misuse(message));
            }
        }
        self.core.borrow_mut().memories.begin_stop(outer);
        self.end_in_host(process);
    }
}

impl Core {
    /// Gives the process whose code runs: that of an attempt, of a task that it has spawned, or of the host's for a worker; or the
    /// one that stops, whose destructors run.
    pub(super) fn running_process(&self) -> Option<ProcessKey> {
        if let Some(attempt) = self.running_attempt() {
            return Some(self.attempts[attempt].process());
        }
        let Some(number) = self.host_link.running_worker() else { return self.memories.stopping() };
        let worker = self.workers.keys().find(|worker| worker.number() as u32 == number)?;
        Some(self.process_of(worker))
    }

    /// Gives the present process of this worker.
    pub(super) fn process_of(&self, worker: WorkerKey) -> ProcessKey {
        ProcessKey { worker, incarnation: self.workers[worker].incarnation() }
    }
}
