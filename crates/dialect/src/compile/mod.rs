//! Written → proven: a dialect file becomes a [`Dialect`] that cannot fail for reasons in the file, or the list of all
//! its faults. Each section has its file here; none reads anything but the text it is given (IN-07).

mod check;
mod cookie;
mod echo;
mod emit;
mod endpoint;
mod reply;
mod request;
mod route;
mod session;
mod shape;
mod source;
mod token;
mod when;
mod words;

use std::ops::Range;
use std::time::Duration;

use http::HeaderName;
use myna_core::outcome::{Group, Kind};
use toml::de::DeTable;

use crate::diagnostic::{Diagnostic, Source, did_you_mean};
use crate::dialect::{Dialect, ReplyAt, ReplyTable};
use crate::duration;
use crate::encode::{Filling, Reply, of_request};
use crate::file::{Faults, Table, bounded, is_plain_line};
use crate::insecure::{Insecure, Listed};
use crate::messages::Messages;
use crate::slot::Place;
use crate::tree::Tree;
use crate::words::{Languages, Words};

pub(crate) use self::session::ROTATIONS;

/// The largest dialect file.
pub(crate) const FILE_BYTES_MAX: usize = 256 * 1024;
/// What `[left_out]` says about one feature.
const LEFT_OUT_CHARS_MAX: usize = 200;
const ROOT_KEYS: [&str; 16] = [
    "dialect",
    "title",
    "document",
    "insecure",
    "left_out",
    "honour_accept",
    "unknown_members",
    "token",
    "session",
    "headers",
    "languages",
    "messages",
    "codes",
    "text",
    "shape",
    "on",
];

/// Named trees; `None` for one with faults.
type Shapes = Vec<(String, Option<Tree>)>;

/// What compiling has come to.
struct Compiler {
    faults: Faults,
    shapes: Shapes,
    names: Vec<String>,
    /// Whether there are access and refresh tokens.
    tokens: (bool, bool),
    budget: usize,
    replies: Vec<Reply>,
    jar: cookie::Jar,
    /// The dialect-wide replies.
    general: Vec<(Kind, ReplyAt)>,
    languages: Languages,
    messages: Messages,
    /// The words of `[text]` by name.
    texts: Vec<(String, Words)>,
    /// What responses may show of requests.
    echoes: Vec<String>,
    strict: bool,
    /// The rules that the file does without, and which of them it needed to so far.
    insecure: Listed,
}

/// Proves a dialect file. `folder_name`: what its name must be.
///
/// # Errors
/// Every fault of the file, in its order.
pub fn compile(source: &Source, folder_name: Option<&str>) -> Result<Dialect, Vec<Diagnostic>> {
    if source.text.len() > FILE_BYTES_MAX {
        return Err(vec![Diagnostic::new(format!("a dialect has at most {} KiB", FILE_BYTES_MAX / 1024))]);
    }
    let (document, errors) = DeTable::parse_recoverable(&source.text);
    if !errors.is_empty() {
        let fault = |error: &toml::de::Error| {
            let fault = Diagnostic::new(format!("this is not TOML: {}", error.message().replace('\n', " ")));
            error.span().map_or(fault.clone(), |span| fault.at(span))
        };
        return Err(bounded(errors.iter().map(fault).collect()));
    }
    let mut compiler = Compiler {
        faults: Faults::default(),
        shapes: Vec::new(),
        names: Vec::new(),
        tokens: (false, false),
        budget: emit::EMITTED_MAX,
        replies: Vec::new(),
        jar: cookie::Jar::default(),
        general: Vec::new(),
        languages: Languages::default(),
        messages: Messages::default(),
        texts: Vec::new(),
        echoes: Vec::new(),
        strict: false,
        insecure: Listed::default(),
    };
    let dialect = compiler.dialect(&Table::root(&source.text, &document), folder_name);
    if compiler.budget == 0 {
        compiler
            .faults
            .extend([Diagnostic::new("the responses of this dialect grow too large: shapes hold too many shapes")]);
    }
    match dialect {
        Some(dialect) if compiler.faults.is_empty() => Ok(dialect),
        _ => Err(compiler.faults.into_sorted()),
    }
}

impl Compiler {
    fn dialect(&mut self, root: &Table<'_>, folder_name: Option<&str>) -> Option<Dialect> {
        let mut known = ROOT_KEYS.to_vec();
        known.push("endpoint");
        root.only(&known, &mut self.faults);
        let name = self.name(root, folder_name);
        let title = root.text("title", &mut self.faults);
        let document = root.text("document", &mut self.faults);
        for text in [&title, &document].into_iter().flatten().filter(|text| !is_plain_line(&text.value)) {
            self.faults
                .add(text.span.clone(), "this is one line of text, without characters that steer how it is shown");
        }
        self.insecure = Listed::new(root.texts("insecure", &mut self.faults), &mut self.faults);
        let left_out = self.left_out(root);
        let honour_accept = root.bool("honour_accept", &mut self.faults).unwrap_or_default();
        self.strict = self.unknown_members(root);
        self.words_of_all(root);
        self.echoes = echo::echoes_of(root);
        self.shapes(root);
        let (access, refresh) = self.token_profiles(root);
        let headers = self.general_headers(root);
        self.general_replies(root);
        let terms = self.terms(root, &name, access.as_ref(), refresh.as_ref());
        let mut endpoints = self.endpoints(root, honour_accept);
        if headers.iter().filter_map(|(_, filling)| filling.template()).any(|template| template.shows(of_request)) {
            endpoints.iter_mut().for_each(|endpoint| endpoint.plan.echoes = true);
        }
        self.prove_jar(&endpoints);
        let general = general_table(&self.general, endpoints.iter().map(|endpoint| &endpoint.replies));
        let insecure = std::mem::take(&mut self.insecure).in_force(&mut self.faults);
        Some(Dialect {
            insecure,
            left_out,
            title: title.map_or_else(|| name.clone(), |title| title.value),
            name,
            document: document.map(|text| text.value),
            terms,
            access,
            refresh,
            honour_accept,
            headers,
            languages: std::mem::take(&mut self.languages),
            messages: std::mem::take(&mut self.messages),
            replies: std::mem::take(&mut self.replies),
            general,
            endpoints,
        })
    }

    fn name(&mut self, root: &Table<'_>, folder_name: Option<&str>) -> String {
        if !root.has("dialect") {
            let help = "dialect = \"NAME\", as its folder is called".to_owned();
            self.faults.extend([Diagnostic::new("`dialect` is missing").help(help)]);
        }
        let Some(name) = root.text("dialect", &mut self.faults) else {
            return String::new();
        };
        let lawful = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_' || byte == b'-';
        if name.value.is_empty() || name.value.len() > 64 || !name.value.bytes().all(lawful) {
            self.faults.add(name.span.clone(), "a dialect's name is of small letters, digits, `_` and `-`, at most 64");
        } else if folder_name.is_some_and(|folder| folder != name.value) {
            let folder = folder_name.unwrap_or_default();
            self.faults
                .add(name.span.clone(), format!("the dialect is called `{}`, its folder `{folder}`", name.value));
        }
        name.value
    }

    /// Something at `span` is only lawful where the file lists `what`; `message` says what is wrong with it.
    fn loosen(&mut self, what: Insecure, span: Range<usize>, message: impl Into<String>) -> bool {
        self.insecure.need(what, span, message, &mut self.faults)
    }

    fn left_out(&mut self, root: &Table<'_>) -> Vec<(String, String)> {
        let table = root.table("left_out", &mut self.faults);
        let mut left_out = Vec::new();
        for key in table.iter().flat_map(Table::keys) {
            let Some(why) = table.as_ref().and_then(|table| table.text(&key.value, &mut self.faults)) else {
                continue;
            };
            if why.value.trim().is_empty()
                || why.value.chars().count() > LEFT_OUT_CHARS_MAX
                || why.value.chars().any(char::is_control)
            {
                let message = format!("one line of at most {LEFT_OUT_CHARS_MAX} characters says why");
                self.faults.add(why.span.clone(), message);
            }
            left_out.push((key.value, why.value));
        }
        left_out
    }

    fn unknown_members(&mut self, root: &Table<'_>) -> bool {
        let Some(choice) = root.text("unknown_members", &mut self.faults) else {
            return false;
        };
        choice.value == "refuse" || {
            if choice.value != "ignore" {
                let help = did_you_mean(&choice.value, ["ignore", "refuse"]);
                self.faults.add_with(choice.span, "`unknown_members` is \"ignore\" or \"refuse\"", help);
            }
            false
        }
    }

    fn general_headers(&mut self, root: &Table<'_>) -> Vec<(HeaderName, Filling)> {
        let Some(table) = root.table("headers", &mut self.faults) else {
            return Vec::new();
        };
        self.headers(&table, emit::Use { place: Place::Response(&[Group::Request]), kind: None })
    }

    fn general_replies(&mut self, root: &Table<'_>) {
        let Some(table) = root.table("on", &mut self.faults) else {
            return;
        };
        self.general = self.replies_of(&table);
    }

    fn span(&mut self, table: &Table<'_>, key: &str) -> Option<Duration> {
        let text = table.text(key, &mut self.faults)?;
        let span = duration::parse(&text.value);
        if span.is_none() {
            let help = "a number with s, m, h or d: \"30m\", \"24h\"".to_owned();
            self.faults.add_with(text.span, format!("`{}` is no span of time", text.value), help);
        }
        span
    }
}

/// Which reply serves a kind where no endpoint was reached: the dialect's own, else the first endpoint's that has one.
fn general_table<'e>(
    general: &[(Kind, ReplyAt)],
    endpoints: impl Iterator<Item = &'e ReplyTable> + Clone,
) -> ReplyTable {
    let reply = |(place, kind): (usize, &Kind)| {
        let own = select(*kind, &[general]);
        own.or_else(|| endpoints.clone().find_map(|table| table.get(place).copied().flatten()))
    };
    Kind::ALL.iter().enumerate().map(reply).collect()
}

/// The most precise reply for a kind; of equally precise ones that of the first list.
fn select(kind: Kind, lists: &[&[(Kind, ReplyAt)]]) -> Option<ReplyAt> {
    kind.chain().find_map(|kind| {
        let found = |list: &&[(Kind, ReplyAt)]| list.iter().find(|(of, _)| *of == kind).map(|(_, reply)| *reply);
        lists.iter().find_map(found)
    })
}
