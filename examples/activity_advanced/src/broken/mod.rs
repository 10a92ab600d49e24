//! Broken variants of the tour's activities, each with a bug that was published: `--break` plants one and has it found.

use durasim::{Dialect, Simulation};

use crate::stops::{self, Stop};

pub mod checksum_in_the_loop;
pub mod details_nobody_reads;
pub mod goes_on_near_the_deadline;
pub mod heartbeats_when_it_divides;

/// A bug that can be planted.
#[derive(Clone, Copy, Debug)]
pub struct Bug {
    /// Its number on the command line.
    pub number: &'static str,
    /// The bug in a few words, which begin with a small letter.
    pub about: &'static str,
    /// The workflow whose runs find it.
    pub workflow: &'static str,
    /// The registered name of the activity that it replaces.
    pub activity: &'static str,
    /// The check that notices it.
    pub check: &'static str,
    /// Registers the broken activity.
    plant: fn(Simulation) -> Simulation,
    /// The file that holds it, from the package's folder.
    pub file: &'static str,
    /// An explanation, in lines of at most 80 columns.
    pub words: &'static str,
}

/// All of them, by their numbers.
pub const BUGS: [Bug; 4] = [
    Bug {
        number: "4",
        about: "a checksum that is set inside the loop",
        workflow: "file_processing",
        activity: "process_large_file",
        check: "same_result",
        plant: |simulation| simulation.activity("process_large_file", checksum_in_the_loop::process_large_file),
        file: "src/broken/checksum_in_the_loop.rs",
        words: "\
The heartbeat holds the number of chunks and not the checksum. An attempt that
begins after the last chunk has nothing left to do, never enters the loop, and
returns the checksum of an empty file. Mended: the heartbeat holds all that the
result is made of.",
    },
    Bug {
        number: "5",
        about: "a deadline that is noticed, and then ignored",
        workflow: "file_processing",
        activity: "process_large_file",
        check: "stops_in_time",
        plant: |simulation| simulation.activity("process_large_file", goes_on_near_the_deadline::process_large_file),
        file: "src/broken/goes_on_near_the_deadline.rs",
        words: "\
Near its deadline the activity saves its progress and goes on, until the timeout
ends it in the middle of a chunk. Mended: it returns once it has saved.",
    },
    Bug {
        number: "6",
        about: "heartbeats only where a count divides",
        workflow: "data_migration_with_retries",
        activity: "migrate_data",
        check: "heartbeats_in_time",
        plant: |simulation| simulation.activity("migrate_data", heartbeats_when_it_divides::migrate_data),
        file: "src/broken/heartbeats_when_it_divides.rs",
        words: "\
It looks after each batch whether the count divides by 20. With batches of 15
that is so at 60 and at 120 records. Until then the service hears nothing for
longer than the heartbeat timeout, and gives up an attempt that works. Mended:
it looks after each record.",
    },
    Bug {
        number: "7",
        about: "heartbeats whose details no attempt reads",
        workflow: "deadline_aware_with_retries",
        activity: "deadline_aware_activity",
        check: "progress",
        plant: |simulation| {
            simulation.activity("deadline_aware_activity", details_nobody_reads::deadline_aware_activity)
        },
        file: "src/broken/details_nobody_reads.rs",
        words: "\
It tells how far it has come, and never asks how far the attempt before it came:
each retry begins with the first item. Mended: it begins with
`ctx.heartbeat_details()`.",
    },
];

impl Bug {
    /// The bug of this number.
    pub fn of(number: &str) -> Option<&'static Bug> {
        BUGS.iter().find(|bug| bug.number == number)
    }

    /// The stop whose runs find it.
    ///
    /// # Panics
    /// If it names none. A test looks at all of them.
    pub fn stop(&self) -> &'static Stop {
        Stop::of(self.workflow).expect("a bug names a workflow of the tour")
    }

    /// The world of the tour with the broken activity in the place of the right one.
    pub fn planted(&self, dialect: Dialect) -> Simulation {
        let right = stops::ACTIVITIES.iter().filter(|(name, _)| *name != self.activity);
        right.fold((self.plant)(stops::world(dialect)), |simulation, (_, register)| register(simulation))
    }
}
