//! Files compressed by gzip (RFC 1952). Knows the format's frame; what is within, others know.

use flate2::bufread::GzDecoder;
use std::io::{self, BufRead, ErrorKind, Read};

/// The first two bytes of a member.
const MAGIC: [u8; 2] = [0x1f, 0x8b];

/// Whether a file that begins with these bytes is compressed by gzip.
pub(super) fn is_gzip(start: &[u8]) -> bool {
    start.starts_with(&MAGIC)
}

/// All members of a file, one after the other as if they were one. Zeros behind the last, to which tapes and some tools fill
/// up, are passed over; anything else behind it is an error.
pub(super) struct Members<R> {
    /// `None` behind the last.
    member: Option<GzDecoder<R>>,
}

impl<R: BufRead> Members<R> {
    pub fn new(reader: R) -> Self {
        Members { member: Some(GzDecoder::new(reader)) }
    }
}

impl<R: BufRead> Read for Members<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        while let Some(mut member) = self.member.take() {
            let count = member.read(buffer);
            // Also after an error: a read that was interrupted is tried again, and must not find the end.
            if !matches!(count, Ok(0)) {
                self.member = Some(member);
                return count;
            }
            self.member = next(member.into_inner())?;
        }
        Ok(0)
    }
}

/// The next member, if there is one.
fn next<R: BufRead>(mut reader: R) -> io::Result<Option<GzDecoder<R>>> {
    loop {
        let start = match reader.fill_buf() {
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            start => start?,
        };
        match start.iter().take_while(|byte| **byte == 0).count() {
            0 if start.is_empty() => return Ok(None),
            0 if start[0] == MAGIC[0] => return Ok(Some(GzDecoder::new(reader))),
            0 => return Err(io::Error::new(ErrorKind::InvalidData, "it goes on after the compressed data")),
            zeros => reader.consume(zeros),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::samples::gzip;
    use proptest::prelude::*;

    fn unpacked(bytes: &[u8]) -> io::Result<Vec<u8>> {
        let mut out = Vec::new();
        // A small buffer, so that members begin and end anywhere in it.
        Members::new(io::BufReader::with_capacity(7, bytes)).read_to_end(&mut out).map(|_| out)
    }

    proptest! {
        #[test]
        fn members_are_read_one_after_the_other(parts in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 1..5), zeros in 0..20_usize) {
            let mut packed: Vec<u8> = parts.iter().flat_map(|part| gzip(part)).collect();
            let whole = packed.len();
            packed.resize(whole + zeros, 0);
            prop_assert_eq!(unpacked(&packed).unwrap(), parts.concat());
            packed.push(7);
            prop_assert!(unpacked(&packed).is_err());
            // The checksum is in the eight bytes before the end, and each of them counts.
            let mut broken = packed[..whole].to_vec();
            broken[whole - 1 - zeros % 8] ^= 1;
            prop_assert!(unpacked(&broken).is_err());
            let cut = whole - 1 - zeros % gzip(&parts[parts.len() - 1]).len().saturating_sub(1).max(1);
            prop_assert!(unpacked(&packed[..cut]).is_err());
        }
    }

    /// A member with all optional fields: extra, name, comment and the checksum of the header.
    #[test]
    fn optional_fields_are_passed_over() {
        let plain = gzip(b"words");
        let mut member = vec![0x1f, 0x8b, 8, 0b1_1110, 0, 0, 0, 0, 0, 3, 4, 0, b'a', b'b', 0, 0];
        member.extend(b"name.idx\0a comment\0");
        let mut crc = flate2::Crc::new();
        crc.update(&member);
        member.extend((crc.sum() as u16).to_le_bytes());
        member.extend(&plain[10..]);
        assert_eq!(unpacked(&[member.clone(), plain].concat()).unwrap(), b"wordswords");
        let last = member.iter().position(|byte| *byte == b'n').unwrap();
        member[last] ^= 1;
        assert!(unpacked(&member).is_err(), "the header's checksum counts");
    }
}
