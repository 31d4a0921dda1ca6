//! What the checker of the invariants asks for by environment variables: `MYNA_FAULTS_MUTATION` takes one guard of the
//! store out, `MYNA_FAULTS_CLOCK` moves the clock (see `clock`). Compiled only with the feature `faults`.

use myna_store::faults::{Mutation, mutate};

/// Takes the guard out that the environment names.
pub(crate) fn begin() {
    let named = crate::config::environment().find(|(name, _)| name == "MYNA_FAULTS_MUTATION");
    let Some((_, name)) = named else { return };
    match Mutation::parse(&name) {
        Some(mutation) => mutate(mutation),
        // A checker that believes a guard to be out, when it is not, would prove nothing.
        None => std::process::exit(2),
    }
}
