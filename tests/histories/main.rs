//! Histories that services have recorded, replayed against the code of today.
//!
//! `recorded/` has histories as Temporal's tools write them, in both spellings, `refused/` some that are no histories of the code here.

mod bad_input;
mod differences;
mod folders;
mod recorded;
mod shop;
