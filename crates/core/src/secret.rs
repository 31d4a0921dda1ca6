//! Values that must not be seen: no `Debug`, no `Display`, overwritten when dropped.

use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// A secret. It can be looked at only by [`expose`](Self::expose), which is easy to search for.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Secret<T: Zeroize>(T);

impl<T: Zeroize> Secret<T> {
    /// Takes `value` into custody.
    pub const fn new(value: T) -> Self {
        Self(value)
    }

    /// The secret itself. Never log, format or compare what this returns.
    pub const fn expose(&self) -> &T {
        &self.0
    }
}

impl Secret<String> {
    /// Hands the text over; the copy that leaves is still overwritten when dropped.
    pub fn into_text(mut self) -> Zeroizing<String> {
        Zeroizing::new(std::mem::take(&mut self.0))
    }
}
