//! A folder of histories is one line of test.

use std::fs;
use std::path::PathBuf;

use durasim::ReplaysError;

use crate::shop::{altered, attributes, find, history, shop};

/// A folder of this test's own.
fn folder(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}

#[test]
fn each_file_is_looked_at_and_named() {
    let folder = folder("histories");
    let other = altered(|events| {
        let scheduled = find(events, "ACTIVITY_TASK_SCHEDULED");
        attributes(&mut events[scheduled])["activityType"]["name"] = "pay".into();
    });
    let write = |name: &str, text: &str| fs::write(folder.join(name), text).unwrap();
    write("a.json", &other);
    write("b.json", &history(true));
    write("c.json", "no JSON");
    write("d.JSON", &other);
    write("notes.txt", "no history");
    fs::create_dir(folder.join("older.json")).unwrap();
    let error = shop().replay_histories(&folder).unwrap_err();
    let text = error.to_string();
    assert!(text.starts_with("3 of 4 histories are refused:\n"), "{text}");
    let ReplaysError::Refused { refused, replayed: 4 } = error else { panic!("{text}") };
    let names: Vec<&str> = refused.iter().map(|(file, _)| file.file_name().unwrap().to_str().unwrap()).collect();
    assert_eq!(names, ["a.json", "c.json", "d.JSON"]);
    for (line, (file, why)) in text.lines().skip(1).zip(&refused) {
        assert_eq!(line, format!("  {}: {why}", file.display()));
    }
    for name in ["a.json", "c.json", "d.JSON"] {
        fs::remove_file(folder.join(name)).unwrap();
    }
    assert_eq!(shop().replay_histories(&folder).unwrap().len(), 1);
}

/// A test that has looked at nothing must not pass.
#[test]
fn an_empty_folder_and_none_are_errors() {
    let folder = folder("no_histories");
    fs::write(folder.join("history.txt"), "").unwrap();
    let empty = shop().replay_histories(&folder).unwrap_err();
    assert!(matches!(empty, ReplaysError::Empty { .. }) && empty.to_string().contains("has no history"), "{empty}");
    let missing = shop().replay_histories(folder.join("nowhere")).unwrap_err();
    assert!(matches!(missing, ReplaysError::Folder { .. }), "{missing}");
    assert!(format!("{missing:?}").starts_with("the folder of histories "), "{missing:?}");
}
