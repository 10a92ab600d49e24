//! Panics of user code: caught around each poll, with their place, and kept from the terminal.
//!
//! A panic's place is known only to the process's panic hook. So one hook is installed, once, which delegates to the
//! one before it unless this thread is in user code of a simulation.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::fmt;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;

/// A panic of user code.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Panic {
    pub(crate) message: String,
    /// `file:line:column`, if known.
    pub(crate) place: Option<String>,
}

/// The message and, if it is known, the place.
impl fmt::Display for Panic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        match &self.place {
            Some(place) => write!(f, " at {place}"),
            None => Ok(()),
        }
    }
}

/// The message of a panic that has none.
pub(crate) const NOT_TEXT: &str = "the panic's payload is not text";

/// How a call into user code ended when it did not return.
#[derive(Debug)]
pub(crate) enum Unwound {
    /// It panicked. Boxed because it is rare, and this is what every poll returns through.
    Panic(Box<Panic>),
    /// It was unwound with something that is not a message: the harness's own doing.
    Other(Box<dyn Any + Send>),
}

impl Unwound {
    /// For a person.
    pub(crate) fn words(&self) -> String {
        match self {
            Unwound::Panic(panic) => panic.to_string(),
            Unwound::Other(_) => NOT_TEXT.to_owned(),
        }
    }
}

thread_local! {
    static IN_USER_CODE: Cell<bool> = const { Cell::new(false) };
    static PLACE: RefCell<Option<String>> = const { RefCell::new(None) };
}

static HOOK: Once = Once::new();

/// Installs the hook, the first time.
pub(crate) fn install_hook() {
    HOOK.call_once(|| {
        let delegate = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if IN_USER_CODE.get() {
                let place = info.location().map(ToString::to_string);
                PLACE.with_borrow_mut(|slot| *slot = place);
            } else {
                delegate(info);
            }
        }));
    });
}

/// Says whether user code is running from now on, and tells what was said before. By `try_with`, which is inlined.
#[inline]
fn enter_user_code(runs: bool) -> bool {
    IN_USER_CODE.try_with(|running| running.replace(runs)).unwrap_or(false)
}

/// Calls user code.
#[inline]
pub(crate) fn catch<R>(call: impl FnOnce() -> R) -> Result<R, Unwound> {
    let outer = enter_user_code(true);
    let result = panic::catch_unwind(AssertUnwindSafe(call));
    enter_user_code(outer);
    match result {
        Ok(value) => Ok(value),
        Err(payload) => Err(unwound(payload)),
    }
}

/// Runs destructors of user code.
pub(crate) fn catch_drop<T>(value: T) -> Result<(), Unwound> {
    catch(|| drop(value))
}

#[cold]
fn unwound(payload: Box<dyn Any + Send>) -> Unwound {
    let place = PLACE.take();
    let message = match payload.downcast::<String>() {
        Ok(text) => *text,
        Err(payload) => match payload.downcast::<&'static str>() {
            Ok(text) => (*text).to_owned(),
            Err(payload) => return Unwound::Other(payload),
        },
    };
    Unwound::Panic(Box::new(Panic { message, place }))
}
