//! Other threads that work on what this one has, under its name.

use std::panic::resume_unwind;
use std::thread::{Builder, Scope, ScopedJoinHandle};

use crate::world::ambient::has_drawn;
use crate::world::logging::silence;

/// Does this on a thread that keeps nothing of an earlier run: on this one, or on a new one if code on this one has drawn
/// random bytes that std and rand keep in a thread.
pub(super) fn on_fresh<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    if !has_drawn() {
        return work();
    }
    let mut left = Some(work);
    let done = std::thread::scope(|scope| {
        let other = another(scope, || left.take().map(|work| work()))?;
        other.join().unwrap_or_else(|panic| resume_unwind(panic))
    });
    match (done, left) {
        (Some(done), _) => done,
        // There can be no other thread.
        (None, Some(work)) => work(),
        (None, None) => unreachable!("the work is done or left"),
    }
}

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
