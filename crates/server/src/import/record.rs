//! One line: a user as `myna user list --json` writes it, with the hash of its password. It reads and proves, knows no
//! store, and never repeats a value: any of them may be a secret that stands in the wrong place.

use myna_core::id::UserId;
use myna_core::ops::admin_user;
use myna_core::problem::{Problem, ProblemKind};
use myna_core::secret::Secret;
use myna_core::time::Timestamp;
use myna_core::user::{Password, Status, User};
use myna_passwords::PasswordHash;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// The greatest id that can be asked for: what a JSON number in a browser still holds, and far from the end of ids.
pub(crate) const USER_ID_MAX: i64 = 1 << 53;

/// A proven line.
pub(super) struct Record {
    /// The id, if it is given.
    pub(super) id: Option<UserId>,
    /// The user, without its id and its roles.
    pub(super) user: User,
    /// The roles, in the words of the line.
    pub(super) roles: Vec<NamedRole>,
    /// The password, if it has one.
    pub(super) password: Option<Password>,
}

/// A role as a line names it: by its name alone, or with what it is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct NamedRole {
    pub(super) name: String,
    pub(super) id: Option<i64>,
    pub(super) permissions: Option<Vec<String>>,
}

/// The members of a line. Each is read by itself, so that what is wrong with it is said in words of ours: serde's would
/// show the value.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written<'a> {
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    #[serde(borrow)]
    email: Option<&'a RawValue>,
    #[serde(borrow)]
    username: Option<&'a RawValue>,
    #[serde(borrow)]
    first_name: Option<&'a RawValue>,
    #[serde(borrow)]
    middle_name: Option<&'a RawValue>,
    #[serde(borrow)]
    last_name: Option<&'a RawValue>,
    #[serde(borrow)]
    photo: Option<&'a RawValue>,
    #[serde(borrow)]
    status: Option<&'a RawValue>,
    #[serde(borrow)]
    must_change_password: Option<&'a RawValue>,
    #[serde(borrow)]
    roles: Option<&'a RawValue>,
    #[serde(borrow)]
    attributes: Option<&'a RawValue>,
    #[serde(borrow)]
    created_at: Option<&'a RawValue>,
    #[serde(borrow)]
    updated_at: Option<&'a RawValue>,
    #[serde(borrow)]
    password_hash: Option<&'a RawValue>,
    #[serde(borrow)]
    password_changed_at: Option<&'a RawValue>,
}

/// A role as it is written.
#[derive(Deserialize)]
#[serde(untagged)]
enum WrittenRole {
    Name(String),
    Whole(WholeRole),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WholeRole {
    name: String,
    id: Option<i64>,
    permissions: Option<Vec<String>>,
}

impl WrittenRole {
    fn is_sound(&self) -> bool {
        let (Self::Name(name) | Self::Whole(WholeRole { name, .. })) = self;
        !name.is_empty() && is_plain(name)
    }

    fn named(self) -> NamedRole {
        match self {
            Self::Name(name) => NamedRole { name, id: None, permissions: None },
            Self::Whole(WholeRole { name, id, permissions }) => NamedRole { name, id, permissions },
        }
    }
}

/// Reads one line. `now` stands where the line does not say when.
///
/// # Errors
/// Everything that is wrong with it, as one sentence.
pub(super) fn parse(line: &str, now: Timestamp) -> Result<Record, String> {
    if !line.starts_with('{') {
        return Err("is not a JSON object: one user a line is wanted".to_owned());
    }
    let written: Written<'_> = serde_json::from_str(line).map_err(|error| unreadable(&error))?;
    let mut faults = Faults(Vec::new());
    let record = prove(written, now, &mut faults);
    if faults.0.is_empty() { Ok(record) } else { Err(faults.0.join("; ")) }
}

fn prove(written: Written<'_>, now: Timestamp, faults: &mut Faults) -> Record {
    let id = faults
        .read("id", "an integer from 1 to 9007199254740992", written.id, |id: &i64| (1..=USER_ID_MAX).contains(id));
    let created_at = faults.time("created_at", written.created_at).unwrap_or(now);
    let user = User {
        email: faults.text("email", written.email),
        username: faults.text("username", written.username),
        first_name: faults.text("first_name", written.first_name),
        middle_name: faults.text("middle_name", written.middle_name),
        last_name: faults.text("last_name", written.last_name),
        photo: faults.text("photo", written.photo),
        status: faults
            .read("status", "`active` or `disabled`", written.status, |name: &String| Status::parse(name).is_some())
            .and_then(|name| Status::parse(&name))
            .unwrap_or(Status::Active),
        must_change_password: faults
            .read("must_change_password", "true or false", written.must_change_password, |_: &bool| true)
            .unwrap_or(false),
        attributes: faults
            .read("attributes", "an object", written.attributes, |_: &Map<String, Value>| true)
            .map_or_else(|| "{}".to_owned(), |members| Value::Object(members).to_string()),
        created_at,
        updated_at: faults.time("updated_at", written.updated_at).unwrap_or(created_at),
        ..User::blank(UserId(1), now)
    };
    let is_written = [written.email, written.username].iter().any(Option::is_some);
    let is_read = user.email.is_some() || user.username.is_some();
    for problem in admin_user::problems(&user) {
        // A name that cannot be read was told of already.
        if is_read || !is_written || problem.kind != ProblemKind::Required {
            faults.0.push(told(&problem));
        }
    }
    let roles = faults.roles(written.roles);
    let password = faults.password(written.password_hash, written.password_changed_at, now);
    Record { id: id.map(UserId), user, roles, password }
}

/// What is wrong with a line.
struct Faults(Vec<String>);

impl Faults {
    /// Reads a member for which `holds`; `wanted` says in words what it must be.
    fn read<T: DeserializeOwned>(
        &mut self,
        name: &str,
        wanted: &str,
        raw: Option<&RawValue>,
        holds: impl FnOnce(&T) -> bool,
    ) -> Option<T> {
        let value = serde_json::from_str(raw?.get()).ok().filter(holds);
        if value.is_none() {
            self.0.push(format!("`{name}` must be {wanted}"));
        }
        value
    }

    /// An empty text is the same as none.
    fn text(&mut self, name: &str, raw: Option<&RawValue>) -> Option<String> {
        self.read(name, "a text without control characters", raw, |text: &String| is_plain(text))
            .filter(|text| !text.is_empty())
    }

    fn time(&mut self, name: &str, raw: Option<&RawValue>) -> Option<Timestamp> {
        let text = self.read(name, "a time like 2026-11-23T12:00:00Z", raw, |text: &String| moment(text).is_some())?;
        moment(&text)
    }

    fn roles(&mut self, raw: Option<&RawValue>) -> Vec<NamedRole> {
        let wanted = "a list of names, or of objects with `name`, `id` and `permissions`";
        let are_sound = |roles: &Vec<WrittenRole>| roles.iter().all(WrittenRole::is_sound);
        let roles: Vec<NamedRole> =
            self.read("roles", wanted, raw, are_sound).into_iter().flatten().map(WrittenRole::named).collect();
        if roles.iter().enumerate().any(|(at, role)| roles[..at].iter().any(|other| other.name == role.name)) {
            self.0.push("`roles` names a role twice".to_owned());
        }
        roles
    }

    fn password(&mut self, hash: Option<&RawValue>, changed_at: Option<&RawValue>, now: Timestamp) -> Option<Password> {
        let changed_at = self.time("password_changed_at", changed_at);
        let Some(hash) = hash else {
            if changed_at.is_some() {
                self.0.push("`password_changed_at` stands without `password_hash`".to_owned());
            }
            return None;
        };
        let hash = self.read("password_hash", "a text", Some(hash), |_: &String| true)?;
        match PasswordHash::parse(&hash) {
            Ok(_) => Some(Password { hash: Secret::new(hash), changed_at: changed_at.unwrap_or(now) }),
            Err(error) => {
                self.0.push(format!("`password_hash`: {error}"));
                None
            }
        }
    }
}

/// PostgreSQL keeps no NUL, and nothing that is shown on a line should end it.
fn is_plain(text: &str) -> bool {
    !text.chars().any(char::is_control)
}

fn moment(text: &str) -> Option<Timestamp> {
    let moment = OffsetDateTime::parse(text, &Rfc3339).ok()?;
    i64::try_from(moment.unix_timestamp_nanos() / 1000).ok().map(Timestamp)
}

/// Why a line is no object with these members. The members are raw, so serde's words hold none of their values.
fn unreadable(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let what = text.split(" at line ").next().unwrap_or_default();
    if error.is_data() { what.to_owned() } else { format!("is not JSON: {what} at column {}", error.column()) }
}

/// A problem in words.
pub(crate) fn told(problem: &Problem) -> String {
    let Problem { field, kind } = problem;
    let text = kind.default_message().replace("{field}", field.name());
    match kind {
        ProblemKind::TooLong { max } => text.replace("{max}", &max.to_string()),
        ProblemKind::TooShort { min } => text.replace("{min}", &min.to_string()),
        ProblemKind::Required
        | ProblemKind::NotText
        | ProblemKind::NotEmail
        | ProblemKind::NotUsername
        | ProblemKind::TooCommon
        | ProblemKind::Taken
        | ProblemKind::Differs
        | ProblemKind::BadToken
        | ProblemKind::NotListed => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);
    const BCRYPT: &str = "$2y$10$abcdefghijklmnopqrstuuXkZBJcnqW0GIxfmCEKcDTHa.uYSJu7i";

    #[test]
    fn a_whole_line_is_read() {
        let line = format!(
            r#"{{"id":7,"email":"Ada@example.com","username":"ada","first_name":"Ada","middle_name":null,
            "last_name":"","photo":"ada.png","status":"disabled","must_change_password":true,
            "roles":["reader",{{"id":3,"name":"admin","permissions":["all"]}}],"attributes":{{"b":[1],"a":{{}}}},
            "created_at":"2020-01-02T03:04:05.000006+01:00","updated_at":"2021-01-01T00:00:00Z",
            "password_hash":"{BCRYPT}","password_changed_at":"2022-01-01T00:00:00Z"}}"#
        );
        let Record { id, user, roles, password } = parse(&line, NOW).unwrap();
        assert_eq!(id, Some(UserId(7)));
        assert_eq!(
            user,
            User {
                email: Some("Ada@example.com".to_owned()),
                username: Some("ada".to_owned()),
                first_name: Some("Ada".to_owned()),
                photo: Some("ada.png".to_owned()),
                status: Status::Disabled,
                must_change_password: true,
                attributes: r#"{"b":[1],"a":{}}"#.to_owned(),
                created_at: Timestamp(1_577_930_645_000_006),
                updated_at: Timestamp::from_seconds(1_609_459_200),
                ..User::blank(UserId(1), NOW)
            }
        );
        let reader = NamedRole { name: "reader".to_owned(), id: None, permissions: None };
        let admin = NamedRole { name: "admin".to_owned(), id: Some(3), permissions: Some(vec!["all".to_owned()]) };
        assert_eq!(roles, [reader, admin]);
        let password = password.unwrap();
        assert_eq!(password.hash.expose(), BCRYPT);
        assert_eq!(password.changed_at, Timestamp::from_seconds(1_640_995_200));
    }

    #[test]
    fn what_is_left_out_is_the_least() {
        let line = format!(r#"{{"username":"ada","password_hash":"{BCRYPT}"}}"#);
        let Record { id, user, roles, password } = parse(&line, NOW).unwrap();
        assert_eq!((id, roles), (None, vec![]));
        assert_eq!(user, User { username: Some("ada".to_owned()), ..User::blank(UserId(1), NOW) });
        assert_eq!(password.unwrap().changed_at, NOW);
        assert!(parse(r#"{"username":"ada"}"#, NOW).unwrap().password.is_none());
    }

    // PW-08 and the rule that no secret reaches an error.
    #[test]
    fn every_fault_is_told_and_no_value_repeated() {
        let canary = "Kanarienvogel";
        for (line, expected) in [
            (r#"["Kanarienvogel"]"#, "is not a JSON object"),
            (r#""Kanarienvogel""#, "is not a JSON object"),
            (r#"{"email":"Kanarienvogel""#, "is not JSON: EOF"),
            (r#"{"email":Kanarienvogel}"#, "is not JSON: expected value at column 10"),
            (r#"{"username":"a"} {"password_hash":"Kanarienvogel"}"#, "is not JSON: trailing characters"),
            (r#"{"username":"a","pasword_hash":"Kanarienvogel"}"#, "unknown field `pasword_hash`, expected one of"),
            (r#"{"username":"a","username":"Kanarienvogel"}"#, "duplicate field `username`"),
            (r#"{"username":"a","id":"Kanarienvogel"}"#, "`id` must be an integer"),
            (r#"{"username":"a","id":0}"#, "`id` must be an integer"),
            (r#"{"username":"a","id":9007199254740993}"#, "`id` must be an integer"),
            (r#"{"username":"a","first_name":{"x":"Kanarienvogel"}}"#, "`first_name` must be a text"),
            (r#"{"username":"a","photo":"Kanarienvogel\u0000"}"#, "`photo` must be a text without control"),
            (r#"{"username":["Kanarienvogel"]}"#, "`username` must be a text"),
            (r#"{"email":"Kanarienvogel"}"#, "The email must be a valid email address."),
            (r#"{"username":"Kanarien@vogel"}"#, "The username must be a valid user name."),
            (r#"{"first_name":"Kanarienvogel"}"#, "The email field is required."),
            (r#"{"username":"a","status":"Kanarienvogel"}"#, "`status` must be `active` or `disabled`"),
            (r#"{"username":"a","must_change_password":"Kanarienvogel"}"#, "`must_change_password` must be true"),
            (r#"{"username":"a","attributes":"Kanarienvogel"}"#, "`attributes` must be an object"),
            (r#"{"username":"a","created_at":"Kanarienvogel"}"#, "`created_at` must be a time"),
            (r#"{"username":"a","created_at":1700000000}"#, "`created_at` must be a time"),
            (r#"{"username":"a","roles":"Kanarienvogel"}"#, "`roles` must be a list"),
            (r#"{"username":"a","roles":[{"nam":"Kanarienvogel"}]}"#, "`roles` must be a list"),
            (r#"{"username":"a","roles":["x",""]}"#, "`roles` must be a list"),
            (r#"{"username":"a","roles":["x",{"name":"x"}]}"#, "`roles` names a role twice"),
            (r#"{"username":"a","password_hash":17}"#, "`password_hash` must be a text"),
            (r#"{"username":"a","password_hash":"Kanarienvogel"}"#, "`password_hash`: not a password hash"),
            (
                r#"{"username":"a","password_hash":"$argon2id$v=19$m=4194304,t=1,p=1$c29tZXNhbHQ$cpx6VEQbwTVZvcpxNIxOVUWZ5xnAipUmAe1cg2GMG70"}"#,
                "`password_hash`: argon2id hash refused",
            ),
            (r#"{"username":"a","password_changed_at":"2026-01-01T00:00:00Z"}"#, "stands without"),
        ] {
            let fault = parse(line, NOW).err().unwrap();
            assert!(fault.contains(expected), "{line}: {fault}");
            assert!(!fault.contains(canary), "{line}: {fault}");
        }
        let line = format!(r#"{{"email":"x","id":-1,"last_name":"{}"}}"#, "x".repeat(300));
        let fault = parse(&line, NOW).err().unwrap();
        assert_eq!(fault.matches("; ").count(), 2, "{fault}");
        assert!(fault.ends_with("must not be longer than 256 characters."), "{fault}");
    }
}
