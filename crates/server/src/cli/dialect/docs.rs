//! `myna dialect docs`: a dialect's API as Markdown, from the same file that serves it, with its cases as examples. The same
//! file gives the same text.

use std::fmt::Write as _;
use std::path::PathBuf;

use clap::Args;
use myna_dialect::describe::{
    Asked, AskedShape, BodyDescription, Description, EndpointDescription, InputDescription, Member, OutcomeDescription,
    Part, Place, Rule, TokenForm, Tree,
};

use super::shown;
use crate::cli::watch::watch;
use crate::cli::{in_color, say};
use crate::dialects::{self, Found};

/// Write a dialect's API as Markdown, from the file that serves it
#[derive(Args)]
pub(in crate::cli) struct Docs {
    /// A built-in dialect, one of the gallery, a folder or a file
    dialect: String,
    /// Write it to this file instead of standard output
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Write it again whenever a file of the dialect changes
    #[arg(long)]
    watch: bool,
}

impl Docs {
    pub(super) async fn run(&self) -> anyhow::Result<()> {
        if self.watch { watch(std::slice::from_ref(&self.dialect), async || self.write()).await } else { self.write() }
    }

    fn write(&self) -> anyhow::Result<()> {
        let found = dialects::named(&self.dialect, None).map_err(shown)?;
        let compiled = dialects::compile_all(std::slice::from_ref(&found), in_color()).map_err(shown)?;
        let text: String = compiled.iter().map(|dialect| markdown(&dialect.describe(), &found)).collect();
        match &self.out {
            None => say(text.trim_end())?,
            Some(file) => {
                std::fs::write(file, text).map_err(|error| anyhow::anyhow!("{}: {error}", file.display()))?;
                say(format!("wrote {}", file.display()))?;
            }
        }
        Ok(())
    }
}

fn markdown(described: &Description, found: &Found) -> String {
    let mut text = format!("# {}\n", described.title);
    if let Some(document) = &described.document {
        let _ = write!(text, "\nDescribed at {document}.\n");
    }
    text.push_str("\n| endpoint | route | does |\n| --- | --- | --- |\n");
    for endpoint in &described.endpoints {
        let summary = endpoint.operation.entry().summary;
        let _ = writeln!(text, "| {} | {} | {summary} |", endpoint.name, routes(endpoint));
    }
    for (name, form) in [("Access", &described.access), ("Refresh", &described.refresh)] {
        match form {
            None => {}
            Some(TokenForm::Jwt(algorithm)) => {
                let _ = write!(text, "\n{name} tokens are JWTs, signed with {algorithm}.\n");
            }
            Some(TokenForm::Opaque { prefix, .. }) if prefix.is_empty() => {
                let _ = write!(text, "\n{name} tokens are opaque.\n");
            }
            Some(TokenForm::Opaque { prefix, .. }) => {
                let _ = write!(text, "\n{name} tokens are opaque and begin with `{prefix}`.\n");
            }
        }
    }
    for endpoint in &described.endpoints {
        text.push_str(&section(endpoint, found));
    }
    if !described.insecure.is_empty() {
        text.push_str("\n## Loosened\n\n");
        for what in &described.insecure {
            let _ = writeln!(text, "- `{}`: {}", what.name(), what.cost());
        }
    }
    if !described.left_out.is_empty() {
        text.push_str("\n## Left out\n\n");
        for (name, why) in &described.left_out {
            let _ = writeln!(text, "- `{name}`: {why}");
        }
    }
    text
}

fn routes(endpoint: &EndpointDescription) -> String {
    endpoint.paths.iter().map(|path| format!("`{} {path}`", endpoint.method)).collect::<Vec<_>>().join(", ")
}

fn section(endpoint: &EndpointDescription, found: &Found) -> String {
    let mut text =
        format!("\n## {}\n\n{}\n\n{}\n", endpoint.name, routes(endpoint), endpoint.operation.entry().summary);
    let conditions: Vec<String> = endpoint.when.iter().map(ToString::to_string).collect();
    if !conditions.is_empty() {
        let _ = write!(text, "\nWith {}.\n", conditions.join(" and "));
    }
    if !endpoint.inputs.is_empty() {
        text.push_str("\n| input | where | required | rules |\n| --- | --- | --- | --- |\n");
        for input in &endpoint.inputs {
            let required = if input.required { "yes" } else { "no" };
            let _ = writeln!(text, "| `{}` | {} | {required} | {} |", input.wire, place(input), rules(input));
        }
    }
    if let Some(body) = endpoint.body.as_ref().filter(|body| !body.is_empty()) {
        let _ = write!(text, "\nBody ({}):\n\n```\n{}\n```\n", endpoint.reads.join(" or "), asked(body, endpoint));
    }
    text.push_str("\n### Answers\n");
    // Outcomes that are answered alike stand together.
    let mut told: Vec<(String, Vec<&OutcomeDescription>)> = Vec::new();
    for outcome in &endpoint.outcomes {
        let shape = answer(outcome);
        match told.iter_mut().find(|(known, _)| *known == shape) {
            Some((_, outcomes)) => outcomes.push(outcome),
            None => told.push((shape, vec![outcome])),
        }
    }
    for (shape, outcomes) in told {
        let named = outcomes.iter().map(|outcome| format!("{} `{}`", outcome.status, outcome.kind.name()));
        let _ = write!(text, "\n**{}**\n{shape}", named.collect::<Vec<_>>().join(", "));
    }
    if let Some((title, example)) = example(endpoint, found) {
        let _ = write!(text, "\n### Example\n\n{title}\n\n```\n{example}```\n");
    }
    text
}

fn place(input: &InputDescription) -> String {
    let place = |place: &Place| match place {
        Place::Bearer(header) => format!("`{header}: Bearer …`"),
        Place::Header(header) => format!("header `{header}`"),
        Place::Cookie(name) => format!("cookie `{name}`"),
        Place::Path(name) => format!("path `{name}`"),
        Place::Query(name) => format!("query `{name}`"),
        Place::Basic(_) => "`authorization: Basic …`".to_owned(),
        Place::Scheme { word, param, header } => {
            let param = param.as_ref().map(|param| format!("{param}=")).unwrap_or_default();
            format!("`{header}: {word} {param}…`")
        }
    };
    let body = input.in_body.then(|| "body".to_owned());
    body.into_iter().chain(input.places.iter().map(place)).collect::<Vec<_>>().join(", else ")
}

fn rules(input: &InputDescription) -> String {
    let rule = |rule: &Rule| match rule {
        Rule::Required => "not empty".to_owned(),
        Rule::Email => "an e-mail address".to_owned(),
        Rule::Username => "a username".to_owned(),
        Rule::Size { min: 0, max } => format!("at most {max} characters"),
        Rule::Size { min, max: u32::MAX } => format!("at least {min} characters"),
        Rule::Size { min, max } => format!("{min} to {max} characters"),
        Rule::Same(other) => format!("the same as `{other}`"),
        Rule::OneOf(values) => format!("one of {}", values.join(", ")),
    };
    input.rules.iter().map(|described| rule(&described.rule)).collect::<Vec<_>>().join("; ")
}

fn asked(body: &[Asked], endpoint: &EndpointDescription) -> String {
    fn shape(asked: &AskedShape, endpoint: &EndpointDescription) -> String {
        match asked {
            AskedShape::Input(at) => {
                endpoint.inputs.get(*at).map(|input| format!("<{}>", input.name)).unwrap_or_default()
            }
            AskedShape::Literal(value) => value.to_string(),
            AskedShape::Object(members) => object(members, endpoint),
            AskedShape::Array(items) => {
                let items: Vec<String> = items.iter().map(|item| shape(item, endpoint)).collect();
                format!("[{}]", items.join(", "))
            }
        }
    }
    fn object(members: &[Asked], endpoint: &EndpointDescription) -> String {
        let member = |asked: &Asked| {
            format!("{}: {}", serde_json::Value::from(asked.name.as_str()), shape(&asked.shape, endpoint))
        };
        format!("{{ {} }}", members.iter().map(member).collect::<Vec<_>>().join(", "))
    }
    object(body, endpoint)
}

/// Headers, cookies and body of an answer.
fn answer(outcome: &OutcomeDescription) -> String {
    let mut text = String::new();
    let mut head = Vec::new();
    head.extend(outcome.content_type.as_ref().map(|value| format!("content-type: {value}")));
    head.extend(outcome.headers.iter().map(|header| format!("{}: {}", header.name, parts(&header.value))));
    head.extend(outcome.cookies.iter().map(|cookie| format!("set-cookie: {}", cookie.line(parts))));
    let body = match &outcome.body {
        None => String::new(),
        Some(BodyDescription::Text(all)) => parts(all),
        Some(BodyDescription::Json(value)) => tree(value, 0),
    };
    if !head.is_empty() || !body.is_empty() {
        let gap = if head.is_empty() || body.is_empty() { "" } else { "\n\n" };
        let _ = write!(text, "\n```\n{}{gap}{body}\n```\n", head.join("\n"));
    }
    text
}

fn parts(parts: &[Part]) -> String {
    let part = |part: &Part| match part {
        Part::Literal(text) => text.clone(),
        Part::Shown(shown) => format!("<{}>", shown.slot),
    };
    parts.iter().map(part).collect()
}

fn tree(value: &Tree, depth: usize) -> String {
    let inner = "  ".repeat(depth + 1);
    let outer = "  ".repeat(depth);
    let members = |members: &[Member]| -> Vec<String> {
        let member = |member: &Member| {
            let optional = if member.optional { "   (may be left out)" } else { "" };
            format!("{inner}\"{}\": {}{optional}", parts(&member.key), tree(&member.value, depth + 1))
        };
        members.iter().map(member).collect()
    };
    match value {
        Tree::Literal(value) => value.to_string(),
        Tree::Text(all) => format!("\"{}\"", parts(all)),
        Tree::Shown(shown) => {
            let null = if shown.nullable { " or null" } else { "" };
            format!("<{}{null}>", shown.slot)
        }
        Tree::Array(items) => {
            format!("[{}]", items.iter().map(|item| tree(item, depth)).collect::<Vec<_>>().join(", "))
        }
        Tree::Object(all) if all.is_empty() => "{}".to_owned(),
        Tree::Object(all) => format!("{{\n{}\n{outer}}}", members(all).join(",\n")),
        Tree::EachElement(list, element) => format!("[for each of {list}: {}]", tree(element, depth)),
        Tree::EachMember(list, all) => format!("{{ for each of {list}:\n{}\n{outer}}}", members(all).join(",\n")),
    }
}

/// The first exchange of the cases with this endpoint that went well; else the first.
fn example(endpoint: &EndpointDescription, found: &Found) -> Option<(String, String)> {
    let mut exchanges = Vec::new();
    for case in &found.cases {
        let title = case.text.lines().next().unwrap_or_default().trim_start_matches('#').trim().to_owned();
        let lines: Vec<&str> = case.text.lines().collect();
        let begins = |at: &usize| {
            let begun = *at > 0 && lines[at - 1].starts_with('>');
            let first = lines[*at].strip_prefix("> ").filter(|_| !begun);
            first.is_some_and(|first| is_for(endpoint, first))
        };
        for at in (0..lines.len()).filter(begins) {
            let sent = lines[at..].iter().take_while(|line| line.starts_with('>'));
            let rest = lines[at..].iter().skip_while(|line| line.starts_with('>') || line.trim().is_empty());
            let came: Vec<&&str> = rest.take_while(|line| line.starts_with('<')).collect();
            let good = came.first().is_some_and(|status| status.starts_with("< 2"));
            let strip =
                |line: &&&str| line.get(1..).unwrap_or_default().strip_prefix(' ').unwrap_or_default().to_owned();
            let sent: Vec<String> = sent.collect::<Vec<_>>().iter().map(strip).collect();
            let came: Vec<String> = came.iter().map(strip).collect();
            let long = sent.iter().chain(&came).any(|line| line.contains("{repeat ") || line.contains("{bytes "));
            if !long {
                exchanges.push((good, title.clone(), format!("{}\n\n{}\n", sent.join("\n"), came.join("\n"))));
            }
        }
    }
    let best = exchanges.iter().position(|(good, ..)| *good).unwrap_or_default();
    (best < exchanges.len()).then(|| exchanges.swap_remove(best)).map(|(_, title, text)| (title, text))
}

fn is_for(endpoint: &EndpointDescription, first: &str) -> bool {
    let Some((method, target)) = first.split_once(' ') else { return false };
    let path = target.split(['?', ' ']).next().unwrap_or_default();
    method == endpoint.method.as_str() && endpoint.paths.iter().any(|known| known == path)
}
