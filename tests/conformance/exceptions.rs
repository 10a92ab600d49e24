//! The scenarios with a settled outcome that cannot agree, each with the reason.

/// A scenario's name, and the reason why it cannot agree.
pub type Exception = (&'static str, &'static str);

/// There are none today. One that agrees after all has to leave.
pub const EXCEPTIONS: &[Exception] = &[];
