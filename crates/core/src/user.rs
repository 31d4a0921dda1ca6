//! The user and what belongs to it: names, roles, status, the stored password. Facts only; rules are in `ops`.

use serde::{Deserialize, Serialize};

use crate::id::UserId;
use crate::identifier::Canonical;
use crate::secret::Secret;
use crate::time::Timestamp;

/// Whether a user may sign in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Status {
    /// May sign in.
    Active,
    /// May not sign in, refresh or reset; looks from outside like a wrong password.
    Disabled,
}

impl Status {
    /// The stored and shown name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Disabled => "disabled",
        }
    }

    /// Reads what [`name`](Self::name) writes.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Active, Self::Disabled].into_iter().find(|status| status.name() == name)
    }
}

/// A role: a name for a set of permissions.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Role {
    /// The role's integer name.
    pub id: i64,
    /// What people call it.
    pub name: String,
    /// What it allows, in the words of the applications behind Myna.
    pub permissions: Vec<String>,
}

/// The account record.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct User {
    /// Never reused.
    pub id: UserId,
    /// The address as its owner wrote it; mail goes here and nowhere else (RS-03).
    pub email: Option<String>,
    /// The username as its owner wrote it.
    pub username: Option<String>,
    /// First name, or the whole name where an API knows only one.
    pub first_name: Option<String>,
    /// Middle name.
    pub middle_name: Option<String>,
    /// Last name.
    pub last_name: Option<String>,
    /// Where a picture of the user is found, in the words of the application.
    pub photo: Option<String>,
    /// Whether the user may sign in.
    pub status: Status,
    /// Set by an operator: the password is to be changed.
    pub must_change_password: bool,
    /// Ordered by role id.
    pub roles: Vec<Role>,
    /// Free attributes: the text of one JSON object.
    pub attributes: String,
    /// When the record was made.
    pub created_at: Timestamp,
    /// When the record was last altered.
    pub updated_at: Timestamp,
}

impl User {
    /// An active user of whom nothing is known yet, made at `now`.
    pub fn blank(id: UserId, now: Timestamp) -> Self {
        Self {
            id,
            email: None,
            username: None,
            first_name: None,
            middle_name: None,
            last_name: None,
            photo: None,
            status: Status::Active,
            must_change_password: false,
            roles: Vec::new(),
            attributes: "{}".to_owned(),
            created_at: now,
            updated_at: now,
        }
    }

    /// The canonical forms of the user's identifiers.
    pub fn identifiers(&self) -> Vec<Canonical> {
        [&self.email, &self.username].into_iter().flatten().filter_map(|text| Canonical::of(text)).collect()
    }

    /// Whether `identifier` names this user.
    pub fn is_named(&self, identifier: &Canonical) -> bool {
        self.identifiers().contains(identifier)
    }

    /// Whether the user may sign in.
    pub fn is_active(&self) -> bool {
        self.status == Status::Active
    }
}

/// A stored password credential.
#[derive(Clone)]
pub struct Password {
    /// The hash, in the text form of its format (PHC string, `$2b$…`).
    pub hash: Secret<String>,
    /// When the password was set.
    pub changed_at: Timestamp,
}

/// A user together with the credential that a password is verified against.
#[derive(Clone)]
pub struct Known {
    /// The user.
    pub user: User,
    /// `None` for a user who has no password.
    pub password: Option<Password>,
}
