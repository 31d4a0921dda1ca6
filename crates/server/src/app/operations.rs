//! For each operation: which facts are loaded, what is verified, which `decide` concludes. No rule stands here.

use myna_core::catalog::Operation;
use myna_core::identifier::Canonical;
use myna_core::ops::input::Inputs;
use myna_core::ops::refresh::Proof;
use myna_core::ops::{
    Decision, NewPassword, bearer, change_password, login, logout, refresh, register, request_password_reset,
    reset_password, sessions,
};
use myna_core::outcome::{Kind, Outcome};
use myna_core::policy::Ctx;
use myna_core::problem::{Field, Problem, ProblemKind};
use myna_core::session::{Bearer, Session};
use myna_core::time::Timestamp;
use myna_core::user::User;
use myna_tokens::Expiry;
use myna_tokens::refresh::Presented;

use super::run::overloaded;
use super::verify::{named, proof};
use super::{App, Call, Fault};
use crate::hashing::Asker;

/// Ends an operation early with an outcome that alters nothing.
macro_rules! or_answer {
    ($result:expr, $outcome:expr) => {
        match $result {
            Ok(value) => value,
            Err(error) => return Ok(Decision::answer($outcome(error))),
        }
    };
}

/// Ends an operation early when the hashing pool is full.
macro_rules! or_shed {
    ($result:expr) => {
        match $result {
            Ok(value) => value,
            Err(shed) => return Ok(overloaded(shed)),
        }
    };
}

fn invalid(problems: Vec<Problem>) -> Outcome {
    Outcome::invalid(Kind::Invalid, problems)
}

/// The rules of an operation that needs nothing but an access token.
type DecideByBearer = fn(&Ctx<'_>, &Bearer, Option<&bearer::Facts>) -> Decision;

impl App {
    pub(super) async fn decide(&self, call: &Call, now: Timestamp) -> Result<Decision, Fault> {
        match call.dialect.endpoint(call.endpoint).operation() {
            Operation::Login => self.login(call, now).await,
            Operation::Refresh => self.refresh(call, now).await,
            Operation::Renew => self.by_bearer(call, now, bearer::decide_renew).await,
            Operation::Logout => self.logout(call, now).await,
            Operation::Register => self.register(call, now).await,
            Operation::RequestPasswordReset => self.request_password_reset(call, now).await,
            Operation::ResetPassword => self.reset_password(call, now).await,
            Operation::ChangePassword => self.change_password(call, now).await,
            Operation::Userinfo => self.by_bearer(call, now, bearer::decide_userinfo).await,
            Operation::ListSessions => self.list_sessions(call, now).await,
            Operation::EndSession => self.end_session(call, now).await,
            Operation::EndOtherSessions => self.by_bearer(call, now, sessions::decide_end_others).await,
            Operation::LogoutEverywhere => self.by_bearer(call, now, sessions::decide_logout_everywhere).await,
            Operation::Answer => Ok(Decision::answer(Outcome::plain(Kind::Answered))),
        }
    }

    async fn login(&self, call: &Call, now: Timestamp) -> Result<Decision, Fault> {
        let input = or_answer!(login::Input::parse(&call.inputs), invalid);
        // Most of a flood ends here, before it costs a query.
        or_shed!(self.hashing.has_room(Asker::of(&call.caller)));
        let known = match &input.identifier {
            Some(identifier) => self.store.load_known(identifier).await?,
            None => None,
        };
        let stored = known.as_ref().and_then(|known| known.password.as_ref());
        let verdict = or_shed!(self.verify_password(Asker::of(&call.caller), stored, &input.password).await?);
        Ok(login::decide(&self.ctx(call, now)?, &input, known.as_ref(), verdict))
    }

    async fn refresh(&self, call: &Call, now: Timestamp) -> Result<Decision, Fault> {
        let beside = if call.dialect.endpoint(call.endpoint).reads(Field::AccessToken) {
            // Its end does not matter here, its signature and its session do.
            Some(or_answer!(self.bearer(call, now, Expiry::Ignore).await?, Outcome::plain))
        } else {
            None
        };
        or_answer!(call.inputs.require(Field::RefreshToken), |problem| invalid(vec![problem]));
        let Some(presented) = self.presented(call, now).await else {
            return Ok(Decision::answer(Outcome::plain(Kind::InvalidRefresh)));
        };
        let facts = self.store.load_session(named(&presented)).await?;
        let proof = self.proof_of(call, &presented, facts.as_ref().map(|facts| &facts.session.salt));
        let input = refresh::Input {
            id: named(&presented),
            generation: i64::try_from(presented.token().generation).unwrap_or(i64::MAX),
            device: call.inputs.text(Field::Device),
            beside,
        };
        Ok(refresh::decide(&self.ctx(call, now)?, &input, facts.as_ref(), proof))
    }

    async fn by_bearer(&self, call: &Call, now: Timestamp, decide: DecideByBearer) -> Result<Decision, Fault> {
        let (bearer, facts) = or_answer!(self.known_bearer(call, now).await?, Outcome::plain);
        Ok(decide(&self.ctx(call, now)?, &bearer, facts.as_ref()))
    }

    async fn logout(&self, call: &Call, now: Timestamp) -> Result<Decision, Fault> {
        let endpoint = call.dialect.endpoint(call.endpoint);
        let by_access = if endpoint.reads(Field::AccessToken) {
            Some(or_answer!(self.known_bearer(call, now).await?, Outcome::plain))
        } else {
            None
        };
        let by_refresh = if endpoint.reads(Field::RefreshToken) {
            or_answer!(call.inputs.require(Field::RefreshToken), |problem| invalid(vec![problem]));
            Some(match self.presented(call, now).await {
                Some(presented) => {
                    let session = self.store.load_session(named(&presented)).await?.map(|facts| facts.session);
                    let proof = self.proof_of(call, &presented, session.as_ref().map(|session| &session.salt));
                    (session, proof)
                }
                None => (None, Proof::Forged),
            })
        } else {
            None
        };
        Ok(logout::decide(&self.ctx(call, now)?, &logout::Facts { by_access, by_refresh }))
    }

    fn proof_of(&self, call: &Call, presented: &Presented, salt: Option<&[u8; 16]>) -> Proof {
        salt.map_or(Proof::Forged, |salt| self.prove(&call.dialect, presented, salt))
    }

    async fn register(&self, call: &Call, now: Timestamp) -> Result<Decision, Fault> {
        let input = or_answer!(register::Input::parse(&call.inputs), invalid);
        let (fields, canonicals): (Vec<_>, Vec<_>) = input.identifiers().into_iter().unzip();
        let found = self.store.load_taken(&canonicals).await?;
        let taken: Vec<_> = fields.into_iter().zip(found).filter_map(|(field, taken)| taken.then_some(field)).collect();
        let names = [&input.email, &input.username, &input.first_name, &input.last_name];
        let context = names.into_iter().flatten().cloned().collect();
        let password =
            or_shed!(self.hash_password(Asker::of(&call.caller), &input.password, context, taken.is_empty()).await?);
        let mut ctx = self.ctx(call, now)?;
        if matches!(password, NewPassword::Hashed(_)) {
            ctx.fresh_user = Some(self.store.allocate_user_id().await?);
        }
        Ok(register::decide(&ctx, &input, &taken, password))
    }

    async fn request_password_reset(&self, call: &Call, now: Timestamp) -> Result<Decision, Fault> {
        let input = or_answer!(request_password_reset::Input::parse(&call.inputs), invalid);
        let known = match &input.identifier {
            Some(identifier) => self.store.load_known(identifier).await?,
            None => None,
        };
        Ok(request_password_reset::decide(&self.ctx(call, now)?, known.as_ref().map(|known| &known.user)))
    }

    async fn reset_password(&self, call: &Call, now: Timestamp) -> Result<Decision, Fault> {
        let input = or_answer!(reset_password::Input::parse(&call.inputs), invalid);
        let presented = super::mint::reset_format().decode(input.token.expose());
        let presented = presented.and_then(|bytes| Presented::parse(&bytes).ok());
        let facts = match &presented {
            Some(presented) => self.store.load_challenge(named(presented)).await?,
            None => None,
        };
        let proof = match (&presented, &facts) {
            (Some(presented), Some(facts)) => proof(self.keys.reset(), presented, &facts.challenge.salt, b"reset"),
            _ => Proof::Forged,
        };
        let ctx = self.ctx(call, now)?;
        let open = facts.as_ref().filter(|_| reset_password::is_open(&ctx, &input, facts.as_ref(), proof));
        let password = match open {
            Some(facts) => {
                or_shed!(self.hash_password(Asker::of(&call.caller), &input.password, names(&facts.user), true).await?)
            }
            None => NewPassword::NotTried,
        };
        Ok(reset_password::decide(&ctx, &input, facts.as_ref(), proof, password))
    }

    async fn list_sessions(&self, call: &Call, now: Timestamp) -> Result<Decision, Fault> {
        let (bearer, facts) = or_answer!(self.known_bearer(call, now).await?, Outcome::plain);
        let sessions = self.sessions_of(facts.as_ref(), now).await?;
        Ok(sessions::decide_list(&self.ctx(call, now)?, &bearer, facts.as_ref(), sessions))
    }

    async fn end_session(&self, call: &Call, now: Timestamp) -> Result<Decision, Fault> {
        let (bearer, facts) = or_answer!(self.known_bearer(call, now).await?, Outcome::plain);
        let by_id = call.dialect.endpoint(call.endpoint).reads(Field::SessionId);
        let wanted = if by_id { Field::SessionId } else { Field::Device };
        let input = or_answer!(sessions::Input::parse(&call.inputs, wanted), invalid);
        let sessions = self.sessions_of(facts.as_ref(), now).await?;
        Ok(sessions::decide_end(&self.ctx(call, now)?, &input, &bearer, facts.as_ref(), &sessions))
    }

    async fn sessions_of(&self, facts: Option<&bearer::Facts>, now: Timestamp) -> Result<Vec<Session>, Fault> {
        match facts {
            Some(facts) => Ok(self.store.list_sessions(facts.known.user.id, now).await?),
            None => Ok(Vec::new()),
        }
    }

    async fn change_password(&self, call: &Call, now: Timestamp) -> Result<Decision, Fault> {
        let (bearer, facts) = or_answer!(self.known_bearer(call, now).await?, Outcome::plain);
        let input = or_answer!(change_password::Input::parse(&call.inputs), invalid);
        let stored = facts.as_ref().and_then(|facts| facts.known.password.as_ref());
        let verdict = or_shed!(self.verify_password(Asker::of(&call.caller), stored, &input.password).await?);
        let password = match (&facts, &verdict) {
            (Some(facts), myna_core::policy::Verdict::Match { .. }) => {
                or_shed!(
                    self.hash_password(Asker::of(&call.caller), &input.new_password, names(&facts.known.user), true)
                        .await?
                )
            }
            _ => NewPassword::NotTried,
        };
        Ok(change_password::decide(&self.ctx(call, now)?, &bearer, facts.as_ref(), &verdict, password))
    }
}

impl App {
    /// What the operation would find wrong with fields whose neighbours have failed already: every failing field is told
    /// at once. Only what costs no hash.
    pub(crate) async fn further_problems(&self, operation: Operation, inputs: &Inputs) -> Vec<Problem> {
        let new_password = match operation {
            Operation::Register | Operation::ResetPassword => Field::Password,
            Operation::ChangePassword => Field::NewPassword,
            Operation::Login
            | Operation::Refresh
            | Operation::Renew
            | Operation::Logout
            | Operation::RequestPasswordReset
            | Operation::Userinfo
            | Operation::ListSessions
            | Operation::EndSession
            | Operation::EndOtherSessions
            | Operation::LogoutEverywhere
            | Operation::Answer => return Vec::new(),
        };
        let mut problems = inputs.problems();
        if operation == Operation::Register {
            let named = [Field::Email, Field::Username].map(|field| (field, inputs.text(field)));
            let named: Vec<_> =
                named.iter().filter_map(|(field, text)| Some((*field, Canonical::of(text.as_deref()?)?))).collect();
            let (fields, canonicals): (Vec<_>, Vec<_>) = named.into_iter().unzip();
            // A store that fails now fails the next, complete request, too.
            let taken = self.store.load_taken(&canonicals).await.unwrap_or_default();
            let taken = fields.into_iter().zip(taken).filter(|(_, taken)| *taken);
            problems.extend(taken.map(|(field, _)| Problem { field, kind: ProblemKind::Taken }));
        }
        let min = self.passwords.strength.min_length;
        if inputs.secret(new_password).is_some_and(|typed| typed.expose().chars().count() < min as usize) {
            problems.push(Problem { field: new_password, kind: ProblemKind::TooShort { min } });
        }
        problems
    }
}

fn names(user: &User) -> Vec<String> {
    [&user.email, &user.username, &user.first_name, &user.last_name].into_iter().flatten().cloned().collect()
}
