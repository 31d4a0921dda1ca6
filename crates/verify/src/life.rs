//! A life: one user, from registration on, with everything that can happen to an account, one step after the other. What a
//! step does at the same time it does on purpose.

use std::sync::Arc;
use std::time::Duration;

use fastrand::Rng;
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use crate::client::{Answer, Call, Client};
use crate::history::{Action, Event, PasswordNumber, Reply, SessionNumber, Step, Token};
use crate::model;
use crate::world::World;

/// Steps of a life; then the next user begins one.
const STEPS: usize = 60;
/// Live sessions of a user; below the server's cap, so that none ends by it.
const SESSIONS_MAX: usize = 8;

/// What a life knows of a session of its own.
struct Session {
    number: SessionNumber,
    access: String,
    /// Newest last.
    refresh: Vec<String>,
}

/// One user.
pub(crate) struct Life {
    world: Arc<World>,
    rng: Rng,
    client: Client,
    email: String,
    passwords: Vec<String>,
    current: PasswordNumber,
    sessions: Vec<Session>,
    begun: SessionNumber,
    mails: usize,
    disabled: bool,
    history: Vec<Step>,
}

/// What came of a life.
pub(crate) struct Lived {
    pub(crate) email: String,
    pub(crate) history: Vec<Step>,
}

impl Life {
    pub(crate) fn new(world: &Arc<World>, email: String, seed: u64) -> Self {
        let mut rng = Rng::with_seed(seed);
        let first = password(&mut rng);
        Self {
            world: Arc::clone(world),
            client: Client::new(world.cluster.port()),
            rng,
            email,
            passwords: vec![first],
            current: 0,
            sessions: Vec::new(),
            begun: 0,
            mails: 0,
            disabled: false,
            history: Vec::new(),
        }
    }

    /// Lives until the run ends, the steps are done, or something cannot be explained.
    pub(crate) async fn live(mut self) -> Lived {
        self.register().await;
        for _ in 0..STEPS {
            if self.world.is_over() {
                break;
            }
            self.one_step().await;
            if model::check(&self.history).is_some() {
                break;
            }
        }
        Lived { email: self.email, history: self.history }
    }

    async fn register(&mut self) {
        // An answer that was lost may have been that of a registration: then the login tells.
        let call = Call::register(&self.email, &self.passwords[0]);
        self.one(Action::Register, call).await;
        self.login(0).await;
    }

    async fn one_step(&mut self) {
        if self.disabled {
            return self.while_disabled().await;
        }
        if self.sessions.is_empty() {
            return self.login(self.current).await;
        }
        match self.rng.u32(..100) {
            0..30 => self.refresh().await,
            30..40 => self.lose_an_answer().await,
            40..48 => self.race_refreshes().await,
            48..52 => self.replay_a_spent_token().await,
            52..62 => self.who_am_i().await,
            62..72 if self.sessions.len() < SESSIONS_MAX => self.login(self.current).await,
            72..76 => self.login_with_an_old_password().await,
            76..81 => self.logout(false).await,
            81..87 => self.logout(true).await,
            87..92 => self.change_password().await,
            92..96 => self.reset().await,
            96..98 => self.disable().await,
            _ => self.refresh().await,
        }
    }

    /// One request as a step of its own.
    async fn one(&mut self, action: Action, call: Call) -> Answer {
        let start = self.world.now();
        self.world.count();
        let answer = self.client.ask(&call).await;
        self.history.push(vec![Event { start, end: self.world.now(), action, reply: reply(&answer) }]);
        if matches!(answer, Answer::Lost) {
            // The server is down, or in trouble.
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        answer
    }

    /// Requests at the same instant, each on a connection of its own that is open already.
    async fn together(&mut self, calls: Vec<(Action, Call)>) -> Vec<(Action, Answer)> {
        let barrier = Arc::new(Barrier::new(calls.len()));
        let mut racers = JoinSet::new();
        for (place, (action, call)) in calls.into_iter().enumerate() {
            let (barrier, world) = (Arc::clone(&barrier), Arc::clone(&self.world));
            racers.spawn(async move {
                let mut client = Client::new(world.cluster.port());
                client.connect().await;
                barrier.wait().await;
                let start = world.now();
                world.count();
                let answer = client.ask(&call).await;
                (place, Event { start, end: world.now(), action, reply: reply(&answer) }, answer)
            });
        }
        let mut done = racers.join_all().await;
        done.sort_by_key(|(place, ..)| *place);
        let (mut step, mut answers) = (Vec::with_capacity(done.len()), Vec::with_capacity(done.len()));
        for (_, event, answer) in done {
            answers.push((event.action.clone(), answer));
            step.push(event);
        }
        self.history.push(step);
        answers
    }

    async fn login(&mut self, password: PasswordNumber) {
        let number = self.begun;
        self.begun += 1;
        let call = Call::login(&self.email, &self.passwords[password]);
        if let Answer::Ok(body) = self.one(Action::Login(password, number), call).await {
            self.current = password;
            self.take(number, &body);
        } else if self.sessions.is_empty() && self.passwords.len() > 1 {
            // Perhaps a change that nobody confirmed has happened, or has not.
            self.current = self.rng.usize(self.passwords.len().saturating_sub(3)..self.passwords.len());
        } else if self.sessions.is_empty() {
            let call = Call::register(&self.email, &self.passwords[0]);
            self.one(Action::Register, call).await;
        }
    }

    async fn login_with_an_old_password(&mut self) {
        let old = self.rng.usize(..self.passwords.len());
        let number = self.begun;
        self.begun += 1;
        let call = Call::login(&self.email, &self.passwords[old]);
        if let Answer::Ok(body) = self.one(Action::Login(old, number), call).await {
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
            Answer::Lost => {}
        }
    }

    /// A refresh whose answer never comes, and the honest retry.
    async fn lose_an_answer(&mut self) {
        let at = self.rng.usize(..self.sessions.len());
        let (action, call) = self.sessions[at].refreshing();
        let start = self.world.now();
        self.world.count();
        let wait = Duration::from_micros(self.rng.u64(..6000));
        self.client.ask_and_leave(&call, wait).await;
        self.history.push(vec![Event { start, end: self.world.now(), action, reply: Reply::Unknown }]);
        // What the server has read it is done with by then.
        tokio::time::sleep(Duration::from_millis(50)).await;
        let (action, call) = self.sessions[at].refreshing();
        let number = self.sessions[at].number;
        match self.one(action, call).await {
            Answer::Ok(body) => self.take(number, &body),
            Answer::No => drop(self.sessions.swap_remove(at)),
            Answer::Lost => {}
        }
    }

    async fn race_refreshes(&mut self) {
        let at = self.rng.usize(..self.sessions.len());
        let racers = if self.rng.u32(..4) == 0 { 64 } else { self.rng.usize(2..16) };
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
        let Some(spent) = session.refresh.len().checked_sub(3) else { return self.refresh().await };
        let token = session.refresh[self.rng.usize(..=spent)].clone();
        let number = session.number;
        self.one(Action::Refresh(number, digest(&token)), Call::refresh(&token)).await;
        // The family has ended, the others have not.
        let (action, call) = self.sessions[at].refreshing();
        self.one(action, call).await;
        self.sessions.swap_remove(at);
        if !self.sessions.is_empty() {
            self.refresh().await;
        }
    }

    async fn who_am_i(&mut self) {
        let at = self.rng.usize(..self.sessions.len());
        let session = &self.sessions[at];
        let (action, call) = (Action::Me(session.number), Call::me(&session.access));
        self.one(action, call).await;
    }

    /// A logout, alone or against refreshes of the same session; then nothing of the session works.
    async fn logout(&mut self, raced: bool) {
        let at = self.rng.usize(..self.sessions.len());
        let session = &self.sessions[at];
        let (number, access) = (session.number, session.access.clone());
        let logout = (Action::Logout(number), Call::logout(&access));
        if raced {
            let mut calls: Vec<_> = (0..self.rng.usize(1..8)).map(|_| self.sessions[at].refreshing()).collect();
            calls.insert(self.rng.usize(..=calls.len()), logout);
            let answers = self.together(calls).await;
            self.settle(answers);
        } else {
            self.one(logout.0, logout.1).await;
        }
        self.probe(number).await;
    }

    /// Tries a session that should have ended, and lets it go.
    async fn probe(&mut self, number: SessionNumber) {
        let Some(at) = self.sessions.iter().position(|session| session.number == number) else { return };
        let session = self.sessions.swap_remove(at);
        let (action, call) = session.refreshing();
        self.one(Action::Me(number), Call::me(&session.access)).await;
        self.one(action, call).await;
    }

    /// A change of password by one session, against refreshes of another where there is one.
    async fn change_password(&mut self) {
        let own = self.rng.usize(..self.sessions.len());
        let (old, new) = (self.current, self.next_password());
        let session = &self.sessions[own];
        let (number, access) = (session.number, session.access.clone());
        let change = Call::change(&access, &self.passwords[old], &self.passwords[new]);
        let mut calls = vec![(Action::Change(number, old, new), change)];
        for other in self.sessions.iter().filter(|other| other.number != number).take(3) {
            calls.extend((0..self.rng.usize(1..4)).map(|_| other.refreshing()));
        }
        let answers = self.together(calls).await;
        let changed = matches!(answers.first(), Some((_, Answer::Ok(_))));
        self.settle(answers);
        if changed {
            self.current = new;
            let others: Vec<_> =
                self.sessions.iter().map(|session| session.number).filter(|each| *each != number).collect();
            for other in others {
                self.probe(other).await;
            }
        }
        self.login_with_an_old_password().await;
    }

    /// A reset by mail, the link used twice at the same instant.
    async fn reset(&mut self) {
        self.world.count();
        if !matches!(self.client.ask(&Call::forgot(&self.email)).await, Answer::Ok(_)) {
            return;
        }
        let Some(link) = self.mailed_token().await else { return };
        let mail = self.mails;
        self.mails += 1;
        let (one, other) = (self.next_password(), self.next_password());
        let calls = [one, other].map(|new| (Action::Reset(mail, new), Call::reset(&link, &self.passwords[new])));
        let answers = self.together(calls.into()).await;
        let won = answers.iter().position(|(_, answer)| matches!(answer, Answer::Ok(_)));
        match won {
            Some(place) => {
                self.current = if place == 0 { one } else { other };
                let all: Vec<_> = self.sessions.iter().map(|session| session.number).collect();
                for number in all.into_iter().take(2) {
                    self.probe(number).await;
                }
                self.sessions.clear();
            }
            None => self.current = self.rng.usize(self.passwords.len() - 3..self.passwords.len()),
        }
        let third = self.next_password();
        let again = Call::reset(&link, &self.passwords[third]);
        self.one(Action::Reset(mail, third), again).await;
    }

    async fn disable(&mut self) {
        self.operate(Action::Disable, "disable").await;
        self.disabled = true;
        let all: Vec<_> = self.sessions.iter().map(|session| session.number).collect();
        for number in all.into_iter().take(2) {
            self.probe(number).await;
        }
        self.sessions.clear();
    }

    async fn while_disabled(&mut self) {
        let number = self.begun;
        self.begun += 1;
        let call = Call::login(&self.email, &self.passwords[self.current]);
        if let Answer::Ok(body) = self.one(Action::Login(self.current, number), call).await {
            self.take(number, &body);
        }
        self.operate(Action::Enable, "enable").await;
        self.disabled =
            !matches!(self.history.last().and_then(|step| step.first()), Some(event) if event.reply == Reply::Done);
    }

    /// A command of an operator: it works on the database, whether the server runs or not.
    async fn operate(&mut self, action: Action, command: &str) {
        let start = self.world.now();
        self.world.count();
        let done = self.world.cluster.operator(&["user", command, &self.email]).await;
        let reply = if matches!(done, Ok(true)) { Reply::Done } else { Reply::Unknown };
        self.history.push(vec![Event { start, end: self.world.now(), action, reply }]);
    }

    /// Takes over what a step of several requests has told.
    fn settle(&mut self, answers: Vec<(Action, Answer)>) {
        for (action, answer) in answers {
            if let (Action::Refresh(number, _), Answer::Ok(body)) = (action, answer) {
                self.take(number, &body);
            }
        }
    }

    /// Takes over the tokens of an answer.
    fn take(&mut self, number: SessionNumber, body: &serde_json::Value) {
        let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
        let (access, refresh) = (text("access"), text("refresh"));
        match self.sessions.iter_mut().find(|session| session.number == number) {
            Some(session) if session.refresh.last() == Some(&refresh) => session.access = access,
            Some(session) => {
                session.access = access;
                session.refresh.push(refresh);
            }
            None => self.sessions.push(Session { number, access, refresh: vec![refresh] }),
        }
    }

    fn next_password(&mut self) -> PasswordNumber {
        let fresh = password(&mut self.rng);
        self.passwords.push(fresh);
        self.passwords.len() - 1
    }

    /// The token of the newest mail to this user, if one comes.
    async fn mailed_token(&mut self) -> Option<String> {
        let folder = self.world.cluster.mails();
        for _ in 0..100 {
            for entry in std::fs::read_dir(&folder).ok()?.flatten() {
                let Ok(text) = std::fs::read_to_string(entry.path()) else { continue };
                if text.contains(&self.email) && text.ends_with('\n') {
                    let unfolded = text.replace("=\r\n", "");
                    let found = unfolded.lines().map(str::trim).find(|line| is_token(line)).map(str::to_owned);
                    if found.is_some() {
                        let _ = std::fs::remove_file(entry.path());
                        return found;
                    }
                }
            }
            if self.world.is_over() {
                return None;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        None
    }
}

impl Session {
    /// The exchange of the newest refresh token.
    fn refreshing(&self) -> (Action, Call) {
        let token = self.refresh.last().map_or("", String::as_str);
        (Action::Refresh(self.number, digest(token)), Call::refresh(token))
    }
}

fn reply(answer: &Answer) -> Reply {
    match answer {
        Answer::Ok(body) => body["refresh"].as_str().map_or(Reply::Done, |token| Reply::Granted(digest(token))),
        Answer::No => Reply::Refused,
        Answer::Lost => Reply::Unknown,
    }
}

/// FNV-1a: tokens are told apart, not kept.
fn digest(text: &str) -> Token {
    let step = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    Token(text.bytes().fold(0xcbf2_9ce4_8422_2325, step))
}

/// Long enough for the policy, and nothing that anybody would guess.
fn password(rng: &mut Rng) -> String {
    std::iter::repeat_with(|| rng.alphanumeric()).take(24).collect()
}

/// A line that is the token of a link: 65 bytes in base64url.
fn is_token(line: &str) -> bool {
    line.len() == 87 && line.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
}
