//! Does a login cost more when there are more users? Counted in instructions, so that the machine's noise has no say: what
//! of a login depends on how many users there are is done in a process of its own under valgrind, at two sizes.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, ensure};
use myna_core::identifier::Canonical;
use myna_core::ops::input::Inputs;
use myna_core::ops::login::{Input, decide};
use myna_core::policy::{Caller, Chance, Ctx, Policy, Rotation, Shown, Terms, Verdict};
use myna_core::problem::Field;
use myna_core::time::Timestamp;
use myna_store::{Opening, Store};

use super::{Bench, USERS, note};
use crate::table::{Finding, Goal, ratio};
use crate::world::{Cost, PASSWORD, email, now, populate};

const LOGINS: u64 = 300;

pub(super) async fn run(bench: &Bench) -> anyhow::Result<Vec<Finding>> {
    let few = bench.room("instructions")?.join("data");
    populate(&few, USERS, Cost::DEFAULT).await?;
    let (many, users) = bench.many_users().await?;
    let few = each(&few, USERS.unsigned_abs())?;
    let many = each(&many, users.unsigned_abs())?;
    Ok(vec![ratio(
        &format!("instructions of a login but for hash, HTTP and signatures, with {users} users"),
        format!("{many:.0}"),
        format!("with {USERS} users: {few:.0}"),
        many / few,
        Goal::AtMost(1.1),
    )])
}

/// Instructions of one login: those of a process with many logins without those of one with none.
fn each(data: &Path, users: u64) -> anyhow::Result<f64> {
    note(&format!("instructions: {users} users under valgrind"));
    let count = |logins: u64| -> anyhow::Result<f64> {
        let output = Command::new("valgrind")
            .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
            .arg(std::env::current_exe()?)
            .arg("--log-in")
            .args([data.as_os_str().to_owned(), users.to_string().into(), logins.to_string().into()])
            .stdin(Stdio::null())
            .output()
            .context("cannot run valgrind (Debian: apt-get install valgrind)")?;
        let told = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "valgrind failed:\n{told}");
        let line = told.lines().find_map(|line| line.split_once("Collected : ")).context("valgrind counted nothing")?;
        Ok(line.1.trim().parse()?)
    };
    Ok((count(LOGINS)? - count(0)?) / LOGINS as f64)
}

/// Does `logins` logins of users drawn from `users`: load, decide, commit, one after the other.
///
/// # Errors
/// When one of them is not let in.
pub(crate) async fn log_in(data: &Path, users: u64, logins: u64) -> anyhow::Result<()> {
    let store = Store::open(data, Opening::MustExist)?;
    let terms = Terms {
        dialect: "bench".to_owned(),
        idle: std::time::Duration::from_hours(24),
        absolute: std::time::Duration::from_hours(240),
        rotation: Rotation::Strict,
        enumerable: false,
    };
    let (policy, caller) = (Policy::default(), Caller::default());
    let mut rng = fastrand::Rng::with_seed(7);
    for number in 0..logins {
        let name = email(rng.u64(1..=users));
        let mut inputs = Inputs::default();
        inputs.put(Field::Identifier, name.clone());
        inputs.put(Field::Password, PASSWORD.to_owned());
        let input = Input::parse(&inputs).map_err(|_| anyhow::anyhow!("not the input of a login"))?;
        let identifier = Canonical::of(&name).context("no identifier")?;
        let known = store.load_known(&identifier).await?.context("an unknown user")?;
        let handle = u128::from(number).to_be_bytes();
        let ctx = Ctx {
            now: Timestamp(now()?),
            chance: Chance { handle: rng.u128(..).to_be_bytes(), salt: handle, mail: handle },
            policy: &policy,
            terms: &terms,
            shown: Shown { session: true, refresh: true },
            caller: &caller,
            fresh_user: None,
        };
        let decision = decide(&ctx, &input, Some(&known), Verdict::Match { rehash: None });
        store.commit(decision.changes).await?;
    }
    Ok(())
}
