//! Places in user code: the lines that messages name.
//!
//! A call of a native context is `#[track_caller]` and says here which call it is, and a future of it says when it has ended.
//! It says a pointer to the line, which is kept for the code that runs on this thread. A run takes it along when it goes on to
//! other code, and names it where something goes wrong: in no event of a [trace](crate::trace), and in no timeline.
//!
//! An adapter whose SDK knows the lines of its callers may say them too; an adapter that does not loses nothing but these
//! words. Where an SDK does not know them, the adapter may look for them in a backtrace, but only in a run whose places are
//! [`wanted`], which is made to be told of: then it says the line with [`called_in`].
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
use std::collections::BTreeSet;
use std::fmt;
use std::panic::Location;
use std::sync::{Mutex, PoisonError};

use super::marker::Marker;
use super::spec::Seq;
use super::workflow::Command;

/// A call of user code has a name and a line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Called {
    name: &'static str,
    at: At,
}

/// The line of a call, as its caller or a backtrace has it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum At {
    Caller(&'static Location<'static>),
    Traced(Line),
}

/// A line that was found in a backtrace. Its file is kept until the process ends, once for each file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Line {
    file: &'static str,
    line: u32,
}

impl At {
    /// Gives the line if it is the user's.
    fn words(self) -> Option<String> {
        match self {
            At::Caller(at) => line(at),
            At::Traced(Line { file, line }) => Some(format!("{}:{line}", straight(file))),
        }
    }
}

/// Writes `` `ctx.heartbeat` at src/copy.rs:12 ``. A library that calls, such as the standard one which is given `ctx.now`
/// as a function, is left away: its lines say nothing of the user's code.
impl fmt::Display for Called {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`", self.name)?;
        match self.at.words() {
            Some(line) => write!(f, " at {line}"),
            None => Ok(()),
        }
    }
}

/// A message names no more calls than these.
const FEW: usize = 3;

/// Names a few of these calls, each once.
pub(crate) fn first_few(calls: impl Iterator<Item = Called>) -> Vec<String> {
    let mut few: Vec<String> = Vec::new();
    for call in calls {
        let words = call.to_string();
        if few.len() < FEW && !few.contains(&words) {
            few.push(words);
        }
    }
    few
}

/// Gives the line if it is the user's.
fn line(at: &Location<'_>) -> Option<String> {
    (!is_of_a_library(at.file())).then(|| format!("{}:{}", straight(at.file()), at.line()))
}

/// The path of a file without detours: `tests/shop/../cart/main.rs`, as a module with a `#[path]` has it, is
/// `tests/cart/main.rs`.
fn straight(file: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in file.split('/') {
        if part == ".." && parts.last().is_some_and(|last| !last.is_empty() && *last != "..") {
            parts.pop();
        } else {
            parts.push(part);
        }
    }
    parts.join("/")
}

/// Says how far code has come, by its calls.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(crate) struct Places {
    /// It made this call last.
    call: Option<Called>,
    /// The await that was the last to finish stands there.
    ended: Option<&'static Location<'static>>,
    /// Says whether that finished after the last call.
    ended_last: bool,
}

impl Places {
    /// No code has called anything yet.
    pub(crate) const NONE: Places = Places { call: None, ended: None, ended_last: false };

    /// Makes the places of a call by itself.
    pub(crate) fn of(call: Called) -> Places {
        Places { call: Some(call), ..Places::NONE }
    }

    /// Gives the last call.
    pub(crate) fn call(&self) -> Option<Called> {
        self.call
    }

    /// Names the last step that the code has made, as the end of a sentence: ``its last call was `ctx.heartbeat` at
    /// src/copy.rs:12``.
    pub(crate) fn words(&self) -> Option<String> {
        match self.ended_words().filter(|_| self.ended_last) {
            Some(line) => Some(format!("the last await that finished stands at {line}")),
            None => Some(format!("its last call was {}", self.call?)),
        }
    }

    /// Gives the line of the last await that has finished.
    pub(crate) fn ended_words(&self) -> Option<String> {
        line(self.ended?)
    }

    /// Names the last call, and the last await that has finished if that is another line.
    pub(crate) fn both_words(&self) -> Option<String> {
        let call = self.call?;
        Some(match self.ended_words().filter(|ended| call.at.words().as_ref() != Some(ended)) {
            Some(line) => format!("the last call was {call}, and the last await that finished stands at {line}"),
            None => format!("the last call was {call}"),
        })
    }
}

thread_local! {
    /// It says how far the code that runs on this thread has come.
    static PRESENT: Present = const { Present { call: Cell::new(None), ended: Cell::new(None), ended_last: Cell::new(false) } };
    /// It says whether the run on this thread is made to be told of.
    static WANTED: Cell<bool> = const { Cell::new(false) };
    /// They are the calls by which the workflow that was activated last has asked for its commands.
    static ASKED: RefCell<Vec<(Asked, Called)>> = const { RefCell::new(Vec::new()) };
}

/// It is [`Places`], each part by itself.
struct Present {
    call: Cell<Option<Called>>,
    ended: Cell<Option<&'static Location<'static>>>,
    ended_last: Cell<bool>,
}

/// Says that the code which runs on this thread makes a call of this name, as users write it: `ctx.heartbeat`. Gives the
/// line of the caller, which is the user's where this is called from a function with `#[track_caller]`.
#[track_caller]
pub fn called(name: &'static str) -> &'static Location<'static> {
    let at = Location::caller();
    called_at(name, at);
    at
}

/// Says that the code which runs on this thread makes a call of this name that stands there.
pub fn called_at(name: &'static str, at: &'static Location<'static>) {
    PRESENT.with(|present| {
        present.call.set(Some(Called { name, at: At::Caller(at) }));
        present.ended_last.set(false);
    });
}

/// Says that the code which runs on this thread makes a call of this name that stands in this file, at this line. The call
/// is for adapters that have found the line in a backtrace, where places are [`wanted`].
pub fn called_in(name: &'static str, file: &str, line: u32) {
    let call = Called { name, at: At::Traced(Line { file: kept(file), line }) };
    PRESENT.with(|present| {
        present.call.set(Some(call));
        present.ended_last.set(false);
    });
}

/// Gives the call that the code which runs on this thread has made last.
pub fn last_call() -> Option<Called> {
    PRESENT.with(|present| present.call.get())
}

/// Says whether the run on this thread is made to be told of, so that it is worth while to look for the lines of calls.
pub fn wanted() -> bool {
    WANTED.get()
}

/// Sets whether the run on this thread is made to be told of. Gives what was set before.
pub(crate) fn want(wanted: bool) -> bool {
    WANTED.replace(wanted)
}

/// Keeps the name of a file until the process ends.
fn kept(file: &str) -> &'static str {
    static FILES: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());
    let mut files = FILES.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(file) = files.get(file) {
        return file;
    }
    let file: &'static str = Box::leak(file.into());
    files.insert(file);
    file
}

/// Says that the future of a call that stands there has ended. It is to be called from a `poll` with `#[track_caller]`,
/// whose caller is the user's `.await` or `select!`: that is the line then. Where a library polls it, the line is the
/// call's.
#[track_caller]
pub fn ended(call: &'static Location<'static>) {
    let polled = Location::caller();
    let at = if is_of_a_library(polled.file()) { call } else { polled };
    PRESENT.with(|present| {
        present.ended.set(Some(at));
        present.ended_last.set(true);
    });
}

/// It is this file, as the compiler was given it.
const THIS: &str = file!();

/// It is the folder of durasim's own code, as its locations begin.
const OWN: &str = THIS.split_at(THIS.len() - "program/places.rs".len()).0;

/// Says whether a file is no code of the user's: cargo gives the compiler absolute paths for dependencies, and the standard
/// library has been built with some.
fn is_of_a_library(file: &str) -> bool {
    let bytes = file.as_bytes();
    matches!(bytes, [b'/' | b'\\', ..] | [_, b':', ..]) || file.starts_with(OWN)
}

/// Says how far the code that runs on this thread has come.
pub(crate) fn present() -> Places {
    PRESENT.with(|present| Places {
        call: present.call.get(),
        ended: present.ended.get(),
        ended_last: present.ended_last.get(),
    })
}

/// Takes code as running on this thread from now on that has come so far. Gives how far the code before it has.
pub(crate) fn replace(places: Places) -> Places {
    let before = present();
    PRESENT.with(|present| {
        present.call.set(places.call);
        present.ended.set(places.ended);
        present.ended_last.set(places.ended_last);
    });
    before
}

/// A command, as far as its place is looked up by it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Asked {
    Activity(Seq),
    CancelActivity(Seq),
    Timer(Seq),
    CancelTimer(Seq),
    SideEffect(Seq),
}

impl Asked {
    /// Gives `None` for one whose place nobody looks up.
    pub(crate) fn of(command: &Command) -> Option<Asked> {
        Some(match command {
            Command::ScheduleActivity { seq, .. } => Asked::Activity(*seq),
            Command::CancelActivity { seq } => Asked::CancelActivity(*seq),
            Command::StartTimer { seq, .. } => Asked::Timer(*seq),
            Command::CancelTimer { seq } => Asked::CancelTimer(*seq),
            Command::RecordMarker(Marker::SideEffect { seq, .. }) => Asked::SideEffect(*seq),
            _ => return None,
        })
    }
}

/// Notes that a workflow is about to be activated: nothing is asked for yet.
pub(crate) fn forget_asked() {
    ASKED.with_borrow_mut(Vec::clear);
}

/// Says that the workflow whose code runs has asked for these commands, by these calls. It is called once for an activation.
pub fn note_asked<'a>(commands: impl Iterator<Item = (&'a Command, Option<Called>)>) {
    ASKED.with_borrow_mut(|asked| {
        asked.clear();
        asked.extend(commands.filter_map(|(command, call)| Asked::of(command).zip(call)));
    });
}

/// Gives the call by which the workflow that was activated last has asked for a command.
pub(crate) fn asked_by(command: &Command) -> Option<Called> {
    let wanted = Asked::of(command)?;
    ASKED.with_borrow(|asked| asked.iter().find(|(asked, _)| *asked == wanted).map(|(_, call)| *call))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_has_no_detours() {
        for (path, straightened) in [
            ("tests/shop/../cart/main.rs", "tests/cart/main.rs"),
            ("src/a/b/../../c.rs", "src/c.rs"),
            ("../shared/lib.rs", "../shared/lib.rs"),
            ("/home/../lib.rs", "/lib.rs"),
            ("src/lib.rs", "src/lib.rs"),
        ] {
            assert_eq!(straight(path), straightened);
        }
    }

    #[test]
    fn dependencies_the_standard_library_and_this_crate_are_no_code_of_the_users() {
        for file in [
            "/home/me/.cargo/registry/src/index/futures-util-0.3.31/src/future/join.rs",
            "/rustc/5980/library/core/src/ops/function.rs",
            "C:\\cargo\\registry\\src\\tokio-1.45.0\\src\\lib.rs",
            file!(),
        ] {
            assert!(is_of_a_library(file), "{file}");
        }
        for file in ["tests/promises/places.rs", "crates/copy/src/lib.rs", "crates\\copy\\src\\lib.rs"] {
            assert!(!is_of_a_library(file), "{file}");
        }
    }

    #[test]
    fn what_ended_before_the_last_call_is_not_the_last_step() {
        let before = replace(Places::NONE);
        assert_eq!(present().words(), None);
        called("ctx.one");
        // The lines of this file are durasim's own.
        assert_eq!(present().words().as_deref(), Some("its last call was `ctx.one`"));
        ended(Location::caller());
        called("ctx.two");
        assert_eq!(present().both_words().as_deref(), Some("the last call was `ctx.two`"));
        replace(before);
    }
}
