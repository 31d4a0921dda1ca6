//! The layers of a configuration: defaults, then the environment and the command line over the file. Each value keeps
//! where it was written. This part decides which value holds; what the values mean together is not its concern.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use myna_dialect::diagnostic::{Diagnostic, Source, nearest};
use toml::de::DeValue;

use super::faults::ConfigFaults;
use super::settings::{Kind, Preset, SETTINGS, Setting, find, keys, variable};
use super::value::{Value, from_text, from_toml};

/// Later ones win.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Layer {
    File,
    Environment,
    CommandLine,
}

/// Where a value was written.
pub(super) struct Origin {
    layer: Layer,
    pub(super) source: Source,
    pub(super) span: Option<Range<usize>>,
}

/// The values that hold, by key, and all faults found on the way.
pub(super) struct Layers {
    values: BTreeMap<&'static str, (Value, Option<Origin>)>,
    /// Keys with a fault, so that what follows from it is not reported as well.
    faulty: BTreeSet<&'static str>,
    pub(super) faults: ConfigFaults,
}

impl Layers {
    /// The defaults alone.
    pub(super) fn defaults() -> Self {
        let mut layers = Self { values: BTreeMap::new(), faulty: BTreeSet::new(), faults: ConfigFaults::new() };
        for setting in SETTINGS {
            let Preset::Default(written) = setting.preset else {
                continue;
            };
            let source = Source::new(format!("default of `{}`", setting.key), written);
            // A test reads every default, so neither fault can come up in a program that was tested.
            let value = DeValue::parse(written).map_err(|error| vec![Diagnostic::new(error.message())]);
            match value.and_then(|value| from_toml(setting.kind, &value)) {
                Ok(value) => drop(layers.values.insert(setting.key, (value, None))),
                Err(faults) => layers.refuse(setting, &source, faults),
            }
        }
        layers
    }

    /// The variables that begin with `MYNA_`, in the order of their names.
    pub(super) fn add_variables(&mut self, variables: impl Iterator<Item = (String, String)>) {
        let mut variables: Vec<_> = variables.filter(|(name, _)| name.starts_with("MYNA_")).collect();
        #[cfg(feature = "faults")]
        variables.retain(|(name, _)| !name.starts_with("MYNA_FAULTS_"));
        variables.sort();
        for (name, text) in variables {
            let source_name = format!("environment variable {name}");
            match keys().find(|key| variable(key) == name) {
                Some(key) => self.add_text(Layer::Environment, source_name, &key, &text),
                None => {
                    let known: Vec<String> = keys().map(|key| variable(&key)).collect();
                    // Compared without what all of them begin with, or every short name would be near to every other.
                    let known = known.iter().filter_map(|name| name.strip_prefix("MYNA_"));
                    let near = nearest(name.trim_start_matches("MYNA_"), known);
                    let help = near.map(|near| format!("did you mean `MYNA_{near}`?"));
                    let fault = Diagnostic::new(format!("there is no setting `{name}`")).help(help);
                    self.faults.push(&Source::new(source_name, ""), fault);
                }
            }
        }
    }

    /// Settings from the command line, by key.
    pub(super) fn add_overrides(&mut self, overrides: &[(&str, &str)]) {
        for (key, text) in overrides {
            self.add_text(Layer::CommandLine, format!("command line, `{key}`"), key, text);
        }
    }

    fn add_text(&mut self, layer: Layer, source_name: String, key: &str, text: &str) {
        let Some((setting, kind)) = find(key) else {
            let fault = Diagnostic::new(format!("there is no setting `{key}`")).help(suggestion("", key));
            return self.faults.push(&Source::new(source_name, ""), fault);
        };
        let shown = if kind == Kind::Secret { "" } else { text };
        let source = Source::new(source_name, shown);
        match from_text(kind, text) {
            Ok(value) => {
                let span = (!shown.is_empty()).then_some(0..shown.len());
                self.set(setting, value, Origin { layer, source, span });
            }
            Err(faults) if shown.trim().is_empty() => {
                let unplaced = faults.into_iter().map(|fault| Diagnostic { span: None, ..fault });
                self.refuse(setting, &source, unplaced.collect());
            }
            Err(faults) => self.refuse(setting, &source, faults),
        }
    }

    /// A value from the file, already parsed.
    pub(super) fn add_file_value(
        &mut self,
        setting: &'static Setting,
        value: Value,
        source: &Source,
        span: Range<usize>,
    ) {
        self.set(setting, value, Origin { layer: Layer::File, source: source.clone(), span: Some(span) });
    }

    /// Each layer may say a thing once: a secret itself or the file it is in.
    fn set(&mut self, setting: &'static Setting, value: Value, origin: Origin) {
        let before = self.values.get(setting.key).and_then(|(_, origin)| origin.as_ref());
        if before.is_some_and(|before| before.layer == origin.layer) {
            let message = if setting.kind == Kind::Secret {
                format!("`{0}` and `{0}_file` are both set", setting.key)
            } else {
                format!("`{}` is set twice", setting.key)
            };
            let fault = Diagnostic { span: origin.span, ..Diagnostic::new(message) };
            return self.faults.push(&origin.source, fault.help("remove one of them".to_owned()));
        }
        self.values.insert(setting.key, (value, Some(origin)));
    }

    /// The value that holds for this key.
    pub(super) fn value(&self, key: &str) -> Option<&Value> {
        self.values.get(key).map(|(value, _)| value)
    }

    /// Whether something for this key was refused.
    pub(super) fn has_fault(&self, key: &str) -> bool {
        self.faulty.contains(key)
    }

    /// A fault of the value that holds for this key, shown where it was written.
    pub(super) fn fault(&mut self, key: &'static str, fault: Diagnostic) {
        self.faulty.insert(key);
        let origin = self.values.get(key).and_then(|(_, origin)| origin.as_ref());
        match origin {
            Some(Origin { source, span, layer: _ }) => {
                self.faults.push(source, Diagnostic { span: span.clone(), ..fault })
            }
            None => self.faults.push(&Source::new(format!("setting `{key}`"), ""), fault),
        }
    }

    /// Faults of a written value that therefore does not hold.
    pub(super) fn refuse(&mut self, setting: &Setting, source: &Source, faults: Vec<Diagnostic>) {
        self.faulty.insert(setting.key);
        for fault in faults {
            self.faults.push(source, fault);
        }
    }
}

/// What an unknown `name` in `section` may have meant: a neighbour, the same name in another section, or any key alike.
pub(super) fn suggestion(section: &str, name: &str) -> Option<String> {
    let all: Vec<String> = keys().collect();
    let within = if section.is_empty() { String::new() } else { format!("{section}.") };
    let neighbours = all.iter().filter_map(|key| key.strip_prefix(&within)?.split('.').next());
    let found = nearest(name, neighbours).map(|near| format!("{within}{near}"));
    let elsewhere = || all.iter().find(|key| key.rsplit('.').next() == Some(name)).cloned();
    let full = format!("{within}{name}");
    let alike = || nearest(&full, all.iter().map(String::as_str)).map(str::to_owned);
    let found = found.or_else(elsewhere).or_else(alike)?;
    Some(format!("did you mean `{found}`?"))
}
