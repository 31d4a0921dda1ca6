//! Users from elsewhere, very many at once: lines are read and proven on a thread of their own while the ones before
//! them are written. What a line is stands in [`record`]; what becomes of the roles that it names, in [`roles`].
//!
//! A user is there with its names, roles and password, or not at all. A line that is wrong concerns itself alone; a line
//! that meets somebody else's name or id is never merged with it (MG-10).

mod lines;
mod record;
mod rehearsal;
mod roles;

use std::collections::HashSet;
use std::io::BufRead;

use anyhow::Context as _;
use myna_core::change::{Change, Conflict};
use myna_core::id::UserId;
use myna_core::ops::admin_user;
use myna_core::time::Timestamp;
use myna_core::user::{Password, User};
use myna_store::{Bulk, CommitError, OnConflict, Store};

use lines::Line;
use record::Record;
pub(crate) use record::{USER_ID_MAX, told};
use rehearsal::Rehearsal;
use roles::{Roles, Settled};

/// How users are taken over.
pub(crate) struct Import {
    /// What follows a user whose name or id is somebody's.
    pub(crate) on_conflict: OnConflict,
    /// Whether everything is tried and nothing written.
    pub(crate) is_rehearsal: bool,
    /// What a line that does not say when is given.
    pub(crate) now: Timestamp,
}

/// What happens meanwhile.
pub(crate) enum Note<'a> {
    /// A line is wrong and is left out.
    Wrong {
        /// Counted from 1.
        line: u64,
        /// What is wrong with it, without a word of its values.
        what: &'a str,
    },
    /// A line meets a name or an id that is somebody's.
    Met {
        /// Counted from 1.
        line: u64,
        /// Which.
        what: &'a str,
    },
    /// So many bytes were read, so many users are there.
    Progress {
        /// Read so far.
        bytes: u64,
        /// Imported so far.
        users: u64,
    },
}

/// How it ended.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub(crate) struct Report {
    /// Users that are there now and were not before.
    pub(crate) imported: u64,
    /// Lines whose name or id is somebody's.
    pub(crate) met: u64,
    /// Lines that are wrong.
    pub(crate) wrong: u64,
    /// The line that ended it.
    pub(crate) stopped_at: Option<u64>,
}

/// A proven line whose roles are known.
struct Entry {
    line: u64,
    id: Option<UserId>,
    user: User,
    password: Option<Password>,
}

/// Where users go.
enum Target {
    Store(Bulk),
    /// Nowhere.
    Rehearsal(Rehearsal),
}

impl Import {
    /// Reads `source` to its end, or to the first conflict if that is what the import is told.
    ///
    /// # Errors
    /// When the source cannot be read or the store fails; what was imported stays, and the text says how to go on.
    pub(crate) async fn run(
        &self,
        store: &Store,
        source: Box<dyn BufRead + Send>,
        note: &mut dyn FnMut(Note<'_>),
    ) -> anyhow::Result<Report> {
        let mut report = Report::default();
        let ended = self.run_into(&mut report, store, source, note).await;
        ended.with_context(|| match report.imported {
            0 => "nothing was imported".to_owned(),
            users => format!("about {users} users were imported; to go on, run it again with --on-conflict skip"),
        })?;
        Ok(report)
    }

    async fn run_into(
        &self,
        report: &mut Report,
        store: &Store,
        source: Box<dyn BufRead + Send>,
        note: &mut dyn FnMut(Note<'_>),
    ) -> anyhow::Result<()> {
        let mut roles = Roles::new(store.load_roles().await?);
        let mut target = match self.is_rehearsal {
            true => Target::Rehearsal(Rehearsal::new(store.clone())),
            false => Target::Store(store.bulk()?),
        };
        let mut chunks = lines::read(source, self.now)?;
        let (mut bytes, mut waiting) = (0, Vec::new());
        while report.stopped_at.is_none()
            && let Some(chunk) = chunks.recv().await
        {
            let chunk = chunk?;
            bytes += chunk.bytes;
            for Line { number, record } in chunk.lines {
                let entry = match record {
                    Ok(record) => self.settle(store, &mut roles, number, record).await?,
                    Err(faults) => Err(faults),
                };
                match entry {
                    Ok(entry) => waiting.push(entry),
                    Err(what) => {
                        report.wrong += 1;
                        note(Note::Wrong { line: number, what: &what });
                    }
                }
            }
            while waiting.len() >= target.room() && report.stopped_at.is_none() {
                let rest = waiting.split_off(target.room());
                self.write(&mut target, std::mem::replace(&mut waiting, rest), report, note).await?;
                note(Note::Progress { bytes, users: report.imported });
            }
        }
        if report.stopped_at.is_none() {
            self.write(&mut target, waiting, report, note).await?;
        }
        match target {
            Target::Store(bulk) => Ok(bulk.finish().await?),
            Target::Rehearsal(_) => Ok(()),
        }
    }

    /// Finds the roles that a line names and makes the ones that are new. The inner error is the line's fault.
    async fn settle(
        &self,
        store: &Store,
        roles: &mut Roles,
        line: u64,
        record: Record,
    ) -> anyhow::Result<Result<Entry, String>> {
        let Record { id, mut user, roles: named, password } = record;
        for name in named {
            let role = match roles.settle(name) {
                Ok(Settled::Known(role)) => role,
                Ok(Settled::New(role)) => {
                    if !self.is_rehearsal {
                        made(store.commit(vec![Change::PutRole(role.clone())]).await)?;
                    }
                    role
                }
                Err(fault) => return Ok(Err(fault)),
            };
            user.roles.push(role);
        }
        user.roles.sort_by_key(|role| role.id);
        Ok(Ok(Entry { line, id, user, password }))
    }

    async fn write(
        &self,
        target: &mut Target,
        entries: Vec<Entry>,
        report: &mut Report,
        note: &mut dyn FnMut(Note<'_>),
    ) -> anyhow::Result<()> {
        if entries.is_empty() {
            return Ok(());
        }
        let lines: Vec<u64> = entries.iter().map(|entry| entry.line).collect();
        let answers = match target {
            Target::Store(bulk) => {
                let lists = changes(bulk, entries).await?;
                bulk.commit(lists, self.on_conflict).await?
            }
            Target::Rehearsal(rehearsal) => rehearsal.try_all(&entries, self.on_conflict).await?,
        };
        for (line, answer) in lines.into_iter().zip(answers) {
            let Err(conflict) = answer else {
                report.imported += 1;
                continue;
            };
            report.met += 1;
            note(Note::Met { line, what: &in_words(&conflict) });
            if self.on_conflict == OnConflict::Stop {
                report.stopped_at = Some(line);
            }
        }
        Ok(())
    }
}

impl Target {
    /// How many users are written at once.
    const fn room(&self) -> usize {
        match self {
            Self::Store(bulk) => bulk.room(),
            Self::Rehearsal(_) => lines::CHUNK,
        }
    }
}

/// The changes of each user, with ids for those who have none: none that another line of the same transaction names.
async fn changes(bulk: &mut Bulk, entries: Vec<Entry>) -> anyhow::Result<Vec<Vec<Change>>> {
    let named: HashSet<UserId> = entries.iter().filter_map(|entry| entry.id).collect();
    let mut fresh =
        if named.len() == entries.len() { 0..0 } else { bulk.reserve_user_ids(u32::try_from(entries.len())?).await? };
    let mut lists = Vec::with_capacity(entries.len());
    for Entry { line: _, id, user, password } in entries {
        let id = match id {
            Some(id) => id,
            None => fresh.by_ref().map(UserId).find(|id| !named.contains(id)).context("no user id is left")?,
        };
        lists.push(admin_user::decide_import(User { id, ..user }, password).changes);
    }
    Ok(lists)
}

fn made<T>(result: Result<T, CommitError>) -> anyhow::Result<()> {
    match result {
        Ok(_) => Ok(()),
        Err(CommitError::Conflict(_)) => {
            anyhow::bail!("somebody else made a role just now")
        }
        Err(CommitError::Store(error)) => Err(error.into()),
    }
}

fn in_words(conflict: &Conflict) -> String {
    match conflict {
        Conflict::IdentifierTaken(name) => format!("another user has the name `{}`", name.as_str()),
        Conflict::UserIdUsed(id) => format!("the id {id} was given out before"),
        Conflict::UserGone(_)
        | Conflict::UserChanged(_)
        | Conflict::RoleIdUsed(_)
        | Conflict::PasswordChanged(_)
        | Conflict::SessionChanged(_)
        | Conflict::DeviceBusy(_)
        | Conflict::ChallengeSpent(_)
        | Conflict::MailGone
        | Conflict::KeyNameTaken(_)
        | Conflict::KeyChanged(_) => "somebody else changed the user just now".to_owned(),
    }
}

#[cfg(test)]
mod tests;
