//! Faulty dialects and what people are told about them, `tests/faulty`.

use std::fs;
use std::path::Path;

use myna_dialect::compile;
use myna_dialect::diagnostic::{Source, render};

use crate::refused::{all_are_told, files};

#[test]
fn every_fault_is_told_with_its_place() {
    all_are_told("faulty");
    assert!(files("faulty").len() >= 55);
}

// IN-07, IN-09: a file cut off anywhere is refused or compiled, and every span can be drawn.
#[test]
fn no_part_of_a_file_panics() {
    for path in files("faulty") {
        let text = fs::read_to_string(&path).expect("text");
        for end in (0..text.len()).filter(|end| text.is_char_boundary(*end)).step_by(7) {
            let source = Source::new("cut", &text[..end]);
            if let Err(faults) = compile(&source, None) {
                assert!(!faults.is_empty());
                let _ = render(&source, &faults, false);
            }
        }
    }
}

// IN-07: sizes are bounded before anything is built from them.
#[test]
fn hostile_sizes_are_refused() {
    let shapes: String =
        (1..=30).map(|n| format!("s{n} = '[\"{{shape.s{}}}\",\"{{shape.s{}}}\"]'\n", n - 1, n - 1)).collect();
    let deep = format!("[on.error]\nbody = '{}{}'\n", "[".repeat(33), "]".repeat(33));
    let endpoint = |n: usize| {
        format!(
            "[[endpoint]]\nname = \"e{n}\"\nroute = \"POST /e{n}\"\noperation = \"request_password_reset\"\n\
             request = '{{ \"e\": \"{{email}}\" }}'\n"
        )
    };
    let endpoints: String = (0..201).map(endpoint).collect();
    for (text, told) in [
        (
            format!("dialect = \"d\"\n[shape]\ns0 = '[1]'\n{shapes}[on.error]\nbody = '\"{{shape.s30}}\"'\n"),
            "grow too large",
        ),
        (format!("dialect = \"d\"\n{deep}"), "nested too deep"),
        (format!("dialect = \"d\"\n[on.reset_requested]\n[on.error]\n{endpoints}"), "at most 200 endpoints"),
        (format!("dialect = \"d\"\n# {}", "x".repeat(256 * 1024)), "at most 256 KiB"),
        (format!("dialect = \"d\"\nx = {}{}", "[".repeat(10_000), "]".repeat(10_000)), "not TOML"),
    ] {
        let faults = compile(&Source::new("hostile", text), None).expect_err(told);
        assert!(faults.iter().any(|fault| fault.message.contains(told)), "{told}: {faults:?}");
    }
}

#[test]
fn the_dialects_that_we_ship_are_without_fault() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../dialects");
    let mut count = 0;
    for part in [folder.clone(), folder.join("gallery")] {
        for entry in fs::read_dir(part).expect("folder") {
            let path = entry.expect("entry").path();
            let Ok(text) = fs::read_to_string(path.join("dialect.toml")) else {
                continue;
            };
            let name = path.file_name().expect("name").to_string_lossy().into_owned();
            let source = Source::new(name.clone(), text);
            let faults = compile(&source, Some(&name)).err().unwrap_or_default();
            assert!(faults.is_empty(), "{}", render(&source, &faults, false));
            count += 1;
        }
    }
    assert!(count > 5);
}
