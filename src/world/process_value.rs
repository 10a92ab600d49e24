//! Making a value in the memory of a worker's process.

use super::core::World;
use super::error::RunError;
use super::memories::Value;
use crate::program::panics::{self, Unwound};
use crate::trace::AttemptKey;

impl World {
    /// Gives the value that the process of this attempt has under this key. The first to ask makes it.
    pub(super) fn process_value(&self, attempt: AttemptKey, key: usize, make: &mut dyn FnMut() -> Value) -> Value {
        let worker = self.core.borrow().attempts[attempt].worker();
        let known = self.core.borrow().memories.get(worker, key);
        if let Some(value) = known {
            return value;
        }
        let value = match panics::catch(make) {
            Ok(value) => value,
            Err(unwound) => {
                if let Unwound::Panic(panic) = &unwound {
                    let message = format!("making the values of a worker's process panicked: {panic}");
                    self.end_with(RunError::Setup(message));
                }
                match unwound {
                    Unwound::Other(thrown) => std::panic::resume_unwind(thrown.into_payload()),
                    Unwound::Panic(panic) => panic!("{panic}"),
                }
            }
        };
        self.core.borrow_mut().memories.put(worker, key, value.clone());
        value
    }
}
