//! The closed table of what a placeholder can name (IN-07): name, what carries it, its type, whether it may be absent.
//! Nothing outside this table can be shown by a dialect.

use myna_core::outcome::Group;

/// What carries a slot's value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Carrier {
    /// Every response.
    Request,
    /// Every response and every token.
    Now,
    /// The user.
    User,
    /// The session that the tokens name; inside `{each sessions}` the entry.
    Session,
    /// The access token: when it was issued, when it expires.
    Access,
    /// The access token's own text.
    AccessText,
    /// The refresh token: when it was issued, when it expires.
    Refresh,
    /// The refresh token's own text.
    RefreshText,
    /// The wait before another try.
    Retry,
    /// The failing fields.
    Errors,
    /// One failing field, inside `{each errors}`.
    Error,
    /// The user's sessions.
    Sessions,
    /// One of them, inside `{each sessions}`.
    Listed,
    /// One role, inside `{each user.roles}`.
    Role,
    /// The signing key, inside a token.
    Signing,
    /// What makes a JWT a refresh token, inside its claims.
    Opaque,
}

/// The type of a slot's value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Type {
    /// An integer.
    Int,
    /// A span of time in seconds.
    Span,
    /// `true` or `false`.
    Bool,
    /// A point in time.
    Time,
    /// Text.
    Text,
    /// A list of text; a JSON array as a whole leaf.
    Texts,
    /// Text, or a JSON number or boolean as it was sent.
    Scalar,
    /// JSON as stored.
    Json,
    /// Entries for `each`, not a value by itself.
    List,
}

macro_rules! slots {
    ($($variant:ident = $name:literal $carrier:ident $type:ident $($optional:literal)?;)*) => {
        /// One row of the table.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub(crate) enum Slot { $(
            #[doc = $name]
            $variant,
        )* }

        impl Slot {
            /// Every slot.
            pub(crate) const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The name in placeholders.
            pub(crate) const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// What carries it.
            pub(crate) const fn carrier(self) -> Carrier {
                match self { $(Self::$variant => Carrier::$carrier,)* }
            }

            /// The type of its value.
            pub(crate) const fn kind(self) -> Type {
                match self { $(Self::$variant => Type::$type,)* }
            }

            /// Whether there may be no value although there is a carrier.
            pub(crate) const fn is_optional(self) -> bool {
                match self { $(Self::$variant => false $(|| $optional)?,)* }
            }
        }
    };
}

slots! {
    Status = "status" Request Int;
    Reason = "reason" Request Text;
    RequestId = "request.id" Request Text;
    Now = "now" Now Time;
    Words = "text.NAME" Request Text;
    Echo = "request.NAME" Request Scalar true;
    UserId = "user.id" User Int;
    UserEmail = "user.email" User Text true;
    UserUsername = "user.username" User Text true;
    UserFirstName = "user.first_name" User Text true;
    UserMiddleName = "user.middle_name" User Text true;
    UserLastName = "user.last_name" User Text true;
    UserPhoto = "user.photo" User Text true;
    UserStatus = "user.status" User Text;
    UserMustChangePassword = "user.must_change_password" User Bool;
    UserCreatedAt = "user.created_at" User Time;
    UserUpdatedAt = "user.updated_at" User Time;
    UserRoles = "user.roles" User List;
    UserRoleId = "user.role.id" User Int true;
    UserRoleName = "user.role.name" User Text true;
    UserRolePermissions = "user.role.permissions" User Texts;
    UserAttributes = "user.attributes" User Json;
    UserAttribute = "user.attributes.NAME" User Json true;
    AccessToken = "access.token" AccessText Text;
    AccessExpiresAt = "access.expires_at" Access Time;
    AccessIssuedAt = "access.issued_at" Access Time;
    AccessExpiresIn = "access.expires_in" Access Span;
    AccessRefreshAfter = "access.refresh_after" Access Time;
    AccessId = "access.id" Access Text;
    RefreshToken = "refresh.token" RefreshText Text;
    RefreshExpiresAt = "refresh.expires_at" Refresh Time;
    RefreshIssuedAt = "refresh.issued_at" Refresh Time;
    RefreshExpiresIn = "refresh.expires_in" Refresh Span;
    RefreshOpaque = "refresh.opaque" Opaque Text;
    SessionId = "session.id" Session Text;
    SessionDevice = "session.device" Session Text true;
    Sessions = "sessions" Sessions List;
    SessionDialect = "session.dialect" Listed Text;
    SessionAddress = "session.address" Listed Text true;
    SessionAgent = "session.agent" Listed Text true;
    SessionCreatedAt = "session.created_at" Listed Time;
    SessionUsedAt = "session.used_at" Listed Time;
    SessionExpiresAt = "session.expires_at" Listed Time;
    SessionCurrent = "session.current" Listed Bool;
    RetryAfter = "retry_after" Retry Span;
    Errors = "errors" Errors List;
    Codes = "codes" Errors List;
    Field = "field" Error Text;
    FieldName = "field.name" Error Text;
    FieldPointer = "field.pointer" Error Text;
    Label = "label" Error Text;
    Message = "message" Error Text;
    Messages = "messages" Error Texts;
    Code = "code" Error Text;
    RoleId = "role.id" Role Int;
    RoleName = "role.name" Role Text;
    RolePermissions = "role.permissions" Role Texts;
    Alg = "alg" Signing Text;
    Kid = "kid" Signing Text;
}

/// The slots that stand for many, each with what comes before the name of one: `user.attributes.plan`.
const NAMED: [(Slot, &str); 3] =
    [(Slot::UserAttribute, "user.attributes."), (Slot::Words, "text."), (Slot::Echo, "request.")];

impl Slot {
    /// The slot of that name, and which of many where it is one of those.
    pub(crate) fn parse(name: &str) -> Option<(Self, Option<&str>)> {
        let whole = Self::ALL.iter().copied().find(|slot| slot.name() == name && !slot.is_named());
        if let Some(slot) = whole {
            return Some((slot, None));
        }
        let (slot, one) = NAMED.into_iter().find_map(|(slot, prefix)| Some((slot, name.strip_prefix(prefix)?)))?;
        let lawful = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
        (!one.is_empty() && one.bytes().all(lawful)).then_some((slot, Some(one)))
    }

    /// Whether it stands for many, told apart by a name.
    pub(crate) fn is_named(self) -> bool {
        NAMED.iter().any(|(slot, _)| *slot == self)
    }

    /// Whether people outside decide what letters it has.
    pub(crate) fn is_foreign(self) -> bool {
        let letters = matches!(self.kind(), Type::Text | Type::Texts | Type::Scalar | Type::Json);
        let people = matches!(self.carrier(), Carrier::User | Carrier::Role);
        matches!(self, Self::Echo | Self::SessionDevice | Self::SessionAgent) || (letters && people)
    }

    /// The slot as it is written, with the name of one of many.
    pub(crate) fn written(self, one: &str) -> String {
        let prefix = NAMED.iter().find(|(slot, _)| *slot == self).map(|(_, prefix)| prefix);
        prefix.map_or_else(|| self.name().to_owned(), |prefix| format!("{prefix}{one}"))
    }
}

/// What `each` can go through.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum List {
    /// The failing fields.
    Errors,
    /// The failing fields, one for each code.
    Codes,
    /// The messages of one failing field.
    Messages,
    /// The user's roles.
    Roles,
    /// The user's sessions.
    Sessions,
}

impl List {
    /// The names of all lists.
    pub(crate) const NAMES: [&'static str; 5] = ["errors", "codes", "messages", "user.roles", "sessions"];

    /// The list of that name, with the slot that it is.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        match name {
            "errors" => Some(Self::Errors),
            "codes" => Some(Self::Codes),
            "messages" => Some(Self::Messages),
            "user.roles" => Some(Self::Roles),
            "sessions" => Some(Self::Sessions),
            _ => None,
        }
    }

    /// The slot that the list is.
    pub(crate) const fn slot(self) -> Slot {
        match self {
            Self::Errors => Slot::Errors,
            Self::Codes => Slot::Codes,
            Self::Messages => Slot::Messages,
            Self::Roles => Slot::UserRoles,
            Self::Sessions => Slot::Sessions,
        }
    }

    /// Whether no two entries have the same value there.
    pub(crate) const fn is_told_by(self, slot: Slot) -> bool {
        match self {
            // That the last names differ is proven for each endpoint.
            Self::Errors => matches!(slot, Slot::Field | Slot::FieldName | Slot::FieldPointer),
            Self::Codes => matches!(slot, Slot::Code),
            Self::Roles => matches!(slot, Slot::RoleName | Slot::RoleId),
            Self::Sessions => matches!(slot, Slot::SessionId),
            Self::Messages => false,
        }
    }

    /// The list whose entries have what this carries.
    pub(crate) fn of_entry(carrier: Carrier) -> Option<Self> {
        [Self::Errors, Self::Roles, Self::Sessions].into_iter().find(|list| list.entry() == carrier)
    }

    /// What carries the values of one entry.
    pub(crate) const fn entry(self) -> Carrier {
        match self {
            Self::Errors | Self::Codes | Self::Messages => Carrier::Error,
            Self::Roles => Carrier::Role,
            Self::Sessions => Carrier::Listed,
        }
    }
}

/// Where a template is used: which carriers there are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Place {
    /// A response for a kind with these groups.
    Response(&'static [Group]),
    /// A token's header.
    Header,
    /// An access token's claims.
    AccessClaims,
    /// A refresh token's claims.
    RefreshClaims,
}

impl Place {
    /// Whether the slot has a value here, entries of `each` aside.
    pub(crate) fn carries(self, slot: Slot) -> bool {
        let carrier = slot.carrier();
        match self {
            Self::Response(groups) => match carrier {
                Carrier::Request | Carrier::Now => true,
                Carrier::User => groups.contains(&Group::User),
                Carrier::Session | Carrier::Access | Carrier::AccessText => groups.contains(&Group::Tokens),
                Carrier::Refresh | Carrier::RefreshText => groups.contains(&Group::Tokens),
                Carrier::Retry => groups.contains(&Group::Retry),
                Carrier::Sessions => groups.contains(&Group::Sessions),
                Carrier::Errors => groups.contains(&Group::Errors),
                Carrier::Error | Carrier::Role | Carrier::Listed | Carrier::Signing | Carrier::Opaque => false,
            },
            Self::Header => carrier == Carrier::Signing || slot == Slot::AccessId,
            Self::AccessClaims => {
                matches!(carrier, Carrier::User | Carrier::Access | Carrier::Session | Carrier::Now | Carrier::Signing)
            }
            Self::RefreshClaims => {
                Self::AccessClaims.carries(slot) || matches!(carrier, Carrier::Refresh | Carrier::Opaque)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_found() {
        for slot in Slot::ALL.iter().filter(|slot| !slot.is_named()) {
            assert_eq!(Slot::parse(slot.name()), Some((*slot, None)));
        }
        for (slot, name, one) in [
            (Slot::UserAttribute, "user.attributes.a-B_1", "a-B_1"),
            (Slot::Words, "text.bad_login", "bad_login"),
            (Slot::Echo, "request.identifier", "identifier"),
        ] {
            assert_eq!(Slot::parse(name), Some((slot, Some(one))));
            assert_eq!(slot.written(one), name);
        }
        assert_eq!(Slot::parse("request.id"), Some((Slot::RequestId, None)));
        for wrong in [
            "",
            "user",
            "user.attributes.",
            "text.",
            "request.a.b",
            "user.attributes.a.b",
            "user.attributes.a b",
            "user.password",
        ] {
            assert_eq!(Slot::parse(wrong), None, "{wrong}");
        }
        for name in List::NAMES {
            assert_eq!(List::parse(name).map(|list| list.slot().name()), Some(name));
        }
    }

    // JT-14: nothing that a password is made into has a slot.
    #[test]
    fn no_slot_shows_a_password() {
        let shown: Vec<_> = Slot::ALL.iter().map(|slot| slot.name()).filter(|name| name.contains("password")).collect();
        assert_eq!(shown, ["user.must_change_password"]);
    }
}
