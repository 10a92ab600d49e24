//! The command `cargo run -p activity_advanced`: its options, what it runs, and how it prints that.

pub mod arguments;
pub mod found;
pub mod guide;
pub mod outcomes;
pub mod overview;
pub mod row;
pub mod summary;
pub mod tale;

pub use arguments::Arguments;
