//! The shape of the source: who imports whom, as ARCHITECTURE.md says, and that every module says what it is for.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// A table of ARCHITECTURE.md: the names of each row's first cell, and of its second.
fn table(heading: &str) -> Vec<(String, BTreeSet<String>)> {
    let text = fs::read_to_string(Path::new(ROOT).join("ARCHITECTURE.md")).unwrap();
    let names = |cell: &str| -> BTreeSet<String> { cell.split('`').skip(1).step_by(2).map(str::to_owned).collect() };
    let rows: Vec<_> = text
        .lines()
        .skip_while(|line| *line != heading)
        .skip(2)
        .take_while(|line| line.starts_with('|'))
        .map(|line| {
            let mut cells = line.trim_matches('|').split('|');
            let first = names(cells.next().unwrap()).pop_first().unwrap();
            (first, names(cells.next().unwrap_or("")))
        })
        .collect();
    assert!(!rows.is_empty(), "no table below {heading}");
    rows
}

/// Every Rust file below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
}

/// The files of the library, each with the module of the crate's root that it belongs to.
fn library() -> Vec<(PathBuf, String)> {
    let source = Path::new(ROOT).join("src");
    files(&source)
        .into_iter()
        .filter_map(|path| {
            let first = path.strip_prefix(&source).ok()?.iter().next()?.to_str()?;
            let module = first.strip_suffix(".rs").unwrap_or(first).to_owned();
            (!matches!(module.as_str(), "lib" | "main")).then_some((path, module))
        })
        .collect()
}

/// A file without its comments.
fn code(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap();
    text.lines()
        .map(|line| line.split_once("//").map_or(line, |(code, _)| code))
        .collect::<Vec<_>>()
        .join("\n")
}

/// The root modules that a file names, as `crate::x` or within `use crate::{x, y::z}`.
fn imports(code: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let is_name = |c: char| c.is_alphanumeric() || c == '_';
    for (at, _) in code.match_indices("crate::") {
        if code[..at]
            .chars()
            .next_back()
            .is_some_and(|before| is_name(before) || before == '$')
        {
            continue;
        }
        let rest = &code[at + "crate::".len()..];
        if !rest.starts_with('{') {
            found.insert(rest.chars().take_while(|&c| is_name(c)).collect());
            continue;
        }
        let (mut depth, mut name) = (0, String::new());
        for c in rest.chars() {
            match c {
                '{' => depth += 1,
                '}' => depth -= 1,
                _ => {}
            }
            let ends = matches!((c, depth), (',', 1) | ('}', 0));
            if depth == 1 && c != '{' && !ends {
                name.push(c);
            }
            if ends {
                found.insert(name.trim().chars().take_while(|&c| is_name(c)).collect());
                name.clear();
            }
            if depth == 0 {
                break;
            }
        }
    }
    found.remove("");
    found
}

#[test]
fn modules_import_only_what_the_table_allows() {
    let allowed = table("| module | may import |");
    for (path, module) in library() {
        let Some((_, may)) = allowed.iter().find(|(name, _)| *name == module) else {
            panic!("{module} is missing from the table of ARCHITECTURE.md");
        };
        for import in imports(&code(&path)) {
            assert!(
                import == module || may.contains(&import),
                "{} imports {import}, which the table of ARCHITECTURE.md does not allow",
                path.display()
            );
        }
    }
}

#[test]
fn the_table_of_imports_has_no_circles() {
    let mut seen = BTreeSet::new();
    for (module, may) in table("| module | may import |") {
        let later: Vec<_> = may.difference(&seen).collect();
        assert!(later.is_empty(), "{module} may import {later:?}, which stand below it");
        seen.insert(module);
    }
}

#[test]
fn a_library_is_known_only_to_the_modules_that_the_table_names() {
    for (library_name, may) in table("| library | known to |") {
        for (path, module) in library() {
            let knows = code(&path).contains(&format!("{library_name}::"));
            assert!(
                !knows || may.contains(&module),
                "{} knows {library_name}, which the table of ARCHITECTURE.md does not allow",
                path.display()
            );
        }
    }
}

#[test]
fn a_migration_knows_no_other_crate() {
    for path in files(&Path::new(ROOT).join("migration")) {
        let code = code(&path);
        assert!(
            !code.contains("entity::") && !code.contains("romdex::"),
            "{}",
            path.display()
        );
    }
}

#[test]
fn every_module_says_what_lives_there() {
    for folder in ["src", "entity/src", "migration/src", "tests"] {
        for path in files(&Path::new(ROOT).join(folder)) {
            let text = fs::read_to_string(&path).unwrap();
            assert!(text.starts_with("//! "), "{} does not begin with //!", path.display());
        }
    }
}

#[test]
fn imports_are_found_in_every_form() {
    for (code, found) in [
        ("use crate::import::{self, Writing};", &["import"][..]),
        (
            "use crate::{database, graphql::limits::{A, B}, http};",
            &["database", "graphql", "http"],
        ),
        (
            "use crate::{\n    catalog::Snapshot,\n    import,\n};",
            &["catalog", "import"],
        ),
        ("crate::database::begin_read(db)", &["database"]),
        ("use other_crate::x; $crate::y", &[]),
    ] {
        assert_eq!(
            imports(code).iter().map(String::as_str).collect::<Vec<_>>(),
            found,
            "{code}"
        );
    }
}
