//! What one activity costs among more and more. `cargo bench --bench growth`

use std::hint::black_box;

use criterion::{BenchmarkId, SamplingMode, Throughput};
use durasim_benches::clock::{self, Clock};
use durasim_benches::cpu_time::words;
use durasim_benches::in_turn::InTurn;
use durasim_benches::simulated::Simulated;
use durasim_benches::workload::Workload;

const SIZES: [u32; 5] = [1, 10, 100, 1_000, 10_000];
/// The size that the others are compared with.
const UNIT: u32 = 100;
/// Activities that each side runs in a turn.
const TURN: u32 = 10_000;

fn main() {
    let mut criterion = clock::criterion(Clock::Cpu);
    let mut group = criterion.benchmark_group("growth");
    group.sampling_mode(SamplingMode::Flat);
    // The sizes take turns on one engine, so that a small run also pays for what a large one has left, if it does.
    let unit = Simulated::new(&Workload::crashing("growth", UNIT));
    for activities in SIZES {
        let simulated = Simulated::new(&Workload::crashing("growth", activities));
        let runs = |simulated: &Simulated, activities| {
            (0..TURN / activities).for_each(|_| drop(black_box(simulated.run())));
        };
        let mut in_turn = InTurn::default();
        group.throughput(Throughput::Elements(TURN.into()));
        group.bench_function(BenchmarkId::from_parameter(activities), |bencher| {
            in_turn.measure(bencher, || runs(&unit, UNIT), || runs(&simulated, activities));
        });
        if let Some(compared) = in_turn.compared() {
            let each = words(compared.subject / f64::from(TURN));
            println!("growth {activities} activities ratio {:.2} to {UNIT} ({each} each)", compared.ratio);
        }
    }
    group.finish();
    criterion.final_summary();
}
