//! The loosenings that a dialect may ask for, because its API is older than the rule: each has a name that the file must
//! spell out, and a sentence that says what it costs. It lists them; where each is needed is judged by `compile`.

use std::ops::Range;

use crate::diagnostic::did_you_mean;
use crate::file::{Faults, Text};

macro_rules! loosenings {
    ($($variant:ident = $name:literal $cost:literal;)*) => {
        /// One rule that a dialect does without.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub enum Insecure { $(
            #[doc = $cost]
            $variant,
        )* }

        impl Insecure {
            /// Every loosening.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The name in dialect files: `insecure = ["NAME"]`.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// What it costs, one sentence for people.
            pub const fn cost(self) -> &'static str {
                match self { $(Self::$variant => $cost,)* }
            }
        }
    };
}

loosenings! {
    Enumeration = "enumeration"
        "Anybody can find out which users there are, and which of them are disabled.";
    SecretInQuery = "secret_in_query"
        "Secrets stand in URLs: proxies, browser histories and Referer headers keep them.";
    SecretInPath = "secret_in_path"
        "Secrets stand in paths: every access log on the way keeps them.";
    ReadableCookie = "readable_cookie"
        "Scripts can read the cookie: one injected script takes the session with it.";
    PlainCookie = "plain_cookie"
        "The cookie travels without TLS, too: whoever listens on the network has the session.";
    CrossSite = "cross_site"
        "Pages of other sites can use the cookie of whoever visits them (CSRF).";
    NoExpiry = "no_expiry"
        "Access tokens have no end of their own: whoever verifies them elsewhere accepts a stolen one for ever.";
    NoRotation = "no_rotation"
        "Refresh tokens stay the same: a stolen one is good as long as the session, and nothing shows the theft.";
    ResetSignsIn = "reset_signs_in"
        "Whoever reads somebody's mail is signed in with the link of a reset, and need not know the new password.";
}

/// What a file lists, and which of it was needed so far.
#[derive(Default)]
pub(crate) struct Listed(Vec<(Insecure, Text, bool)>);

impl Listed {
    /// Reads the list; what it repeats or does not know is a fault.
    pub(crate) fn new(names: Vec<Text>, faults: &mut Faults) -> Self {
        let mut listed = Self::default();
        for name in names {
            let Some(what) = Insecure::ALL.iter().copied().find(|what| what.name() == name.value) else {
                let known = || Insecure::ALL.iter().copied().map(Insecure::name);
                let list = || format!("known here: {}", known().collect::<Vec<_>>().join(", "));
                let help = did_you_mean(&name.value, known()).unwrap_or_else(list);
                faults.add_with(name.span, format!("there is no loosening `{}`", name.value.escape_debug()), help);
                continue;
            };
            if listed.has(what) {
                faults.add(name.span, format!("`{}` is listed twice", what.name()));
                continue;
            }
            listed.0.push((what, name, false));
        }
        listed
    }

    pub(crate) fn has(&self, what: Insecure) -> bool {
        self.0.iter().any(|(each, ..)| *each == what)
    }

    /// Whether the file lists `what`, which something makes use of.
    pub(crate) fn use_if_listed(&mut self, what: Insecure) -> bool {
        let listed = self.0.iter_mut().find(|(each, ..)| *each == what);
        listed.map(|(.., used)| *used = true).is_some()
    }

    /// Something at `span` needs `what`: a fault with this message unless the file says it out loud.
    pub(crate) fn need(
        &mut self,
        what: Insecure,
        span: Range<usize>,
        message: impl Into<String>,
        faults: &mut Faults,
    ) -> bool {
        if self.use_if_listed(what) {
            return true;
        }
        faults.add_with(span, message, format!("say it out loud: insecure = [\"{}\"]", what.name()));
        false
    }

    /// Those in force; what is listed and was never needed is a fault. To be asked when everything is compiled.
    pub(crate) fn in_force(self, faults: &mut Faults) -> Vec<Insecure> {
        for (what, name, _) in self.0.iter().filter(|(.., used)| !used) {
            let message = format!("nothing needs `{}`", what.name());
            faults.add_with(name.span.clone(), message, "a rule is not loosened in advance: leave it out".to_owned());
        }
        self.0.into_iter().map(|(what, ..)| what).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_each_says_what_it_costs() {
        for (at, what) in Insecure::ALL.iter().enumerate() {
            assert!(Insecure::ALL[..at].iter().all(|other| other.name() != what.name()));
            assert!(what.cost().ends_with('.') && what.cost().len() < 140, "{}", what.name());
        }
    }

    #[test]
    fn what_is_listed_has_to_be_needed_and_the_other_way_round() {
        let name = |value: &str| Text { value: value.to_owned(), span: 3..5, base: None };
        for (names, needed, told) in [
            (vec!["cross_site"], Some(Insecure::CrossSite), None),
            (vec![], None, None),
            (vec![], Some(Insecure::CrossSite), Some("out")),
            (vec!["cross_site"], None, Some("nothing needs `cross_site`")),
            (vec!["cross_site", "cross_site"], Some(Insecure::CrossSite), Some("listed twice")),
            (vec!["cros_site"], None, Some("no loosening `cros_site`")),
        ] {
            let mut faults = Faults::default();
            let mut listed = Listed::new(names.iter().map(|text| name(text)).collect(), &mut faults);
            if let Some(what) = needed {
                assert_eq!(listed.need(what, 0..1, "out", &mut faults), !names.is_empty());
            }
            let force = listed.in_force(&mut faults);
            assert_eq!(force.len(), usize::from(names.contains(&"cross_site")));
            let shown: Vec<String> = faults.into_sorted().into_iter().map(|fault| fault.message).collect();
            assert_eq!(shown.len(), usize::from(told.is_some()), "{names:?}: {shown:?}");
            assert!(told.is_none_or(|told| shown[0].contains(told)), "{names:?}: {shown:?}");
        }
    }
}
