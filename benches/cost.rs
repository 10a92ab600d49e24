//! The cost of a run, against a bare loop in the same process. `cargo bench --bench cost`
//!
//! With `only NAME bare|durasim RUNS` it runs one side of one workload and prints nothing, for `instructions.sh`.

use std::hint::black_box;

use criterion::{Criterion, SamplingMode};
use durasim_benches::bare::Bare;
use durasim_benches::check::check;
use durasim_benches::clock::{self, Clock};
use durasim_benches::cpu_time::words;
use durasim_benches::in_turn::InTurn;
use durasim_benches::simulated::Simulated;
use durasim_benches::workload::Workload;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    if let ["only", name, side, runs] = arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        return only(name, side, runs.parse().expect("a number of runs"));
    }
    let mut criterion = clock::criterion(Clock::Cpu);
    workloads().iter().for_each(|workload| ratio(&mut criterion, workload));
    criterion.final_summary();
}

fn workloads() -> [Workload; 4] {
    let w1 = Workload::crashing("W1", 1);
    [w1.clone(), w1.without_json("W1 without JSON"), Workload::crashing("W100", 100), Workload::long("Wlong", 100_000)]
}

fn ratio(criterion: &mut Criterion<Clock>, workload: &Workload) {
    let (mut bare, simulated) = (Bare::default(), Simulated::new(workload));
    check(workload, &mut bare, &simulated);
    let mut in_turn = InTurn::default();
    let mut group = criterion.benchmark_group(workload.name);
    group.sampling_mode(SamplingMode::Flat);
    group.bench_function("durasim", |bencher| {
        in_turn.measure(bencher, || drop(black_box(bare.run(workload))), || drop(black_box(simulated.run())));
    });
    group.finish();
    if let Some(compared) = in_turn.compared() {
        let (bare, durasim) = (words(compared.reference), words(compared.subject));
        println!("{} ratio {:.2} (bare {bare}, durasim {durasim})", workload.name, compared.ratio);
    }
}

fn only(name: &str, side: &str, runs: u32) {
    let workload = workloads().into_iter().find(|workload| workload.name == name).expect("a workload");
    let (mut bare, simulated) = (Bare::default(), Simulated::new(&workload));
    for _ in 0..runs {
        match side {
            "bare" => drop(black_box(bare.run(&workload))),
            "durasim" => drop(black_box(simulated.run())),
            _ => panic!("expected `bare` or `durasim`"),
        }
    }
}
