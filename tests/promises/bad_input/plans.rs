//! Plans that cannot be read or applied.

use super::*;

pub fn cases() -> Vec<Case> {
    vec![
        case("an empty plan", || plan("")),
        case("a plan of another version", || plan("v9 seed=1")),
        case("a plan without a fault", || plan("fine#1@1:await1")),
        case("a plan with an unknown site", || plan("fine#1@1:sleep1=crash")),
        case("a plan with an unknown fault", || plan("fine#1@1:await1=explode")),
        case("a fault that does not fit its site", || plan("fine#1@1:heartbeat1=crash")),
        case("a stall without a length", || plan("fine#1@1:await1=stall")),
        case("a length without a unit", || plan("fine#1@1:await1=stall(2)")),
        case("a site without its attempt", || plan("fine#1:await1=crash")),
        case("a plan with two faults at a point", || plan("fine#1@1:await1=crash; fine#1@1:await1=fail")),
        case("a length longer than time", || {
            let long = "18446744073709551615s";
            let text = format!("fine#1@1:dispatch=delayed({long})");
            with(options()).plan(text.parse()?).run("main", &1u32)
        }),
    ]
}
