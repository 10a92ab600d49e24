//! The guided tour of durasim: activities that heartbeat, resume, respect cancellation and deadlines, under every fault.
//!
//! Begin with [`activities::process_large_file`] and [`workflows::resilient_processing`], which are code as one writes
//! it for production. [`fakes`] stand for the world outside. [`stops`] put activities, workflows and fakes together and
//! say how every run is judged. [`broken`] has the same activities with bugs, for `--break`. The code that reads the
//! command line and prints is in [`tour`].

pub mod activities;
pub mod broken;
pub mod checks;
pub mod fakes;
pub mod stops;
pub mod tour;
pub mod workflows;
