//! [`Asked`]: the faults that are tried only where the user asks for them.

use super::deploys::Deploys;

/// The faults that are tried only where the user asks for them.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Asked {
    /// The deploys that change something.
    pub(crate) deploys: Deploys,
    /// Signals may arrive twice.
    pub(crate) duplicates: bool,
}
