//! A server's processes, as the system's table in `/proc` has them: a server is one process and those it has started.

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use tokio::process::Command;
use tokio::time::sleep;

use super::run;

/// How long the system may take to bury a process.
const BURIED_MAX: Duration = Duration::from_secs(20);

/// One server's.
pub(super) struct Processes {
    parent: u32,
    /// Of the memory by which it would know that it runs already.
    segment: Option<String>,
}

impl Processes {
    /// Those of the server whose data is in that folder.
    pub(super) fn of(data: &Path) -> anyhow::Result<Self> {
        let file = std::fs::read_to_string(data.join("postmaster.pid")).context("the server does not run")?;
        let parent = file.lines().next().unwrap_or_default().trim().parse().context("postmaster.pid")?;
        let segment = file.lines().nth(6).and_then(|line| line.split_whitespace().nth(1));
        Ok(Self { parent, segment: segment.map(str::to_owned) })
    }

    /// Ends all of them at once; none says a word any more. The first is stopped before the others die, since it would
    /// end their connections in an orderly way, and before it dies itself, since they would answer for a moment longer.
    pub(super) async fn kill(&self) -> anyhow::Result<()> {
        signal("-STOP", &[self.parent]).await?;
        let mut all = self.children();
        signal("-KILL", &all).await?;
        signal("-KILL", &[self.parent]).await?;
        all.push(self.parent);
        let deadline = Instant::now() + BURIED_MAX;
        while all.iter().any(|process| is_alive(*process)) {
            ensure!(Instant::now() < deadline, "a killed server is still there");
            sleep(Duration::from_millis(2)).await;
        }
        // Nobody else removes it if the server never starts again.
        if let Some(segment) = &self.segment {
            let _ = run(Command::new("ipcrm").args(["-m", segment])).await;
        }
        Ok(())
    }

    /// Stops all of them where they are.
    pub(super) async fn freeze(&self) -> anyhow::Result<()> {
        signal("-STOP", &[self.parent]).await?;
        signal("-STOP", &self.children()).await
    }

    /// Lets them go on.
    pub(super) async fn thaw(&self) -> anyhow::Result<()> {
        signal("-CONT", &self.children()).await?;
        signal("-CONT", &[self.parent]).await
    }

    /// The same, for one who cannot wait.
    pub(super) fn thaw_now(&self) {
        for process in self.children().into_iter().chain([self.parent]) {
            let mut kill = std::process::Command::new("kill");
            kill.args(["-CONT", &process.to_string()]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
            let _ = kill.status();
        }
    }

    fn children(&self) -> Vec<u32> {
        let all = std::fs::read_dir("/proc").into_iter().flatten().flatten();
        let numbers = all.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        numbers.filter(|number| state(*number).is_some_and(|(_, parent)| parent == self.parent)).collect()
    }
}

async fn signal(signal: &str, processes: &[u32]) -> anyhow::Result<()> {
    for process in processes {
        // One that has ended meanwhile needs no signal.
        let _ = run(Command::new("kill").args([signal, &process.to_string()])).await;
    }
    Ok(())
}

/// One that nobody has buried yet does nothing any more.
fn is_alive(process: u32) -> bool {
    state(process).is_some_and(|(state, _)| !matches!(state, 'Z' | 'X'))
}

/// Its state and its parent. (proc(5): the name before them is in parentheses, and may hold some.)
fn state(process: u32) -> Option<(char, u32)> {
    let text = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    let mut fields = text.rsplit_once(')')?.1.split_whitespace();
    Some((fields.next()?.chars().next()?, fields.next()?.parse().ok()?))
}
