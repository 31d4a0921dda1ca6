//! Commands that need no running server.

use super::{myna, text};

#[test]
fn init_writes_a_file_that_check_accepts() {
    let folder = tempfile::tempdir().unwrap();
    assert!(myna(folder.path(), &["init"]).status.success());
    let again = myna(folder.path(), &["init"]);
    assert!(text(&again.stderr).contains("--force"), "{}", text(&again.stderr));
    let check = myna(folder.path(), &["check"]);
    assert!(check.status.success(), "{}", text(&check.stderr));
}

#[test]
fn check_lists_every_fault_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("myna.toml"), "[http]\nlisten = 5\n[pasword]\nmemory = \"19MiB\"\n").unwrap();
    let output = myna(folder.path(), &["check"]);
    let said = text(&output.stderr);
    assert!(!output.status.success());
    assert!(said.contains("myna.toml:2:10") && said.contains("did you mean `password`"), "{said}");
}

#[test]
fn users_live_through_the_command_line() {
    let folder = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| {
        let output = myna(folder.path(), arguments);
        (output.status.success(), text(&output.stdout) + &text(&output.stderr))
    };
    let hash = "$2y$10$abcdefghijklmnopqrstuuXkZBJcnqW0GIxfmCEKcDTHa.uYSJu7i";
    let (added, said) =
        run(&["user", "add", "--email", "ada@example.com", "--role", "Admin=read,write", "--password-hash", hash]);
    assert!(added && said.contains("added user 1"), "{said}");
    let (again, said) = run(&["user", "add", "--username", "ADA@EXAMPLE.COM", "--no-password"]);
    assert!(!again && said.contains("valid user name"), "{said}");
    let (again, said) = run(&["user", "add", "--email", "ADA@example.com", "--no-password"]);
    assert!(!again && said.contains("another user has the name"), "{said}");
    let (_, said) = run(&["user", "show", "Ada@Example.com"]);
    assert!(said.contains("\"password_format\": \"bcrypt\"") && !said.contains("$2y$"), "{said}");
    assert!(run(&["user", "set", "1", "--last-name", "Lovelace", "--must-change-password"]).0);
    assert!(run(&["user", "disable", "1"]).0);
    let (_, said) = run(&["user", "list", "--json"]);
    assert!(said.contains("\"status\":\"disabled\"") && said.contains("Lovelace"), "{said}");
    assert!(run(&["user", "delete", "--yes", "1"]).0);
    let (found, said) = run(&["user", "show", "1"]);
    assert!(!found && said.contains("there is no user `1`"), "{said}");
    // LG-11
    let (_, said) = run(&["user", "add", "--email", "bob@example.com", "--no-password", "--id", "1"]);
    assert!(said.contains("given out before"), "{said}");
}

#[test]
fn a_data_folder_that_is_not_there_is_not_made_by_looking() {
    let folder = tempfile::tempdir().unwrap();
    let output = myna(folder.path(), &["user", "list"]);
    assert!(!output.status.success());
    assert!(!folder.path().join("myna-data").exists(), "{}", text(&output.stderr));
}
