//! Manifests that are whole, different, damaged and hostile.

use proptest::prelude::*;

use super::*;

fn digest(number: u8) -> Digest {
    Digest::of(&[number])
}

fn entry() -> impl Strategy<Value = Entry> {
    let at = (0_u8..4, any::<u32>());
    prop_oneof![
        (0_u32..0o1000, 1_u64.., any::<u8>(), at).prop_map(|(mode, size, content, (pack, offset))| {
            Entry::File {
                mode,
                size,
                digest: digest(content),
                at: Some(Location { pack: digest(pack), offset: offset.into() }),
            }
        }),
        (0_u32..0o1000).prop_map(|mode| Entry::File { mode, size: 0, digest: digest(0), at: None }),
        proptest::collection::vec(1_u8.., 1..9).prop_map(|target| Entry::Link { target }),
        (0_u32..0o1000).prop_map(|mode| Entry::Folder { mode }),
    ]
}

fn entries() -> impl Strategy<Value = Entries> {
    let name = prop_oneof!["[a-z日\n\"\\\\]{1,4}", "[a-c]/[a-c]"].prop_map(String::into_bytes);
    let raw = proptest::collection::vec(128_u8.., 1..4);
    proptest::collection::btree_map(prop_oneof![name, raw], entry(), 0..20)
}

proptest! {
    #[test]
    fn what_is_written_is_read(entries in entries()) {
        let read = parse(&whole(&entries)).unwrap();
        let expected = entries.into_iter().map(|(path, entry)| (path, Some(entry))).collect();
        prop_assert_eq!(read, Manifest { base: None, lines: expected });
    }

    #[test]
    fn a_difference_leads_from_the_base_to_the_snapshot(base in entries(), entries in entries()) {
        let (bytes, count) = difference(digest(9), &base, &entries);
        let read = parse(&bytes).unwrap();
        prop_assert_eq!(read.base, Some(digest(9)));
        prop_assert_eq!(read.lines.len(), count);
        let mut applied = base.clone();
        for (path, entry) in read.lines {
            match entry {
                Some(entry) => applied.insert(path, entry),
                None => applied.remove(&path),
            };
        }
        prop_assert_eq!(applied, entries.clone());
        prop_assert_eq!(difference(digest(9), &entries, &entries).1, 0);
    }

    #[test]
    fn no_bytes_make_reading_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), line in "\\PC{0,80}") {
        let _read = parse(&bytes);
        let _read = parse(&[b"{\"snapshot\":1,\"base\":null,\"packs\":[]}\n", line.as_bytes()].concat());
        let _read = references(&bytes);
    }
}

#[test]
fn references_name_all_that_is_needed() {
    let at = |pack| Some(Location { pack: digest(pack), offset: 0 });
    let file = |content, pack| Entry::File { mode: 0o644, size: 1, digest: digest(content), at: at(pack) };
    let entries = Entries::from([
        (b"a".to_vec(), file(1, 5)),
        (b"b".to_vec(), file(2, 6)),
        (b"c".to_vec(), file(3, 5)),
    ]);
    assert_eq!(references(&whole(&entries)).unwrap(), [digest(5), digest(6)]);
    let (bytes, _) = difference(digest(7), &Entries::new(), &entries);
    assert_eq!(references(&bytes).unwrap(), [digest(7), digest(5), digest(6)]);
}

#[test]
fn hostile_manifests_are_refused() {
    let header = "{\"snapshot\":1,\"base\":null,\"packs\":[]}\n";
    let refuse = |text: String| assert!(parse(text.as_bytes()).is_err(), "{text}");
    refuse(String::new());
    refuse("{\"snapshot\":2,\"base\":null,\"packs\":[]}\n".into());
    for path in ["../x", "/etc/passwd", "a/../../x", ".git/config", "a/.git/hooks", "a//b", "", "a/", "."] {
        refuse(format!("{header}{{\"path\":\"{path}\",\"folder\":{{\"mode\":493}}}}\n"));
    }
    refuse(format!("{header}{{\"path\":\"a\",\"gone\":true,\"link\":\"b\"}}\n"));
    refuse(format!("{header}{{\"path\":\"a\"}}\n"));
    let digest = digest(1);
    refuse(format!(
        "{header}{{\"path\":\"a\",\"file\":{{\"mode\":420,\"size\":1,\"digest\":\"{digest}\"}}}}\n"
    ));
    let lost = format!(
        "{{\"path\":\"a\",\"file\":{{\"mode\":420,\"size\":1,\"digest\":\"{digest}\",\"pack\":0,\"offset\":0}}}}\n"
    );
    refuse(format!("{header}{lost}"));
}

#[test]
fn the_stored_form_is_this() {
    let at = Some(Location { pack: digest(5), offset: 7 });
    let entries = Entries::from([
        (b"a".to_vec(), Entry::Folder { mode: 0o755 }),
        (b"a/b".to_vec(), Entry::File { mode: 0o644, size: 3, digest: digest(1), at }),
        (b"l\xff".to_vec(), Entry::Link { target: b"a".to_vec() }),
    ]);
    let text = String::from_utf8(whole(&entries)).unwrap();
    let (pack, content) = (digest(5), digest(1));
    let expected = format!(
        "{{\"snapshot\":1,\"base\":null,\"packs\":[\"{pack}\"]}}\n\
         {{\"path\":\"a\",\"folder\":{{\"mode\":493}}}}\n\
         {{\"path\":\"a/b\",\"file\":{{\"mode\":420,\"size\":3,\"digest\":\"{content}\",\"pack\":0,\"offset\":7}}}}\n\
         {{\"path\":{{\"hex\":\"6cff\"}},\"link\":\"a\"}}\n"
    );
    assert_eq!(text, expected);
}
