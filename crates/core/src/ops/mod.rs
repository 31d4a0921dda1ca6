//! One file an operation: what it is given, what it needs to know, and `decide`, all its rules on one page.

pub mod admin_user;
pub mod bearer;
pub mod change_password;
pub mod input;
pub mod login;
pub mod logout;
pub mod refresh;
pub mod register;
pub mod request_password_reset;
pub mod reset_password;
pub mod sessions;

use crate::change::Change;
use crate::id::{Handle, SessionId};
use crate::outcome::Outcome;
use crate::policy::Ctx;
use crate::problem::ProblemKind;
use crate::secret::Secret;
use crate::session::{AccessDigests, Session};
use crate::user::User;

/// The conclusion: what is answered once the changes are durable.
#[derive(Clone)]
pub struct Decision {
    /// What the caller is told.
    pub outcome: Outcome,
    /// What is to be altered, in this order, in one transaction.
    pub changes: Vec<Change>,
}

impl Decision {
    /// An answer that alters nothing.
    pub const fn answer(outcome: Outcome) -> Self {
        Self { outcome, changes: Vec::new() }
    }
}

/// What became of a password that is to be set.
pub enum NewPassword {
    /// It meets the policy; this is its hash.
    Hashed(Secret<String>),
    /// It does not meet the policy.
    Refused(ProblemKind),
    /// It was not hashed because something else had failed already.
    NotTried,
}

/// A new session of `user`, and the changes that begin it: a device has one session, a user has at most so many.
fn begin_session(ctx: &Ctx<'_>, user: &User, device: Option<&str>) -> (Session, Vec<Change>) {
    let session = Session {
        id: SessionId { user: user.id, handle: Handle(ctx.chance.handle) },
        dialect: ctx.terms.dialect.clone(),
        device: device.map(str::to_owned),
        salt: ctx.chance.salt,
        generation: 0,
        created_at: ctx.now,
        rotated_at: ctx.now,
        used_at: ctx.now,
        idle_expires_at: (ctx.now + ctx.terms.idle).min(ctx.now + ctx.terms.absolute),
        expires_at: ctx.now + ctx.terms.absolute,
        client_address: ctx.caller.address.clone(),
        client_agent: ctx.caller.agent.clone(),
        access: AccessDigests::default(),
        ended: None,
    };
    let mut changes = Vec::new();
    if let Some(device) = device {
        changes.push(Change::EndDeviceSession {
            user: user.id,
            dialect: session.dialect.clone(),
            device: device.to_owned(),
            at: ctx.now,
        });
    }
    changes.push(Change::InsertSession(Box::new(session.clone())));
    changes.push(Change::EndOldestSessions {
        user: user.id,
        newest: session.id.handle,
        keep: ctx.policy.sessions_max,
        at: ctx.now,
    });
    (session, changes)
}

/// A new session of `user` if the answer will show something of it: one that nobody learns of would only be in the way.
fn begin_shown(ctx: &Ctx<'_>, user: &User, device: Option<&str>, changes: &mut Vec<Change>) -> Option<Session> {
    if !ctx.shown.session {
        return None;
    }
    let (session, begin) = begin_session(ctx, user, device);
    changes.extend(begin);
    Some(session)
}

/// The session after a use at `ctx.now`: the idle limit moves on, the absolute one stays.
fn used(ctx: &Ctx<'_>, session: &Session) -> Session {
    Session { used_at: ctx.now, idle_expires_at: (ctx.now + ctx.terms.idle).min(session.expires_at), ..session.clone() }
}

#[cfg(test)]
mod tests;
