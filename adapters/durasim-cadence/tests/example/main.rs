//! The example as a test. Its clocks follow the runs.

#[path = "../../examples/activity_advanced/app/mod.rs"]
mod app;
#[path = "../../examples/activity_advanced/bug_4.rs"]
mod bug_4;
mod found;
mod fragments;
#[path = "../../examples/activity_advanced/judged.rs"]
mod judged;
mod two_ways;

durasim_wallclock::install!();
