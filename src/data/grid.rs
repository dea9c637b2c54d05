//! A grid of images in a PNG file, so that eyes can check them. Knows any data set, and no other format of files.

use super::Dataset;
use crate::error::{Error, Result};
use crate::reserve;
use crate::rng::{Purpose, Stream};
use crate::tensor::Tensor;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

/// Pixels between two images.
const GAP: usize = 2;
/// Small images are enlarged to at least about this many columns.
const WIDE: usize = 64;
/// More pixels than anybody looks at.
const MOST: usize = 1 << 28;

/// Draws a row of up to `count` images for each class, chosen at random by `seed`; classes without any have an empty
/// row. Returns how many images were drawn.
///
/// ```
/// use evograd::data::{Images, write_grid};
/// let two = Images::new([1, 1, 2], &["dark", "bright"], vec![10, 20, 230, 240], vec![0, 1])?;
/// let path = std::env::temp_dir().join("evograd-two.png");
/// assert_eq!(write_grid(&two, 10, 0, &path)?, 2);
/// # Ok::<(), evograd::Error>(())
/// ```
///
/// # Errors
/// When an image cannot be read, the grid would be too large, or the file cannot be written.
pub fn write_grid(set: &dyn Dataset, count: usize, seed: u64, path: &Path) -> Result<usize> {
    let mut canvas = Canvas::new(set.shape(), count, set.classes().len())?;
    let rows = choose(set, count, seed);
    let bytes = set.shape().iter().product();
    let mut image = reserve::filled(bytes, 0).map_err(|refused| refused.during("grid"))?;
    for (row, images) in rows.iter().enumerate() {
        for (column, &index) in images.iter().enumerate() {
            set.read(index, &mut image)?;
            canvas.draw(row, column, &image);
        }
    }
    canvas.write(path)?;
    Ok(rows.iter().map(Vec::len).sum())
}

/// Draws planes `[1, C, H, W]`, such as the feature maps of an image, as grey images in about as many rows as columns. Each is
/// stretched: its least value is black, its greatest white, and a plane of one value grey.
///
/// ```
/// use evograd::Tensor;
/// use evograd::data::write_maps;
/// let path = std::env::temp_dir().join("evograd-maps.png");
/// write_maps(&Tensor::from_fn([1, 5, 4, 4], |i| i as f32)?, &path)?;
/// # std::fs::remove_file(path).unwrap();
/// # Ok::<(), evograd::Error>(())
/// ```
///
/// # Errors
/// When the tensor has other axes, there are too many planes to draw, or the file cannot be written.
pub fn write_maps(maps: &Tensor, path: &Path) -> Result<()> {
    let [1, planes, height, width] = *maps.shape().sizes() else {
        let remedy = "give the output of a layer of images, for one image: [1, C, H, W]";
        return Err(Error::op("maps", "there are no planes to draw", &[("maps", maps.shape())], remedy));
    };
    let columns = (1..=planes).find(|columns| columns * columns >= planes).unwrap_or(1);
    let mut canvas = Canvas::new([1, height, width], columns, planes.div_ceil(columns))?;
    for (i, plane) in maps.as_slice().chunks(height * width).enumerate() {
        canvas.draw(i / columns, i % columns, &stretched(plane));
    }
    canvas.write(path)
}

/// Numbers as bytes, from the least to the greatest that is finite; what is not finite is black.
fn stretched(plane: &[f32]) -> Vec<u8> {
    let finite = || plane.iter().copied().filter(|x| x.is_finite()).map(f64::from);
    let (low, high) = (finite().fold(f64::INFINITY, f64::min), finite().fold(f64::NEG_INFINITY, f64::max));
    let byte = |x: &f32| match (x.is_finite(), high > low) {
        (false, _) => 0,
        (true, false) => 128,
        (true, true) => (255.0 * (f64::from(*x) - low) / (high - low)).round() as u8,
    };
    plane.iter().map(byte).collect()
}

/// Up to `count` images of each class: the first ones of an order drawn at random (Fisher and Yates).
fn choose(set: &dyn Dataset, count: usize, seed: u64) -> Vec<Vec<usize>> {
    let mut rows = vec![Vec::new(); set.classes().len()];
    (0..set.len()).for_each(|index| rows[set.label(index)].push(index));
    for (class, row) in (0..).zip(&mut rows) {
        let mut stream = Stream::new(seed, Purpose::Split, class, 0);
        for place in 0..count.min(row.len()) {
            let other = place + stream.below(row.len() - place);
            row.swap(place, other);
        }
        row.truncate(count);
    }
    rows
}

/// The grid while it is drawn.
struct Canvas {
    /// `[C, H, W]` of an image.
    shape: [usize; 3],
    /// How often each pixel is repeated.
    scale: usize,
    width: usize,
    height: usize,
    /// Interleaved, as PNG has them.
    pixels: Vec<u8>,
}

impl Canvas {
    fn new(shape: [usize; 3], columns: usize, rows: usize) -> Result<Canvas> {
        let [channels, height, width] = shape;
        if ![1, 3].contains(&channels) {
            let problem = format!("images of {channels} planes cannot be drawn");
            return Err(Error::op("grid", problem, &[], "use grey images or those of red, green and blue"));
        }
        let scale = WIDE.div_ceil(width).max(1);
        let size = |count: usize, length: usize| count.checked_mul(length * scale + GAP)?.checked_add(GAP);
        let sizes = size(columns, width).zip(size(rows, height));
        let fits = |&(width, height): &(usize, usize)| width.checked_mul(height).is_some_and(|area| area <= MOST);
        let Some((width, height)) = sizes.filter(fits) else {
            let problem = format!("{rows} rows of {columns} images of {height}×{width} are too many to draw");
            return Err(Error::op("grid", problem, &[], "ask for fewer in a row"));
        };
        let pixels = reserve::filled(width * height * channels, 255).map_err(|refused| refused.during("grid"))?;
        Ok(Canvas { shape, scale, width, height, pixels })
    }

    fn draw(&mut self, row: usize, column: usize, image: &[u8]) {
        let ([channels, height, width], scale) = (self.shape, self.scale);
        let top = GAP + row * (height * scale + GAP);
        let left = GAP + column * (width * scale + GAP);
        for y in 0..height * scale {
            let start = (top + y) * self.width + left;
            let line = &mut self.pixels[start * channels..][..width * scale * channels];
            for (x, pixel) in line.chunks_exact_mut(channels).enumerate() {
                let place = y / scale * width + x / scale;
                pixel.iter_mut().enumerate().for_each(|(c, value)| *value = image[c * height * width + place]);
            }
        }
    }

    fn write(&self, path: &Path) -> Result<()> {
        let unwritable = |error: png::EncodingError| Error::file(path, error, "name a file that can be written");
        let file = File::create(path).map_err(|error| unwritable(error.into()))?;
        let mut encoder = png::Encoder::new(BufWriter::new(file), self.width as u32, self.height as u32);
        encoder.set_color(if self.shape[0] == 1 { png::ColorType::Grayscale } else { png::ColorType::Rgb });
        let mut writer = encoder.write_header().map_err(unwritable)?;
        // In chunks: all at once, the encoder would hold the compressed image besides.
        let mut stream = writer.stream_writer().map_err(unwritable)?;
        stream.write_all(&self.pixels).map_err(|error| unwritable(error.into()))?;
        stream.finish().and_then(|()| writer.finish()).map_err(unwritable)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Images;
    use super::*;

    /// What a decoder makes of a file: width, height, colour type, bytes.
    fn decoded(path: &Path) -> (u32, u32, png::ColorType, Vec<u8>) {
        let mut reader = png::Decoder::new(std::io::BufReader::new(File::open(path).unwrap())).read_info().unwrap();
        let mut bytes = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut bytes).unwrap();
        (info.width, info.height, info.color_type, bytes)
    }

    /// Three maps of 64 by 64 in two rows of two: each from black to white, whatever its values are.
    #[test]
    fn maps_are_stretched_and_laid_out_in_a_square() {
        let area = 64 * 64;
        let value = |i: usize| [(i % area) as f32, -1e6 * (i % area) as f32, 7.0][i / area];
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("maps.png");
        write_maps(&Tensor::from_fn([1, 3, 64, 64], value).unwrap(), &path).unwrap();
        let (width, height, colour, bytes) = decoded(&path);
        assert_eq!((width, height, colour), (134, 134, png::ColorType::Grayscale));
        let at = |y: usize, x: usize| bytes[y * 134 + x];
        let corners = |top: usize, left: usize| [at(top, left), at(top + 63, left + 63)];
        assert_eq!([corners(2, 2), corners(2, 68), corners(68, 2)], [[0, 255], [255, 0], [128, 128]]);
        assert_eq!(stretched(&[f32::NAN, 1.0, 2.0, 3.0]), [0, 0, 128, 255]);
        let text = write_maps(&Tensor::zeros([1, 10]).unwrap(), &path).unwrap_err().to_string();
        assert!(text.starts_with("maps: there are no planes to draw (maps [1, 10]); give the output"), "{text}");
    }

    #[test]
    fn a_row_is_a_class_and_colours_keep_their_order() {
        let classes = ["a", "b", "c"].map(String::from);
        let area = 64 * 64;
        // Planes of red, green and blue; the upper half of the blue plane is dark.
        let image = |r: u8, g: u8| [vec![r; area], vec![g; area], vec![0; area / 2], vec![200; area / 2]].concat();
        let bytes = [image(10, 20), image(30, 40), image(10, 20)].concat();
        let set = Images::new([3, 64, 64], &classes, bytes, vec![0, 2, 0]).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("grid.png");
        assert_eq!(write_grid(&set, 2, 0, &path), Ok(3));
        let (width, height, colour, bytes) = decoded(&path);
        assert_eq!((width, height, colour), (2 + 2 * 66, 2 + 3 * 66, png::ColorType::Rgb));
        let pixel = |x: usize, y: usize| &bytes[(y * width as usize + x) * 3..][..3];
        assert_eq!([pixel(0, 0), pixel(2, 2), pixel(65, 65)], [[255; 3], [10, 20, 0], [10, 20, 200]]);
        assert_eq!(
            [pixel(68, 2), pixel(2, 68), pixel(2, 134), pixel(68, 134)],
            [[10, 20, 0], [255; 3], [30, 40, 0], [255; 3]]
        );
    }

    #[test]
    fn small_grey_images_are_enlarged() {
        let set = Images::new([1, 2, 32], &["a"], vec![7; 64], vec![0]).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("grid.png");
        write_grid(&set, 1, 0, &path).unwrap();
        let (width, height, colour, bytes) = decoded(&path);
        assert_eq!((width, height, colour), (68, 8, png::ColorType::Grayscale));
        assert_eq!(bytes.iter().filter(|&&value| value == 7).count(), 64 * 4);
    }

    #[test]
    fn the_choice_depends_on_the_seed_alone() {
        let labels: Vec<u16> = (0..60).map(|i| i % 3).collect();
        let set = Images::new([1, 1, 1], &["a", "b", "c"].map(String::from), vec![0; 60], labels).unwrap();
        let rows = choose(&set, 5, 1);
        assert_eq!(rows, choose(&set, 5, 1));
        assert_ne!(rows, choose(&set, 5, 2));
        for (class, row) in rows.iter().enumerate() {
            let distinct: std::collections::BTreeSet<_> = row.iter().collect();
            assert!(distinct.len() == 5 && row.iter().all(|&index| set.label(index) == class), "{row:?}");
        }
        assert_eq!(choose(&set, 99, 1).iter().map(Vec::len).collect::<Vec<_>>(), [20; 3]);
    }

    #[test]
    fn what_cannot_be_drawn_is_reported() {
        let error = |channels: usize, count| {
            let set = Images::new([channels, 1, 1], &["a"], vec![0; channels], vec![0]).unwrap();
            write_grid(&set, count, 0, Path::new("/no/such/folder/grid.png")).unwrap_err().to_string()
        };
        assert_eq!(
            error(2, 1),
            "grid: images of 2 planes cannot be drawn; use grey images or those of red, green and blue"
        );
        assert_eq!(
            error(1, usize::MAX),
            "grid: 1 rows of 18446744073709551615 images of 1×1 are too many to draw; ask for fewer in a row"
        );
        assert!(error(1, 1).starts_with("/no/such/folder/grid.png: "));
    }
}
