//! What a role means that a line names. A role that is here stays what it is: an import neither gives its users more
//! than the file says, nor anybody else anything.

use std::collections::{HashMap, HashSet};

use myna_core::user::Role;

use super::record::NamedRole;

/// The roles that are here, and those that the import has made.
pub(super) struct Roles {
    by_name: HashMap<String, Role>,
    ids: HashSet<i64>,
    next: i64,
}

/// The role that is meant.
#[derive(PartialEq, Eq, Debug)]
pub(super) enum Settled {
    /// It is here.
    Known(Role),
    /// It has to be made first.
    New(Role),
}

impl Roles {
    pub(super) fn new(known: Vec<Role>) -> Self {
        let ids: HashSet<i64> = known.iter().map(|role| role.id).collect();
        let next = ids.iter().max().map_or(1, |most| most.saturating_add(1));
        Self { by_name: known.into_iter().map(|role| (role.name.clone(), role)).collect(), ids, next }
    }

    /// Finds the role, or an id for it.
    ///
    /// # Errors
    /// Why the line cannot have it.
    pub(super) fn settle(&mut self, named: NamedRole) -> Result<Settled, String> {
        let NamedRole { name, id, permissions } = named;
        if let Some(known) = self.by_name.get(&name) {
            if id.is_some_and(|id| id != known.id) {
                return Err(format!("the role `{name}` has the id {} here; leave its id out", known.id));
            }
            if permissions.is_some_and(|permissions| permissions != known.permissions) {
                return Err(format!("the role `{name}` has other permissions here; leave them out, or alter the role"));
            }
            return Ok(Settled::Known(known.clone()));
        }
        let id = id.unwrap_or(self.next);
        if id < 1 || !self.ids.insert(id) {
            return Err(format!("the role `{name}` cannot have the id {id}; leave its id out"));
        }
        self.next = self.next.max(id.saturating_add(1));
        let role = Role { id, name: name.clone(), permissions: permissions.unwrap_or_default() };
        self.by_name.insert(name, role.clone());
        Ok(Settled::New(role))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(name: &str, id: Option<i64>, permissions: Option<&[&str]>) -> NamedRole {
        let permissions = permissions.map(|list| list.iter().map(|text| (*text).to_owned()).collect());
        NamedRole { name: name.to_owned(), id, permissions }
    }

    fn role(id: i64, name: &str, permissions: &[&str]) -> Role {
        let permissions = permissions.iter().map(|text| (*text).to_owned()).collect();
        Role { id, name: name.to_owned(), permissions }
    }

    #[test]
    fn a_role_that_is_here_stays_what_it_is() {
        let admin = || role(5, "admin", &["all"]);
        let mut roles = Roles::new(vec![admin()]);
        for same in [named("admin", None, None), named("admin", Some(5), Some(&["all"]))] {
            assert_eq!(roles.settle(same), Ok(Settled::Known(admin())));
        }
        for other in [named("admin", Some(6), None), named("admin", None, Some(&["read"])), named("x", Some(5), None)] {
            assert!(roles.settle(other.clone()).is_err(), "{other:?}");
        }
    }

    #[test]
    fn a_new_role_is_made_once() {
        let mut roles = Roles::new(vec![role(5, "admin", &[])]);
        assert_eq!(roles.settle(named("x", None, Some(&["read"]))), Ok(Settled::New(role(6, "x", &["read"]))));
        assert_eq!(roles.settle(named("x", None, None)), Ok(Settled::Known(role(6, "x", &["read"]))));
        assert_eq!(roles.settle(named("y", Some(9), None)), Ok(Settled::New(role(9, "y", &[]))));
        assert_eq!(roles.settle(named("z", None, None)), Ok(Settled::New(role(10, "z", &[]))));
        assert_eq!(roles.settle(named("first", Some(1), None)), Ok(Settled::New(role(1, "first", &[]))));
        assert!(roles.settle(named("w", Some(0), None)).is_err());
    }
}
