//! [`random()`]: random numbers that follow from the seed.

use super::enter_run;
use crate::program::places;

/// Gives 64 random bits from the run's seed, for activities and the fakes they use.
///
/// They come from a stream of their own: drawing some changes neither the faults nor the order of a run.
///
/// ```
/// # use durasim::{ActivityContext, ActivityError};
/// async fn pick(_ctx: &ActivityContext, names: Vec<String>) -> Result<String, ActivityError> {
///     let place = durasim::random() as usize % names.len();
///     Ok(names[place].clone())
/// }
/// ```
///
/// # Panics
/// It panics outside a simulation. In workflow code, whose replay would draw other numbers, it ends the run with an
/// error.
#[track_caller]
pub fn random() -> u64 {
    places::called("durasim::random");
    enter_run("random", || "called `durasim::random`, which a replay cannot repeat".to_owned()).random_bits()
}
