//! `[on.KIND]`: responses. Status, headers, cookies and one body each, proven for the outcome that they are written for.

use http::header::{CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, SET_COOKIE, TE, TRAILER, TRANSFER_ENCODING, UPGRADE};
use http::{HeaderName, HeaderValue, StatusCode};
use myna_core::catalog::Operation;
use myna_core::outcome::Kind;

use super::Compiler;
use super::emit::Use;
use crate::diagnostic::did_you_mean;
use crate::dialect::{ReplyAt, ReplyTable};
use crate::encode::{Filling, Reply, Wants};
use crate::file::{Table, Text};
use crate::insecure::Insecure;
use crate::media::{self, is_media_type};
use crate::slot::Slot;
use crate::template::{Medium, Template};
use crate::tree::{self, Part};

const REPLY_KEYS: [&str; 6] = ["status", "body", "text", "content_type", "headers", "cookie"];
/// Headers that are not a dialect's to write, and who writes them.
const OTHERS_HEADERS: [(HeaderName, &str); 8] = [
    (CONTENT_TYPE, "write `content_type` in the response"),
    (SET_COOKIE, "write `[[on.KIND.cookie]]` in the response"),
    (CONTENT_LENGTH, "the server writes it"),
    (TRANSFER_ENCODING, "the server writes it"),
    (CONNECTION, "the server writes it"),
    (UPGRADE, "the server writes it"),
    (TRAILER, "the server writes it"),
    (TE, "the server writes it"),
];

impl Compiler {
    /// The responses of an `on` table by kind.
    pub(super) fn replies_of(&mut self, table: &Table<'_>) -> Vec<(Kind, ReplyAt)> {
        let mut replies = Vec::new();
        for key in table.keys() {
            let Some(kind) = Kind::parse(&key.value) else {
                let help = did_you_mean(&key.value, Kind::ALL.iter().map(|kind| kind.name()));
                self.faults.add_with(key.span, format!("there is no outcome `{}`", key.value), help);
                continue;
            };
            if kind.tells_who_exists() {
                let message = format!("`{}` tells anybody who has an account (LG-06)", kind.name());
                self.loosen(Insecure::Enumeration, key.span.clone(), message);
            }
            if let Some(table) = table.table(&key.value, &mut self.faults) {
                let reply = self.reply(&table, kind);
                // A dialect has at most 200 endpoints, each with one reply for a kind: it fits.
                let at = ReplyAt::try_from(self.replies.len()).unwrap_or(ReplyAt::MAX);
                self.replies.push(reply);
                replies.push((kind, at));
            }
        }
        replies
    }

    /// RF-01: a refresh token is good once. An answer without its successor would leave the client without any, so there the
    /// given one stays good, and that has to be said.
    pub(super) fn prove_rotation(&mut self, table: &Table<'_>, operation: Operation, replies: &ReplyTable) {
        if operation != Operation::Refresh {
            return;
        }
        let reply = self.reply_of(Kind::Refreshed, replies);
        if reply.is_some_and(|reply| !reply.hands_over_refresh()) {
            let message =
                "the answer of a `refresh` that shows no `{refresh.token}`: the one that was given stays good";
            self.insecure.need(Insecure::NoRotation, table.place("operation"), message, &mut self.faults);
        }
    }

    /// RS-10: the link of a reset is for a new password; that it signs in, too, has to be said.
    pub(super) fn prove_reset(&mut self, table: &Table<'_>, operation: Operation, replies: &ReplyTable) {
        if operation != Operation::ResetPassword {
            return;
        }
        let reply = self.reply_of(Kind::PasswordReset, replies);
        if reply.is_some_and(|reply| reply.wants() != Wants::default()) {
            let message = "the answer of a `reset_password` that shows tokens: the link of the mail signs in";
            self.insecure.need(Insecure::ResetSignsIn, table.place("operation"), message, &mut self.faults);
        }
    }

    fn reply_of(&self, kind: Kind, replies: &ReplyTable) -> Option<&Reply> {
        let (_, reply) = Kind::ALL.iter().zip(replies).find(|(each, _)| **each == kind)?;
        self.replies.get(usize::from((*reply)?))
    }

    fn reply(&mut self, table: &Table<'_>, kind: Kind) -> Reply {
        table.only(&REPLY_KEYS, &mut self.faults);
        let used = Use::response(kind);
        let status = self.status(table);
        let (json, text) = (table.text("body", &mut self.faults), table.text("text", &mut self.faults));
        if let (Some(_), Some(text)) = (&json, &text) {
            self.faults.add(text.span.clone(), "a response has a `body` or a `text`, not both");
        }
        let no_body = status.filter(|status| matches!(status.as_u16(), 204 | 205 | 304));
        if let (Some(status), Some(body)) = (no_body, json.as_ref().or(text.as_ref())) {
            // RFC 9110 §15.3.5, §15.3.6, §15.4.5
            self.faults.add(body.span.clone(), format!("a response with status {} has no body", status.as_u16()));
        }
        let default_type = match (&json, &text) {
            (Some(_), _) => Some("application/json"),
            (None, Some(_)) => Some("text/plain;charset=utf-8"),
            (None, None) => None,
        };
        let body = match (json, text) {
            (Some(json), _) => {
                let tree = tree::tree(&json, &self.names, &mut self.faults);
                tree.map(|tree| self.json(&tree, used))
            }
            (None, Some(text)) => Some(self.text_template(&text, used, Medium::Plain)),
            (None, None) => None,
        };
        let headers = table.table("headers", &mut self.faults);
        let content_type = self.content_type(table, default_type);
        if content_type.as_ref().and_then(|value| value.to_str().ok()).is_some_and(media::runs)
            && body.as_ref().is_some_and(|body: &Template| body.shows(Slot::is_foreign))
        {
            let message = "browsers run what stands in this content type, and what people wrote would stand in it";
            let help =
                "nothing is escaped for HTML or XML: show no more than numbers, times and words of the file".to_owned();
            self.faults.add_with(table.place("content_type"), message, help);
        }
        Reply {
            status,
            content_type,
            headers: headers.map(|headers| self.headers(&headers, used)).unwrap_or_default(),
            cookies: self.cookies(table, used),
            body,
        }
    }

    fn status(&mut self, table: &Table<'_>) -> Option<StatusCode> {
        let number = table.number("status", &mut self.faults)?;
        let status = u16::try_from(number).ok().filter(|number| (200..600).contains(number));
        let status = status.and_then(|number| StatusCode::from_u16(number).ok());
        if status.is_none() {
            self.faults.add(table.place("status"), format!("{number} is no status of a response: 200 to 599"));
        }
        status
    }

    fn content_type(&mut self, table: &Table<'_>, default: Option<&'static str>) -> Option<HeaderValue> {
        let Some(text) = table.text("content_type", &mut self.faults) else {
            return default.map(HeaderValue::from_static);
        };
        if text.value.is_empty() {
            return None;
        }
        let value = HeaderValue::from_str(&text.value).ok().filter(|_| is_media_type(&text.value));
        if value.is_none() {
            self.faults.add(text.span, format!("`{}` is no media type", text.value.escape_debug()));
        }
        value
    }

    fn text_template(&mut self, text: &Text, used: Use, medium: Medium) -> Template {
        let parts = tree::parts(text, &mut self.faults);
        self.plain(&parts, used, medium)
    }

    pub(super) fn headers(&mut self, table: &Table<'_>, used: Use) -> Vec<(HeaderName, Filling)> {
        let mut headers: Vec<(HeaderName, Filling)> = Vec::new();
        for key in table.keys() {
            let Some(text) = table.text(&key.value, &mut self.faults) else {
                continue;
            };
            let Ok(name) = HeaderName::from_bytes(key.value.as_bytes()) else {
                self.faults.add(key.span, format!("`{}` cannot be a header's name", key.value.escape_debug()));
                continue;
            };
            if let Some((_, help)) = OTHERS_HEADERS.iter().find(|(other, _)| *other == name) {
                self.faults.add_with(key.span, format!("`{}` has no place here", key.value), (*help).to_owned());
                continue;
            }
            if headers.iter().any(|(present, _)| *present == name) {
                self.faults.add(key.span, format!("the header `{name}` is written twice"));
                continue;
            }
            let parts = tree::parts(&text, &mut self.faults);
            let bad = |part: &Part| matches!(part, Part::Literal(text) if HeaderValue::from_str(text).is_err());
            if parts.iter().any(bad) {
                self.faults.add(text.span.clone(), "a header's value cannot hold control characters");
            }
            headers.push((name, Filling::new(self.plain(&parts, used, Medium::Plain))));
        }
        headers
    }
}
