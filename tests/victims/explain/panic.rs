// SPDX-License-Identifier: GPL-2.0-or-later
// panic.rs - dies below Rust functions: generics, closures, traits; by a panic or a bad pointer.
use std::hint::black_box;

trait Shape {
    fn area(&self, way: &str) -> u64;
}

struct Square<T> {
    side: T,
}

impl Shape for Square<u64> {
    #[inline(never)]
    fn area(&self, way: &str) -> u64 {
        let measure = |times: u64| measure_side(self.side * times, way);
        black_box(measure)(2) + 1
    }
}

#[inline(never)]
fn measure_side(side: u64, way: &str) -> u64 {
    match way {
        "index" => black_box(vec![1u64, 2, 3])[black_box(side as usize)],
        "unwrap" => black_box(None::<u64>).unwrap(),
        "pointer" => unsafe { std::ptr::read_volatile(black_box(8usize) as *const u64) },
        _ => side,
    }
}

fn main() {
    let way = std::env::args().nth(1).unwrap_or_default();
    let shape: Box<dyn Shape> = Box::new(Square { side: 40u64 });
    println!("{}", black_box(shape).area(&way));
}
