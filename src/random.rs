//! [`random()`]: random numbers that follow from the seed.

use crate::world::core::current;

/// 64 random bits from the run's seed, for activities and the fakes they use.
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
/// Outside a simulation. From workflow code, whose replay would draw other numbers, it ends the run with an error.
#[track_caller]
pub fn random() -> u64 {
    let Some(world) = current() else {
        panic!("`durasim::random` was called outside a simulation: it works in activities and the fakes they use")
    };
    if world.core.borrow().in_workflow() {
        world.misuse("workflow code called `durasim::random`, which a replay cannot repeat".to_owned());
    }
    world.core.borrow_mut().user_random.bits()
}
