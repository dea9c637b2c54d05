//! Image files that belong to no data set, one by one. Knows paths; how an image is decoded, [`image`](super::image) knows.

use super::FileNote;
use super::folder::{contents, images_below};
use super::image::{self, MOST_SIDE, REMEDY};
use crate::error::{Error, Result};
use crate::files;
use crate::reserve;
use std::path::{Path, PathBuf};

/// An image as a network takes it, and what is odd about its file.
///
/// ```
/// use evograd::data::ImageFile;
/// let image = ImageFile { planes: vec![255; 3 * 8 * 8], odd: Vec::new() };
/// assert_eq!(image.grey(), [255; 8 * 8]);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageFile {
    /// Red, green and blue, one plane `[H, W]` of bytes after the other.
    pub planes: Vec<u8>,
    /// What does not keep it from being read, such as that it is turned.
    pub odd: Vec<&'static str>,
}

impl ImageFile {
    /// Reads the JPEG or PNG file `path`, or standard input where that is `-`, as the data set `folder` does: its middle, as wide
    /// and high as its short side, scaled to `side` rows and columns.
    ///
    /// ```
    /// use evograd::data::ImageFile;
    /// let error = ImageFile::read("no-such.png".as_ref(), 32).unwrap_err().to_string();
    /// assert!(error.starts_with("no-such.png: "));
    /// ```
    ///
    /// # Errors
    /// When the file cannot be read, is no whole JPEG or PNG file, or `side` is not from 1 to 4096; the error names the file.
    pub fn read(path: &Path, side: usize) -> Result<ImageFile> {
        let wrong = |problem: String| Error::file(path, problem, REMEDY);
        if !(1..=MOST_SIDE).contains(&side) {
            let problem = format!("{side} rows and columns were asked for");
            return Err(Error::file(path, problem, format!("ask for 1 to {MOST_SIDE}")));
        }
        let is_file = std::fs::metadata(path).is_ok_and(|found| found.is_file());
        let (bytes, _share) = match is_file {
            true => contents(path).map(|(bytes, share)| (bytes, Some(share))).map_err(wrong)?,
            // What a shell hands over: standard input, or a process substitution.
            false => (files::read_given(path).map_err(|error| files::unread(path, &error))?, None),
        };
        let mut planes = reserve::filled(3 * side * side, 0).map_err(|refused| refused.during("image"))?;
        let odd = image::decode(&bytes, side, &mut planes).map_err(wrong)?;
        Ok(ImageFile { planes, odd: odd.reasons().collect() })
    }

    /// One plane of brightness, `(19595 R + 38470 G + 7471 B) / 2¹⁶` rounded: luma by ITU-R BT.601 in the fixed-point numbers of
    /// Pillow's `convert("L")`. A grey image keeps its bytes.
    pub fn grey(&self) -> Vec<u8> {
        let area = self.planes.len() / 3;
        let [red, green, blue] = [0, 1, 2].map(|c| &self.planes[c * area..][..area]);
        let luma = |i: usize| {
            let sum = 19_595 * u32::from(red[i]) + 38_470 * u32::from(green[i]) + 7_471 * u32::from(blue[i]);
            ((sum + (1 << 15)) >> 16) as u8
        };
        (0..area).map(luma).collect()
    }
}

/// The image files below a folder, in the order of their names, and what else lies there.
///
/// ```
/// let folder = tempfile::tempdir().unwrap();
/// for name in ["b.jpg", "a.png", "notes.txt"] {
///     std::fs::write(folder.path().join(name), b"").unwrap();
/// }
/// let (images, others) = evograd::data::image_files(folder.path())?;
/// assert!(images[0].ends_with("a.png") && images[1].ends_with("b.jpg"));
/// assert_eq!(others[0].reason, "it is not named as a JPEG or PNG file");
/// # Ok::<(), evograd::Error>(())
/// ```
///
/// # Errors
/// When the folder, or one in it, cannot be read, or there is no image.
pub fn image_files(folder: &Path) -> Result<(Vec<PathBuf>, Vec<FileNote>)> {
    let (images, left_out) = images_below(folder)?;
    if images.is_empty() {
        let problem = "there is no image in this folder";
        return Err(Error::file(folder, problem, "name one with files that end in jpg, jpeg, jpe, jfif or png"));
    }
    Ok((images, left_out))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values of `PIL.Image.new("RGB", (1, 1), colour).convert("L").getpixel((0, 0))`.
    #[test]
    fn brightness_is_that_of_pillow() {
        for (colour, expected) in
            [([255, 0, 0], 76), ([0, 255, 0], 150), ([0, 0, 255], 29), ([12, 200, 99], 132), ([77, 77, 77], 77)]
        {
            let image = ImageFile { planes: colour.to_vec(), odd: Vec::new() };
            assert_eq!(image.grey(), [expected], "{colour:?}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.png");
        std::fs::write(&path, b"GIF89a").unwrap();
        let refused = |side| ImageFile::read(&path, side).unwrap_err().to_string();
        let problem = "it is a GIF file, expected JPEG or PNG; replace it by a whole JPEG or PNG file, or remove it";
        assert_eq!(refused(8), format!("{}: {problem}", path.display()));
        assert!(refused(0).ends_with("0 rows and columns were asked for; ask for 1 to 4096"));
        let error = ImageFile::read(folder.path(), 8).unwrap_err().to_string();
        let expected = "it is no file; give a file, or a pipe that something comes from";
        assert_eq!(error, format!("{}: {expected}", folder.path().display()));
        std::fs::remove_file(&path).unwrap();
        assert!(refused(8).ends_with("(os error 2); see whether its name is right"), "{}", refused(8));
        let error = image_files(folder.path()).unwrap_err().to_string();
        assert!(error.contains("there is no image in this folder"), "{error}");
    }
}
