//! What a store consists of. A new table, or a new column, has its line here.

use super::table::Kind::{Bytes, Integer, Text};
use super::table::Named::{ByNobody, ByOthers};
use super::table::{Table, table};

/// Every table, each after those that it names. A test holds that the schemas have these columns and no others.
pub(crate) const TABLES: &[Table] = &[
    table("id_block", ByNobody, 1, &[("name", Text), ("next", Integer)]),
    table("used_user_id", ByOthers, 1, &[("id", Integer)]),
    table(
        "user_account",
        ByOthers,
        1,
        &[
            ("id", Integer),
            ("email", Text),
            ("username", Text),
            ("first_name", Text),
            ("middle_name", Text),
            ("last_name", Text),
            ("photo", Text),
            ("status", Text),
            ("must_change_password", Integer),
            ("attributes", Text),
            ("created_at", Integer),
            ("updated_at", Integer),
        ],
    ),
    table("identifier", ByNobody, 1, &[("canonical", Text), ("user_id", Integer), ("kind", Text)]),
    table("password", ByNobody, 1, &[("user_id", Integer), ("hash", Text), ("changed_at", Integer)]),
    table("role", ByOthers, 1, &[("id", Integer), ("name", Text), ("permissions", Text)]),
    table("user_role", ByNobody, 2, &[("user_id", Integer), ("role_id", Integer)]),
    table(
        "session",
        ByNobody,
        2,
        &[
            ("user_id", Integer),
            ("handle", Bytes),
            ("dialect", Text),
            ("device", Text),
            ("salt", Bytes),
            ("generation", Integer),
            ("created_at", Integer),
            ("rotated_at", Integer),
            ("used_at", Integer),
            ("idle_expires_at", Integer),
            ("expires_at", Integer),
            ("client_address", Text),
            ("client_agent", Text),
            ("ended_at", Integer),
            ("end_cause", Text),
            ("access_digest", Bytes),
            ("access_digest_before", Bytes),
        ],
    ),
    table(
        "challenge",
        ByNobody,
        2,
        &[
            ("user_id", Integer),
            ("handle", Bytes),
            ("salt", Bytes),
            ("created_at", Integer),
            ("expires_at", Integer),
            ("used_at", Integer),
        ],
    ),
    table(
        "mail",
        ByNobody,
        1,
        &[
            ("id", Bytes),
            ("letter", Text),
            ("challenge_user_id", Integer),
            ("challenge_handle", Bytes),
            ("recipient", Text),
            ("created_at", Integer),
            ("due_at", Integer),
            ("failures", Integer),
        ],
    ),
    table("sealed_key", ByNobody, 1, &[("name", Text), ("sealed", Text)]),
];
