//! The functions of the C library that std, chrono, uuid and getrandom ask, by their names: in a program that links this
//! crate the linker finds these first. Each asks durasim whether code of a run runs here, and the C library or the kernel
//! otherwise.

use std::cell::Cell;
use std::sync::atomic::{AtomicPtr, Ordering};
use std::time::{Duration, SystemTime};

use durasim::{Time, ambient};

/// The steady clock at the start of a run: long enough after its zero that code may subtract from it, and before the real one.
const STEADY: Duration = Duration::from_secs(100);

/// So many readings at one moment are a wait that cannot end.
const READINGS: u32 = 1_000_000;

thread_local! {
    /// A clock is being answered: whoever answers may read one itself. Without a destructor and without lazy set-up, so
    /// that it can be read while a thread begins and ends.
    static IS_ANSWERING: Cell<bool> = const { Cell::new(false) };
    /// The last moment that was answered, and how often.
    static READ: Cell<(Time, u32)> = const { Cell::new((Time::MAX, 0)) };
}

/// Asks durasim, unless it is durasim that asks.
fn of_the_run<R>(ask: impl FnOnce() -> Option<R>) -> Option<R> {
    if IS_ANSWERING.try_with(|answering| answering.replace(true)).unwrap_or(true) {
        return None;
    }
    let answer = ask();
    let _ = IS_ANSWERING.try_with(|answering| answering.set(false));
    answer
}

/// The time of the run whose code asks.
fn time_of_the_run() -> Option<Time> {
    let now = of_the_run(ambient::now)?;
    let readings = READ.try_with(|read| {
        let (last, count) = read.get();
        let count = if last == now { count + 1 } else { 1 };
        read.set((now, count));
        count
    });
    if readings.is_ok_and(|count| count > READINGS) {
        ends_never(now);
    }
    Some(now)
}

/// Ends the process, which cannot unwind out of a C function.
fn ends_never(now: Time) -> ! {
    IS_ANSWERING.set(true);
    eprintln!(
        "\ndurasim-wallclock: code of a run has read the clock {READINGS} times at {now}, while virtual time stands still: a wait \
         of std (`recv_timeout`, `wait_timeout`) or a loop that asks the clock waits for ever there. Wait with `durasim::time` or \
         tokio."
    );
    std::process::abort();
}

/// The answer of a clock, if it is one that follows runs.
fn answer(clock: libc::clockid_t) -> Option<Duration> {
    match clock {
        libc::CLOCK_REALTIME | libc::CLOCK_REALTIME_COARSE => {
            time_of_the_run()?.to_system_time().duration_since(SystemTime::UNIX_EPOCH).ok()
        }
        libc::CLOCK_MONOTONIC | libc::CLOCK_MONOTONIC_COARSE | libc::CLOCK_MONOTONIC_RAW | libc::CLOCK_BOOTTIME => {
            Some(STEADY + time_of_the_run()?.since_epoch())
        }
        _ => None,
    }
}

/// As the C library's.
///
/// # Safety
/// As in C: `to` points to a place for the time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn clock_gettime(clock: libc::clockid_t, to: *mut libc::timespec) -> libc::c_int {
    match answer(clock) {
        Some(time) => {
            let time = libc::timespec { tv_sec: time.as_secs() as libc::time_t, tv_nsec: time.subsec_nanos().into() };
            // SAFETY: the caller passes a place for the time, as the C function demands.
            unsafe { to.write(time) };
            0
        }
        None => real_clock_gettime(clock, to),
    }
}

/// As the C library's.
///
/// # Safety
/// As in C: `to` points to a place for the time; the zone is not written, as in today's C libraries.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gettimeofday(to: *mut libc::timeval, _zone: *mut libc::c_void) -> libc::c_int {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is a place for the time.
    let result = unsafe { clock_gettime(libc::CLOCK_REALTIME, &mut time) };
    if !to.is_null() {
        let time = libc::timeval { tv_sec: time.tv_sec, tv_usec: (time.tv_nsec / 1_000) as libc::suseconds_t };
        // SAFETY: the caller passes a place for the time, as the C function demands.
        unsafe { to.write(time) };
    }
    result
}

/// As the C library's.
///
/// # Safety
/// As in C: `to` is null or points to a place for the time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn time(to: *mut libc::time_t) -> libc::time_t {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is a place for the time.
    unsafe { clock_gettime(libc::CLOCK_REALTIME, &mut time) };
    if !to.is_null() {
        // SAFETY: it is not null, so the caller passes a place for the time.
        unsafe { to.write(time.tv_sec) };
    }
    time.tv_sec
}

/// As the C library's.
///
/// # Safety
/// As in C: `to` points to a place for `length` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn getrandom(to: *mut libc::c_void, length: libc::size_t, flags: libc::c_uint) -> libc::ssize_t {
    let fill = || {
        let mut bytes = [0; 256];
        let mut filled = 0;
        while filled < length {
            let part = (length - filled).min(bytes.len());
            if !ambient::fill(&mut bytes[..part]) {
                return None;
            }
            // SAFETY: the caller passes a place for `length` bytes, of which `filled` are written, and at least `part` are
            // left.
            unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), to.cast::<u8>().add(filled), part) };
            filled += part;
        }
        Some(length as libc::ssize_t)
    };
    match of_the_run(fill) {
        Some(result) => result,
        // SAFETY: the system call of that name takes these arguments, which are the caller's.
        None => unsafe { libc::syscall(libc::SYS_getrandom, to, length, flags) as libc::ssize_t },
    }
}

/// The type of the C function.
type ClockGettime = unsafe extern "C" fn(libc::clockid_t, *mut libc::timespec) -> libc::c_int;

/// The C library's own, which reads the clock without a system call. Null until it was looked up.
static C_CLOCK_GETTIME: AtomicPtr<libc::c_void> = AtomicPtr::new(std::ptr::null_mut());

fn real_clock_gettime(clock: libc::clockid_t, to: *mut libc::timespec) -> libc::c_int {
    let mut function = C_CLOCK_GETTIME.load(Ordering::Relaxed);
    if function.is_null() {
        // SAFETY: a lookup by a name that ends with a zero byte. In a program that is linked statically it finds nothing.
        function = unsafe { libc::dlsym(libc::RTLD_NEXT, c"clock_gettime".as_ptr()) };
        if function.is_null() {
            // SAFETY: the system call of that name takes these arguments, which are the caller's.
            return unsafe { libc::syscall(libc::SYS_clock_gettime, clock, to) as libc::c_int };
        }
        C_CLOCK_GETTIME.store(function, Ordering::Relaxed);
    }
    // SAFETY: the C library's function of that name has this type.
    let function = unsafe { std::mem::transmute::<*mut libc::c_void, ClockGettime>(function) };
    // SAFETY: the arguments are those of the caller, who keeps to what the C function demands.
    unsafe { function(clock, to) }
}
