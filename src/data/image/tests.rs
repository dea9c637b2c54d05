//! Every kind of file against what Pillow makes of it (`data/golden/images.py`); cut, damaged and claimed ones refused.

use super::*;
use std::path::{Path, PathBuf};

const SIDE: usize = 8;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("data/golden/images")
}

/// Every file with its bytes and the planes that Pillow gives.
fn files() -> Vec<(String, Vec<u8>, Vec<u8>)> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder()).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if let Some(image) = name.strip_suffix(".rgb") {
            let read = |name: &str| std::fs::read(folder().join(name)).unwrap();
            files.push((image.to_string(), read(image), read(&name)));
        }
    }
    files.sort();
    files
}

fn problem(bytes: &[u8]) -> String {
    decode(bytes, SIDE, &mut [0; 3 * SIDE * SIDE]).unwrap_err()
}

#[test]
fn every_kind_is_decoded_as_pillow_decodes_it() {
    assert_eq!(files().len(), 29);
    for (name, bytes, wanted) in files() {
        let found = decode_image(&bytes, SIDE).unwrap_or_else(|error| panic!("{name}: {error}"));
        let far = found.iter().zip(&wanted).map(|(a, b)| a.abs_diff(*b)).max().unwrap();
        // JPEG decoders round differently; halved colours are spread differently at edges.
        let bound = match name.as_str() {
            "cmyk.jpg" => 6,
            _ if name.ends_with("jpg") => 4,
            _ => 1,
        };
        assert!(far <= bound, "{name}: {far} of 255 away from Pillow");
    }
}

#[test]
fn a_file_cut_anywhere_is_refused() {
    for (name, bytes, _) in files() {
        // The ends of files in every place, what comes before in some.
        for length in (0..bytes.len()).filter(|length| length % 7 == 0 || length + 40 > bytes.len()) {
            let cut = decode(&bytes[..length], SIDE, &mut [0; 3 * SIDE * SIDE]);
            assert!(cut.is_err(), "{name}: its first {length} of {} bytes are taken", bytes.len());
        }
    }
}

/// A cut file to which the end of an image has been added again.
#[test]
fn data_that_end_early_are_refused_even_if_the_end_is_marked() {
    for (name, bytes, _) in files().into_iter().filter(|(name, ..)| name.ends_with("jpg")) {
        let start = bytes.windows(2).position(|pair| pair == [0xff, 0xda]).unwrap() + 14;
        for length in (start..bytes.len() - 4).step_by(3) {
            let cut = [&bytes[..length], &[0xff, 0xd9]].concat();
            let taken = decode(&cut, SIDE, &mut [0; 3 * SIDE * SIDE]).is_ok();
            assert!(!taken, "{name}: {length} of {} bytes and a marked end are taken", bytes.len());
        }
    }
}

/// The places of the compressed data of each scan of a JPEG file.
fn scans(bytes: &[u8]) -> Vec<std::ops::Range<usize>> {
    let (mut found, mut at) = (Vec::new(), 2);
    while bytes[at + 1] != 0xd9 {
        let marker = bytes[at + 1];
        at += 2 + usize::from(u16::from_be_bytes([bytes[at + 2], bytes[at + 3]]));
        if marker == 0xda {
            let start = at;
            while bytes[at] != 0xff || matches!(bytes[at + 1], 0 | 0xd0..=0xd7) {
                at += 1;
            }
            found.push(start..at);
        }
    }
    found
}

/// Every oddity of the files.
fn odd(bytes: &[u8]) -> Vec<&'static str> {
    decode(bytes, SIDE, &mut [0; 3 * SIDE * SIDE]).unwrap().reasons().collect()
}

/// Bytes put in before the end of any scan, as some cameras and editors leave them, or before another marker: they are passed over and reported.
#[test]
fn stray_bytes_before_a_marker_are_passed_over_and_reported() {
    let [mut passed, mut unclear] = [0; 2];
    for (name, bytes, _) in files().into_iter().filter(|(name, ..)| name.ends_with("jpg")) {
        let before = odd(&bytes).len();
        for place in scans(&bytes).into_iter().map(|scan| scan.end).chain([2]) {
            for more in [&[0][..], &[0; 40], &[0x55], &[7; 3000], &[0xff, 0, 0xff, 0], &[0xff, 0xd0, 0x12], &[0, 0, 9]]
            {
                let longer = [&bytes[..place], more, &bytes[place..]].concat();
                let Ok(planes) = decode_image(&longer, SIDE) else {
                    // A scan that ends with a whole byte may as well have been cut there and filled up with zeros.
                    assert!(more.iter().all(|byte| *byte == 0), "{name} {place} {more:?}: {}", problem(&longer));
                    unclear += 1;
                    continue;
                };
                assert_eq!(planes, decode_image(&bytes, SIDE).unwrap(), "{name} {place} {more:?}");
                let reasons = odd(&longer);
                assert!(
                    reasons.len() == before + 1 && reasons[before].starts_with("it has stray bytes"),
                    "{name}: {reasons:?}"
                );
                passed += 1;
            }
        }
    }
    assert!(passed > 100 && unclear * 4 < passed, "{passed} {unclear}");
}

#[test]
fn turned_and_animated_images_are_reported_and_others_are_not() {
    for (name, bytes, _) in files() {
        let reasons = odd(&bytes);
        let turned = reasons.iter().any(|text| text.starts_with("its EXIF data"));
        assert_eq!(turned, name.starts_with("turned") && name != "turned-1.jpg", "{name}: {reasons:?}");
        assert_eq!(reasons.len(), usize::from(turned), "{name}: {reasons:?}");
    }
    let frames = |count: u32| {
        let mut file = Vec::new();
        let mut encoder = ::png::Encoder::new(&mut file, 1, 1);
        encoder.set_color(::png::ColorType::Rgb);
        encoder.set_animated(count, 0).unwrap();
        let mut writer = encoder.write_header().unwrap();
        (0..count).for_each(|frame| writer.write_image_data(&[frame as u8; 3]).unwrap());
        writer.finish().unwrap();
        odd(&file)
    };
    assert_eq!(frames(1), Vec::<&str>::new());
    assert_eq!(frames(3), ["it has several frames, and only the first is read"]);
}

/// Every file, with another behind it, with and without zeros between, as an MPO file announces it, and with bytes that are none.
#[test]
fn what_follows_the_end_of_an_image_is_reported() {
    let followed = "it holds several images, one behind the other (as MPO files do), and only the first is read";
    let trailing = "it has bytes behind the end of its image, which are not read";
    let all = files();
    for (name, bytes, _) in &all {
        let (planes, before) = (decode_image(bytes, SIDE).unwrap(), odd(bytes));
        let behind = |rest: &[u8]| {
            let longer = [&bytes[..], rest].concat();
            assert_eq!(decode_image(&longer, SIDE).unwrap(), planes, "{name}");
            let reasons = odd(&longer);
            assert_eq!(reasons[..reasons.len() - 1], before, "{name}: {reasons:?}");
            reasons[reasons.len() - 1]
        };
        for (_, other, _) in &all {
            assert_eq!([behind(other), behind(&[&[0; 9][..], other].concat())], [followed; 2], "{name}");
        }
        for rest in [&b"\0"[..], &[0; 4096], b"x", b"\xff\xd8", b"\xff\xd9", &bytes[2..], b"PK\x03\x04", b"\r\n"] {
            assert_eq!(behind(rest), trailing, "{name} {rest:?}");
        }
        if name.ends_with("jpg") {
            let announced = [&bytes[..2], &[0xff, 0xe2, 0, 8], b"MPF\0II", &bytes[2..]].concat();
            assert_eq!(odd(&announced), before, "{name}: announced alone");
            assert_eq!(odd(&[&announced[..], b"\xff\xe0"].concat()).last(), Some(&followed), "{name}");
        }
    }
}

/// The end of a file overwritten, as by a copy that broke off on a disk.
#[test]
fn data_that_are_zeroed_are_refused() {
    let mut zeroed = 0;
    for (name, bytes, _) in files().into_iter().filter(|(name, ..)| name.ends_with("jpg")) {
        for scan in scans(&bytes) {
            for fill in [&[0xff][..], &[0xff, 0xff]] {
                let filled = [&bytes[..scan.end], fill, &bytes[scan.end..]].concat();
                assert_eq!(decode_image(&filled, SIDE).unwrap(), decode_image(&bytes, SIDE).unwrap(), "{name}");
            }
        }
        let last = scans(&bytes).pop().unwrap();
        for hundredths in [10, 20, 40, 60, 90] {
            let mut damaged = bytes.clone();
            damaged[last.end - (last.len() * hundredths / 100).max(4)..last.end].fill(0);
            let taken = decode(&damaged, SIDE, &mut [0; 3 * SIDE * SIDE]);
            assert!(taken.is_err(), "{name}: {hundredths} of 100 zeroed");
            zeroed += 1;
        }
    }
    assert!(zeroed > 50, "{zeroed}");
}

#[test]
fn what_follows_the_end_of_a_file_does_not_matter() {
    for (name, bytes, _) in files() {
        let found = decode_image(&[&bytes[..], b"more"].concat(), SIDE);
        assert_eq!(found.unwrap(), decode_image(&bytes, SIDE).unwrap(), "{name}");
    }
}

/// Rows beyond those that the header says, in a stream whose checksum is right; bytes behind the stream are none of it.
#[test]
fn a_png_of_more_pixels_than_its_header_says_is_refused() {
    let file = |bytes: &[u8]| indexed(3, 1, &[[1, 2, 3], [4, 5, 6]], &[&stored(bytes)]);
    decode_image(&file(&[0, 0x60]), 1).unwrap();
    for more in [&[0, 0x60, 0][..], &[0, 0x60, 0, 0x60]] {
        assert_eq!(problem(&file(more)), "its pixels are more than its header says");
    }
}

#[test]
fn a_header_cannot_claim_more_than_the_data_hold() {
    let mut jpeg = std::fs::read(folder().join("420.jpg")).unwrap();
    let frame = jpeg.windows(2).position(|pair| pair == [0xff, 0xc0]).unwrap();
    let mut sized = |height: u16, width: u16| {
        jpeg[frame + 5..frame + 7].copy_from_slice(&height.to_be_bytes());
        jpeg[frame + 7..frame + 9].copy_from_slice(&width.to_be_bytes());
        problem(&jpeg)
    };
    assert!(sized(8000, 8000).starts_with("it ends early: "), "{}", sized(8000, 8000));
    assert!(sized(600, 600).starts_with("it ends early: "), "{}", sized(600, 600));
    assert_eq!(sized(12_000, 12_000), "its header says 12000×12000 pixels, and at most 67108864 are decoded");
    assert_eq!(sized(0, 10), "its header says 10×0 pixels");
    let mut png = std::fs::read(folder().join("rgb.png")).unwrap();
    let mut sized = |width: u32, height: u32| {
        png[16..20].copy_from_slice(&width.to_be_bytes());
        png[20..24].copy_from_slice(&height.to_be_bytes());
        let sum = crc(&png[12..29]);
        png[29..33].copy_from_slice(&sum.to_be_bytes());
        problem(&png)
    };
    assert!(sized(8000, 8000).starts_with("it ends early: "), "{}", sized(8000, 8000));
    assert_eq!(sized(12_000, 12_000), "its header says 12000×12000 pixels, and at most 67108864 are decoded");
    assert!(sized(43, 25).starts_with("it "), "{}", sized(43, 25));
}

/// A PNG file of one row of indices of `bits` bits into a palette, made byte by byte; `packed` is its stream of pixels.
fn indexed(width: u32, bits: u8, palette: &[[u8; 3]], packed: &[&[u8]]) -> Vec<u8> {
    let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
    let mut chunk = |kind: &[u8; 4], contents: &[u8]| {
        file.extend((contents.len() as u32).to_be_bytes());
        let named = [kind, contents].concat();
        file.extend_from_slice(&named);
        file.extend(crc(&named).to_be_bytes());
    };
    let header = [&width.to_be_bytes()[..], &1_u32.to_be_bytes(), &[bits, 3, 0, 0, 0]].concat();
    chunk(b"IHDR", &header);
    chunk(b"PLTE", palette.as_flattened());
    packed.iter().for_each(|contents| chunk(b"IDAT", contents));
    chunk(b"IEND", &[]);
    file
}

/// A stream of one stored block, with its Adler-32.
fn stored(bytes: &[u8]) -> Vec<u8> {
    let length = bytes.len() as u16;
    let (a, b) = bytes.iter().fold((1_u32, 0), |(a, b), byte| {
        let a = (a + u32::from(*byte)) % 65_521;
        (a, (a + b) % 65_521)
    });
    [&[0x78, 1, 1], &length.to_le_bytes()[..], &(!length).to_le_bytes(), bytes, &(b << 16 | a).to_be_bytes()].concat()
}

/// Whole, cut anywhere, in one chunk or several, or with a wrong bit: only whole streams of pixels are taken.
#[test]
fn the_checksum_of_a_png_s_pixels_has_to_be_there() {
    let whole = stored(&[0, 0b0110_0000]);
    let file = |packed: &[&[u8]]| indexed(3, 1, &[[1, 2, 3], [4, 5, 6]], packed);
    for at in 0..=whole.len() {
        let (head, tail) = whole.split_at(at);
        decode_image(&file(&[head, &[], tail]), 1).unwrap();
        if at < whole.len() {
            let text = problem(&file(&[head]));
            assert!(
                text.starts_with("it ") || text.starts_with("the checksum of its pixels is missing"),
                "{at}: {text}"
            );
        }
    }
    decode_image(&file(&[&whole, b"more"]), 1).unwrap();
    for bit in 0..32 {
        let mut wrong = whole.clone();
        wrong[whole.len() - 4 + bit / 8] ^= 1 << (bit % 8);
        problem(&file(&[&wrong]));
    }
    // Cut by its last bytes, and nothing else: all pixels are there.
    for cut in 1..=4 {
        let text = problem(&file(&[&whole[..whole.len() - cut]]));
        assert!(text.starts_with("the checksum of its pixels is missing, cut short or wrong: "), "{text}");
    }
}

/// Every index of every width, in palettes of every length: in the palette, its colour; beyond it, an error.
#[test]
fn a_colour_that_the_palette_lacks_is_an_error() {
    let palette: Vec<[u8; 3]> = (0..=255).map(|i| [i, 255 - i, 7]).collect();
    for bits in [1, 2, 4, 8_u8] {
        let colours = 1_usize << bits;
        for index in 0..colours {
            // The last pixel of its row that the byte has room for.
            let (width, row) = (8 / u32::from(bits), [0, index as u8]);
            for length in [1, index.max(1), index + 1, colours] {
                let file = indexed(width, bits, &palette[..length], &[&stored(&row)]);
                let expected =
                    format!("a pixel is of colour {index}, and its palette has only {length}, counted from 0");
                match decode(&file, 1, &mut [0; 3]) {
                    Ok(_) => assert!(index < length, "{bits} bits, {index} of {length}"),
                    Err(text) => assert!(index >= length && text == expected, "{bits} bits: {text}"),
                }
            }
        }
    }
    let mut planes = [0; 3];
    decode(&indexed(1, 4, &palette[..3], &[&stored(&[0, 0x20])]), 1, &mut planes).unwrap();
    assert_eq!(planes, [2, 253, 7]);
}

/// The checksum of PNG's chunks, bit by bit.
fn crc(bytes: &[u8]) -> u32 {
    let step = |crc: u32| if crc & 1 == 1 { 0xedb8_8320 ^ crc >> 1 } else { crc >> 1 };
    !bytes.iter().fold(!0_u32, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), |crc, _| step(crc)))
}

#[test]
fn other_kinds_are_named() {
    let table: [(&[u8], &str); 8] = [
        (b"", "it is empty"),
        (b"<html>", "it is a text such as HTML or SVG, expected JPEG or PNG"),
        (b"GIF89a...", "it is a GIF file, expected JPEG or PNG"),
        (b"RIFF\x10\0\0\0WEBPVP8 ", "it is a WebP file, expected JPEG or PNG"),
        (b"BM......", "it is a BMP file, expected JPEG or PNG"),
        (b"II*\0....", "it is a TIFF file, expected JPEG or PNG"),
        (b"\0\0\0 ftypavif", "it is an AVIF file, expected JPEG or PNG"),
        (b"words", "it is of no known kind, expected JPEG or PNG"),
    ];
    for (bytes, text) in table {
        assert_eq!(problem(bytes), text);
    }
}

proptest::proptest! {
    #[test]
    fn no_bytes_make_it_panic(which in 0..29_usize, places in proptest::collection::vec((0..4000_usize, 0..=255_u8), 1..4)) {
        let (_, mut bytes, _) = files().swap_remove(which);
        places.iter().for_each(|&(place, byte)| { let at = place % bytes.len(); bytes[at] = byte; });
        let _ = decode_image(&bytes, SIDE);
    }
}
