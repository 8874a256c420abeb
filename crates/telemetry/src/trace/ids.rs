//! Random trace and span ids.
//!
//! Each thread has a generator of its own, seeded by the operating system and seeded anew in a
//! forked child: two processes must never make the same ids.

use std::cell::RefCell;

use rand::rngs::{SmallRng, SysRng};
use rand::{Rng, SeedableRng};

use crate::fork;

struct Generator {
    random: SmallRng,
    generation: u32,
}

impl Generator {
    fn new() -> Self {
        let random = SmallRng::try_from_rng(&mut SysRng).unwrap_or_else(|_| {
            // The system refuses randomness: time, process and stack address still tell
            // processes and threads apart.
            let marker = 0_u8;
            let time = std::time::SystemTime::now()
                .duration_since(std::time::UNIX_EPOCH)
                .map_or(0, |elapsed| elapsed.as_nanos() as u64);
            let place = std::ptr::from_ref(&marker).addr() as u64;
            SmallRng::seed_from_u64(time ^ place.rotate_left(32) ^ u64::from(std::process::id()))
        });
        Self {
            random,
            generation: fork::generation(),
        }
    }
}

thread_local! {
    static GENERATOR: RefCell<Generator> = RefCell::new(Generator::new());
}

fn random<T>(draw: impl FnOnce(&mut SmallRng) -> T) -> T {
    GENERATOR.with_borrow_mut(|generator| {
        if generator.generation != fork::generation() {
            *generator = Generator::new();
        }
        draw(&mut generator.random)
    })
}

/// A random trace id, never zero.
#[must_use]
pub fn random_trace_id() -> u128 {
    loop {
        let id =
            random(|random| u128::from(random.next_u64()) << 64 | u128::from(random.next_u64()));
        if id != 0 {
            return id;
        }
    }
}

/// A random span id, never zero.
#[must_use]
pub fn random_span_id() -> u64 {
    loop {
        let id = random(Rng::next_u64);
        if id != 0 {
            return id;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn ids_do_not_repeat_across_threads() {
        let ids: Vec<u64> = std::thread::scope(|scope| {
            let some = || (0..10_000).map(|_| random_span_id()).collect::<Vec<_>>();
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(some)).collect();
            threads
                .into_iter()
                .flat_map(|thread| thread.join().unwrap())
                .collect()
        });
        assert_eq!(ids.iter().collect::<HashSet<_>>().len(), ids.len());
    }
}
