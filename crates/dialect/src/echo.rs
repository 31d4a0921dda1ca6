//! What a request gave and an answer may show again: everything but secrets (HD-06). It is collected only where a response
//! shows something of it.

use std::fmt;

use crate::decode::{Got, Input};

/// What a request gave, by the names of the dialect file.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Echo(Vec<(String, EchoValue)>);

/// One value as it was sent.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum EchoValue {
    /// Text.
    Text(String),
    /// A JSON number or boolean, as it was written.
    Json(String),
}

impl Echo {
    /// Of a request that gave nothing.
    pub const NONE: &Self = &Self(Vec::new());

    /// Everything that may be shown; what is absent or of no lawful type is left out.
    pub(crate) fn new(inputs: &[Input], got: &[Got<'_>]) -> Self {
        let shown = inputs.iter().zip(got).filter(|(input, _)| !input.secret);
        let value = |(input, got): (&Input, &Got<'_>)| {
            let value = match got {
                Got::Text(text) => EchoValue::Text(text.clone().into_owned()),
                Got::Raw(json) => EchoValue::Json((*json).to_owned()),
                Got::Absent | Got::Wrong => return None,
            };
            Some((input.name.clone(), value))
        };
        Self(shown.filter_map(value).collect())
    }

    /// The value of the input of that name; `None`: it was absent.
    pub fn find(&self, name: &str) -> Option<&EchoValue> {
        self.0.iter().find(|(each, _)| each == name).map(|(_, value)| value)
    }
}

// People's names and addresses have no place in a log.
impl fmt::Debug for Echo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compile;
    use crate::diagnostic::Source;

    // HD-06: neither a secret, nor what repeats one, nor what is no scalar.
    #[test]
    fn everything_but_secrets_is_shown_again() {
        let text = r#"
dialect = "d"
[on.password_reset]
[on.error]
[[endpoint]]
name      = "reset"
route     = "POST /reset"
operation = "reset_password"
request   = '{ "t": "{reset_token}", "p": "{password}", "q": "{again}", "e": "{email}", "n": "{n}", "o": "{o}" }'
extra     = ["again", "n", "o"]
check     = [{ field = "again", rule = "same", as = "password" }]
"#;
        let dialect = compile(&Source::new("d", text), None).expect("lawful");
        let inputs = &dialect.endpoint(0).plan.inputs;
        let got = |name: &str| match name {
            "n" => Got::Raw("7"),
            "o" => Got::Wrong,
            _ => Got::text("x"),
        };
        let got: Vec<Got<'_>> = inputs.iter().map(|input| got(&input.name)).collect();
        let echo = Echo::new(inputs, &got);
        assert_eq!(format!("{echo:?}"), r#"["email", "n"]"#);
        assert_eq!(echo.find("email"), Some(&EchoValue::Text("x".to_owned())));
        assert_eq!(echo.find("n"), Some(&EchoValue::Json("7".to_owned())));
        assert_eq!(echo.find("again"), None);
    }
}
