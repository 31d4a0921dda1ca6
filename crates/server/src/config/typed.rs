//! Reading a value by the type its kind has. A value that is not there, or was refused, reads as its type's nothing: a
//! configuration with faults is thrown away whole, and a test holds that every default is there.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use lettre::message::Mailbox;
use tracing_subscriber::filter::Targets;

use super::layers::Layers;
use super::types::{Link, Network};
use super::value::Value;

impl Layers {
    pub(super) fn text(&self, key: &str) -> Option<&str> {
        if let Some(Value::Text(text)) = self.value(key) { Some(text) } else { None }
    }

    pub(super) fn path(&self, key: &str) -> Option<PathBuf> {
        if let Some(Value::Path(path)) = self.value(key) { Some(path.clone()) } else { None }
    }

    pub(super) fn flag(&self, key: &str) -> bool {
        matches!(self.value(key), Some(Value::Flag(true)))
    }

    pub(super) fn number(&self, key: &str) -> u64 {
        if let Some(Value::Number(number)) = self.value(key) { *number } else { 0 }
    }

    /// The bounds in the table keep every number that is read so far below 2³².
    pub(super) fn number32(&self, key: &str) -> u32 {
        u32::try_from(self.number(key)).unwrap_or(u32::MAX)
    }

    pub(super) fn size(&self, key: &str) -> usize {
        usize::try_from(self.number(key)).unwrap_or(usize::MAX)
    }

    pub(super) fn duration(&self, key: &str) -> Duration {
        if let Some(Value::Duration(span)) = self.value(key) { *span } else { Duration::ZERO }
    }

    pub(super) fn link(&self, key: &str) -> Option<Link> {
        if let Some(Value::Link(link)) = self.value(key) { Some(link.clone()) } else { None }
    }

    pub(super) fn mailbox(&self, key: &str) -> Option<Mailbox> {
        if let Some(Value::Mailbox(mailbox)) = self.value(key) { Some(mailbox.clone()) } else { None }
    }

    pub(super) fn levels(&self, key: &str) -> Targets {
        if let Some(Value::Levels(levels)) = self.value(key) { levels.clone() } else { Targets::new() }
    }

    pub(super) fn texts(&self, key: &str) -> Vec<String> {
        if let Some(Value::Texts(texts)) = self.value(key) { texts.clone() } else { Vec::new() }
    }

    pub(super) fn addresses(&self, key: &str) -> Vec<SocketAddr> {
        if let Some(Value::Addresses(addresses)) = self.value(key) { addresses.clone() } else { Vec::new() }
    }

    pub(super) fn networks(&self, key: &str) -> Vec<Network> {
        if let Some(Value::Networks(networks)) = self.value(key) { networks.clone() } else { Vec::new() }
    }
}
