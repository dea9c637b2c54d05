//! Folders of pictures as ImageNet is laid out: `train/CLASS/*.jpg`, and the same below `val` or `test`. Knows paths and
//! how pictures are cut to size.
//!
//! Only names are kept in memory; a picture is decoded when it is read, so an error in one shows then. It is scaled so that
//! its short side has the wanted size, and the middle of the long side is taken.

use super::catalogue::SetInfo;
use super::{Augment, Sets};
use crate::error::{Error, Result};
use std::path::Path;

/// The size of pictures where none is asked for: ImageNet's usual one.
const SIDE: usize = 224;

/// The row of image folders in the catalogue.
pub(super) const FOLDER: SetInfo = SetInfo {
    name: "folder",
    summary: "your own pictures: train/CLASS/*.jpg and val/CLASS/*.jpg, or test, as ImageNet has them",
    classes: None,
    shape: None,
    counts: None,
    augment: Augment { crop: 28, flip: true, cutout: 0 },
    licence: "that of the pictures",
    mirrors: &[],
    archives: &[],
    folder: None,
    files: &["train"],
    open: |folder| open_folder(folder, SIDE),
    loose: |_| true,
};

#[cfg(feature = "folders")]
pub use decoded::open_folder;

/// Opens a folder of pictures, cut to `side` rows and columns.
///
/// # Errors
/// Always: this build has no decoder of pictures.
#[cfg(not(feature = "folders"))]
pub fn open_folder(folder: &Path, side: usize) -> Result<Sets> {
    let problem = format!("this build cannot decode pictures (to {side}×{side})");
    Err(Error::Feature { path: folder.display().to_string(), problem, feature: "folders" })
}

#[cfg(feature = "folders")]
mod decoded {
    use super::{Error, Path, Result, Sets};
    use crate::data::Dataset;
    use image::imageops::{FilterType, crop_imm};
    use image::{ImageReader, RgbImage};
    use std::path::PathBuf;
    use std::sync::Arc;

    const LAYOUT: &str = "lay the pictures out as train/CLASS/*.jpg and val/CLASS/*.jpg (jpg, jpeg or png)";

    /// The pictures below one folder of classes.
    struct Folder {
        root: PathBuf,
        side: usize,
        classes: Vec<String>,
        /// The name and the class of each picture.
        files: Vec<(Box<str>, u16)>,
    }

    /// Opens a folder of pictures, cut to `side` rows and columns. The classes are the folders below `train`, in the order
    /// of their names; those below `val` (or `test`, where there is no `val`) have to be the same.
    ///
    /// # Errors
    /// When a folder is missing, a class is empty, or the classes differ.
    pub fn open_folder(folder: &Path, side: usize) -> Result<Sets> {
        if side == 0 {
            return Err(Error::op("folder", "pictures of 0 rows were asked for", &[], "ask for at least 1"));
        }
        let root = folder.join("train");
        let train = Folder::list(root.clone(), side, subfolders(&root)?)?;
        let root = ["val", "test"].map(|name| folder.join(name)).into_iter().find(|path| path.is_dir());
        let root = root.ok_or_else(|| Error::file(folder, "there is neither val nor test in it", LAYOUT))?;
        let found = subfolders(&root)?;
        let other = |name: &&String| found.contains(name) != train.classes.contains(name);
        if let Some(name) = train.classes.iter().chain(&found).find(other) {
            let (has, lacks) =
                if found.contains(name) { ("it has", "train has not") } else { ("train has", "it has not") };
            let problem = format!("{has} the class {name}, which {lacks}");
            return Err(Error::file(root, problem, "use the same classes in both"));
        }
        let test = Folder::list(root, side, found)?;
        Ok(Sets { train: Arc::new(train), test: Arc::new(test) })
    }

    impl Folder {
        fn list(root: PathBuf, side: usize, classes: Vec<String>) -> Result<Folder> {
            if classes.is_empty() || classes.len() > usize::from(u16::MAX) {
                let problem = format!("it has {} classes, expected 1 to {}", classes.len(), u16::MAX);
                return Err(Error::file(root, problem, LAYOUT));
            }
            let mut files = Vec::new();
            for (label, class) in (0..).zip(&classes) {
                let path = root.join(class);
                let pictures = names(&path, false)?.into_iter().filter(|name| is_picture(name));
                let before = files.len();
                files.extend(pictures.map(|name| (name.into_boxed_str(), label)));
                if files.len() == before {
                    return Err(Error::file(path, "there is no picture in this class", LAYOUT));
                }
            }
            Ok(Folder { root, side, classes, files })
        }
    }

    impl Dataset for Folder {
        fn len(&self) -> usize {
            self.files.len()
        }
        fn shape(&self) -> [usize; 3] {
            [3, self.side, self.side]
        }
        fn classes(&self) -> &[String] {
            &self.classes
        }
        fn label(&self, index: usize) -> usize {
            self.files[index].1.into()
        }
        fn read(&self, index: usize, picture: &mut [u8]) -> Result<()> {
            let (name, label) = &self.files[index];
            let path = self.root.join(&self.classes[usize::from(*label)]).join(&**name);
            let square = square(&decode(&path)?, self.side as u32);
            let area = self.side * self.side;
            for (place, pixel) in square.pixels().enumerate() {
                (0..3).for_each(|c| picture[c * area + place] = pixel.0[c]);
            }
            Ok(())
        }
    }

    /// The decoder's own limit on memory holds, so a small file cannot claim a huge picture.
    fn decode(path: &Path) -> Result<RgbImage> {
        let remedy = "replace it by a whole JPEG or PNG file, or remove it";
        let reader = ImageReader::open(path).and_then(ImageReader::with_guessed_format);
        let decoded = reader.map_err(|error| Error::file(path, error, remedy))?.decode();
        Ok(decoded.map_err(|error| Error::file(path, error, remedy))?.into_rgb8())
    }

    /// Cuts out the middle, as wide and high as the short side, and scales it: less work than the other way round.
    fn square(picture: &RgbImage, side: u32) -> RgbImage {
        let (width, height) = picture.dimensions();
        let short = width.min(height);
        let (left, top) = ((width - short) / 2, (height - short) / 2);
        let middle = crop_imm(picture, left, top, short, short).to_image();
        image::imageops::resize(&middle, side, side, FilterType::Triangle)
    }

    fn is_picture(name: &str) -> bool {
        let ending = Path::new(name).extension().map(|ending| ending.to_string_lossy().to_lowercase());
        !name.starts_with('.') && ending.is_some_and(|ending| ["jpg", "jpeg", "png"].contains(&&*ending))
    }

    fn subfolders(folder: &Path) -> Result<Vec<String>> {
        names(folder, true)
    }

    /// The names of the folders or of the files in a folder, sorted; hidden ones are left out.
    fn names(folder: &Path, folders: bool) -> Result<Vec<String>> {
        let mut names = Vec::new();
        let wrong = |error| Error::file(folder, error, LAYOUT);
        for entry in std::fs::read_dir(folder).map_err(wrong)? {
            let entry = entry.map_err(wrong)?;
            let name = entry.file_name().into_string();
            let name = name.map_err(|_| Error::file(entry.path(), "its name is no Unicode", "rename it"))?;
            if !name.starts_with('.') && entry.path().is_dir() == folders {
                names.push(name);
            }
        }
        names.sort();
        Ok(names)
    }

    #[cfg(test)]
    mod tests {
        use super::*;
        use image::Rgb;
        use std::fs;

        fn picture(width: u32, height: u32, colour: impl Fn(u32, u32) -> [u8; 3]) -> RgbImage {
            RgbImage::from_fn(width, height, |x, y| Rgb(colour(x, y)))
        }

        /// Two classes; the training set has a wide, a tall and an exact picture.
        fn tiny() -> tempfile::TempDir {
            let folder = tempfile::tempdir().unwrap();
            let save = |name: &str, picture: RgbImage| {
                let path = folder.path().join(name);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                picture.save(path).unwrap();
            };
            // Red on the left, green in the middle, blue on the right.
            let bands = |x: u32| [[255, 0, 0], [0, 255, 0], [0, 0, 255]][(x / 8) as usize];
            save("train/b/wide.png", picture(24, 8, |x, _| bands(x)));
            save("train/b/tall.JPEG", picture(8, 24, |_, y| bands(y)));
            save("train/a/exact.png", picture(4, 4, |x, y| [x as u8, y as u8, 9]));
            save("val/a/one.png", picture(4, 4, |_, _| [1, 2, 3]));
            save("val/b/two.png", picture(4, 4, |_, _| [1, 2, 3]));
            fs::write(folder.path().join("train/a/notes.txt"), "no picture").unwrap();
            folder
        }

        fn error(folder: &Path) -> String {
            open_folder(folder, 4).err().unwrap().to_string().replace(&format!("{}", folder.display()), "F")
        }

        #[test]
        fn classes_are_sorted_and_pictures_cut_to_their_middle() {
            let folder = tiny();
            let sets = open_folder(folder.path(), 4).unwrap();
            assert_eq!(sets.train.classes(), ["a", "b"]);
            assert_eq!((sets.train.len(), sets.test.len(), sets.train.shape()), (3, 2, [3, 4, 4]));
            assert_eq!([0, 1, 2].map(|i| sets.train.label(i)), [0, 1, 1]);
            let mut exact = [0; 48];
            sets.train.read(0, &mut exact).unwrap();
            assert_eq!([exact[1], exact[16 + 4], exact[32]], [1, 1, 9]);
            for (index, tolerance) in [(1, 30), (2, 0)] {
                let mut middle = [0; 48];
                sets.train.read(index, &mut middle).unwrap();
                let wanted = |place: usize| if (16..32).contains(&place) { 255_i32 } else { 0 };
                let far = (0..48).map(|i| (i32::from(middle[i]) - wanted(i)).abs()).max().unwrap();
                assert!(far <= tolerance, "picture {index}: {middle:?}");
            }
        }

        #[test]
        fn what_is_missing_is_told() {
            let folder = tiny();
            let at = |name: &str| folder.path().join(name);
            fs::create_dir(at("val/c")).unwrap();
            assert_eq!(
                error(folder.path()),
                "F/val: it has the class c, which train has not; use the same classes in both"
            );
            fs::remove_dir(at("val/c")).unwrap();
            fs::remove_file(at("train/a/exact.png")).unwrap();
            assert_eq!(error(folder.path()), format!("F/train/a: there is no picture in this class; {LAYOUT}"));
            fs::remove_dir_all(at("train/a")).unwrap();
            assert_eq!(
                error(folder.path()),
                "F/val: it has the class a, which train has not; use the same classes in both"
            );
            fs::rename(at("val"), at("vax")).unwrap();
            assert_eq!(error(folder.path()), format!("F: there is neither val nor test in it; {LAYOUT}"));
            fs::remove_dir_all(at("train/b")).unwrap();
            assert_eq!(error(folder.path()), format!("F/train: it has 0 classes, expected 1 to 65535; {LAYOUT}"));
            fs::remove_dir(at("train")).unwrap();
            assert!(error(folder.path()).starts_with("F/train: No such file"));
        }

        #[test]
        fn a_broken_picture_is_told_when_it_is_read() {
            let folder = tiny();
            let path = folder.path().join("train/a/exact.png");
            let whole = fs::read(&path).unwrap();
            let sets = open_folder(folder.path(), 4).unwrap();
            for bytes in [&whole[..whole.len() / 2], b"", b"<html>"] {
                fs::write(&path, bytes).unwrap();
                let error = sets.train.read(0, &mut [0; 48]).unwrap_err().to_string();
                assert!(error.starts_with(&path.display().to_string()), "{error}");
                assert!(error.ends_with("; replace it by a whole JPEG or PNG file, or remove it"), "{error}");
            }
        }
    }
}
