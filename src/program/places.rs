//! Places in user code: the lines that messages name.
//!
//! A call of a native context is `#[track_caller]` and says here which call it is, and a future of it says when it has ended.
//! What is said is a pointer to the line, kept for the code that runs on this thread. A run takes it along when it goes on to
//! other code, and names it where something goes wrong: in no event of a [trace](crate::trace), and in no timeline.
//!
//! An adapter whose SDK knows the lines of its callers may say them too; one that does not loses nothing but these words.
//!
//! ```
//! use std::panic::Location;
//! use durasim::program::places;
//!
//! #[track_caller]
//! fn beat() -> &'static Location<'static> {
//!     places::called("ctx.beat")
//! }
//!
//! assert_eq!((beat().line(), line!()), (line!(), line!()));
//! ```

use std::cell::{Cell, RefCell};
use std::fmt;
use std::panic::Location;

/// A call of user code: its name, and its line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Called {
    name: &'static str,
    at: &'static Location<'static>,
}

/// `` `ctx.heartbeat` at src/copy.rs:12 ``
impl fmt::Display for Called {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` at {}", self.name, line(self.at))
    }
}

fn line(at: &Location<'_>) -> impl fmt::Display {
    format!("{}:{}", at.file(), at.line())
}

/// How far code has come, by its calls.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(crate) struct Places {
    /// Its last call.
    call: Option<Called>,
    /// The call whose future was the last to end.
    ended: Option<&'static Location<'static>>,
    /// That ended after the last call.
    ended_last: bool,
}

impl Places {
    /// No code has called anything.
    pub(crate) const NONE: Places = Places { call: None, ended: None, ended_last: false };

    /// The place of a call by itself.
    pub(crate) fn of(call: Called) -> Places {
        Places { call: Some(call), ..Places::NONE }
    }

    /// The last call.
    pub(crate) fn call(&self) -> Option<Called> {
        self.call
    }

    /// The last step that the code has made, as the end of a sentence: ``its last call was `ctx.heartbeat` at src/copy.rs:12``.
    pub(crate) fn words(&self) -> Option<String> {
        match (self.call, self.ended) {
            (_, Some(at)) if self.ended_last => Some(format!("the last await that finished stands at {}", line(at))),
            (Some(call), _) => Some(format!("its last call was {call}")),
            (None, _) => None,
        }
    }

    /// The last call, and the last await that has finished if that is another line.
    pub(crate) fn both_words(&self) -> Option<String> {
        let call = self.call?;
        Some(match self.ended.filter(|at| line(at).to_string() != line(call.at).to_string()) {
            Some(at) => format!("the last call was {call}, and the last await that finished stands at {}", line(at)),
            None => format!("the last call was {call}"),
        })
    }
}

thread_local! {
    /// Of the code that runs on this thread.
    static PRESENT: Present = const { Present { call: Cell::new(None), ended: Cell::new(None), ended_last: Cell::new(false) } };
    /// The calls by which the workflow that was activated last has asked for its commands, in the order of those.
    static ASKED: RefCell<Vec<Option<Called>>> = const { RefCell::new(Vec::new()) };
}

/// [`Places`], each part by itself.
struct Present {
    call: Cell<Option<Called>>,
    ended: Cell<Option<&'static Location<'static>>>,
    ended_last: Cell<bool>,
}

/// Says that the code which runs on this thread makes a call of this name, as users write it: `ctx.heartbeat`. Gives the line of
/// the caller, which is the user's where this is called from a function with `#[track_caller]`.
#[track_caller]
pub fn called(name: &'static str) -> &'static Location<'static> {
    let at = Location::caller();
    called_at(name, at);
    at
}

/// Says that the code which runs on this thread makes a call of this name that stands there.
pub fn called_at(name: &'static str, at: &'static Location<'static>) {
    PRESENT.with(|present| {
        present.call.set(Some(Called { name, at }));
        present.ended_last.set(false);
    });
}

/// Says that the future of a call that stands there has ended. To be called from a `poll` with `#[track_caller]`, whose caller
/// is the user's `.await` or `select!`: that is the line then. Where a library polls it, the line is the call's.
#[track_caller]
pub fn ended(call: &'static Location<'static>) {
    let polled = Location::caller();
    let at = if is_of_a_library(polled.file()) { call } else { polled };
    PRESENT.with(|present| {
        present.ended.set(Some(at));
        present.ended_last.set(true);
    });
}

/// This file, as the compiler was given it.
const THIS: &str = file!();

/// The folder of durasim's own code, as its locations begin.
const OWN: &str = THIS.split_at(THIS.len() - "program/places.rs".len()).0;

/// Says whether a file is no code of the user's: cargo gives the compiler absolute paths for dependencies, and the standard
/// library has been built with some.
fn is_of_a_library(file: &str) -> bool {
    let bytes = file.as_bytes();
    matches!(bytes, [b'/' | b'\\', ..] | [_, b':', ..]) || file.starts_with(OWN)
}

/// How far the code that runs on this thread has come.
pub(crate) fn present() -> Places {
    PRESENT.with(|present| Places {
        call: present.call.get(),
        ended: present.ended.get(),
        ended_last: present.ended_last.get(),
    })
}

/// Code runs on this thread from now on that has come so far. Gives how far the code before it has.
pub(crate) fn replace(places: Places) -> Places {
    let before = present();
    PRESENT.with(|present| {
        present.call.set(places.call);
        present.ended.set(places.ended);
        present.ended_last.set(places.ended_last);
    });
    before
}

/// The workflow whose code runs has asked for its commands by these calls.
pub(crate) fn note_asked(calls: impl Iterator<Item = Option<Called>>) {
    ASKED.with_borrow_mut(|asked| {
        asked.clear();
        asked.extend(calls);
    });
}

/// Gives the calls by which a workflow has asked for its commands in the activation that is over, in the memory of an older list.
pub(crate) fn take_asked(into: &mut Vec<Option<Called>>) {
    into.clear();
    ASKED.with_borrow_mut(|asked| std::mem::swap(asked, into));
}
