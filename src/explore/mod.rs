//! Exploration.
use crate::run::start::Start;
/// x
#[derive(Debug)]
pub struct Exploration { _start: Start }
impl Exploration { pub(crate) fn new(start: Start) -> Exploration { Exploration { _start: start } } }
