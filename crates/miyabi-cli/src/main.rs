//! The program `miyabi`.

fn main() {}
