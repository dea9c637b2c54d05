//! Small random changes to training images that leave their class as it is.

use super::Normalise;
use crate::rng::Stream;

/// Which changes are made. Each is drawn anew for every sample of every epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Augment {
    /// Black pixels put around the image, from which a crop of the old size is cut at a random place; 0 for none.
    pub crop: usize,
    /// Whether half of the images are mirrored left to right.
    pub flip: bool,
    /// The side of a square set to the mean colour around a random pixel, in pixels (DeVries and Taylor, *Improved
    /// regularization of convolutional neural networks with cutout*, 2017); 0 for none.
    pub cutout: usize,
}

/// What was drawn for one image.
struct Draw {
    /// Rows and columns that the image is moved down and right.
    shift: [isize; 2],
    mirror: bool,
    /// The rows and columns that are set to the mean.
    hole: [std::ops::Range<usize>; 2],
}

impl Augment {
    fn draw(&self, [rows, columns]: [usize; 2], stream: &mut Stream) -> Draw {
        let mut shift = || stream.below(2 * self.crop + 1) as isize - self.crop as isize;
        let shift = [shift(), shift()];
        let mirror = self.flip && stream.word() & 1 == 1;
        let mut side = |size: usize| {
            let (middle, half) = (stream.below(size), self.cutout / 2);
            middle.saturating_sub(half)..(middle + self.cutout - half).min(size)
        };
        let hole = [side(rows), side(columns)];
        Draw { shift, mirror, hole: if self.cutout == 0 { [0..0, 0..0] } else { hole } }
    }

    /// Writes a changed image as numbers: from bytes `[C, H, W]` to `[C, H, W]`.
    pub(super) fn write(
        &self,
        image: &[u8],
        shape: [usize; 3],
        normalise: &Normalise,
        stream: &mut Stream,
        out: &mut [f32],
    ) {
        let [_, rows, columns] = shape;
        let draw = self.draw([rows, columns], stream);
        for (channel, (plane, out)) in image.chunks(rows * columns).zip(out.chunks_mut(rows * columns)).enumerate() {
            let table = normalise.table(channel);
            for (row, out) in out.chunks_mut(columns).enumerate() {
                let from = row as isize - draw.shift[0];
                let line = (0..rows as isize).contains(&from).then(|| &plane[from as usize * columns..][..columns]);
                write_row(line, draw.shift[1], table, out);
                if draw.mirror {
                    out.reverse();
                }
                if draw.hole[0].contains(&row) {
                    out[draw.hole[1].clone()].fill(0.0);
                }
            }
        }
    }
}

/// A row moved to the right by `shift`; what lies outside the image is black.
fn write_row(line: Option<&[u8]>, shift: isize, table: &[f32; 256], out: &mut [f32]) {
    for (column, out) in out.iter_mut().enumerate() {
        let from = column as isize - shift;
        let byte = line.and_then(|line| line.get(usize::try_from(from).ok()?)).copied().unwrap_or(0);
        *out = table[usize::from(byte)];
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Purpose;

    const SHAPE: [usize; 3] = [1, 4, 4];

    fn stream(sample: u32) -> Stream {
        Stream::new(0, Purpose::Augment, 0, sample)
    }

    fn written(augment: Augment, sample: u32) -> Vec<f32> {
        let image: Vec<u8> = (1..=16).collect();
        let mut out = vec![0.0; 16];
        let bytes = Normalise::with(vec![0.0], vec![1.0]);
        augment.write(&image, SHAPE, &bytes, &mut stream(sample), &mut out);
        out
    }

    /// The image moved and mirrored, found by search instead of by drawing.
    fn moved(down: isize, right: isize, mirror: bool) -> Vec<f32> {
        let at = |row: isize, column: isize| {
            let inside = (0..4).contains(&row) && (0..4).contains(&column);
            if inside { (row * 4 + column + 1) as f32 } else { 0.0 }
        };
        let places = (0..4).flat_map(|row| (0..4).map(move |column| (row, column)));
        places.map(|(row, column)| at(row - down, if mirror { 3 - column } else { column } - right)).collect()
    }

    #[test]
    fn every_crop_and_its_mirror_comes_about_equally_often() {
        let augment = Augment { crop: 1, flip: true, cutout: 0 };
        let mut counts = [0; 18];
        for sample in 0..18_000 {
            let out = written(augment, sample);
            let found = (0..18).find(|i| out == moved(i / 6 - 1, i / 2 % 3 - 1, i % 2 == 1));
            counts[found.expect("a crop is a moved image") as usize] += 1;
        }
        assert!(counts.iter().all(|count| (850..1150).contains(count)), "{counts:?}");
    }

    #[test]
    fn a_cutout_is_a_square_of_the_mean_and_the_rest_stays() {
        for sample in 0..200 {
            let out = written(Augment { cutout: 2, ..Augment::default() }, sample);
            let holes: Vec<usize> = (0..16).filter(|&i| out[i] == 0.0).collect();
            assert!([1, 2, 4].contains(&holes.len()), "{holes:?}");
            assert!((0..16).all(|i| out[i] == 0.0 || out[i] == i as f32 + 1.0));
        }
        assert_eq!(written(Augment::default(), 0), moved(0, 0, false));
    }
}
