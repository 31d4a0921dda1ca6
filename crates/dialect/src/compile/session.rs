//! `[session]`: how long sessions live, and how their refresh tokens replace each other.

use std::time::Duration;

use myna_core::policy::{REPEATED_MAX, Rotation, Terms};

use super::Compiler;
use crate::diagnostic::did_you_mean;
use crate::file::Table;
use crate::insecure::Insecure;
use crate::token::{AccessProfile, RefreshProfile};

const DAY: Duration = Duration::from_secs(24 * 3600);
const GRACE: Duration = Duration::from_secs(10);
/// What `rotation` can be.
pub(crate) const ROTATIONS: [&str; 4] = ["replay", "until_used", "strict", "none"];

impl Compiler {
    pub(super) fn terms(
        &mut self,
        root: &Table<'_>,
        name: &str,
        access: Option<&AccessProfile>,
        refresh: Option<&RefreshProfile>,
    ) -> Terms {
        let mut lifetime = None;
        let mut rotation = Rotation::Replay { grace: GRACE };
        if let Some(table) = root.table("session", &mut self.faults) {
            table.only(&["lifetime", "rotation", "grace"], &mut self.faults);
            lifetime = self.span(&table, "lifetime");
            if lifetime.is_some_and(|lifetime| lifetime.is_zero()) {
                self.faults.add(table.place("lifetime"), "a session without lifetime is none");
            }
            rotation = self.rotation(&table);
        }
        let (access, refresh) = (access.map(AccessProfile::lifetime), refresh.map(RefreshProfile::lifetime));
        let longest = access.max(refresh).unwrap_or_default().max(30 * DAY);
        let absolute = lifetime.unwrap_or(longest);
        let idle = refresh.or(access).unwrap_or(absolute);
        let enumerable = self.insecure.has(Insecure::Enumeration);
        Terms { dialect: name.to_owned(), idle, absolute, rotation, enumerable }
    }

    fn rotation(&mut self, table: &Table<'_>) -> Rotation {
        let (_, refreshes) = self.tokens;
        for key in ["rotation", "grace"].into_iter().filter(|key| !refreshes && table.has(key)) {
            let message = format!("`{key}` is about refresh tokens, and there is no `[token.refresh]`");
            self.faults.add(table.place(key), message);
        }
        let grace = self.grace(table);
        let replay = match grace.unwrap_or(GRACE) {
            Duration::ZERO => Rotation::Strict,
            grace => Rotation::Replay { grace },
        };
        let Some(text) = table.text("rotation", &mut self.faults) else {
            return replay;
        };
        let rotation = match text.value.as_str() {
            "replay" => return replay,
            "until_used" => Rotation::UntilUsed,
            "strict" => Rotation::Strict,
            "none" => {
                self.loosen(Insecure::NoRotation, text.span, "refresh tokens that are never replaced");
                Rotation::Fixed
            }
            other => {
                let help = did_you_mean(other, ROTATIONS);
                let message = "`rotation` is \"replay\", \"until_used\", \"strict\" or \"none\"";
                self.faults.add_with(text.span, message, help);
                return replay;
            }
        };
        if grace.is_some() {
            self.faults.add(table.place("grace"), "`grace` belongs to `rotation = \"replay\"`");
        }
        rotation
    }

    fn grace(&mut self, table: &Table<'_>) -> Option<Duration> {
        let grace = self.span(table, "grace")?;
        if grace > REPEATED_MAX {
            // RF-02: a stolen token must not stay good for long after its owner has used it.
            self.faults.add(table.place("grace"), "`grace` is at most 60s");
        }
        Some(grace)
    }
}
