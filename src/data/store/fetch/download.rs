//! One file from the web, by whichever mirror has it whole. Knows HTTP; knows no data set.
//!
//! What arrives goes into a file of the name with `.part` behind it. If the connection ends or stalls, the next try asks for the
//! rest (`Range`), of the same mirror as long as more arrives, then of the next. A server that ignores the question
//! sends all of it again. Only when size and sum are right is the file renamed; a wrong one is thrown away, and asked for
//! once more of the same mirror if part of it came from elsewhere.

use crate::data::info::Archive;
use crate::data::store::{Progress, name, sum};
use crate::error::Result;
use std::fs::{self, File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;
use ureq::http::{Response, header};
use ureq::{Agent, Body};

/// How long to wait for a connection, an answer, or more of it.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);
/// Tries at one mirror, however much each brings.
const TRIES: usize = 50;
/// The most bytes that are taken of a file whose size nobody has published.
const MOST_UNKNOWN: u64 = 1 << 30;

/// Whether the official file is there already. Without a known sum nothing can be said, so it is not.
pub(super) fn is_right(archive: &Archive, place: &Path, progress: &mut dyn Progress) -> Result<bool> {
    Ok(archive.sha256.is_some() && place.is_file() && archive.sha256 == Some(&*sum(place, progress)?.1))
}

/// Downloads a file from the first address that has it whole. The error says what each of them did wrong.
pub(super) fn download(
    archive: &Archive,
    addresses: &[String],
    place: &Path,
    patience: Duration,
    progress: &mut dyn Progress,
) -> std::result::Result<(), String> {
    let mut part = Part::open(archive, place)?;
    let agent = agent(patience);
    let mut failures: Vec<String> = Vec::new();
    for address in addresses {
        match part.complete(&agent, address, progress) {
            Ok(()) => return fs::rename(&part.path, place).map_err(|error| error.to_string()),
            Err(problem) => failures.push(format!("{address}: {problem}")),
        }
        progress.note(&failures[failures.len() - 1]);
    }
    part.remove_if_empty();
    Err(format!("it could not be downloaded ({})", failures.join("; ")))
}

fn agent(patience: Duration) -> Agent {
    let settings = Agent::config_builder()
        .http_status_as_error(false)
        .user_agent(concat!("evograd/", env!("CARGO_PKG_VERSION")))
        .timeout_resolve(Some(patience))
        .timeout_connect(Some(patience))
        .timeout_recv_response(Some(patience))
        .timeout_per_read(Some(patience))
        .timeout_per_write(Some(patience));
    settings.build().into()
}

/// How a try failed.
enum Failure {
    /// What is there is of use: another try goes on with it.
    Cut(String),
    /// The mirror does not have the file.
    Refused(String),
}

/// The file while it is not whole.
struct Part<'a> {
    archive: &'a Archive,
    path: PathBuf,
    file: File,
}

impl<'a> Part<'a> {
    /// Opens what an earlier download left, or begins.
    fn open(archive: &'a Archive, place: &Path) -> std::result::Result<Part<'a>, String> {
        let path = place.with_file_name(format!("{}.part", name(place)));
        let opened = OpenOptions::new().create(true).truncate(false).read(true).write(true).open(&path);
        let file = opened.map_err(|error| format!("{}: {error}", path.display()))?;
        file.try_lock().map_err(|_| format!("another process is writing {}", path.display()))?;
        let mut part = Part { archive, path, file };
        let length = part.length().map_err(|error| error.to_string())?;
        // Without a sum, parts of different files could not be distinguished from the whole.
        if archive.sha256.is_none() || archive.bytes.is_some_and(|bytes| length > bytes) {
            part.empty().map_err(|error| error.to_string())?;
        }
        Ok(part)
    }

    /// Makes it whole by one address, in as many tries as bring it further.
    fn complete(
        &mut self,
        agent: &Agent,
        address: &str,
        progress: &mut dyn Progress,
    ) -> std::result::Result<(), String> {
        let message = |error: std::io::Error| error.to_string();
        let mut problem = String::from("it was tried too often");
        for _ in 0..TRIES {
            let before = self.length().map_err(message)?;
            match self.attempt(agent, address, before, progress) {
                Ok(()) => match self.check(progress)? {
                    None => return self.file.sync_all().map_err(message),
                    Some(wrong) => {
                        self.empty().map_err(message)?;
                        problem = wrong;
                        if before == 0 {
                            break;
                        }
                    }
                },
                Err(Failure::Refused(why)) => return Err(why),
                Err(Failure::Cut(why)) => {
                    problem = why;
                    if self.length().map_err(message)? <= before {
                        break;
                    }
                    progress.note(&format!("{address}: {problem}; going on"));
                }
            }
        }
        Err(problem)
    }

    /// Asks for what comes after the first `have` bytes, and takes it.
    fn attempt(
        &mut self,
        agent: &Agent,
        address: &str,
        have: u64,
        progress: &mut dyn Progress,
    ) -> std::result::Result<(), Failure> {
        let cut = |error: std::io::Error| Failure::Cut(error.to_string());
        if self.archive.bytes == Some(have) {
            return Ok(());
        }
        let resumable = have > 0 && self.archive.sha256.is_some();
        let mut request = agent.get(address);
        if resumable {
            request = request.header(header::RANGE, format!("bytes={have}-"));
        }
        let response = request.call().map_err(|error| Failure::Refused(error.to_string()))?;
        let start = match (response.status().as_u16(), resumable) {
            (200, _) => 0,
            (206, true) if range_start(&response) == Some(have) => have,
            (206, _) => return Err(Failure::Refused("it sends another part than the one asked for".into())),
            (status, _) => return Err(Failure::Refused(format!("it answers with status {status}"))),
        };
        let length = response.body().content_length().map(|length| start + length);
        if let (Some(length), Some(bytes)) = (length, self.archive.bytes)
            && length != bytes
        {
            return Err(Failure::Refused(format!("its file has {length} bytes, expected {bytes}")));
        }
        self.file.set_len(start).and_then(|()| self.file.seek(SeekFrom::Start(start))).map_err(cut)?;
        let mut body = response.into_body().into_reader();
        self.take(&mut body, start, self.archive.bytes.or(length), progress)
    }

    /// Writes what comes, up to the length of the whole.
    fn take(
        &mut self,
        body: &mut impl Read,
        start: u64,
        total: Option<u64>,
        progress: &mut dyn Progress,
    ) -> std::result::Result<(), Failure> {
        let what = format!("fetching {}", self.archive.file);
        let mut buffer = vec![0; 1 << 16];
        let mut done = start;
        loop {
            let after = |error: std::io::Error| Failure::Cut(format!("after {done} bytes: {error}"));
            let count = body.read(&mut buffer).map_err(after)?;
            if count == 0 {
                break;
            }
            self.file.write_all(&buffer[..count]).map_err(after)?;
            done += count as u64;
            progress.step(&what, done, total);
            let most = total.unwrap_or(MOST_UNKNOWN).min(self.archive.bytes.unwrap_or(MOST_UNKNOWN));
            if done > most {
                self.empty().map_err(|error| Failure::Refused(error.to_string()))?;
                return Err(Failure::Refused(format!("it sends more than {most} bytes")));
            }
        }
        match total {
            Some(total) if done < total => Err(Failure::Cut(format!("it ended after {done} of {total} bytes"))),
            _ => Ok(()),
        }
    }

    /// What is wrong with the whole file, if anything is.
    fn check(&self, progress: &mut dyn Progress) -> std::result::Result<Option<String>, String> {
        let (bytes, found) = sum(&self.path, progress).map_err(|error| error.to_string())?;
        let expected = self.archive.sha256.filter(|expected| *expected != found);
        Ok(expected.map(|expected| format!("its file has {bytes} bytes with SHA-256 {found}, expected {expected}")))
    }

    fn length(&self) -> std::io::Result<u64> {
        self.file.metadata().map(|about| about.len())
    }

    fn empty(&mut self) -> std::io::Result<()> {
        self.file.set_len(0)
    }

    /// Leaves nothing behind that is of no use; if it cannot be removed, it does no harm.
    fn remove_if_empty(&self) {
        if self.length().is_ok_and(|length| length == 0) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Where the part begins that a server sends: `bytes 100-199/200` begins at 100.
fn range_start(response: &Response<Body>) -> Option<u64> {
    let text = response.headers().get(header::CONTENT_RANGE)?.to_str().ok()?;
    text.strip_prefix("bytes ")?.split('-').next()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::samples::server::{Serve, Server};

    /// A file to serve, and the place it should come to.
    struct Case {
        folder: tempfile::TempDir,
        bytes: Vec<u8>,
        archive: Archive,
    }

    fn case() -> Case {
        let folder = tempfile::tempdir().unwrap();
        let bytes: Vec<u8> = (0..200_000_u32).map(|i| (i.wrapping_mul(i) / 7) as u8).collect();
        fs::write(folder.path().join("right"), &bytes).unwrap();
        let sum = sum(&folder.path().join("right"), &mut ()).unwrap().1;
        let archive = Archive { file: "set.bin", bytes: Some(bytes.len() as u64), sha256: Some(sum.leak()) };
        Case { folder, bytes, archive }
    }

    impl Case {
        fn place(&self) -> PathBuf {
            self.folder.path().join("set.bin")
        }
        fn part(&self) -> PathBuf {
            self.folder.path().join("set.bin.part")
        }
        fn server(&self, connections: &[Serve]) -> Server {
            Server::new(&self.bytes, connections)
        }
        fn download(&self, servers: &[&Server]) -> std::result::Result<(), String> {
            let addresses: Vec<String> = servers.iter().map(|server| format!("{}/set.bin", server.address)).collect();
            download(&self.archive, &addresses, &self.place(), Duration::from_millis(300), &mut ())
        }
        fn assert_whole(&self) {
            assert!(fs::read(self.place()).unwrap() == self.bytes);
            assert!(!self.part().exists());
            assert_eq!(is_right(&self.archive, &self.place(), &mut ()), Ok(true));
        }
    }

    #[test]
    fn a_cut_or_stalled_download_goes_on_where_it_was() {
        let case = case();
        let server = case.server(&[Serve::Cut(70_000), Serve::Stall(50_000), Serve::All]);
        case.download(&[&server]).unwrap();
        assert_eq!(server.asked(), [None, Some(70_000), Some(120_000)]);
        case.assert_whole();
    }

    #[test]
    fn a_later_run_and_another_mirror_go_on_as_well() {
        let case = case();
        let first = case.server(&[Serve::Cut(70_000), Serve::Status(503)]);
        let error = case.download(&[&first]).unwrap_err();
        assert_eq!(
            error,
            format!("it could not be downloaded ({}/set.bin: it answers with status 503)", first.address)
        );
        assert_eq!(fs::read(case.part()).unwrap().len(), 70_000);
        let second = case.server(&[Serve::Cut(0)]);
        let third = case.server(&[Serve::All]);
        case.download(&[&second, &third]).unwrap();
        assert_eq!((second.asked(), third.asked()), (vec![Some(70_000)], vec![Some(70_000)]));
        case.assert_whole();
    }

    #[test]
    fn mirrors_that_do_not_have_it_are_left() {
        let case = case();
        let refusing = case.server(&[]);
        // The connection is refused only once the server's thread has closed its socket.
        std::thread::sleep(Duration::from_millis(100));
        let [missing, silent, right] = [Serve::Status(404), Serve::Silent, Serve::All].map(|how| case.server(&[how]));
        case.download(&[&refusing, &missing, &silent, &right]).unwrap();
        case.assert_whole();
        fs::remove_file(case.place()).unwrap();
        let error = case.download(&[&refusing]).unwrap_err();
        assert!(error.contains("onnection refused"), "{error}");
        assert!(!case.part().exists() && !case.place().exists());
    }

    #[test]
    fn wrong_bytes_are_thrown_away() {
        let case = case();
        let corrupt = case.server(&[Serve::Corrupt]);
        let error = case.download(&[&corrupt]).unwrap_err();
        let wanted = format!("expected {})", case.archive.sha256.unwrap());
        assert!(error.contains("its file has 200000 bytes with SHA-256 ") && error.ends_with(&wanted), "{error}");
        assert!(!case.part().exists() && !case.place().exists());
        let [corrupt, right] = [Serve::Corrupt, Serve::All].map(|how| case.server(&[how]));
        case.download(&[&corrupt, &right]).unwrap();
        assert_eq!(right.asked(), [None]);
        case.assert_whole();
    }

    /// What an earlier mirror sent was wrong, so a right end does not make it right: all is asked for again.
    #[test]
    fn a_right_mirror_is_not_blamed_for_a_wrong_beginning() {
        let case = case();
        fs::write(case.part(), [7; 1000]).unwrap();
        let right = case.server(&[Serve::All, Serve::All]);
        case.download(&[&right]).unwrap();
        assert_eq!(right.asked(), [Some(1000), None]);
        case.assert_whole();
    }

    #[test]
    fn a_server_without_ranges_sends_all_of_it_again() {
        let case = case();
        let server = case.server(&[Serve::Cut(70_000), Serve::NoRange]);
        case.download(&[&server]).unwrap();
        assert_eq!(server.asked(), [None, Some(70_000)]);
        case.assert_whole();
    }

    #[test]
    fn another_part_than_the_one_asked_for_is_refused() {
        let case = case();
        fs::write(case.part(), &case.bytes[..1000]).unwrap();
        let server = case.server(&[Serve::WrongRange]);
        assert!(case.download(&[&server]).unwrap_err().contains("it sends another part than the one asked for"));
    }

    #[test]
    fn a_file_of_another_length_is_refused() {
        let case = case();
        let page = Server::new(b"<html>", &[Serve::All]);
        assert!(case.download(&[&page]).unwrap_err().contains("its file has 6 bytes, expected 200000"));
        let endless = case.server(&[Serve::Endless]);
        assert!(case.download(&[&endless]).unwrap_err().contains("it sends more than 200000 bytes"));
        assert!(!case.part().exists() && !case.place().exists());
    }

    #[test]
    fn what_is_whole_already_is_only_checked() {
        let case = case();
        fs::write(case.part(), &case.bytes).unwrap();
        let server = case.server(&[]);
        case.download(&[&server]).unwrap();
        case.assert_whole();
        fs::write(case.part(), [&case.bytes[..], b"more"].concat()).unwrap();
        let server = case.server(&[Serve::All]);
        case.download(&[&server]).unwrap();
        assert_eq!(server.asked(), [None]);
        case.assert_whole();
    }

    #[test]
    fn without_a_sum_nothing_is_gone_on_with() {
        let mut case = case();
        case.archive = Archive { file: "set.bin", bytes: None, sha256: None };
        fs::write(case.part(), [7; 1000]).unwrap();
        let server = case.server(&[Serve::Cut(70_000), Serve::All]);
        case.download(&[&server]).unwrap();
        assert_eq!(server.asked(), [None, None]);
        assert!(fs::read(case.place()).unwrap() == case.bytes);
    }

    #[test]
    fn two_processes_do_not_write_the_same_file() {
        let case = case();
        let held = File::create(case.part()).unwrap();
        held.lock().unwrap();
        let error = case.download(&[&case.server(&[])]).unwrap_err();
        assert_eq!(error, format!("another process is writing {}", case.part().display()));
    }
}
