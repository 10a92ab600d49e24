//! [`effect()`]: one thing done to the outside world, as a fake models it.

use thiserror::Error;

use super::enter;
use crate::activity::ActivityError;
use crate::program::places;

/// The effect failed, or its caller was told so.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[error("injected failure of the effect `{name}`")]
#[non_exhaustive]
pub struct EffectError {
    /// The effect's name.
    pub name: String,
}

impl EffectError {
    /// Makes the failure of an effect of this name: for fakes that fail without being told to.
    pub fn new(name: impl Into<String>) -> EffectError {
        EffectError { name: name.into() }
    }
}

/// The outside world failed, and a retry may find it well. So `?` in an activity makes the error
/// [`ActivityError::Retryable`].
impl From<EffectError> for ActivityError {
    fn from(error: EffectError) -> ActivityError {
        ActivityError::Retryable(error.to_string())
    }
}

/// Does one thing to the outside world: a row inserted, a file written, money sent.
///
/// Call it inside a fake, around the change. Each call is a point at which the simulation may crash the worker before or
/// after the change, make it fail, or do it and answer with an error. Code under test needs no marks.
///
/// Outside a simulation, where a fake is set up or tested by itself, it just calls `apply`.
///
/// ```
/// use std::cell::RefCell;
/// use durasim::EffectError;
///
/// #[derive(Default)]
/// struct Accounts { booked: RefCell<Vec<u64>> }
///
/// impl Accounts {
///     fn book(&self, amount: u64) -> Result<(), EffectError> {
///         durasim::effect("book", || self.booked.borrow_mut().push(amount))
///     }
/// }
/// ```
///
/// # Errors
/// The error is [`EffectError`] when the simulation says so: the change may or may not have been made, as with a lost
/// answer.
#[track_caller]
pub fn effect<R>(name: &str, apply: impl FnOnce() -> R) -> Result<R, EffectError> {
    let at = places::called("durasim::effect");
    let Some(world) =
        enter(|| format!("did the effect `{name}`: a workflow changes the world through activities only"))
    else {
        return Ok(apply());
    };
    world.do_effect(name, at, apply).ok_or_else(|| EffectError { name: name.to_owned() })
}
