//! The import of an archive, tar in gzip. The input says entries, whose headers may lie, or is the whole archive. Nothing is
//! written outside the place of the set, a refused archive leaves nothing behind, and a file holds what its entry held.
#![no_main]

use arbitrary::{Arbitrary, Unstructured};
use evograd::data::{Archive, Images, SetInfo, Sets, info, store};
use evograd::{Error, Result};
use evograd_fuzz::{expect_helpful, packed, scratch, split_first, write_to};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

const FILES: [&str; 2] = ["a.bin", "b.bin"];

#[derive(Arbitrary, Debug)]
struct Entry<'a> {
    folder: u8,
    name: std::result::Result<u8, &'a [u8]>,
    kind: u8,
    link: &'a [u8],
    data: &'a [u8],
    size_off: i8,
    broken_sum: bool,
}

/// Where everything happens; `outside` lies beside the data folder.
static ROOT: LazyLock<PathBuf> = LazyLock::new(|| {
    let root = scratch("archive");
    fs::create_dir_all(root.join("data")).expect("a folder can be made");
    write_to(&root.join("a.bin"), b"outside");
    root
});

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let (kind, rest) = split_first(data);
    let (file, held) = if kind & 1 == 0 {
        (rest.to_vec(), None)
    } else {
        match <Vec<Entry>>::arbitrary_take_rest(Unstructured::new(rest)) {
            Ok(entries) => (entries.iter().flat_map(Entry::bytes).collect(), held(&entries)),
            Err(_) => return,
        }
    };
    let (packed, whole) = packed(&file, kind / 2 | 3);
    write_to(&ROOT.join("set.tar.gz"), &packed);
    let data_dir = ROOT.join("data");
    match store::import(&set(), &[ROOT.join("set.tar.gz")], &data_dir, &mut ()) {
        Ok(imported) => {
            assert_eq!(tree(&data_dir), ["set/inner/SHA256SUMS", "set/inner/a.bin", "set/inner/b.bin"], "{imported:?}");
            if let Some(held) = held.filter(|_| whole) {
                let found = FILES.map(|file| fs::read(imported.folder.join(file)).expect("a file that was imported"));
                assert_eq!(found, held);
            }
            fs::remove_dir_all(data_dir.join("set")).expect("a folder that can be removed");
        }
        Err(error) => {
            expect_helpful(&error);
            assert!(held.is_none() || !whole, "a whole archive was refused: {error}");
            assert!(tree(&data_dir).is_empty(), "left behind: {:?}", tree(&data_dir));
        }
    }
    assert_eq!(tree(&ROOT), ["a.bin", "set.tar.gz"]);
    assert_eq!(fs::read(ROOT.join("a.bin")).expect("a file that stays"), b"outside");
});

/// A set of two files of any content.
fn set() -> SetInfo {
    const ARCHIVES: &[Archive] = &[Archive { file: "set.tar.gz", bytes: None, sha256: None }];
    let usual = info("mnist").expect("a row of the catalogue");
    SetInfo { name: "set", archives: ARCHIVES, folder: Some("inner"), files: &FILES, open, ..*usual }
}

fn open(folder: &Path) -> Result<Sets> {
    for file in FILES {
        let about = fs::symlink_metadata(folder.join(file));
        if !about.is_ok_and(|about| about.is_file()) {
            return Err(Error::file(folder, format!("{file} is no file"), "give a file"));
        }
    }
    let set = Arc::new(Images::new([1, 1, 1], &["a"], vec![0], vec![0])?);
    Ok(Sets { train: set.clone(), test: set })
}

/// The files below a folder.
fn tree(folder: &Path) -> Vec<String> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let entry = entry.expect("a folder's entry");
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.file_type().expect("a kind of file").is_dir() {
            names.extend(tree(&entry.path()).iter().map(|below| format!("{name}/{below}")));
        } else {
            names.push(name);
        }
    }
    names.sort();
    names
}

/// What the two files hold, where the archive is plain and has each once.
fn held(entries: &[Entry]) -> Option<[Vec<u8>; 2]> {
    let plain = |entry: &Entry| entry.size_off == 0 && !entry.broken_sum && entry.is_file() && entry.name.is_ok();
    let of = |file: usize| {
        let mut found =
            entries.iter().filter(|entry| entry.name.as_ref().is_ok_and(|own| usize::from(own % 2) == file));
        found.next().filter(|_| found.next().is_none()).map(|entry| entry.data.to_vec())
    };
    if entries.iter().all(plain) { Some([of(0)?, of(1)?]) } else { None }
}

impl Entry<'_> {
    fn is_file(&self) -> bool {
        self.kind % 16 < 8
    }

    /// A header by the format's description, ustar, and the data.
    fn bytes(&self) -> Vec<u8> {
        let mut block = vec![0_u8; 512];
        let folder = ["", "inner/", "../", "/", "a.bin/", "./", "../../", "inner/../../"][usize::from(self.folder % 8)];
        let name =
            [folder.as_bytes(), self.name.map_or_else(|other| other, |own| FILES[usize::from(own % 2)].as_bytes())];
        let put = |block: &mut [u8], at: usize, most: usize, bytes: &[u8]| {
            block[at..].iter_mut().zip(bytes.iter().take(most)).for_each(|(old, new)| *old = *new);
        };
        put(&mut block, 0, 100, &name.concat());
        put(&mut block, 100, 8, b"0000644\0");
        let size = (self.data.len() as i64 + i64::from(self.size_off)).max(0);
        put(&mut block, 124, 12, format!("{size:011o}\0").as_bytes());
        put(&mut block, 148, 8, b"        ");
        block[156] = if self.is_file() { b'0' } else { b"12345LKxgS\0"[usize::from(self.kind / 16) % 11] };
        put(&mut block, 157, 100, self.link);
        put(&mut block, 257, 8, b"ustar\x0000");
        let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum::<u32>() + u32::from(self.broken_sum);
        put(&mut block, 148, 8, format!("{sum:06o}\0 ").as_bytes());
        block.extend_from_slice(self.data);
        block.resize(block.len().next_multiple_of(512), 0);
        block
    }
}
