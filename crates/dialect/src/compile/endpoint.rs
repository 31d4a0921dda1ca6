//! `[[endpoint]]`: route, operation, and the proof that every outcome of the operation has a response.

use myna_core::catalog::Operation;
use myna_core::outcome::Kind;

use super::{Compiler, select};
use crate::decode::{Input, Plan};
use crate::diagnostic::{Diagnostic, did_you_mean};
use crate::dialect::{Endpoint, ReplyAt, ReplyTable};
use crate::encode::of_request;
use crate::file::{Table, is_plain_line};
use crate::insecure::Insecure;
use crate::media::essence;
use crate::messages::last_name;
use crate::origin::CrossSite;
use crate::slot::Slot;
use crate::source::Source;

const ENDPOINTS_MAX: usize = 200;
const KEYS: [&str; 11] =
    ["name", "route", "when", "operation", "encoding", "request", "may_be_empty", "extra", "from", "check", "on"];

impl Compiler {
    pub(super) fn endpoints(&mut self, root: &Table<'_>, honour_accept: bool) -> Vec<Endpoint> {
        let tables = root.tables("endpoint", &mut self.faults);
        if tables.is_empty() {
            self.faults.extend([Diagnostic::new("a dialect without `[[endpoint]]` answers nothing")]);
        }
        if let Some(table) = tables.get(ENDPOINTS_MAX) {
            self.faults.add(table.span.clone(), format!("a dialect has at most {ENDPOINTS_MAX} endpoints"));
        }
        let mut taken = Vec::new();
        let mut names: Vec<String> = Vec::new();
        let mut endpoints = Vec::new();
        for table in tables.iter().take(ENDPOINTS_MAX) {
            table.only(&KEYS, &mut self.faults);
            let name = self.endpoint_name(table, &mut names);
            let routes = self.routes(table, &name, &mut taken);
            let operation = self.operation(table);
            let Some(operation) = operation else { continue };
            let params: Vec<String> =
                routes.first().iter().flat_map(|route| route.pattern.params()).map(str::to_owned).collect();
            let mut plan = self.plan(table, operation, &params);
            let when = self.when(table, &plan, &params);
            let replies = self.reply_table(table, operation);
            plan.cross_site = self.cross_site(operation, &plan, &replies);
            plan.echoes = replies.iter().flatten().any(|reply| self.shows_echo(*reply));
            self.prove_last_names(table, &plan, &replies);
            // A client's wishes can only be refused where they are listened to.
            let possible = |kind: &Kind| {
                (honour_accept || *kind != Kind::NotAcceptable)
                    && (plan.cross_site != CrossSite::Served || *kind != Kind::CrossSite)
            };
            self.prove_replies(table, &name, operation.outcomes().filter(possible), &replies);
            let writes = self.writes(operation, &replies);
            endpoints.push(Endpoint { name, routes, when, operation, plan, replies, writes });
        }
        endpoints
    }

    fn shows_echo(&self, reply: ReplyAt) -> bool {
        self.replies.get(usize::from(reply)).is_some_and(|reply| reply.shows(of_request))
    }

    /// That `{field.name}` tells the fields of the endpoint apart, where its responses show it.
    fn prove_last_names(&mut self, table: &Table<'_>, plan: &Plan, replies: &ReplyTable) {
        let shown = |reply: &ReplyAt| self.replies[usize::from(*reply)].shows(|slot| slot == Slot::FieldName);
        if !replies.iter().flatten().any(shown) {
            return;
        }
        let names: Vec<&str> = plan.inputs.iter().map(|input| last_name(&input.wire)).collect();
        if let Some((_, name)) = names.iter().enumerate().find(|(at, name)| names[..*at].contains(name)) {
            let help = "`{field}` or `{field.pointer}` tells them apart".to_owned();
            let message = format!("two inputs end in `{name}`, and a response shows `{{field.name}}`");
            self.faults.add_with(table.place("request"), message, help);
        }
    }

    fn endpoint_name(&mut self, table: &Table<'_>, names: &mut Vec<String>) -> String {
        let Some(name) = table.needed("name", &mut self.faults) else {
            return String::new();
        };
        if name.value.is_empty() || !is_plain_line(&name.value) {
            self.faults.add(name.span.clone(), "an endpoint's name is one line of text");
        }
        if names.contains(&name.value) {
            self.faults.add(name.span, format!("there are two endpoints `{}`", name.value));
        }
        names.push(name.value.clone());
        name.value
    }

    fn operation(&mut self, table: &Table<'_>) -> Option<Operation> {
        let text = table.needed("operation", &mut self.faults)?;
        let operation = Operation::parse(&text.value);
        if operation.is_none() {
            let names = Operation::ALL.map(Operation::name);
            let list = || format!("operations are: {}", names.join(", "));
            let help = did_you_mean(&text.value, names).unwrap_or_else(list);
            self.faults.add_with(text.span, format!("there is no operation `{}`", text.value), help);
        }
        operation
    }

    /// Which reply serves each kind.
    fn reply_table(&mut self, table: &Table<'_>, operation: Operation) -> ReplyTable {
        let on = table.table("on", &mut self.faults);
        let own = on.as_ref().map(|on| self.replies_of(on)).unwrap_or_default();
        for (kind, _) in &own {
            if !operation.outcomes().any(|outcome| outcome.chain().any(|each| each == *kind)) {
                let key = on.iter().flat_map(Table::keys).find(|key| key.value == kind.name());
                let span = key.map_or(table.span.clone(), |key| key.span);
                self.faults.add(span, format!("`{}` never ends as `{}`", operation.name(), kind.name()));
            }
        }
        let replies: ReplyTable = Kind::ALL.iter().map(|kind| select(*kind, &[&own, &self.general])).collect();
        self.prove_rotation(table, operation, &replies);
        self.prove_reset(table, operation, &replies);
        replies
    }

    /// That every outcome that is possible here has a reply.
    fn prove_replies(
        &mut self,
        table: &Table<'_>,
        name: &str,
        possible: impl Iterator<Item = Kind>,
        replies: &ReplyTable,
    ) {
        let has = |kind: &Kind| Kind::ALL.iter().zip(replies).any(|(each, reply)| each == kind && reply.is_some());
        let missing: Vec<&str> = possible.filter(|kind| !has(kind)).map(Kind::name).collect();
        if !missing.is_empty() {
            let help = "an `[on.error]` of the dialect serves every failure that has no response of its own".to_owned();
            let message = format!("endpoint `{name}` has no response for: {}", missing.join(", "));
            self.faults.add_with(table.place("operation"), message, help);
        }
    }

    /// HD-04: what another site may not cause, because a cookie is read as a credential or set. Reading is harmless, and
    /// the browser keeps the answer from the other site's page.
    fn cross_site(&mut self, operation: Operation, plan: &Plan, replies: &ReplyTable) -> CrossSite {
        if matches!(operation, Operation::Userinfo | Operation::ListSessions | Operation::Answer) {
            return CrossSite::Served;
        }
        let reply_of = |kind: Kind| Kind::ALL.iter().zip(replies).find(|(each, _)| **each == kind)?.1.as_ref();
        let mut replies = operation.outcomes().filter_map(|kind| self.replies.get(usize::from(*reply_of(kind)?)));
        let sets = replies.any(|reply| !reply.cookies.is_empty());
        let by_cookie = |input: &Input| input.secret && input.sources.iter().any(|s| matches!(s, Source::Cookie(_)));
        let needed = match (sets, plan.inputs.iter().any(by_cookie)) {
            (true, _) => CrossSite::Refused,
            (false, true) => CrossSite::RefusedByCookie,
            (false, false) => return CrossSite::Served,
        };
        if self.insecure.use_if_listed(Insecure::CrossSite) { CrossSite::Served } else { needed }
    }

    /// The media types of the good answers.
    fn writes(&self, operation: Operation, replies: &ReplyTable) -> Vec<String> {
        let good = |(kind, _): &(&Kind, &Option<ReplyAt>)| {
            kind.is_success() && operation.outcomes().any(|outcome| outcome == **kind)
        };
        let replies = Kind::ALL
            .iter()
            .zip(replies)
            .filter(good)
            .filter_map(|(_, reply)| self.replies.get(usize::from((*reply)?)));
        let types = replies.filter_map(|reply| reply.content_type.as_ref()?.to_str().ok().map(essence));
        let mut writes: Vec<String> = types.collect();
        writes.sort();
        writes.dedup();
        writes
    }
}
