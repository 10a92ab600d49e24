//! The command `cargo run -p activity_advanced`: its options, its runs, and the way in which it prints them.

pub mod arguments;
pub mod found;
pub mod guide;
pub mod outcomes;
pub mod overview;
pub mod row;
pub mod summary;
pub mod tale;

pub use arguments::Arguments;
