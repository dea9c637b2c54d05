//! Data sets from the web, and what a user does where the web is not to be had.

#[cfg(feature = "download")]
mod download;

use crate::data::Progress;
use crate::data::info::SetInfo;
use crate::error::{Error, Result};
use std::path::{Path, PathBuf};

/// What a fetch did.
#[derive(Clone, Debug, PartialEq)]
pub struct Fetched {
    /// Where the set is.
    pub folder: PathBuf,
    /// The files that were downloaded; none where the set was there and in order.
    pub downloaded: Vec<&'static str>,
}

/// Downloads a data set, unless it is there and in order. It is tried below `mirrors` first, then where the catalogue
/// says. What an interrupted download brought is kept and gone on with; a file gets its name when its size and sum are
/// right.
///
/// ```no_run
/// use evograd::data::{info, store};
/// let fetched = store::fetch(info("mnist")?, std::path::Path::new("/data"), &[], &mut ())?;
/// println!("{} files are new", fetched.downloaded.len());
/// # Ok::<(), evograd::Error>(())
/// ```
///
/// # Errors
/// When no mirror has the official file, the disk refuses, or this build has no feature `download`; the message says how to
/// get the files by hand.
pub fn fetch(info: &SetInfo, data_dir: &Path, mirrors: &[String], progress: &mut dyn Progress) -> Result<Fetched> {
    if info.archives.is_empty() {
        let problem = format!("the data set {} is nowhere to be fetched from", info.name);
        return Err(Error::op("data fetch", problem, &[], "name the folder that holds it with --data-dir"));
    }
    if let Ok(folder) = info.locate(data_dir)
        && (info.open)(&folder).is_ok()
    {
        return Ok(Fetched { folder, downloaded: Vec::new() });
    }
    mirrors.iter().try_for_each(|mirror| expect_mirror(mirror))?;
    fetch_missing(info, data_dir, mirrors, progress)
}

/// Refuses what is no address of a folder of the web.
///
/// ```
/// use evograd::data::store::expect_mirror;
/// assert!(expect_mirror("https://example.org/sets").is_ok());
/// assert!(expect_mirror("example.org/sets").is_err());
/// ```
///
/// # Errors
/// When it does not begin with `http://` or `https://`, names no host, or holds what no address of a folder does.
pub fn expect_mirror(mirror: &str) -> Result<()> {
    let rest = mirror.strip_prefix("https://").or_else(|| mirror.strip_prefix("http://"));
    let problem = match rest {
        None => "does not begin with http:// or https://",
        Some(rest) if !has_host(rest) => "names no host, or a port that is none",
        Some(_) if mirror.contains(|letter: char| letter.is_whitespace() || letter.is_control()) => "holds white space",
        Some(rest) if rest.contains(['?', '#']) => "has a query or a fragment, behind which no file can be named",
        Some(_) => return Ok(()),
    };
    let remedy = "name a folder of the web, such as https://example.org/data";
    Err(Error::op("data fetch", format!("the mirror {mirror:?} {problem}"), &[], remedy))
}

/// Whether an address without its scheme begins with a host, and its port, if it has one, is a number.
fn has_host(rest: &str) -> bool {
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let place = authority.rsplit_once('@').map_or(authority, |(_, place)| place);
    // The colons of an address of version 6 stand in brackets.
    let (host, port) = match place.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (place, None),
    };
    !host.is_empty() && port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port > 0))
}

/// How to get the files by hand: their addresses, sizes and sums.
fn by_hand(info: &SetInfo) -> String {
    let mut text = format!("fetch by hand, then `evograd data import {} --from FILE`:", info.name);
    for archive in info.archives {
        let address = info.addresses(archive, &[]).into_iter().next().unwrap_or_default();
        let bytes = archive.bytes.map_or("size unknown".into(), |bytes| format!("{bytes} bytes"));
        let sum = archive.sha256.map_or("no SHA-256 known".into(), |sum| format!("SHA-256 {sum}"));
        text += &format!("\n  {address} ({bytes}, {sum})");
    }
    text
}

#[cfg(not(feature = "download"))]
fn fetch_missing(info: &SetInfo, _: &Path, _: &[String], _: &mut dyn Progress) -> Result<Fetched> {
    let remedy = format!("build with `cargo build --release --features download`, or {}", by_hand(info));
    Err(Error::op("data fetch", "this build cannot download", &[], remedy))
}

#[cfg(feature = "download")]
fn fetch_missing(info: &SetInfo, data_dir: &Path, mirrors: &[String], progress: &mut dyn Progress) -> Result<Fetched> {
    use super::{Made, import, unwritable};
    let folder = data_dir.join(info.name);
    let _made = Made::new(&folder)?;
    let mut downloaded = Vec::new();
    for archive in info.archives {
        let place = folder.join(archive.file);
        if download::is_right(archive, &place, progress)? {
            continue;
        }
        let addresses = info.addresses(archive, mirrors);
        download::download(archive, &addresses, &place, download::PATIENCE, progress)
            .map_err(|problem| Error::file(&place, problem, by_hand(info)))?;
        downloaded.push(archive.file);
    }
    for archive in info.archives.iter().filter(|archive| !info.files.contains(&archive.file)) {
        let place = folder.join(archive.file);
        import(info, std::slice::from_ref(&place), data_dir, progress)?;
        std::fs::remove_file(&place).map_err(unwritable(&place))?;
    }
    let home = info.home(data_dir);
    (info.open)(&home).inspect_err(|_| remove_unchecked(info, &folder))?;
    Ok(Fetched { folder: home, downloaded })
}

/// Removes files of which only opening the set could tell that they are wrong. Where that fails, the next fetch replaces
/// them all the same.
#[cfg(feature = "download")]
fn remove_unchecked(info: &SetInfo, folder: &Path) {
    for archive in info.archives.iter().filter(|archive| archive.sha256.is_none()) {
        let _ = std::fs::remove_file(folder.join(archive.file));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mirror_is_an_address_of_the_web() {
        for right in [
            "http://a",
            "https://a.b/c/",
            "http://127.0.0.1:80/x",
            "https://[::1]:8080",
            "http://[::1]",
            "http://u:p@a/b",
        ] {
            assert_eq!(expect_mirror(right), Ok(()), "{right}");
        }
        for (wrong, why) in [
            ("", "http://"),
            ("a.b/c", "http://"),
            ("/srv/data", "http://"),
            ("./data", "http://"),
            ("ftp://a.b", "http://"),
            ("file:///srv", "http://"),
            ("htp://a", "http://"),
            ("http:/a", "http://"),
            (" http://a", "http://"),
            ("http://", "no host"),
            ("https:///a", "no host"),
            ("http://:80/a", "no host"),
            ("http://a:port", "port"),
            ("http://a:0", "port"),
            ("http://a:99999", "port"),
            ("http://a b", "white space"),
            ("http://a/b\n", "white space"),
            ("http://a/?b", "query"),
            ("http://a/#b", "query"),
        ] {
            let text = expect_mirror(wrong).unwrap_err().to_string();
            assert!(text.contains(&format!("{wrong:?}")) && text.contains(why), "{wrong}: {text}");
        }
    }
}
