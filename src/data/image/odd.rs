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
}

impl Odd {
    /// That of an image that is to be shown so.
    pub(super) fn turned(orientation: Orientation) -> Odd {
        Odd { turned: orientation != Orientation::default(), ..Odd::default() }
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
        ];
        all.into_iter().filter_map(|(is_so, words)| is_so.then_some(words))
    }
}
