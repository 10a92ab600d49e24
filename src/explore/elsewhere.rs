//! [`another`]: threads that work on what this one has, under its name.

use std::thread::{Builder, Scope, ScopedJoinHandle};

/// Does this on another thread. `None` if there can be no other, or if it panics.
pub(super) fn elsewhere<T: Send>(work: impl FnOnce() -> T + Send) -> Option<T> {
    let mut result = None;
    await_another(Box::new(|| result = Some(work())));
    result
}

fn await_another(work: Box<dyn FnOnce() + Send + '_>) {
    std::thread::scope(|scope| {
        // Its panic is told where it happens.
        another(scope, work).map(|thread| thread.join().ok());
    });
}

/// Starts another thread, if one can be had. Its name is this one's, which is the test's: code that looks at it must not
/// find another one.
pub(super) fn another<'scope>(
    scope: &'scope Scope<'scope, '_>,
    work: Box<dyn FnOnce() + Send + 'scope>,
) -> Option<ScopedJoinHandle<'scope, ()>> {
    let name = std::thread::current().name().unwrap_or("main").to_owned();
    Builder::new().name(name).spawn_scoped(scope, work).ok()
}
