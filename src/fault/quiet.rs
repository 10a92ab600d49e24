//! [`Quiet`]: no fault.

use super::kind::Fault;
use super::menu::Limits;
use super::point::Site;
use super::source::{Faults, Location};

/// The source of no faults: nothing goes wrong in the run without faults, with which others are compared.
#[derive(Debug)]
pub(crate) struct Quiet;

impl Faults for Quiet {
    fn is_quiet(&self) -> bool {
        true
    }

    fn may_strike(&self, _site: Site) -> bool {
        false
    }

    fn strike(&mut self, _at: Location<'_>, _limits: &dyn Fn() -> Limits) -> Option<Fault> {
        None
    }
}
