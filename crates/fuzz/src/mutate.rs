//! Inputs out of inputs, by seed: the same seed makes the same inputs on every machine.

/// What the mutations draw from.
pub struct Mutator<'a> {
    random: fastrand::Rng,
    seeds: &'a [Vec<u8>],
    words: &'a [&'a str],
}

/// The longest input that is made.
const BYTES_MAX: usize = 300 * 1024;

impl<'a> Mutator<'a> {
    /// A sequence of inputs.
    pub fn new(seed: u64, seeds: &'a [Vec<u8>], words: &'a [&'a str]) -> Self {
        Self { random: fastrand::Rng::with_seed(seed), seeds, words }
    }

    /// The next input.
    pub fn next_input(&mut self) -> Vec<u8> {
        let mut input = self.seed();
        for _ in 0..=self.random.usize(0..6) {
            self.mutate(&mut input);
        }
        input.truncate(BYTES_MAX);
        input
    }

    fn seed(&mut self) -> Vec<u8> {
        self.random.choice(self.seeds).cloned().unwrap_or_default()
    }

    fn place(&mut self, input: &[u8]) -> usize {
        self.random.usize(0..=input.len())
    }

    /// A part of an input: some bytes, or whole lines.
    fn part(&mut self, input: &[u8]) -> std::ops::Range<usize> {
        let (one, other) = (self.place(input), self.place(input));
        let part = one.min(other)..one.max(other);
        if self.random.bool() {
            return part.start..part.end.min(part.start + self.random.usize(0..64));
        }
        let line =
            |at: usize| input.iter().skip(at).position(|byte| *byte == b'\n').map_or(input.len(), |on| at + on + 1);
        line(part.start)..line(part.end.min(part.start + 512))
    }

    fn mutate(&mut self, input: &mut Vec<u8>) {
        let at = self.place(input);
        match self.random.u8(0..9) {
            0 => {
                if let Some(byte) = input.get_mut(at) {
                    *byte ^= 1 << self.random.u8(0..8);
                }
            }
            1 => input.insert(at, self.random.u8(..)),
            2 => {
                let random = &mut self.random;
                let bytes: Vec<u8> = (0..random.usize(1..64)).map(|_| random.u8(..)).collect();
                input.splice(at..at, bytes);
            }
            3 => {
                let part = self.part(input);
                input.drain(part);
            }
            4 => {
                let part = self.part(input);
                let copy = input[part].repeat(self.random.usize(1..4));
                input.splice(at..at, copy);
            }
            5 | 6 => {
                let word = self.random.choice(self.words).copied().unwrap_or("\0");
                let end = if self.random.bool() { at } else { (at + word.len()).min(input.len()) };
                input.splice(at..end, word.bytes());
            }
            7 => {
                let other = self.seed();
                let part = self.part(&other);
                input.splice(at..at, other[part].to_vec());
            }
            _ => input.truncate(at),
        }
    }
}

/// The smallest input found for which `fails` still holds, by leaving out halves, quarters and so on, and then by making
/// bytes plain; at most so many tries.
pub fn smallest(mut input: Vec<u8>, mut tries: usize, mut fails: impl FnMut(&[u8]) -> bool) -> Vec<u8> {
    let mut size = input.len() / 2;
    while size > 0 {
        let mut at = 0;
        while at < input.len() && tries > 0 {
            let mut shorter = input.clone();
            shorter.drain(at..(at + size).min(input.len()));
            tries -= 1;
            if fails(&shorter) { input = shorter } else { at += size }
        }
        size /= 2;
    }
    for at in 0..input.len() {
        if tries == 0 {
            break;
        }
        let mut plainer = input.clone();
        plainer[at] = if input[at].is_ascii_graphic() { b'a' } else { 0 };
        tries -= 1;
        if plainer[at] != input[at] && fails(&plainer) {
            input = plainer;
        }
    }
    input
}
