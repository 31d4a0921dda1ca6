//! A user as a case writes it. It says who exists; making the record is the runner's part.

use myna_core::id::UserId;
use myna_core::time::Timestamp;
use myna_core::user::{Role, Status, User};
use serde::Deserialize;
use serde_json::{Map, Value};

/// A user that exists before the first step.
#[derive(Clone, PartialEq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CaseUser {
    /// The user's id.
    pub id: i64,
    /// The address.
    pub email: Option<String>,
    /// The username.
    pub username: Option<String>,
    /// The password in the clear, to be hashed; not beside `password_hash`.
    pub password: Option<String>,
    /// A hash as an import brings it.
    pub password_hash: Option<String>,
    /// First name.
    pub first_name: Option<String>,
    /// Middle name.
    pub middle_name: Option<String>,
    /// Last name.
    pub last_name: Option<String>,
    /// Where a picture is found.
    pub photo: Option<String>,
    /// `active`, unless stated, or `disabled`.
    pub status: Option<String>,
    /// Whether the password is to be changed.
    #[serde(default)]
    pub must_change_password: bool,
    /// The roles.
    #[serde(default)]
    pub roles: Vec<Role>,
    /// Free attributes.
    #[serde(default)]
    pub attributes: Map<String, Value>,
}

impl CaseUser {
    /// What is wrong with the user beyond the types of its fields.
    pub(super) fn fault(&self) -> Option<String> {
        if self.id <= 0 {
            return Some("the id of a user is positive".to_owned());
        }
        if self.password.is_some() && self.password_hash.is_some() {
            return Some("a user has `password` or `password_hash`, not both".to_owned());
        }
        let status = self.status.as_deref()?;
        let known = Status::parse(status).is_some();
        (!known).then(|| format!("unknown status `{status}`: `active` or `disabled`"))
    }

    /// The record, made at `now`.
    pub fn user(&self, now: Timestamp) -> User {
        let mut roles = self.roles.clone();
        roles.sort_by_key(|role| role.id);
        User {
            id: UserId(self.id),
            email: self.email.clone(),
            username: self.username.clone(),
            first_name: self.first_name.clone(),
            middle_name: self.middle_name.clone(),
            last_name: self.last_name.clone(),
            photo: self.photo.clone(),
            status: self.status.as_deref().and_then(Status::parse).unwrap_or(Status::Active),
            must_change_password: self.must_change_password,
            roles,
            attributes: Value::Object(self.attributes.clone()).to_string(),
            created_at: now,
            updated_at: now,
        }
    }
}
