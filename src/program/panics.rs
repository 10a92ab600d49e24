//! Calls into user code: panics are caught with their location and kept from the terminal.
//!
//! durasim itself catches what unwinds out of an [`Attempt`](super::Attempt)'s future, of
//! [`WorkflowProgram::instantiate`](super::WorkflowProgram::instantiate) and of
//! [`WorkflowRun::activate`](super::WorkflowRun::activate). It tells panics of user code from its own unwinding, which
//! stands for a crash inside a call, or for a mistake that ends the run. An adapter need not catch anything. If an
//! adapter's client catches panics by itself, the adapter first gives what the client caught to [`pass_on`].
//!
//! A panic's location is known only to the process's panic hook. So one hook is installed, once, which delegates to the
//! one before it unless this thread is in user code of a simulation.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::fmt;
use std::io::Write;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;

/// A panic of user code.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Panic {
    /// The message of the panic.
    pub message: String,
    /// The place as `file:line:column`, if it is known.
    pub location: Option<String>,
}

impl Panic {
    /// The panic that stands for an unwinding without a message.
    pub(crate) fn without_message() -> Panic {
        Panic { message: NOT_TEXT.to_owned(), location: None }
    }
}

/// Writes the message and, if it is known, the location.
impl fmt::Display for Panic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        match &self.location {
            Some(location) => write!(f, " at {location}"),
            None => Ok(()),
        }
    }
}

/// The message of a panic that has none.
pub(crate) const NOT_TEXT: &str = "the panic's payload is not text";

/// The way in which a call into user code ended when it did not return.
#[derive(Debug)]
#[non_exhaustive]
pub enum Unwound {
    /// The call panicked. The panic is boxed because it is rare, while every poll returns through this type.
    Panic(Box<Panic>),
    /// The call was unwound with something that is not a message: by the harness, by an adapter, or by the user's code.
    Other(Thrown),
}

/// A thing that is not a message, with which a call was unwound. A panic of its own destructor is caught and forgotten.
pub struct Thrown(Option<Box<dyn Any + Send>>);

impl Thrown {
    /// Gives the value that was thrown.
    pub fn into_payload(mut self) -> Box<dyn Any + Send> {
        self.0.take().unwrap_or_else(|| Box::new(()))
    }
}

impl fmt::Debug for Thrown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Thrown")
    }
}

impl Drop for Thrown {
    fn drop(&mut self) {
        let outer = enter_user_code(true);
        let payload = self.0.take();
        if let Err(again) = panic::catch_unwind(AssertUnwindSafe(|| drop(payload))) {
            // The destructor of this payload could panic in its turn.
            std::mem::forget(again);
        }
        enter_user_code(outer);
    }
}

impl Unwound {
    /// Says how the call ended, for a person.
    pub fn words(&self) -> String {
        match self {
            Unwound::Panic(panic) => panic.to_string(),
            Unwound::Other(_) => NOT_TEXT.to_owned(),
        }
    }
}

/// The payload of the harness's own unwinding. It never reaches a panic hook.
#[derive(Debug)]
struct HarnessUnwind;

/// Leaves the user's code at once: the run has ended, or the attempt has crashed.
pub(crate) fn leave_user_code() -> ! {
    panic::resume_unwind(Box::new(HarnessUnwind))
}

/// Passes the harness's own unwinding on, and gives every other payload back.
///
/// Code between durasim and the user's code may call `catch_unwind` itself, as clients do to report a panic as a
/// failure. It must not keep what durasim unwinds with: an attempt that has crashed would go on, and a run that is over
/// would report a panic that nobody made. Such code hands the payload to this function before it looks at it.
///
/// ```
/// use std::panic::{AssertUnwindSafe, catch_unwind};
/// use durasim::program::panics;
///
/// /// Polls as a client does, which catches panics around each poll.
/// fn poll_safely<T>(poll: impl FnOnce() -> T) -> Result<T, String> {
///     catch_unwind(AssertUnwindSafe(poll)).map_err(|payload| {
///         let payload = panics::pass_on(payload);
///         payload.downcast_ref::<&str>().map_or("a panic", |text| text).to_owned()
///     })
/// }
/// assert_eq!(poll_safely(|| 1), Ok(1));
/// assert_eq!(poll_safely(|| -> u32 { panic!("no") }), Err("no".to_owned()));
/// ```
#[must_use = "a payload that is given back is the user's panic"]
pub fn pass_on(payload: Box<dyn Any + Send>) -> Box<dyn Any + Send> {
    if payload.is::<HarnessUnwind>() && !std::thread::panicking() {
        panic::resume_unwind(payload);
    }
    payload
}

thread_local! {
    static IN_USER_CODE: Cell<bool> = const { Cell::new(false) };
    static LOCATION: RefCell<Option<String>> = const { RefCell::new(None) };
    /// The panics of user code that are kept from the terminal, as Rust words them, until the call into it has returned.
    static KEPT: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
    /// Says whether some are kept. It is asked after every call, and mostly none are.
    static KEEPS: Cell<bool> = const { Cell::new(false) };
}

static HOOK: Once = Once::new();

/// A function that says which test, whose code and which faults, for a process that is about to abort.
type Describe = fn() -> String;

/// Installs the hook, the first time. `note` gets the words of each panic of user code, before anybody catches it.
pub(crate) fn install_hook(describe: Describe, note: fn(&str)) {
    HOOK.call_once(|| {
        let delegate = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !IN_USER_CODE.get() {
                return delegate(info);
            }
            let words = info.to_string();
            if ABORTS.iter().any(|how| words.contains(how)) {
                return tell_before_the_abort(&words, describe);
            }
            note(&words);
            let location = info.location().map(ToString::to_string);
            LOCATION.with_borrow_mut(|last| *last = location);
            KEPT.with_borrow_mut(|kept| kept.push(words));
            KEEPS.set(true);
        }));
    });
}

/// The words of Rust for the panic after which it aborts, in library/core/src/panicking.rs: a destructor panics while
/// the thread unwinds, or a panic leaves a function that must not unwind.
const ABORTS: [&str; 2] = ["panic in a destructor during cleanup", "panic in a function that cannot unwind"];

/// Prints the panics that were kept from the terminal, since nobody will be there to do it later. It writes past the
/// test harness, whose capture dies with the process.
fn tell_before_the_abort(words: &str, describe: Describe) {
    let mut text =
        String::from("\ndurasim: user code makes the process abort: it panics in a destructor while it unwinds.\n");
    KEPT.with_borrow(|kept| kept.iter().for_each(|panic| text.push_str(&format!("{panic}\n"))));
    text.push_str(&format!("{words}\n{}\n", describe()));
    let _ = std::io::stderr().write_all(text.as_bytes());
}

/// Makes this thread run nothing but user code: its panics are not printed, since whoever waits for it tells of them.
pub(crate) fn all_is_user_code() {
    enter_user_code(true);
}

/// Sets whether user code is running from now on, and gives what was set before.
fn enter_user_code(runs: bool) -> bool {
    IN_USER_CODE.try_with(|running| running.replace(runs)).unwrap_or(false)
}

/// Calls user code and catches what unwinds out of it. Within a simulation the panic hook keeps the panic's message
/// from the terminal.
///
/// # Errors
/// The error is [`Unwound`] when the call did not return. An [`Unwound::Other`] is to be handed on, by
/// [`resume_unwind`](std::panic::resume_unwind), unless the caller threw it.
pub fn catch<R>(call: impl FnOnce() -> R) -> Result<R, Unwound> {
    let outer = enter_user_code(true);
    let result = panic::catch_unwind(AssertUnwindSafe(call));
    enter_user_code(outer);
    // This forgets also the panics that the code has caught by itself.
    if !outer && KEEPS.take() {
        let _ = KEPT.try_with(|kept| kept.borrow_mut().clear());
    }
    result.map_err(unwound)
}

/// Drops a value of user code, as [`catch`] calls.
///
/// # Errors
/// The error is [`Unwound`] when a destructor did not return.
pub fn catch_drop<T>(value: T) -> Result<(), Unwound> {
    catch(|| drop(value))
}

fn unwound(payload: Box<dyn Any + Send>) -> Unwound {
    let location = LOCATION.take();
    let message = match payload.downcast::<String>() {
        Ok(text) => *text,
        Err(payload) => match payload.downcast::<&'static str>() {
            Ok(text) => (*text).to_owned(),
            Err(payload) => return Unwound::Other(Thrown(Some(payload))),
        },
    };
    Unwound::Panic(Box::new(Panic { message, location }))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An activity's code may run a simulation, and panic after it.
    #[test]
    fn user_code_goes_on_after_a_call_inside_it() {
        let inside = catch(|| {
            let inner = catch(|| IN_USER_CODE.get());
            (inner.ok(), IN_USER_CODE.get())
        });
        assert_eq!(inside.ok(), Some((Some(true), true)));
        assert!(!IN_USER_CODE.get());
    }
}
