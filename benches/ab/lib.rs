//! There is only the bench: `ab.rs`.
