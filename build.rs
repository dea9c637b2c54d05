//! What a build is known by, besides its version: a hash of the sources that its bits follow from.

use std::path::{Path, PathBuf};
use std::{env, fs, io};

/// The sources, and the versions of what they are built on. A packaged crate has its kernels from a registry, where a version
/// is one build.
const PLACES: [&str; 3] = ["src", "kernels/src", "Cargo.lock"];

fn main() -> io::Result<()> {
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("Cargo says where the crate is"));
    let mut hash = Fnv(0xcbf2_9ce4_8422_2325);
    for place in PLACES.into_iter().filter(|place| root.join(place).exists()) {
        println!("cargo:rerun-if-changed={place}");
        add(&mut hash, &root, Path::new(place))?;
    }
    println!("cargo:rustc-env=BUILD_OF_EVOGRAD={:016x}", hash.0);
    Ok(())
}

/// Adds the name and the contents of a file, or of all in a folder in the order of their names.
fn add(hash: &mut Fnv, root: &Path, place: &Path) -> io::Result<()> {
    let path = root.join(place);
    if path.is_dir() {
        let mut names = fs::read_dir(&path)?.map(|entry| Ok(entry?.file_name())).collect::<io::Result<Vec<_>>>()?;
        names.sort();
        return names.iter().try_for_each(|name| add(hash, root, &place.join(name)));
    }
    let name: Vec<_> = place.iter().map(|part| part.to_string_lossy()).collect();
    hash.add(name.join("/").as_bytes());
    hash.add(&fs::read(&path)?);
    Ok(())
}

/// FNV-1a of 64 bits: no checksum against anybody, and ten lines instead of a crate.
struct Fnv(u64);

impl Fnv {
    /// Adds some bytes and their number, so that two pieces cannot be cut otherwise.
    fn add(&mut self, bytes: &[u8]) {
        let length = (bytes.len() as u64).to_le_bytes();
        for byte in length.iter().chain(bytes) {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }
}
