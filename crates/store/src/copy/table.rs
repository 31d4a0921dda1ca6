//! A table and its rows, for a copy. A row is bytes, the same for every engine, so that it is compared, counted into a
//! digest and sent without being understood.

use std::cmp::Ordering;

use bytes::{BufMut as _, Bytes, BytesMut};

/// What a column holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    Integer,
    Text,
    Bytes,
}

/// A table that is copied.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) name: &'static str,
    /// The key first.
    pub(crate) columns: &'static [(&'static str, Kind)],
    /// How many columns are the key.
    pub(crate) key: usize,
    pub(crate) named: Named,
}

/// Whether rows of other tables name a row of this one: then it cannot be taken out and put in again.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Named {
    ByOthers,
    ByNobody,
}

/// A table, for the list of them.
pub(super) const fn table(
    name: &'static str,
    named: Named,
    key: usize,
    columns: &'static [(&'static str, Kind)],
) -> Table {
    Table { name, columns, key, named }
}

impl Table {
    /// Its columns, separated by commas.
    pub(crate) fn columns(&self) -> String {
        let names: Vec<&str> = self.columns.iter().map(|(name, _)| *name).collect();
        names.join(", ")
    }

    /// The order of its keys, with what makes texts ordered by their bytes.
    pub(crate) fn order(&self, by_bytes: &str) -> String {
        let key = self.columns.iter().take(self.key).map(|(name, kind)| match kind {
            Kind::Text => format!("{name} COLLATE {by_bytes}"),
            Kind::Integer | Kind::Bytes => (*name).to_owned(),
        });
        key.collect::<Vec<_>>().join(", ")
    }

    /// Deletes the row whose key is `$1` ….
    pub(crate) fn delete(&self) -> String {
        format!("DELETE FROM {} WHERE {}", self.name, self.is_key(1))
    }

    /// Alters every column but the key, which comes after them.
    pub(crate) fn update(&self) -> String {
        let rest = self.columns.iter().skip(self.key);
        let set: Vec<String> = rest.zip(1..).map(|((name, _), number)| format!("{name} = ${number}")).collect();
        format!("UPDATE {} SET {} WHERE {}", self.name, set.join(", "), self.is_key(set.len() + 1))
    }

    /// Inserts a row of `$1` ….
    pub(crate) fn insert(&self) -> String {
        let values: Vec<String> = (1..=self.columns.len()).map(|number| format!("${number}")).collect();
        format!("INSERT INTO {} ({}) VALUES ({})", self.name, self.columns(), values.join(", "))
    }

    fn is_key(&self, first: usize) -> String {
        let key = self.columns.iter().take(self.key).zip(first..);
        key.map(|((name, _), number)| format!("{name} = ${number}")).collect::<Vec<_>>().join(" AND ")
    }

    /// How the keys of two rows are ordered.
    pub(crate) fn compare(&self, one: &Tuple, other: &Tuple) -> Ordering {
        let kinds = self.columns.iter().take(self.key).map(|(_, kind)| *kind);
        for ((one, other), kind) in one.fields().zip(other.fields()).zip(kinds) {
            let order = match kind {
                Kind::Integer => one.and_then(integer).cmp(&other.and_then(integer)),
                Kind::Text | Kind::Bytes => one.cmp(&other),
            };
            if order.is_ne() {
                return order;
            }
        }
        Ordering::Equal
    }

    /// A row's key, for people.
    pub(crate) fn shown_key(&self, row: &Tuple) -> String {
        let key = self.columns.iter().take(self.key).zip(row.fields());
        let shown = key.map(|((name, kind), field)| {
            let field = field.unwrap_or_default();
            match kind {
                Kind::Integer => format!("{name} {}", integer(field).unwrap_or_default()),
                Kind::Text => format!("{name} {}", String::from_utf8_lossy(field)),
                Kind::Bytes => format!("{name} {}", hex(field)),
            }
        });
        shown.collect::<Vec<_>>().join(", ")
    }

    /// The names of the columns in which two rows differ.
    pub(crate) fn differing(&self, one: &Tuple, other: &Tuple) -> String {
        let both = one.fields().zip(other.fields()).zip(self.columns);
        let names: Vec<&str> = both.filter(|((one, other), _)| one != other).map(|(_, (name, _))| *name).collect();
        names.join(", ")
    }
}

/// Bytes as hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// An integer as it is kept in a row.
pub(crate) fn integer(field: &[u8]) -> Option<i64> {
    Some(i64::from_be_bytes(field.try_into().ok()?))
}

/// A row: the number of its columns, then each as its length (-1: nothing) and its bytes, big-endian. It is what PostgreSQL
/// calls a tuple of its binary COPY format (documentation of `COPY`, "Binary Format").
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Tuple(pub(crate) Bytes);

/// The end of a stream of tuples.
pub(crate) const END: [u8; 2] = (-1_i16).to_be_bytes();

impl Tuple {
    /// Its columns, in order.
    pub(crate) fn fields(&self) -> impl Iterator<Item = Option<&[u8]>> {
        let mut rest = self.0.get(2..).unwrap_or_default();
        std::iter::from_fn(move || {
            let (length, after) = rest.split_first_chunk::<4>()?;
            let Ok(length) = usize::try_from(i32::from_be_bytes(*length)) else {
                rest = after;
                return Some(None);
            };
            let (field, after) = after.split_at_checked(length)?;
            rest = after;
            Some(Some(field))
        })
    }
}

/// Writes tuples one after the other.
pub(crate) struct Encoder(BytesMut);

impl Encoder {
    pub(crate) fn new() -> Self {
        Self(BytesMut::new())
    }

    /// Begins a row of so many columns.
    pub(crate) fn begin(&mut self, columns: usize) {
        // A schema has fewer columns than that.
        self.0.put_i16(i16::try_from(columns).unwrap_or(i16::MAX));
    }

    pub(crate) fn null(&mut self) {
        self.0.put_i32(-1);
    }

    pub(crate) fn integer(&mut self, number: i64) {
        self.0.put_i32(8);
        self.0.put_i64(number);
    }

    /// `false`: too long for any row.
    pub(crate) fn bytes(&mut self, bytes: &[u8]) -> bool {
        let Ok(length) = i32::try_from(bytes.len()) else { return false };
        self.0.put_i32(length);
        self.0.put_slice(bytes);
        true
    }

    /// Ends the row.
    pub(crate) fn end(&mut self) -> Tuple {
        Tuple(self.0.split().freeze())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAIR: Table =
        table("pair", Named::ByNobody, 2, &[("id", Kind::Integer), ("name", Kind::Text), ("rest", Kind::Bytes)]);

    fn row(id: i64, name: &str, rest: Option<&[u8]>) -> Tuple {
        let mut row = Encoder::new();
        row.begin(3);
        row.integer(id);
        row.bytes(name.as_bytes());
        match rest {
            Some(rest) => drop(row.bytes(rest)),
            None => row.null(),
        }
        row.end()
    }

    #[test]
    fn keys_are_ordered_as_numbers_and_as_bytes() {
        let rows = [row(-3, "z", None), row(2, "B", None), row(2, "a", None), row(2, "ä", None), row(10, "", None)];
        assert!(rows.is_sorted_by(|one, other| PAIR.compare(one, other) == Ordering::Less));
        assert_eq!(PAIR.compare(&row(1, "a", None), &row(1, "a", Some(b"x"))), Ordering::Equal);
    }

    #[test]
    fn nothing_differs_from_no_bytes() {
        let (one, other) = (row(1, "a", None), row(1, "a", Some(b"")));
        assert!(one != other);
        assert_eq!(PAIR.differing(&one, &other), "rest");
        assert_eq!(one.fields().collect::<Vec<_>>(), [Some(&1_i64.to_be_bytes()[..]), Some(b"a"), None]);
        assert_eq!(PAIR.shown_key(&one), "id 1, name a");
    }

    #[test]
    fn statements_name_every_column() {
        assert_eq!(PAIR.delete(), "DELETE FROM pair WHERE id = $1 AND name = $2");
        assert_eq!(PAIR.update(), "UPDATE pair SET rest = $1 WHERE id = $2 AND name = $3");
        assert_eq!(PAIR.insert(), "INSERT INTO pair (id, name, rest) VALUES ($1, $2, $3)");
        assert_eq!(PAIR.order("\"C\""), "id, name COLLATE \"C\"");
    }
}
