//! What can happen to an account, and what is tried at the same instant on purpose. Which of it happens is drawn; whether
//! it was right is not asked here.

use std::time::Duration;

use super::{Fate, Life};
use crate::client::{Answer, Call};
use crate::history::{Action, PasswordNumber, SessionNumber};

/// Live sessions of a user.
const SESSIONS_MAX: usize = 8;
/// Racers of the widest race.
const RACERS_MAX: usize = 64;

type Calls = Vec<(Action, Call)>;

impl Life {
    /// One or several want the name.
    pub(super) async fn be_registered(&mut self) {
        let racers = [1, 1, 2, 4][self.rng.usize(..4)];
        let calls: Calls = (0..racers)
            .map(|_| {
                let password = self.next_password();
                self.likely.insert(0, password);
                (Action::Register(password), Call::register(&self.email, &self.passwords[password]))
            })
            .collect();
        for (action, answer) in self.together(calls).await {
            if let (Action::Register(password), Answer::Ok(_)) = (action, answer) {
                self.likely = vec![password];
            }
        }
    }

    pub(super) async fn one_step(&mut self) {
        let drawn = self.rng.u32(..100);
        if self.is_disabled {
            return self.be_enabled().await;
        }
        if self.sessions.is_empty() {
            return self.sign_in().await;
        }
        match drawn {
            0..26 => self.refresh().await,
            26..36 => self.lose_an_answer().await,
            36..45 => self.race_refreshes().await,
            45..50 => self.replay_a_spent_token().await,
            50..58 => self.who_am_i().await,
            58..68 if self.sessions.len() < SESSIONS_MAX => self.sign_in().await,
            68..72 => self.sign_in_with_an_old_password().await,
            72..77 => self.logout().await,
            77..84 => self.race_logout().await,
            84..90 => self.change_password().await,
            90..95 => self.reset().await,
            95..98 => self.be_disabled().await,
            _ => self.refresh().await,
        }
    }

    fn signing_in(&mut self, password: PasswordNumber) -> (Action, Call) {
        let (number, dialect) = self.next_session();
        let call = Call::login(&self.email, &self.passwords[password]).in_dialect(dialect);
        (Action::Login(password, number), call)
    }

    /// A login with the password that is most likely right.
    async fn sign_in(&mut self) {
        let Some(password) = self.likely.last().copied() else { return };
        let (action, call) = self.signing_in(password);
        let Action::Login(_, number) = action else { return };
        match self.one(action, call).await {
            Answer::Ok(body) => {
                self.likely = vec![password];
                self.take(number, &body);
            }
            // Perhaps a change that nobody confirmed has happened, or has not; perhaps the registration.
            Answer::No if self.likely.len() > 1 => self.likely.rotate_right(1),
            Answer::No => {
                let call = Call::register(&self.email, &self.passwords[password]);
                self.one(Action::Register(password), call).await;
            }
            Answer::Lost | Answer::Never => {}
        }
    }

    async fn sign_in_with_an_old_password(&mut self) {
        let old = self.rng.usize(..self.passwords.len());
        let (action, call) = self.signing_in(old);
        let Action::Login(_, number) = action else { return };
        if let Answer::Ok(body) = self.one(action, call).await {
            self.take(number, &body);
        }
    }

    async fn refresh(&mut self) {
        let at = self.rng.usize(..self.sessions.len());
        let (action, call) = self.sessions[at].refreshing();
        let number = self.sessions[at].number;
        match self.one(action, call).await {
            Answer::Ok(body) => self.take(number, &body),
            Answer::No => drop(self.sessions.swap_remove(at)),
            Answer::Lost | Answer::Never => {}
        }
    }

    /// A refresh whose answer never comes, and the honest retry (I7).
    async fn lose_an_answer(&mut self) {
        let at = self.rng.usize(..self.sessions.len());
        let left = Fate::Left(Duration::from_micros(self.rng.u64(..6000)));
        let fate = if self.rng.bool() { Fate::Forgotten } else { left };
        let number = self.sessions[at].number;
        let (action, call) = self.sessions[at].refreshing();
        self.one_that_is(action, call, fate).await;
        tokio::time::sleep(Duration::from_millis(self.rng.u64(..40))).await;
        let (action, call) = self.sessions[at].refreshing();
        match self.one_that_is(action, call, Fate::Heard).await {
            Answer::Ok(body) => self.take(number, &body),
            Answer::No => drop(self.sessions.swap_remove(at)),
            Answer::Lost | Answer::Never => {}
        }
    }

    async fn race_refreshes(&mut self) {
        let at = self.rng.usize(..self.sessions.len());
        let racers = if self.rng.u32(..4) == 0 { RACERS_MAX } else { self.rng.usize(2..16) };
        let calls = (0..racers).map(|_| self.sessions[at].refreshing()).collect();
        let number = self.sessions[at].number;
        let answers = self.together(calls).await;
        self.settle(answers);
        // The successor is used at once: what was not rotated once and for all shows here.
        if let Some(session) = self.sessions.iter().find(|session| session.number == number) {
            let (action, call) = session.refreshing();
            if let Answer::Ok(body) = self.one(action, call).await {
                self.take(number, &body);
            }
        }
    }

    async fn replay_a_spent_token(&mut self) {
        let at = self.rng.usize(..self.sessions.len());
        let session = &self.sessions[at];
        let number = session.number;
        let Some(spent) = session.older.len().checked_sub(2) else { return self.refresh().await };
        let (action, call) = session.exchanging(&session.older[self.rng.usize(..=spent)]);
        self.one(action, call).await;
        // The family has ended, the others have not.
        self.probe(number).await;
        if !self.sessions.is_empty() {
            self.refresh().await;
        }
    }

    async fn who_am_i(&mut self) {
        let session = &self.sessions[self.rng.usize(..self.sessions.len())];
        // Now and then by a client that has not renewed for a while.
        let pair = match self.rng.usize(..4) {
            0 => &session.newest,
            back => session.older.iter().rev().nth(back - 1).unwrap_or(&session.newest),
        };
        let (action, call) = session.asking_with(pair);
        self.one(action, call).await;
    }

    async fn logout(&mut self) {
        let at = self.rng.usize(..self.sessions.len());
        let number = self.sessions[at].number;
        let (action, call) = self.sessions[at].leaving();
        self.one(action, call).await;
        self.probe(number).await;
    }

    /// A logout against refreshes of the same session; then nothing of the session works (RF-05).
    async fn race_logout(&mut self) {
        let at = self.rng.usize(..self.sessions.len());
        let number = self.sessions[at].number;
        let mut calls: Calls = (0..self.rng.usize(1..8)).map(|_| self.sessions[at].refreshing()).collect();
        calls.insert(self.rng.usize(..=calls.len()), self.sessions[at].leaving());
        calls.push(self.sessions[at].asking());
        let answers = self.together(calls).await;
        self.settle(answers);
        self.probe(number).await;
    }

    /// Tries a session that should have ended, with every kind of token, and lets it go.
    async fn probe(&mut self, number: SessionNumber) {
        let Some(at) = self.sessions.iter().position(|session| session.number == number) else { return };
        let session = self.sessions.swap_remove(at);
        let (action, call) = session.asking();
        self.one(action, call).await;
        let (action, call) = session.refreshing();
        self.one(action, call).await;
    }

    /// Some sessions that should have ended.
    async fn probe_some(&mut self, numbers: Vec<SessionNumber>) {
        for number in numbers.into_iter().take(3) {
            self.probe(number).await;
        }
    }

    /// Refreshes of up to three sessions, to be raced against something.
    fn refreshes(&mut self, but: Option<SessionNumber>) -> Calls {
        let mut calls = Calls::new();
        for session in self.sessions.iter().filter(|session| Some(session.number) != but).take(3) {
            calls.extend((0..self.rng.usize(1..4)).map(|_| session.refreshing()));
        }
        calls
    }

    fn all_but(&self, but: Option<SessionNumber>) -> Vec<SessionNumber> {
        self.sessions.iter().map(|session| session.number).filter(|number| Some(*number) != but).collect()
    }

    /// A change of password by one session, against refreshes of the others and a login with the old one.
    async fn change_password(&mut self) {
        let own = self.rng.usize(..self.sessions.len());
        let Some(old) = self.likely.last().copied() else { return };
        let new = self.next_password();
        let session = &self.sessions[own];
        let (number, token) = (session.number, session.newest.token());
        let change = Call::change(&session.newest.access, &self.passwords[old], &self.passwords[new]);
        let change = change.in_dialect(session.dialect);
        let mut calls = vec![(Action::Change(number, token, old, new), change)];
        calls.extend(self.refreshes(Some(number)));
        if self.rng.bool() {
            calls.push(self.signing_in(old));
        }
        let answers = self.together(calls).await;
        let changed = answers.first().map(|(_, answer)| answer.clone());
        self.settle(answers);
        match changed {
            Some(Answer::Ok(_)) => {
                self.likely = vec![new];
                let others = self.all_but(Some(number));
                self.probe_some(others).await;
            }
            Some(Answer::Lost) => self.likely.push(new),
            Some(Answer::No | Answer::Never) | None => {}
        }
        self.sign_in_with_an_old_password().await;
    }

    /// A reset by mail: the link is used twice at the same instant, against refreshes, and once more after that.
    async fn reset(&mut self) {
        let asked = self.asked;
        self.asked += 1;
        self.unread.push(asked);
        match self.one(Action::Forgot(asked), Call::forgot(&self.email)).await {
            Answer::Ok(_) => {}
            Answer::Never => {
                self.unread.pop();
                return;
            }
            Answer::Lost | Answer::No => return,
        }
        let Some(link) = self.mailed_link().await else { return };
        // Which request a mail answers is known where none before it is without a mail.
        let mails = self.unread.clone();
        if mails.len() == 1 {
            self.unread.clear();
        }
        if self.rng.u32(..4) == 0 {
            // A link that is not used at once; perhaps it is spent by then (RS-07).
            self.change_password().await;
        }
        let news = [self.next_password(), self.next_password()];
        let mut calls: Calls = news
            .iter()
            .map(|new| (Action::Reset(mails.clone(), *new), Call::reset(&link, &self.passwords[*new])))
            .collect();
        calls.extend(self.refreshes(None));
        let answers = self.together(calls).await;
        let granted = |answer: &Answer| matches!(answer, Answer::Ok(_));
        let won = answers.iter().take(2).position(|(_, answer)| granted(answer));
        let lost = answers.iter().take(2).any(|(_, answer)| matches!(answer, Answer::Lost));
        self.settle(answers);
        if let Some(place) = won {
            self.likely = vec![news[place]];
            let all = self.all_but(None);
            self.probe_some(all).await;
            self.sessions.clear();
        } else if lost {
            self.likely.extend(news);
        }
        let again = self.next_password();
        let call = Call::reset(&link, &self.passwords[again]);
        if let Answer::Ok(_) | Answer::Lost = self.one(Action::Reset(mails, again), call).await {
            self.likely.push(again);
        }
    }

    /// An operator disables the user while it goes on as before.
    async fn be_disabled(&mut self) {
        let calls = self.refreshes(None);
        self.operate_against(Action::Disable, "disable", calls).await;
        self.is_disabled = true;
        let all = self.all_but(None);
        self.probe_some(all).await;
        self.sessions.clear();
    }

    async fn be_enabled(&mut self) {
        if let Some(password) = self.likely.last().copied() {
            let (action, call) = self.signing_in(password);
            let Action::Login(_, number) = action else { return };
            if let Answer::Ok(body) = self.one(action, call).await {
                self.take(number, &body);
            }
        }
        self.is_disabled = !self.operate(Action::Enable, "enable").await;
    }

    /// Takes over what a step of several requests has told.
    fn settle(&mut self, answers: Vec<(Action, Answer)>) {
        for (action, answer) in answers {
            if let (Action::Refresh(number, _) | Action::Login(_, number), Answer::Ok(body)) = (action, answer) {
                self.take(number, &body);
            }
        }
    }
}
