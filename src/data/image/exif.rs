//! The orientation that a camera noted beside an image (EXIF, tag 0x0112). Knows that one tag.

/// How rows and columns of a file are to be shown: by exchanging them, after reading either of them backwards.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Orientation {
    /// Whether rows are read from the last to the first.
    pub rows_backwards: bool,
    /// Whether columns are read from the last to the first.
    pub columns_backwards: bool,
    /// Whether rows are shown as columns.
    pub exchanged: bool,
}

impl Orientation {
    /// Of the number 1 to 8 in the tag; anything else is as it stands.
    fn numbered(number: u16) -> Orientation {
        let (rows_backwards, columns_backwards, exchanged) = match number {
            2 => (false, true, false),
            3 => (true, true, false),
            4 => (true, false, false),
            5 => (false, false, true),
            6 => (true, false, true),
            7 => (true, true, true),
            8 => (false, true, true),
            _ => (false, false, false),
        };
        Orientation { rows_backwards, columns_backwards, exchanged }
    }
}

/// The orientation in a block of EXIF, which begins with the byte order. What is damaged says nothing.
pub(super) fn orientation(block: &[u8]) -> Orientation {
    find(block).map(Orientation::numbered).unwrap_or_default()
}

fn find(block: &[u8]) -> Option<u16> {
    let little = match block.get(..2)? {
        b"II" => true,
        b"MM" => false,
        _ => return None,
    };
    let short = |at: usize| {
        let bytes: [u8; 2] = block.get(at..at.checked_add(2)?)?.try_into().ok()?;
        Some(if little { u16::from_le_bytes(bytes) } else { u16::from_be_bytes(bytes) })
    };
    let [first, second] = [short(4)?, short(6)?].map(usize::from);
    let start = if little { second << 16 | first } else { first << 16 | second };
    let entries = usize::from(short(start)?);
    let entry = (0..entries).map(|entry| start + 2 + 12 * entry).find(|&at| short(at) == Some(0x0112))?;
    short(entry + 8)
}
