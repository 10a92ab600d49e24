//! The reading of plans from their text, whose grammar is in the documentation of [`Plan`](super::Plan#text).

mod coordinate;
mod cursor;
mod header;
mod length;
mod parse;

pub(super) use length::Length;
