//! The SDK's own examples, as they ship inside its published crate, and what explores them. The build script finds their
//! files in cargo's copy of that crate; none is kept here.

pub mod explorations;

/// The examples.
pub mod examples {
    include!(concat!(env!("OUT_DIR"), "/sdk_examples.rs"));
}
