//! The `myna` program.
fn main() {}
