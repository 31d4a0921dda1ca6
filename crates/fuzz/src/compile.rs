//! A text as a dialect file: refused with faults that can be drawn, or compiled to something that answers.

use myna_dialect::diagnostic::{Source, render};
use myna_dialect::{compile, describe};

use crate::exchange::Served;

/// Compiles what is UTF-8 of it.
pub(crate) fn run(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let source = Source::new("fuzzed", text.as_ref());
    match compile(&source, None) {
        Err(faults) => {
            assert!(!faults.is_empty(), "refused without a fault");
            let shown = render(&source, &faults, false);
            assert!(!shown.is_empty(), "faults that nobody sees");
        }
        Ok(dialect) => {
            let description: describe::Description = dialect.describe();
            let Some(served) = Served::new("fuzzed", &text) else { return };
            for at in 0..description.endpoints.len() {
                for outcome in 0..description.endpoints[at].outcomes.len() {
                    let number = u8::try_from(outcome).unwrap_or_default();
                    served.exchange(at, &[0; 64].map(|_: u8| number));
                }
                served.exchange(at, &[]);
            }
        }
    }
}
