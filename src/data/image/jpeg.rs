//! JPEG files, whole or not at all: the segments of a file are walked and its compressed data read to their last bit
//! ([`scans`]), then the crate `zune-jpeg` decodes it.
//!
//! A file is a row of segments, each a marker (`0xff` and a byte) with a length. A start of scan is followed by compressed
//! data, in which `0xff` is followed by 0 or a restart marker; the end of image comes last, so a file that is cut anywhere
//! lacks it. Stray bytes before a marker, which other decoders warn of, are taken out first.

use super::odd::Odd;
use super::pixels::{Pixels, expect_pixels, scaled_bytes, too_short};
use super::scans::{Component, Frame, Tables};
use super::{exif, memory};
use crate::reserve;
use std::ops::Range;
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

const TABLES: u8 = 0xc4;
const SCAN: u8 = 0xda;
const RESTART: u8 = 0xdd;

/// Bytes that the decoder takes besides, most of them for a row of blocks.
const OF_A_DECODER: usize = 4 << 20;

/// A marker, what its segment holds, and the compressed data behind it.
struct Segment<'a> {
    marker: u8,
    body: &'a [u8],
    data: &'a [u8],
    /// Where the compressed data end in the file.
    end: usize,
}

/// A file, taken apart.
struct Walked<'a> {
    segments: Vec<Segment<'a>>,
    stray: Vec<Range<usize>>,
    /// What follows the end of the image.
    rest: &'a [u8],
}

/// Decodes a whole JPEG file.
pub(super) fn decode(bytes: &[u8], side: usize) -> Result<Pixels, String> {
    let Walked { segments, mut stray, rest } = segments(bytes)?;
    let mut frame = frame(&segments)?;
    let (width, height, components) = (frame.width as u64, frame.height as u64, frame.components.len() as u64);
    let pixels = expect_pixels(width, height)?;
    let data: u64 = segments.iter().map(|segment| segment.data.len() as u64).sum();
    if data * 8 < fewest_bits(&frame) {
        return Err(too_short(width, height, data));
    }
    // Three bytes of a pixel come out; where a component is not decoded in one go, all its coefficients are kept.
    let scans = segments.iter().filter(|segment| segment.marker == SCAN).count();
    let kept = if frame.progressive || scans > 1 { 2 * components } else { 0 };
    let share = memory::PIXELS.take(pixels * (3 + kept) + scaled_bytes(width, height, side));
    frame.make_room()?;
    stray.extend(read_scans(&mut frame, &segments)?);
    let cleaned = if stray.is_empty() { Vec::new() } else { without(bytes, stray)? };
    let is_stray = !cleaned.is_empty();
    let bytes = if is_stray { &cleaned } else { bytes };
    let limit = usize::from(u16::MAX);
    let options = DecoderOptions::default().set_strict_mode(true).set_max_width(limit).set_max_height(limit);
    let channels = if components == 1 { 1 } else { 3 };
    let options = options.jpeg_set_out_colorspace(if channels == 1 { ColorSpace::Luma } else { ColorSpace::RGB });
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    decoder.decode_headers().map_err(broken)?;
    let Frame { width, height, .. } = frame;
    let (size, wanted) = (decoder.output_buffer_size(), width * height * channels);
    if size != Some(wanted) {
        return Err(format!("its decoder gives {} bytes for {width}×{height} pixels", size.unwrap_or(0)));
    }
    let mut decoded = reserve::filled(wanted, 0)?;
    reserve::expect_room((pixels * kept) as usize + OF_A_DECODER)?;
    decoder.decode_into(&mut decoded).map_err(broken)?;
    let orientation = orientation(&segments);
    let announced = segments.iter().any(|segment| segment.marker == 0xe2 && segment.body.starts_with(b"MPF\0"));
    let odd = Odd { stray: is_stray, ..Odd::turned(orientation) }.before(rest, announced);
    Ok(Pixels { width, height, channels, bytes: decoded, orientation, odd, _share: share })
}

/// The bytes of a file without some parts of it.
fn without(bytes: &[u8], mut parts: Vec<Range<usize>>) -> Result<Vec<u8>, String> {
    let mut kept = reserve::with_room(bytes.len())?;
    parts.sort_by_key(|part| part.start);
    let mut at = 0;
    for part in parts {
        kept.extend_from_slice(&bytes[at..part.start]);
        at = part.end;
    }
    kept.extend_from_slice(&bytes[at..]);
    Ok(kept)
}

/// The rows and columns that the header says.
pub(super) fn size(bytes: &[u8]) -> Result<[usize; 2], String> {
    frame(&segments(bytes)?.segments).map(|frame| [frame.height, frame.width])
}

fn broken(problem: impl std::fmt::Display) -> String {
    format!("it is no whole JPEG file: {problem}")
}

/// All segments to the end of the image, the places of stray bytes between them, and what follows the end, as some cameras put more
/// there.
fn segments(bytes: &[u8]) -> Result<Walked<'_>, String> {
    let early = || String::from("it ends early: the end of the image is missing");
    let (mut found, mut stray, mut at) = (Vec::new(), Vec::new(), 2);
    loop {
        // The next marker: what is no marker before it is passed over, as decoders do.
        let start = at;
        at += bytes.get(at..).and_then(|rest| rest.iter().position(|&byte| byte == 0xff)).ok_or_else(early)?;
        stray.extend((at > start).then_some(start..at));
        let marker = *bytes.get(at + 1).ok_or_else(early)?;
        match marker {
            // Fill bytes, stuffing and restarts.
            0xff => at += 1,
            0x00 | 0x01 | 0xd0..=0xd8 => {
                stray.push(at..at + 2);
                at += 2;
            }
            0xd9 => return Ok(Walked { segments: found, stray, rest: &bytes[at + 2..] }),
            _ => {
                let length = bytes.get(at + 2..at + 4).ok_or_else(early)?;
                let length = usize::from(u16::from_be_bytes([length[0], length[1]])).max(2);
                let body = bytes.get(at + 4..at + 2 + length).ok_or_else(early)?;
                at += 2 + length;
                let data = if marker == SCAN { compressed(&bytes[at..]) } else { &[] };
                at += data.len();
                found.push(Segment { marker, body, data, end: at });
            }
        }
    }
}

/// The compressed data that the bytes begin with: up to a marker other than a restart.
fn compressed(bytes: &[u8]) -> &[u8] {
    let is_end = |pair: &[u8]| pair[0] == 0xff && !matches!(pair[1], 0 | 0xd0..=0xd7 | 0xff);
    &bytes[..bytes.windows(2).position(is_end).unwrap_or(bytes.len())]
}

/// The one frame: precision, rows, columns, and three bytes for each component.
fn frame(segments: &[Segment]) -> Result<Frame, String> {
    let is_frame =
        |segment: &&Segment| matches!(segment.marker, 0xc0..=0xcf if !matches!(segment.marker, TABLES | 0xc8 | 0xcc));
    let mut frames = segments.iter().filter(is_frame);
    let (Some(segment), None) = (frames.next(), frames.next()) else {
        return Err(broken("it has not one header of a frame"));
    };
    if segment.marker > 0xc2 {
        return Err("it is a JPEG file of a rare kind (lossless, hierarchical or arithmetic)".into());
    }
    let &[precision, a, b, c, d, count, ref parts @ ..] = segment.body else {
        return Err(broken("its header of a frame is cut short"));
    };
    if precision != 8 {
        return Err(format!("it is a JPEG file of {precision} bits, expected 8"));
    }
    let component = |part: &[u8]| Component::new(part[0], [part[1] >> 4, part[1] & 15].map(usize::from));
    let components: Vec<Component> = parts.chunks_exact(3).map(component).collect();
    let wrong = components.iter().any(|component| component.sampling.iter().any(|times| !(1..=4).contains(times)));
    if parts.len() != 3 * usize::from(count) || !(1..=4).contains(&count) || wrong {
        return Err(broken("its header of a frame is wrong"));
    }
    let [height, width] = [[a, b], [c, d]].map(|bytes| u16::from_be_bytes(bytes).into());
    Ok(Frame { width, height, progressive: segment.marker == 0xc2, components })
}

/// The fewest bits that blocks of 8×8 samples can be coded in: one for the mean of each and, where it is not coded in several
/// passes, one for its end.
fn fewest_bits(frame: &Frame) -> u64 {
    let [across, down] = frame.most();
    let blocks = frame.components.iter().map(|component| {
        let [h, v] = component.sampling;
        ((frame.width * h / across / 8).max(1) * (frame.height * v / down / 8).max(1)) as u64
    });
    blocks.sum::<u64>() * if frame.progressive { 1 } else { 2 }
}

/// Reads every scan to its last block. Returns the places of stray bytes behind these.
fn read_scans(frame: &mut Frame, segments: &[Segment]) -> Result<Vec<Range<usize>>, String> {
    const CUT: &str = "it ends early or is damaged: its compressed data are not those of all of its pixels";
    let (mut tables, mut found) = (Tables::default(), Vec::new());
    for segment in segments {
        match (segment.marker, segment.body) {
            (TABLES, body) => tables.define(body).ok_or_else(|| broken("a table of codes is wrong"))?,
            (RESTART, &[a, b]) => tables.restart = u16::from_be_bytes([a, b]).into(),
            (SCAN, head) => {
                let stray = frame.read_scan(&tables, head, segment.data).ok_or(CUT)?.len();
                found.extend((stray > 0).then(|| segment.end - stray..segment.end));
            }
            _ => {}
        }
    }
    if frame.is_whole() { Ok(found) } else { Err("it ends early: not all of its scans are there".into()) }
}

/// The orientation that a camera noted, upright where none did.
fn orientation(segments: &[Segment]) -> exif::Orientation {
    let blocks = segments.iter().filter(|segment| segment.marker == 0xe1);
    let block = blocks.filter_map(|segment| segment.body.strip_prefix(b"Exif\0\0")).next();
    block.map(exif::orientation).unwrap_or_default()
}
