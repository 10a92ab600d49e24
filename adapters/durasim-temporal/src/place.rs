//! The lines of SDK code that messages name, found in backtraces: the SDK does not know who calls it.

use std::backtrace::Backtrace;

use durasim::program::places;

/// Notes a call of this name at the line of the user's that led here, in a run that is made to be told of. In all other
/// runs nothing is looked for. It says whether a line was found.
pub(crate) fn note(name: &'static str) -> bool {
    places::wanted() && note_always(name)
}

/// Notes a call of this name at the line of the user's that led here, for an error that ends the run. It says whether a line
/// was found.
pub(crate) fn note_always(name: &'static str) -> bool {
    let trace = Backtrace::force_capture().to_string();
    let line = user_line(&trace);
    if let Some((file, line)) = line {
        places::called_in(name, file, line);
    }
    line.is_some()
}

/// The file that looks for lines, in whose folder is all of this crate.
const THIS: &str = "place.rs";

/// Crates whose frames are no code of the user's, where the backtrace has their names.
const LIBRARIES: [&str; 9] =
    ["alloc", "core", "futures", "futures_core", "futures_util", "std", "test", "tokio", "tokio_util"];

/// Gives the file and the line of the first frame that is code of the user's, in a backtrace as std writes it. Between this
/// crate's call of the user's code and its being called in turn stand that code, and the SDK's.
fn user_line(trace: &str) -> Option<(&str, u32)> {
    let mut function = "";
    let mut own: Option<&str> = None;
    let mut has_left = false;
    for text in trace.lines().map(str::trim) {
        let Some(at) = text.strip_prefix("at ") else {
            function = text.split_once(": ").map_or(text, |(_, function)| function);
            continue;
        };
        let (at, _column) = at.rsplit_once(':')?;
        let (file, line) = at.rsplit_once(':')?;
        let Some(own) = own else {
            own = file.strip_suffix(THIS).filter(|folder| folder.ends_with(['/', '\\']));
            continue;
        };
        if file.starts_with(own) {
            if has_left {
                // The code of the user's between has no lines.
                return None;
            }
        } else if is_durasims(function) {
            return None;
        } else {
            has_left = true;
            if !is_of_a_library(function, file) {
                return Some((file.strip_prefix("./").unwrap_or(file), line.parse().ok()?));
            }
        }
    }
    None
}

/// Gives the crate of a function, as far as its name has it.
fn crate_of(function: &str) -> &str {
    let name = function.trim_start_matches(['<', '&', '*', '(', ' ']);
    name.split_once("::").map_or("", |(name, _)| name)
}

fn is_durasims(function: &str) -> bool {
    ["durasim", "durasim_tokio"].contains(&crate_of(function))
}

fn is_of_a_library(function: &str, file: &str) -> bool {
    let name = crate_of(function);
    // Below the main functions is the C library.
    !file.ends_with(".rs")
        || LIBRARIES.contains(&name)
        || name.starts_with("temporalio_")
        || file.starts_with("/rustc/")
        || ["/registry/src/", "\\registry\\src\\"].iter().any(|folder| file.contains(folder))
        || is_written_by_a_build(file)
}

/// Says whether a build script has written a file, such as the SDK's protocol: `build/temporalio-protos-f08f/out/api.rs`.
fn is_written_by_a_build(file: &str) -> bool {
    let folders: Vec<&str> = file.split(['/', '\\']).collect();
    folders.windows(3).any(|folders| folders[0] == "build" && folders[2] == "out")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The frames of a heartbeat, from the inside, with the lines of some.
    fn trace(frames: &[(&str, &str)]) -> String {
        let frames = frames.iter().enumerate().map(|(number, (function, at))| match *at {
            "" => format!("{number:>4}: {function}\n"),
            at => format!("{number:>4}: {function}\n             at {at}\n"),
        });
        frames.collect()
    }

    const STD: (&str, &str) =
        ("std::backtrace_rs::trace", "/rustc/59/library/std/src/../../backtrace/src/mod.rs:66:14");
    const OWN: (&str, &str) = ("durasim_temporal::place::note", "/home/me/durasim-temporal/src/place.rs:18:17");
    const BEAT: (&str, &str) =
        ("record_heartbeat", "/home/me/.cargo/registry/src/index/temporalio-sdk-1.1.1/src/activities.rs:255:14");
    const BOX: (&str, &str) = (
        "<alloc::boxed::Box<F,A> as core::ops::function::Fn<Args>>::call",
        "/rustc/59/library/alloc/src/boxed.rs:2019:9",
    );
    const USERS: (&str, &str) = ("<shop::Orders as shop::Ship>::pack::{{closure}}", "./shop/src/orders.rs:41:13");
    const EXECUTE: (&str, &str) = ("{async_fn#0}", "/home/me/durasim-temporal/src/activity/mod.rs:91:40");
    const GENERATED: (&str, &str) =
        ("{async_fn#0}", "/home/me/shop/target/debug/build/temporalio-protos-f08f/out/workflowservice.v1.rs:9635:17");
    const TEST: (&str, &str) = ("shop::packs", "./shop/tests/packs.rs:3:1");
    const LIBC: (&str, &str) = ("start_thread", "./nptl/pthread_create.c:442:8");

    #[test]
    fn the_first_frame_of_the_users_is_named() {
        let text = trace(&[STD, OWN, GENERATED, BEAT, BOX, USERS, EXECUTE, TEST]);
        assert_eq!(user_line(&text), Some(("shop/src/orders.rs", 41)));
        let without_a_path = trace(&[STD, OWN, BEAT, ("{async_fn#0}", USERS.1), EXECUTE, TEST]);
        assert_eq!(user_line(&without_a_path), Some(("shop/src/orders.rs", 41)));
    }

    /// The test that made the run is not where the call stands.
    #[test]
    fn code_without_lines_is_not_mistaken_for_what_called_it() {
        for between in [EXECUTE, ("durasim::world::step::poll", "/home/me/durasim/src/world/step.rs:90:1")] {
            let text = trace(&[STD, OWN, BEAT, (USERS.0, ""), between, TEST]);
            assert_eq!(user_line(&text), None);
        }
        assert_eq!(user_line(&trace(&[STD, OWN, LIBC])), None);
        assert_eq!(user_line(&trace(&[("shop::main", "")])), None);
        assert_eq!(user_line(""), None);
    }
}
