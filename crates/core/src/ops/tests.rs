//! Rules of the operations, tested with plain values.
