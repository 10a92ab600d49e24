//! The example as a test. Its clocks follow the runs.

#[path = "../../examples/activity_advanced/app/mod.rs"]
mod app;
#[path = "../../examples/activity_advanced/bug_4.rs"]
mod bug_4;
mod found;
mod fragments;
#[path = "../../examples/activity_advanced/judged.rs"]
mod judged;
mod never_hears_of_a_cancel;
mod two_ways;
mod upload_is_gone;

durasim_wallclock::install!();
