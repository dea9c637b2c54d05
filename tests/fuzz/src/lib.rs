//! What the targets share: a folder in memory for readers that want files, what every refusal must be like, and inputs of
//! which a byte says how the rest is meant.

use evograd::Error;
use flate2::write::GzEncoder;
use flate2::{Compression, Crc};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

/// The longest message that still helps somebody.
const LONGEST: usize = 2000;

/// A folder of this process, in memory where the system has such a place. Whoever starts a target may name another one in
/// `EVOGRAD_FUZZ_SCRATCH`, and removes it.
static FOLDER: LazyLock<PathBuf> = LazyLock::new(|| {
    let shared = Path::new("/dev/shm");
    let usual = if shared.is_dir() { shared.to_path_buf() } else { std::env::temp_dir() };
    let root = std::env::var_os("EVOGRAD_FUZZ_SCRATCH").map_or(usual, PathBuf::from);
    let folder = root.join(format!("evograd-fuzz-{}", std::process::id()));
    fs::create_dir_all(&folder).expect("the scratch folder can be made");
    folder
});

/// A path in this process's folder.
pub fn scratch(name: &str) -> PathBuf {
    FOLDER.join(name)
}

/// Writes a file in this process's folder; its path.
pub fn write(name: &str, bytes: &[u8]) -> PathBuf {
    let path = scratch(name);
    write_to(&path, bytes);
    path
}

/// Writes a file.
///
/// # Panics
/// When the system refuses, which is no finding.
pub fn write_to(path: &Path, bytes: &[u8]) {
    fs::write(path, bytes).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
}

/// Asserts that a refusal is one that helps: it says something, is not endless, and nothing of a hostile file reaches the
/// terminal as a control character.
pub fn expect_helpful(error: &Error) {
    let text = error.to_string();
    let odd = text.chars().find(|c| c.is_control());
    assert!(odd.is_none(), "a message with the control character {odd:?}: {text:?}");
    assert!((10..=LONGEST).contains(&text.len()), "a message of {} bytes: {text}", text.len());
    assert!(text.contains("; "), "a message without a remedy: {text}");
}

/// Asserts that a refusal helps and names the file or folder.
pub fn expect_named(error: &Error, path: &Path) {
    expect_helpful(error);
    let text = error.to_string();
    assert!(text.contains(&path.display().to_string()), "{} is not named: {text}", path.display());
}

/// The first byte, and the rest; 0 where there is none.
pub fn split_first(data: &[u8]) -> (u8, &[u8]) {
    data.split_first().map_or((0, data), |(first, rest)| (*first, rest))
}

/// A file as it is, or compressed by gzip in one of several ways, among them such that break it; and whether a reader of
/// gzip must get the same bytes back.
pub fn packed(bytes: &[u8], how: u8) -> (Vec<u8>, bool) {
    let (kind, place) = (how % 8, usize::from(how / 8));
    let mut file = match kind {
        0..=2 => return (bytes.to_vec(), !bytes.starts_with(&[0x1f, 0x8b])),
        4 => compressed(bytes),
        5 => {
            let (one, other) = bytes.split_at(bytes.len() * place / 32);
            [gzip(one), gzip(other)].concat()
        }
        _ => gzip(bytes),
    };
    let end = file.len();
    match kind {
        // The last eight bytes are the checksum and the length.
        6 => file[end - 1 - place % 8] ^= 1 << (place / 8),
        7 => file.truncate(end.saturating_sub(1 + place)),
        _ => {}
    }
    (file, kind < 6)
}

/// Really compressed by gzip; it takes much longer than the other ways.
fn compressed(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).expect("memory takes all");
    encoder.finish().expect("memory takes all")
}

/// Packed by gzip (RFC 1952), whole blocks that are stored.
fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut sum = Crc::new();
    sum.update(bytes);
    let end = [sum.sum().to_le_bytes(), sum.amount().to_le_bytes()].concat();
    [&[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255][..], &stored(bytes), &end].concat()
}

/// Packed by zlib (RFC 1950), whole blocks that are stored.
pub fn zlib(bytes: &[u8]) -> Vec<u8> {
    let (mut a, mut b) = (1_u32, 0_u32);
    for byte in bytes {
        a = (a + u32::from(*byte)) % 65_521;
        b = (a + b) % 65_521;
    }
    [&[0x78, 0x01][..], &stored(bytes), &(b << 16 | a).to_be_bytes()].concat()
}

/// Deflated (RFC 1951) as blocks that are stored.
fn stored(bytes: &[u8]) -> Vec<u8> {
    let mut chunks: Vec<&[u8]> = bytes.chunks(0xffff).collect();
    if chunks.is_empty() {
        chunks.push(&[]);
    }
    let last = chunks.len() - 1;
    let block = |(number, chunk): (usize, &&[u8])| {
        let length = chunk.len() as u16;
        let head = [length.to_le_bytes(), (!length).to_le_bytes()].concat();
        [&[u8::from(number == last)][..], &head, chunk].concat()
    };
    chunks.iter().enumerate().flat_map(block).collect()
}
