//! Pipes that a shell has opened for the program: `<(…)` as `/dev/fd/63`, and `-` for standard input. Any other pipe may have nobody at its
//! other end, and is refused as no file.

use std::fs::OpenOptions;
use std::io::{self, ErrorKind, Read};
use std::path::Path;
use std::time::{Duration, Instant};

/// The most bytes that are taken.
const MOST: usize = 64_000_000;
/// How long nothing may come from one that is still open at its other end.
const PATIENCE: Duration = Duration::from_secs(60);
/// Between two looks at one that is empty.
const PAUSE: Duration = Duration::from_millis(5);

/// What a path leads to in the system: `-` is standard input.
pub(super) fn given(path: &Path) -> &Path {
    if path == Path::new("-") { Path::new("/dev/stdin") } else { path }
}

/// Whether a path names what the program was started with, and that is a pipe.
#[cfg(unix)]
pub(super) fn is_handed_over(path: &Path) -> bool {
    use std::os::unix::fs::FileTypeExt;
    let is_own = ["/dev/fd", "/proc/self/fd", "/dev/stdin"].iter().any(|folder| path.starts_with(folder));
    is_own && std::fs::metadata(path).is_ok_and(|found| found.file_type().is_fifo())
}

/// All that comes from a pipe until its other end is closed.
///
/// # Errors
/// When nothing comes, or too much, or the system refuses.
#[cfg(unix)]
pub(super) fn read(path: &Path) -> io::Result<Vec<u8>> {
    use std::os::unix::fs::OpenOptionsExt;
    // Opened to wait, a pipe with a name would wait for somebody to write to it.
    let at_once = rustix::fs::OFlags::NONBLOCK.bits() as i32;
    let mut pipe = OpenOptions::new().read(true).custom_flags(at_once).open(path)?;
    let (mut bytes, mut chunk, mut since) = (Vec::new(), [0; 65_536], Instant::now());
    loop {
        match pipe.read(&mut chunk) {
            Ok(0) if bytes.is_empty() => return Err(io::Error::other("it is a pipe from which nothing came")),
            Ok(0) => return Ok(bytes),
            Ok(count) if bytes.len() + count > MOST => {
                return Err(io::Error::other(format!("it is a pipe from which more than {MOST} bytes came")));
            }
            Ok(count) => {
                bytes.extend_from_slice(&chunk[..count]);
                since = Instant::now();
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if error.kind() != ErrorKind::WouldBlock => return Err(error),
            Err(_) if since.elapsed() > PATIENCE => {
                let seconds = PATIENCE.as_secs();
                return Err(io::Error::other(format!("it is a pipe from which nothing came for {seconds} seconds")));
            }
            Err(_) => std::thread::sleep(PAUSE),
        }
    }
}

/// Elsewhere no shell does that.
#[cfg(not(unix))]
pub(super) fn is_handed_over(_: &Path) -> bool {
    false
}

#[cfg(not(unix))]
pub(super) fn read(path: &Path) -> io::Result<Vec<u8>> {
    std::fs::read(path)
}
