//! Where a store is, as an operator writes it.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::copy::CopyError;
use crate::postgres::address::Address;

/// One end of a copy: `sqlite:FOLDER` or `postgres://…`. It shows no password.
#[derive(Clone)]
pub struct Place(Kind);

#[derive(Clone)]
pub(super) enum Kind {
    Sqlite(PathBuf),
    Postgres { address: String, shown: String },
}

impl Place {
    /// Reads a place.
    ///
    /// # Errors
    /// [`CopyError::Place`], which holds nothing of a password.
    pub fn parse(text: &str) -> Result<Self, CopyError> {
        if let Some(path) = text.strip_prefix("sqlite:") {
            let path = path.strip_prefix("//").unwrap_or(path);
            return match path {
                "" => Err(CopyError::Place("`sqlite:` is followed by no folder".to_owned())),
                path => Ok(Self(Kind::Sqlite(PathBuf::from(path)))),
            };
        }
        if text.starts_with("postgres") {
            let shown = Address::parse(text).map_err(|error| CopyError::Place(error.to_string()))?.shown();
            return Ok(Self(Kind::Postgres { address: text.to_owned(), shown }));
        }
        Err(CopyError::Place("a store is written sqlite:FOLDER or postgres://USER:PASSWORD@HOST:PORT/NAME".to_owned()))
    }

    /// What it is called: the same for every way to write it that is known to be the same.
    pub fn name(&self) -> String {
        match &self.0 {
            Kind::Sqlite(path) => format!("sqlite:{}", whole(path).display()),
            Kind::Postgres { shown, .. } => format!("postgres://{shown}"),
        }
    }

    pub(super) const fn kind(&self) -> &Kind {
        &self.0
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name())
    }
}

/// The path from the root, also of a folder that is still to be made.
fn whole(path: &Path) -> PathBuf {
    let path = path.canonicalize().or_else(|_| std::path::absolute(path)).unwrap_or_else(|_| path.to_owned());
    match path.file_name() {
        Some(name) if name == "myna.db" => path.parent().map_or_else(|| path.clone(), Path::to_owned),
        Some(_) | None => path,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_place_has_one_name() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("myna.db"), "").unwrap();
        let name = |text: String| Place::parse(&text).unwrap().name();
        let path = folder.path().display();
        let one = name(format!("sqlite:{path}"));
        assert_eq!(name(format!("sqlite:{path}/../{}/", folder.path().file_name().unwrap().display())), one);
        assert_eq!(name(format!("sqlite:{path}/myna.db")), one);
        assert_eq!(name("postgres://ada:s3cret@db/myna".to_owned()), "postgres://db:5432/myna");
        assert_eq!(name("postgresql://bob@db:5432/myna?connections=4".to_owned()), "postgres://db:5432/myna");
    }

    #[test]
    fn faults_say_how_it_is_written_and_no_password() {
        for text in ["", "sqlite:", "/var/lib/myna", "mysql://ada:s3cret@db/x", "postgres://ada:s3cret@db"] {
            let error = Place::parse(text).unwrap_err().to_string();
            assert!(!error.contains("s3cret"), "{error}");
        }
        assert!(!format!("{:?}", Place::parse("postgres://ada:s3cret@db/x").unwrap()).contains("s3cret"));
    }
}
