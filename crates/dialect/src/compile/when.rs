//! `when`: what tells the requests of endpoints at one route apart.

use super::Compiler;
use crate::decode::Plan;
use crate::file::{Table, Text};
use crate::when::{Condition, Subject, Want};

impl Compiler {
    pub(super) fn when(&mut self, table: &Table<'_>, plan: &Plan, params: &[String]) -> Vec<Condition> {
        let Some(when) = table.table("when", &mut self.faults) else {
            return Vec::new();
        };
        let mut conditions = Vec::new();
        for key in when.keys() {
            let subject = self.subject(&key, plan, params);
            let want = if when.is_bool(&key.value) {
                when.bool(&key.value, &mut self.faults).map(|there| if there { Want::Present } else { Want::Absent })
            } else {
                let texts = when.texts(&key.value, &mut self.faults);
                Some(Want::Any(texts.into_iter().map(|text| text.value).collect()))
            };
            // What is of a wrong type was told already.
            if let Some(Want::Any(texts)) = &want
                && texts.is_empty()
                && when.is_list(&key.value)
            {
                let help = "a text, a list of texts, `true` for there, `false` for not there".to_owned();
                self.faults.add_with(when.place(&key.value), "no request fulfils this", help);
            }
            if let (Some(subject), Some(want)) = (subject, want) {
                conditions.push(Condition { subject, want });
            }
        }
        if conditions.is_empty() && when.keys().is_empty() {
            self.faults.add(when.span, "a `when` without conditions always holds: leave it out");
        }
        conditions
    }

    fn subject(&mut self, key: &Text, plan: &Plan, params: &[String]) -> Option<Subject> {
        let Some(path) = key.value.strip_prefix("body ") else {
            return self.source(key, params).map(Subject::Source);
        };
        let path: Vec<String> = path.split('.').map(str::to_owned).collect();
        if path.iter().any(String::is_empty) {
            self.faults.add(key.span.clone(), "a member of the body is named by its path: `body a.b`");
        }
        if plan.body.is_none() {
            self.faults.add(key.span.clone(), "this endpoint reads no body: it has no `request`");
        }
        Some(Subject::Body(path))
    }
}
