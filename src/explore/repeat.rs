//! Whether a run is the same when it runs again: later, and on another thread.

use crate::check::Violation;
use crate::fault::Plan;
use crate::report::Timeline;
use crate::run::start::Start;
use crate::trace::Trace;

/// The name under which a run that is not reproduced is reported.
pub(super) const DETERMINISTIC: &str = "deterministic";

/// Passing runs that are repeated.
pub(super) const REPEATED: u64 = 16;

/// Runs the plan of a run again, on a thread of its own, and compares the traces.
pub(super) fn repeats(start: &Start, plan: &Plan, trace: &Trace) -> Result<(), Violation> {
    let again = std::thread::scope(|scope| {
        let thread = scope.spawn(|| start.run(plan).run.trace().clone());
        thread.join()
    });
    match again {
        Ok(again) => compare(trace, &again),
        // A script's panic is told where it happens.
        Err(_) => Ok(()),
    }
}

fn compare(once: &Trace, again: &Trace) -> Result<(), Violation> {
    let (first, second) = (once.events(), again.events());
    let place = first.iter().zip(second).position(|(one, other)| one != other);
    let place = place.or_else(|| (first.len() != second.len()).then(|| first.len().min(second.len())));
    let message = "the same run went another way when it ran again on another thread: the code depends on something that \
                   is not simulated, such as the order of a `HashMap`, the real clock, a global or an unbiased `select!`";
    let violation = || Violation::new("not deterministic", message);
    match place {
        Some(place) => Err(violation()
            .expected(told(once, place), told(again, place))
            .proved_by(if place < first.len() { vec![place] } else { Vec::new() })),
        None if once.hash() != again.hash() => {
            Err(violation().expected("the same bytes, names and failures in the trace", "others"))
        }
        None => Ok(()),
    }
}

/// An event as the timeline tells it.
fn told(trace: &Trace, place: usize) -> String {
    let Some(event) = trace.events().get(place) else { return "the end of the run".to_owned() };
    let line = Timeline::new(trace).every_event().between(event.at, event.at).to_string();
    let before = trace.events()[..place].iter().filter(|other| other.at == event.at).count();
    line.lines().filter(|line| !line.trim_start().starts_with("...")).nth(before).unwrap_or("nothing").trim().to_owned()
}
