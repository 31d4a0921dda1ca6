//! The text of a new `myna.toml`: every setting with its meaning, default and environment variable, each commented out.
//! It is made from the table; it writes no file.

use std::fmt::Write as _;

use super::settings::{Kind, Preset, SETTINGS, Setting};
use super::units::{show_duration, show_size};
use super::words::expected;

const LINE_CHARS_MAX: usize = 100;

const HEADER: &str = "\
# The configuration of Myna. Nothing here is required: every setting has the default shown.
# To change one, remove the `#` before its name. `myna check` tells what is wrong, all at once.
#
# An environment variable wins over this file, the command line over both. In variables, lists
# are separated by commas. Relative paths begin where the server is started.
";

/// A commented `myna.toml`. It parses as it is, and with every setting uncommented.
pub(crate) fn init_file() -> String {
    let mut text = HEADER.to_owned();
    let mut section = "";
    for setting in SETTINGS {
        if setting.section() != section {
            section = setting.section();
            let _ = write!(text, "\n[{section}]\n");
        }
        text.push('\n');
        describe(&mut text, setting);
    }
    text
}

/// Writing to a `String` cannot fail.
fn describe(text: &mut String, setting: &Setting) {
    for line in wrapped(setting.doc) {
        let _ = writeln!(text, "# {line}");
    }
    if let Some(bounds) = bounds(setting.kind) {
        let _ = writeln!(text, "# {bounds}");
    }
    let _ = writeln!(text, "# Environment: {}", setting.variable());
    if let Some((key, variable)) = setting.file_form() {
        let name = key.rsplit('.').next().unwrap_or_default();
        let _ = writeln!(text, "# Better kept in a file of its own: {name} = \"/path\", or {variable}");
    }
    let value = match setting.preset {
        Preset::Default(value) => value,
        Preset::Unset(example) => {
            let _ = writeln!(text, "# Not set by default; for example:");
            example
        }
    };
    let _ = writeln!(text, "#{} = {value}", setting.name());
}

/// What may be written, with units and bounds.
fn bounds(kind: Kind) -> Option<String> {
    Some(match kind {
        Kind::Number(least, most) => format!("A whole number from {least} to {most}."),
        Kind::Size(least, most) => format!("From {} to {}.", show_size(least), show_size(most)),
        Kind::Duration(least, most) => format!("From {} to {}.", show_duration(least), show_duration(most)),
        Kind::Choice(words) => format!("One of: {}.", words.join(", ")),
        Kind::Secret => "A secret: keep this file readable by the server alone.".to_owned(),
        Kind::Networks | Kind::Origins => format!("{}.", expected(kind).1?.replacen("write it as", "For example", 1)),
        Kind::Text | Kind::Path | Kind::Flag | Kind::SecretFile | Kind::Host => return None,
        Kind::Link | Kind::Mailbox | Kind::Names | Kind::Addresses | Kind::Levels => return None,
    })
}

fn wrapped(text: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let Some(line) = lines.last_mut() else { break };
        if line.is_empty() {
            line.push_str(word);
        } else if line.chars().count() + word.chars().count() < LINE_CHARS_MAX {
            line.push(' ');
            line.push_str(word);
        } else {
            lines.push(word.to_owned());
        }
    }
    lines
}
