//! Calls into user code: panics are caught with their location and kept from the terminal.
//!
//! durasim itself catches what unwinds out of an [`Attempt`](super::Attempt)'s future, of
//! [`WorkflowProgram::instantiate`](super::WorkflowProgram::instantiate) and of
//! [`WorkflowRun::activate`](super::WorkflowRun::activate), and knows panics of user code from its own unwinding: a
//! crash inside a call, or a mistake that ends the run. An adapter need not catch anything. One whose client catches
//! panics by itself gives what it caught to [`pass_on`] first.
//!
//! A panic's location is known only to the process's panic hook. So one hook is installed, once, which delegates to the
//! one before it unless this thread is in user code of a simulation.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::fmt;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;

/// A panic of user code.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Panic {
    /// Its message.
    pub message: String,
    /// `file:line:column`, if known.
    pub location: Option<String>,
}

impl Panic {
    /// The panic that stands for an unwinding without a message.
    pub(crate) fn without_message() -> Panic {
        Panic { message: NOT_TEXT.to_owned(), location: None }
    }
}

/// The message and, if it is known, the location.
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

/// How a call into user code ended when it did not return.
#[derive(Debug)]
#[non_exhaustive]
pub enum Unwound {
    /// It panicked. Boxed because it is rare, and this is what every poll returns through.
    Panic(Box<Panic>),
    /// It was unwound with something that is not a message: by the harness, or by an adapter.
    Other(Box<dyn Any + Send>),
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
/// Code between durasim and the user's code that calls `catch_unwind` itself, as clients do to report a panic as a
/// failure, must not keep what durasim unwinds with: an attempt that has crashed would go on, and a run that is over
/// would report a panic that nobody made. It hands the payload to this function before it looks at it.
///
/// ```
/// use std::panic::{AssertUnwindSafe, catch_unwind};
/// use durasim::program::panics;
///
/// /// What a client does around each poll.
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
}

static HOOK: Once = Once::new();

/// Installs the hook, the first time.
pub(crate) fn install_hook() {
    HOOK.call_once(|| {
        let delegate = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if IN_USER_CODE.get() {
                let location = info.location().map(ToString::to_string);
                LOCATION.with_borrow_mut(|last| *last = location);
            } else {
                delegate(info);
            }
        }));
    });
}

/// Says whether user code is running from now on, and gives what was said before.
fn enter_user_code(runs: bool) -> bool {
    IN_USER_CODE.try_with(|running| running.replace(runs)).unwrap_or(false)
}

/// Calls user code and catches what unwinds out of it. Within a simulation the panic hook keeps its message from the
/// terminal.
///
/// # Errors
/// [`Unwound`] when the call did not return. One that is not a panic is to be handed on, by
/// [`resume_unwind`](std::panic::resume_unwind), unless the caller threw it.
pub fn catch<R>(call: impl FnOnce() -> R) -> Result<R, Unwound> {
    let outer = enter_user_code(true);
    let result = panic::catch_unwind(AssertUnwindSafe(call));
    enter_user_code(outer);
    result.map_err(unwound)
}

/// Drops a value of user code, as [`catch`] calls.
///
/// # Errors
/// [`Unwound`] when a destructor did not return.
pub fn catch_drop<T>(value: T) -> Result<(), Unwound> {
    catch(|| drop(value))
}

fn unwound(payload: Box<dyn Any + Send>) -> Unwound {
    let location = LOCATION.take();
    let message = match payload.downcast::<String>() {
        Ok(text) => *text,
        Err(payload) => match payload.downcast::<&'static str>() {
            Ok(text) => (*text).to_owned(),
            Err(payload) => return Unwound::Other(payload),
        },
    };
    Unwound::Panic(Box::new(Panic { message, location }))
}
