//! `myna dialect …`.

mod docs;
mod new;

use std::io::IsTerminal as _;
use std::path::PathBuf;

use anyhow::bail;
use clap::Subcommand;

use super::watch::watch;
use super::{Shown, counted, in_color, say};
use crate::cases::{self, Report, Road};
use crate::dialects::{self, DialectFaults, Origin};

/// List, show, start, check and test dialects
#[derive(Subcommand)]
pub(super) enum Dialect {
    /// List every dialect with its endpoints
    List {
        /// Folder with your own dialects
        #[arg(long, value_name = "DIR")]
        folder: Option<PathBuf>,
    },
    New(new::New),
    /// Print a dialect's file
    Show {
        /// A built-in dialect, one of the gallery, a folder or a file
        dialect: String,
    },
    /// Print a dialect's OpenAPI 3.1 document
    Openapi {
        /// A built-in dialect, one of the gallery, a folder or a file
        dialect: String,
    },
    Docs(docs::Docs),
    /// Print the JSON Schema of dialect files, for editors
    Schema,
    /// Look for every fault in dialects: file, line, column, what to do
    Check {
        /// Built-in dialects, folders or files [default: every built-in one and the gallery]
        dialects: Vec<String>,
        /// Look again whenever a file of the dialects changes
        #[arg(long)]
        watch: bool,
    },
    /// Run the cases of dialects, without a network
    Test {
        /// Built-in dialects, folders, files or single cases [default: every built-in one and the gallery]
        dialects: Vec<String>,
        /// Send the cases to this server instead (its users must be those of the cases)
        #[arg(long, value_name = "URL")]
        against: Option<String>,
        /// Send the cases over HTTP to a server started for each of them
        #[arg(long, conflicts_with = "against")]
        over_http: bool,
        /// Only cases whose name holds this text
        #[arg(long, value_name = "TEXT")]
        only: Option<String>,
        /// Run them again whenever a file of the dialects changes
        #[arg(long)]
        watch: bool,
    },
}

fn shown(faults: DialectFaults) -> anyhow::Error {
    anyhow::anyhow!(Shown(faults.to_string()))
}

fn chosen(names: &[String]) -> anyhow::Result<Vec<dialects::Found>> {
    if names.is_empty() {
        return dialects::all(None).map_err(shown);
    }
    let found: Result<Vec<_>, _> = names.iter().map(|name| dialects::meant(name).map_err(shown)).collect();
    Ok(found?.into_iter().flatten().collect())
}

impl Dialect {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        match self {
            Self::List { folder } => list(folder),
            Self::New(new) => new.run().await,
            Self::Show { dialect } => {
                let found = dialects::named(&dialect, None).map_err(shown)?;
                Ok(say(found.source.text.trim_end())?)
            }
            Self::Openapi { dialect } => {
                let found = dialects::named(&dialect, None).map_err(shown)?;
                let compiled = dialects::compile_all(std::slice::from_ref(&found), in_color()).map_err(shown)?;
                let documents = compiled.iter().map(|dialect| found.openapi(dialect));
                documents.into_iter().try_for_each(|document| Ok(say(serde_json::to_string_pretty(&document)?)?))
            }
            Self::Docs(docs) => docs.run().await,
            Self::Schema => Ok(say(serde_json::to_string_pretty(&myna_dialect::schema())?)?),
            Self::Check { dialects, watch: false } => check(&dialects),
            Self::Check { dialects, watch: true } => watch(&dialects, async || check(&dialects)).await,
            Self::Test { dialects, against, over_http, only, watch: again } => {
                let test = Test { dialects, against, over_http, only };
                if again { watch(&test.dialects, || test.run()).await } else { test.run().await }
            }
        }
    }
}

fn check(names: &[String]) -> anyhow::Result<()> {
    let found = chosen(names)?;
    let compiled = dialects::compile_all(&found, in_color()).map_err(shown)?;
    for dialect in &compiled {
        say(format!("{}: no faults, {}", dialect.name(), counted(dialect.endpoints().len(), "endpoint")))?;
        for what in dialect.insecure() {
            say(format!("    note: insecure `{}`: {}", what.name(), what.cost()))?;
        }
        for (name, why) in dialect.left_out() {
            say(format!("    note: left out `{name}`: {why}"))?;
        }
    }
    Ok(())
}

/// `myna dialect test`.
struct Test {
    dialects: Vec<String>,
    against: Option<String>,
    over_http: bool,
    only: Option<String>,
}

impl Test {
    async fn run(&self) -> anyhow::Result<()> {
        let found = chosen(&self.dialects)?;
        let report = Report { say: &mut |line| say(line), color: std::io::stdout().is_terminal() };
        let only = self.only.as_deref();
        let summary = match &self.against {
            None => {
                let road = if self.over_http { Road::Http } else { Road::Direct };
                cases::run_here(&found, only, road, report).await?
            }
            Some(url) => cases::run_against(url, &found, only, report).await?,
        };
        say(format!("{} passed, {} failed", counted(summary.passed, "case"), summary.failed))?;
        if summary.failed > 0 {
            bail!("{} of {} failed", summary.failed, counted(summary.failed + summary.passed, "case"));
        }
        if summary.passed == 0 {
            bail!(
                "there was no case to run{}",
                match only {
                    Some(text) => format!(": none has `{text}` in its name"),
                    None => ": write one in cases/NAME.case beside the dialect".to_owned(),
                }
            );
        }
        Ok(())
    }
}

fn list(folder: Option<PathBuf>) -> anyhow::Result<()> {
    let found = dialects::all(folder.as_deref()).map_err(shown)?;
    let compiled = dialects::compile_all(&found, in_color()).map_err(shown)?;
    for (dialect, found) in compiled.iter().zip(&found) {
        let origin = match found.origin {
            Origin::Builtin => "built-in",
            Origin::Gallery => "gallery",
            Origin::Own => found.source.name.as_str(),
        };
        say(format!("{} — {} ({origin})", dialect.name(), dialect.title()))?;
        for endpoint in dialect.endpoints() {
            for (method, path) in endpoint.routes() {
                let route = format!("{method} {path}");
                say(format!("    {route:<36} {}", endpoint.operation().name()))?;
            }
        }
    }
    Ok(())
}
