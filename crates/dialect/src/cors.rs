//! What pages of other origins need to be told before a browser lets them speak a dialect (Fetch §3.3): which headers it
//! reads and writes, and whether cookies belong to it. Which origins may is the server's to say (HD-02).

use http::HeaderName;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};

use crate::dialect::Dialect;
use crate::source::Source;
use crate::when::Subject;

/// What CORS headers say of a dialect.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Cors {
    /// Headers that its endpoints read.
    pub reads: Vec<HeaderName>,
    /// Headers of its own that its responses have.
    pub writes: Vec<HeaderName>,
    /// Whether it reads or sets cookies.
    pub cookies: bool,
}

impl Dialect {
    /// What pages of other origins need to be told.
    pub fn cors(&self) -> Cors {
        let inputs = self.endpoints.iter().flat_map(|endpoint| &endpoint.plan.inputs);
        let conditions = self.endpoints.iter().flat_map(|endpoint| &endpoint.when);
        let asked = conditions.filter_map(|condition| match &condition.subject {
            Subject::Source(source) => Some(source),
            Subject::Body(_) => None,
        });
        let sources: Vec<&Source> = inputs.flat_map(|input| &input.sources).chain(asked).collect();
        let reads = sources.iter().filter_map(|source| source.header().cloned());
        let writes = self.headers.iter().chain(self.replies.iter().flat_map(|reply| &reply.headers));
        Cors {
            reads: unique([ACCEPT, AUTHORIZATION, CONTENT_TYPE].into_iter().chain(reads)),
            writes: unique(writes.map(|(name, _)| name.clone())),
            cookies: sources.iter().any(|source| matches!(source, Source::Cookie(_)))
                || self.replies.iter().any(|reply| !reply.cookies.is_empty()),
        }
    }
}

fn unique(names: impl Iterator<Item = HeaderName>) -> Vec<HeaderName> {
    let mut names: Vec<HeaderName> = names.collect();
    names.sort_by(|one, other| one.as_str().cmp(other.as_str()));
    names.dedup();
    names
}
