//! The scenarios with a settled outcome that cannot agree, each with the reason.

/// Their names and the reasons. A scenario that agrees after all has to leave.
const EXCEPTIONS: [(&str, &str); 1] = [(
    "rs_018",
    "on the slow machine the workflow's last task took 1.7 s, in which the operator's call came: a worker of a simulation \
     takes no time for a task",
)];

/// The reason why a scenario cannot agree.
pub fn reason(scenario: &str) -> Option<&'static str> {
    EXCEPTIONS.iter().find(|(name, _)| *name == scenario).map(|(_, reason)| *reason)
}
