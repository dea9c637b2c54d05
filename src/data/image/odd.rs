//! What is odd about a file of an image that is read nevertheless. Knows no format.

use super::exif::Orientation;

/// What is odd about a file that can be read, and is to be reported.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Odd {
    /// It is shown otherwise than its pixels are stored.
    pub turned: bool,
    /// It has frames after the first.
    pub animated: bool,
    /// It has bytes that belong to nothing.
    pub stray: bool,
    /// Another image follows the first in the same file.
    pub followed: bool,
    /// Bytes that are no image follow its end.
    pub trailing: bool,
}

/// How files of JPEG and PNG begin.
const STARTS: [&[u8]; 2] = [&[0xff, 0xd8, 0xff], b"\x89PNG\r\n\x1a\n"];

impl Odd {
    /// That of an image that is to be shown so.
    pub(super) fn turned(orientation: Orientation) -> Odd {
        Odd { turned: orientation != Orientation::default(), ..Odd::default() }
    }

    /// The same of a file in which this follows the end of the image; `announced` where the image says that others follow it.
    pub(super) fn before(self, rest: &[u8], announced: bool) -> Odd {
        // Between images that are joined, some programs leave zeros.
        let next = rest.iter().position(|byte| *byte != 0).map_or(&[][..], |at| &rest[at..]);
        let followed = !rest.is_empty() && (announced || STARTS.iter().any(|start| next.starts_with(start)));
        Odd { followed, trailing: !rest.is_empty() && !followed, ..self }
    }

    /// Each oddity in words.
    pub fn reasons(self) -> impl Iterator<Item = &'static str> {
        let all = [
            (
                self.turned,
                "its EXIF data turn or mirror it, which is done; torchvision's ImageFolder takes it as it is stored",
            ),
            (self.animated, "it has several frames, and only the first is read"),
            (self.stray, "it has stray bytes before a marker, which are passed over"),
            (
                self.followed,
                "it holds several images, one behind the other (as MPO files do), and only the first is read",
            ),
            (self.trailing, "it has bytes behind the end of its image, which are not read"),
        ];
        all.into_iter().filter_map(|(is_so, words)| is_so.then_some(words))
    }
}
