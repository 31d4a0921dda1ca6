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
fn users_move_from_one_folder_to_another_and_back() {
    let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let hash = "$2y$10$abcdefghijklmnopqrstuuXkZBJcnqW0GIxfmCEKcDTHa.uYSJu7i";
    let add = ["user", "add", "--email", "ada@example.com", "--id", "7", "--attributes", "{\"a\":[1]}"];
    assert!(
        myna(one.path(), &[&add[..], &["--role", "Admin=read,write", "--password-hash", hash]].concat())
            .status
            .success()
    );
    assert!(myna(one.path(), &["user", "add", "--username", "bob", "--no-password"]).status.success());
    let listed = |folder: &tempfile::TempDir, more: &[&str]| {
        let output = myna(folder.path(), &[&["user", "list", "--json"], more].concat());
        assert!(output.status.success(), "{}", text(&output.stderr));
        text(&output.stdout)
    };
    // No hash leaves without being asked for.
    assert!(!listed(&one, &[]).contains("$2y$"));
    assert!(!myna(one.path(), &["user", "list", "--with-password-hash"]).status.success());
    let whole = listed(&one, &["--with-password-hash"]);
    let made = whole.split_once("\"created_at\":\"").unwrap().1.split_once('"').unwrap().0;
    assert!(made.contains('.'), "{made} is not to the microsecond");
    let file = other.path().join("users.jsonl");
    std::fs::write(&file, &whole).unwrap();
    let file = file.to_str().unwrap();
    let rehearsed = myna(other.path(), &["user", "import", file, "--dry-run"]);
    assert!(text(&rehearsed.stdout).starts_with("would import 2 users"), "{}", text(&rehearsed.stderr));
    assert!(!other.path().join("myna-data").exists(), "a rehearsal does not even make a folder");
    let imported = myna(other.path(), &["user", "import", file]);
    assert!(imported.status.success(), "{}", text(&imported.stderr));
    assert!(text(&imported.stdout).starts_with("imported 2 users in "), "{}", text(&imported.stdout));
    assert_eq!(listed(&other, &["--with-password-hash"]), whole);
    let again = myna(other.path(), &["user", "import", file]);
    let said = text(&again.stderr);
    assert!(!again.status.success() && said.contains("line 1: the id 7 was given out before"), "{said}");
    assert!(said.contains("stopped at line 1") && said.contains("--on-conflict skip"), "{said}");
    let again = myna(other.path(), &["user", "import", file, "--on-conflict", "skip", "--dry-run"]);
    assert!(again.status.success(), "{}", text(&again.stderr));
    assert!(text(&again.stdout).ends_with("skipped 2 users\n"), "{}", text(&again.stdout));
}

#[test]
fn an_import_tells_every_line_that_is_wrong_and_takes_the_others() {
    let folder = tempfile::tempdir().unwrap();
    let lines = [
        "{\"username\":\"ada\"}",
        "{\"username\":\"bob\",\"password_hash\":\"hunter2\"}",
        "[]",
        "{\"username\":\"eve\"}",
    ];
    let file = folder.path().join("users.jsonl");
    std::fs::write(&file, lines.join("\n")).unwrap();
    let output = myna(folder.path(), &["user", "import", file.to_str().unwrap()]);
    let said = text(&output.stderr);
    assert!(!output.status.success() && said.contains("2 lines are wrong"), "{said}");
    assert!(
        said.contains("line 2: `password_hash`: not a password hash") && said.contains("line 3: is not a JSON"),
        "{said}"
    );
    assert!(!said.contains("hunter2"), "{said}");
    assert!(text(&output.stdout).starts_with("imported 2 users"), "{}", text(&output.stdout));
    let example = myna(folder.path(), &["user", "example", "--count", "10"]);
    assert_eq!(text(&example.stdout).lines().filter(|line| line.contains("\"email\":\"user-")).count(), 10);
}

#[test]
fn a_data_folder_that_is_not_there_is_not_made_by_looking() {
    let folder = tempfile::tempdir().unwrap();
    let output = myna(folder.path(), &["user", "list"]);
    assert!(!output.status.success());
    assert!(!folder.path().join("myna-data").exists(), "{}", text(&output.stderr));
}
