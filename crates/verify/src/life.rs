//! A life: one user, from registration on, one step after the other. What a life knows and how it asks is here; what
//! happens to it is in [`steps`]. Each request goes into the history as it was sent and as it was answered.

mod steps;

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use fastrand::Rng;
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use crate::client::{Answer, Call, Client};
use crate::history::{Action, Dialect, MailNumber, PasswordNumber, Reply, SessionNumber, Step, Token};
use crate::model::{Model, Verdict};
use crate::world::World;

/// Steps of a life; then the next user begins one.
const STEPS: usize = 60;

/// What a life knows of a session of its own.
struct Session {
    number: SessionNumber,
    dialect: Dialect,
    /// Newest last.
    older: Vec<Pair>,
    newest: Pair,
}

/// A refresh token and the newest access token that came with it.
struct Pair {
    access: String,
    refresh: String,
}

/// One user.
pub(crate) struct Life {
    world: Arc<World>,
    rng: Rng,
    /// One for each node.
    clients: Vec<Client>,
    email: String,
    passwords: Vec<String>,
    /// Which of them may be the current one, the most likely last.
    likely: Vec<PasswordNumber>,
    sessions: Vec<Session>,
    /// How each session was asked for, by its number.
    begun: Vec<Dialect>,
    asked: MailNumber,
    /// Requests for a mail whose link nobody has seen yet.
    unread: Vec<MailNumber>,
    links: HashSet<String>,
    is_disabled: bool,
    model: Model,
    verdict: Verdict,
    history: Vec<Step>,
}

/// What came of a life.
pub(crate) struct Lived {
    pub(crate) email: String,
    pub(crate) verdict: Verdict,
    pub(crate) history: Vec<Step>,
}

impl Life {
    pub(crate) fn new(world: &Arc<World>, email: String, seed: u64) -> Self {
        Self {
            world: Arc::clone(world),
            clients: world.cluster.ports().iter().map(|port| Client::new(*port)).collect(),
            rng: Rng::with_seed(seed),
            email,
            passwords: Vec::new(),
            likely: Vec::new(),
            sessions: Vec::new(),
            begun: Vec::new(),
            asked: 0,
            unread: Vec::new(),
            links: HashSet::new(),
            is_disabled: false,
            model: Model::default(),
            verdict: Verdict::Explained,
            history: Vec::new(),
        }
    }

    /// Lives until the run ends, the steps are done, or something cannot be explained.
    pub(crate) async fn live(mut self) -> Lived {
        // Each step draws from a source of its own: what came before does not shift what is decided later.
        let mut seeds = self.rng.fork();
        self.find_a_node().await;
        self.be_registered().await;
        for _ in 0..STEPS {
            self.rng = Rng::with_seed(seeds.u64(..));
            self.find_a_node().await;
            if self.world.is_over() || self.verdict != Verdict::Explained {
                break;
            }
            self.one_step().await;
        }
        Lived { email: self.email, verdict: self.verdict, history: self.history }
    }

    /// Waits until one of the nodes can be reached.
    async fn find_a_node(&mut self) {
        while !self.world.is_over() {
            for client in &mut self.clients {
                if client.connect().await {
                    return;
                }
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// One request as a step of its own. Now and then its answer is lost, in one of two ways: nobody waits for it, or it
    /// comes and is forgotten.
    async fn one(&mut self, action: Action, call: Call) -> Answer {
        let (fate, wait) = (self.rng.u32(..24), Duration::from_micros(self.rng.u64(..6000)));
        match fate {
            0 => self.one_that_is(action, call, Fate::Left(wait)).await,
            1 => self.one_that_is(action, call, Fate::Forgotten).await,
            _ => self.one_that_is(action, call, Fate::Heard).await,
        }
    }

    async fn one_that_is(&mut self, action: Action, call: Call, fate: Fate) -> Answer {
        let node = self.rng.usize(..self.clients.len());
        let start = self.world.now();
        let answer = match fate {
            Fate::Left(wait) => self.clients[node].ask_and_leave(&call, wait).await,
            Fate::Heard | Fate::Forgotten => self.clients[node].ask(&call).await,
        };
        let (reply, answer) = match (reply(&answer), fate) {
            (Some(Reply::Open) | None, _) | (_, Fate::Heard) => (reply(&answer), answer),
            (Some(_), Fate::Left(_)) => (Some(Reply::Open), Answer::Lost),
            (Some(_), Fate::Forgotten) => (Some(Reply::Lost), Answer::Lost),
        };
        if let Some(reply) = reply {
            self.world.count();
            self.happened(vec![self.world.event(start, node, call.dialect(), action, reply)]);
        }
        if matches!(reply, None | Some(Reply::Open)) {
            // The server is down, or in trouble.
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        answer
    }

    /// Requests at the same instant, each on a connection of its own that is open already.
    async fn together(&mut self, calls: Vec<(Action, Call)>) -> Vec<(Action, Answer)> {
        let ports = self.world.cluster.ports();
        let (barrier, first) = (Arc::new(Barrier::new(calls.len())), self.rng.usize(..ports.len()));
        let mut racers = JoinSet::new();
        for (place, (action, call)) in calls.into_iter().enumerate() {
            let node = (first + place) % ports.len();
            let (barrier, world, port) = (Arc::clone(&barrier), Arc::clone(&self.world), ports[node]);
            racers.spawn(async move {
                let mut client = Client::new(port);
                client.connect().await;
                barrier.wait().await;
                let start = world.now();
                let answer = client.ask(&call).await;
                let event = |reply| world.event(start, node, call.dialect(), action.clone(), reply);
                (place, reply(&answer).map(event), action, answer)
            });
        }
        let mut done = racers.join_all().await;
        done.sort_by_key(|(place, ..)| *place);
        let mut step = Vec::with_capacity(done.len());
        let answers = done.into_iter().map(|(_, event, action, answer)| {
            step.extend(event);
            (action, answer)
        });
        let answers = answers.collect();
        step.iter().for_each(|_| self.world.count());
        self.happened(step);
        answers
    }

    /// A command of an operator: it works on the database, whether the server runs or not.
    async fn operate(&mut self, action: Action, command: &'static str) -> bool {
        self.operate_against(action, command, Vec::new()).await
    }

    /// A command of an operator, and requests that begin somewhere between its start and its end.
    async fn operate_against(&mut self, action: Action, command: &'static str, calls: Vec<(Action, Call)>) -> bool {
        let (world, email) = (Arc::clone(&self.world), self.email.clone());
        let operator = tokio::spawn(async move {
            let start = world.now();
            let done = matches!(world.cluster.operator(&["user", command, &email]).await, Ok(true));
            let reply = match done {
                true => Reply::Done,
                // What a command has sent over a connection may be done after its end.
                false if world.cluster.database().is_some() => Reply::Open,
                false => Reply::Lost,
            };
            world.count();
            world.event(start, 0, Dialect::Named, action, reply)
        });
        let mut step = Vec::new();
        for (action, call) in calls {
            tokio::time::sleep(Duration::from_millis(self.rng.u64(..30))).await;
            let (node, start) = (self.rng.usize(..self.clients.len()), self.world.now());
            let answer = self.clients[node].ask(&call).await;
            if let Some(reply) = reply(&answer) {
                self.world.count();
                step.push(self.world.event(start, node, call.dialect(), action, reply));
            }
        }
        let Ok(event) = operator.await else { return false };
        let done = event.reply == Reply::Done;
        step.push(event);
        self.happened(step);
        done
    }

    fn happened(&mut self, step: Step) {
        if !step.is_empty() && self.verdict == Verdict::Explained {
            self.verdict = self.model.step(&step);
            self.history.push(step);
        }
    }

    /// Takes over the tokens of an answer.
    fn take(&mut self, number: SessionNumber, body: &serde_json::Value) {
        let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
        let pair = Pair { access: text("access"), refresh: text("refresh") };
        match self.sessions.iter_mut().find(|session| session.number == number) {
            Some(session) => session.take(pair),
            None => self.sessions.push(Session::new(number, self.begun[number], pair)),
        }
    }

    fn next_password(&mut self) -> PasswordNumber {
        // Long enough for the policy, and nothing that anybody would guess.
        self.passwords.push(std::iter::repeat_with(|| self.rng.alphanumeric()).take(24).collect());
        self.passwords.len() - 1
    }

    fn next_session(&mut self) -> (SessionNumber, Dialect) {
        let dialect = if self.rng.u32(..3) == 0 { Dialect::Nameless } else { Dialect::Named };
        self.begun.push(dialect);
        (self.begun.len() - 1, dialect)
    }

    /// The link of a mail to this user that was not seen yet, if one comes.
    async fn mailed_link(&mut self) -> Option<String> {
        let folder = self.world.cluster.mails();
        for _ in 0..100 {
            for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
                let Ok(text) = std::fs::read_to_string(entry.path()) else { continue };
                if !text.contains(&self.email) || !text.ends_with('\n') {
                    continue;
                }
                let unfolded = text.replace("=\r\n", "");
                let Some(link) = unfolded.lines().map(str::trim).find(|line| is_link(line)) else { continue };
                let _ = std::fs::remove_file(entry.path());
                // A mail that a crash has torn from its queue is sent twice.
                if self.links.insert(link.to_owned()) {
                    return Some(link.to_owned());
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

/// What becomes of an answer.
#[derive(Clone, Copy)]
enum Fate {
    Heard,
    /// It comes, and nobody remembers it.
    Forgotten,
    /// The client hangs up after so long.
    Left(Duration),
}

impl Session {
    fn new(number: SessionNumber, dialect: Dialect, first: Pair) -> Self {
        Self { number, dialect, older: Vec::new(), newest: first }
    }

    fn take(&mut self, pair: Pair) {
        let before = std::mem::replace(&mut self.newest, pair);
        if before.refresh != self.newest.refresh {
            self.older.push(before);
        }
    }

    /// The exchange of the newest refresh token.
    fn refreshing(&self) -> (Action, Call) {
        self.exchanging(&self.newest)
    }

    fn exchanging(&self, pair: &Pair) -> (Action, Call) {
        (Action::Refresh(self.number, pair.token()), Call::refresh(&pair.refresh).in_dialect(self.dialect))
    }

    fn asking(&self) -> (Action, Call) {
        self.asking_with(&self.newest)
    }

    fn asking_with(&self, pair: &Pair) -> (Action, Call) {
        (Action::Me(self.number, pair.token()), Call::me(&pair.access).in_dialect(self.dialect))
    }

    fn leaving(&self) -> (Action, Call) {
        let Pair { access, .. } = &self.newest;
        (Action::Logout(self.number, self.newest.token()), Call::logout(access).in_dialect(self.dialect))
    }
}

impl Pair {
    fn token(&self) -> Token {
        digest(&self.refresh)
    }
}

/// `None`: it was never asked.
fn reply(answer: &Answer) -> Option<Reply> {
    Some(match answer {
        Answer::Ok(body) => body["refresh"].as_str().map_or(Reply::Done, |token| Reply::Granted(digest(token))),
        Answer::No => Reply::Refused,
        Answer::Lost => Reply::Open,
        Answer::Never => return None,
    })
}

/// FNV-1a: tokens are told apart, not kept.
fn digest(text: &str) -> Token {
    let step = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    Token(text.bytes().fold(0xcbf2_9ce4_8422_2325, step))
}

/// A line that is the token of a link: 65 bytes in base64url.
fn is_link(line: &str) -> bool {
    line.len() == 87 && line.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
}
