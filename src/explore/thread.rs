//! Other threads that work on what this one has, under its name.

use std::thread::{Builder, Scope, ScopedJoinHandle};

use crate::world::logging::silence;

/// Does this on another thread. `None` if there can be no other, or if it panics.
pub(super) fn on_another<T: Send>(work: impl FnOnce() -> T + Send) -> Option<T> {
    // A panic is reported where it happens.
    std::thread::scope(|scope| another(scope, work)?.join().ok())
}

/// Starts another thread, if one can be had. Its name is this one's, which is the test's: code that looks at it must not
/// find another one.
pub(super) fn another<'scope, T: Send + 'scope>(
    scope: &'scope Scope<'scope, '_>,
    work: impl FnOnce() -> T + Send + 'scope,
) -> Option<ScopedJoinHandle<'scope, T>> {
    let name = std::thread::current().name().unwrap_or("main").to_owned();
    let quietly = move || {
        let _silence = silence();
        work()
    };
    Builder::new().name(name).spawn_scoped(scope, quietly).ok()
}
