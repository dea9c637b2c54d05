//! What is odd about a data set as a whole: images that are all the same, of one class, of two classes at once, or in the training
//! and the test set. Knows no format and no network.

use super::parallel::image_bytes;
use super::progress::Progress;
use super::{Dataset, Sets};
use crate::error::{Error, Result};
use crate::par;
use crate::reserve;
use std::collections::{HashMap, HashSet};

/// Images that are read between two reports of progress.
const SOME: usize = 4096;

/// What is known of an image without a network.
#[derive(Clone, Copy)]
struct Look {
    /// The same for the same image, and for others hardly ever.
    print: u128,
    /// Whether it is of a single colour.
    plain: bool,
}

/// Whether the test set is used, or is still to be seen by nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TestSet {
    /// Something is evaluated on it.
    Used,
    /// It is not looked at.
    Unused,
}

/// Says of a data set what nobody can have meant and a network would learn in silence: how many images are of a single colour, are
/// there with two labels, or in the test set as well as in the training set; and labels that are all the same. The test set is
/// looked at only where it is used. Images that are files are compared by their bytes, others by their pixels.
///
/// ```
/// use evograd::data::{Images, Sets, TestSet, findings};
/// use std::sync::Arc;
/// let set = |bytes: &[u8]| Arc::new(Images::new([1, 1, 2], &["a", "b"], bytes.to_vec(), vec![0, 1]).unwrap());
/// let found = findings(&Sets { train: set(&[1, 2, 3, 4]), test: set(&[5, 6, 3, 4]) }, TestSet::Used, &mut ())?;
/// assert!(found[0].starts_with("1 of 2 test images is also in the training set"));
/// # Ok::<(), evograd::Error>(())
/// ```
///
/// # Errors
/// When all images of a set are the same, or one cannot be read.
pub fn findings(sets: &Sets, test: TestSet, progress: &mut dyn Progress) -> Result<Vec<String>> {
    let mut found = Vec::new();
    let train = looks(&*sets.train, "comparing training images", progress)?;
    of_set(&*sets.train, "training", &train, &mut found)?;
    if test == TestSet::Used {
        let test = looks(&*sets.test, "comparing test images", progress)?;
        of_set(&*sets.test, "test", &test, &mut found)?;
        let known: HashSet<u128> = train.iter().map(|look| look.print).collect();
        let shared = test.iter().filter(|look| known.contains(&look.print)).count();
        let meaning =
            "also in the training set, so what a network answers there says nothing of images that it has not seen";
        found.extend(share(shared, test.len(), "test", &format!("{meaning}; take them out of one of the two")));
    }
    Ok(found)
}

/// What there is to say of one set; `looks` is empty where images are not looked at.
fn of_set(set: &dyn Dataset, name: &str, looks: &[Look], found: &mut Vec<String>) -> Result<()> {
    if let [first, _, ..] = looks
        && looks.iter().all(|look| look.print == first.print)
    {
        let problem = format!("all {} {name} images are the same image, so nothing can be distinguished", looks.len());
        return Err(Error::op("data", problem, &[], "see whether its files are the right ones, and get the set anew"));
    }
    let mut labels = (0..set.len()).map(|index| set.label(index));
    let first = labels.next().unwrap_or(0);
    if set.len() > 1 && set.classes().len() > 1 && labels.all(|label| label == first) {
        let (count, class) = (set.len(), set.classes().get(first).map_or("?", String::as_str));
        found.push(format!("all {count} {name} images are of the class {class}; see whether the labels are right"));
    }
    let plain = looks.iter().filter(|look| look.plain).count();
    found.extend(share(
        plain,
        looks.len(),
        name,
        "of a single colour and shows nothing; see whether its file is right",
    ));
    let twice =
        "also there with another label, so it is learned wrongly at least once; see whether the labels are right";
    found.extend(share(with_two_labels(set, looks), looks.len(), name, twice));
    Ok(())
}

/// `3 of 10 test images are …`, where there is one at least.
fn share(count: usize, all: usize, name: &str, what: &str) -> Option<String> {
    let subject = match count {
        0 => return None,
        1 => format!("1 of {all} {name} images is"),
        count if count == all => format!("all {all} {name} images are"),
        count => format!("{count} of {all} {name} images are"),
    };
    let what = if count == 1 { what.to_string() } else { plural(what) };
    Some(format!("{subject} {what}"))
}

/// What is said of one image, of several.
fn plural(what: &str) -> String {
    what.replace("and shows", "and show")
        .replace("its file is", "their files are")
        .replace("it is learned", "they are learned")
}

/// Images that are there with another label as well.
fn with_two_labels(set: &dyn Dataset, looks: &[Look]) -> usize {
    // The label of each image, or none where it has several.
    let mut labels: HashMap<u128, Option<usize>> = HashMap::with_capacity(looks.len());
    for (index, look) in looks.iter().enumerate() {
        let label = set.label(index);
        let known = labels.entry(look.print).or_insert(Some(label));
        if *known != Some(label) {
            *known = None;
        }
    }
    looks.iter().filter(|look| labels[&look.print].is_none()).count()
}

/// A look at each image; at none where that would mean to decode them all.
fn looks(set: &dyn Dataset, what: &str, progress: &mut dyn Progress) -> Result<Vec<Look>> {
    if let Some(prints) = set.file_prints(progress)? {
        return Ok(prints.into_iter().map(|print| Look { print, plain: false }).collect());
    }
    if set.is_decoded() {
        return Ok(Vec::new());
    }
    let (bytes, [_, rows, columns]) = (image_bytes(set)?, set.shape());
    let look = |index: usize| -> Result<Look> {
        let mut image = reserve::filled(bytes, 0).map_err(|refused| refused.during("data"))?;
        set.read(index, &mut image)?;
        let is_plain = |plane: &[u8]| plane.iter().all(|byte| *byte == plane[0]);
        let plain = rows * columns > 1 && image.chunks(rows * columns).all(is_plain);
        Ok(Look { print: print(&image), plain })
    };
    let mut looks = Vec::with_capacity(set.len());
    for first in (0..set.len()).step_by(SOME) {
        let end = set.len().min(first + SOME);
        for look in par::map(end - first, |index| look(first + index)) {
            looks.push(look?);
        }
        progress.count(what, end as u64, set.len() as u64);
    }
    Ok(looks)
}

/// A number that is the same for the same bytes. It guards against chance, not against somebody who looks for two images with
/// one number.
fn print(bytes: &[u8]) -> u128 {
    const FACTORS: [u64; 2] = [0x9e37_79b9_7f4a_7c15, 0xd6e8_feb8_6659_fd93];
    let fold = |a: u64, b: u64| {
        let product = u128::from(a) * u128::from(b);
        (product >> 64) as u64 ^ product as u64
    };
    let (mut a, mut b) = (bytes.len() as u64 ^ FACTORS[1], FACTORS[0]);
    for chunk in bytes.chunks(16) {
        let mut words = [0; 16];
        words[..chunk.len()].copy_from_slice(chunk);
        let word = u128::from_le_bytes(words);
        let [x, y] = [word as u64, (word >> 64) as u64];
        // Each state takes up both words; the sum keeps a product that is 0 from forgetting what came before.
        a = fold(a ^ x, FACTORS[0] ^ y).wrapping_add(a.rotate_left(23));
        b = fold(b ^ y, FACTORS[1] ^ x).wrapping_add(b.rotate_left(41));
    }
    u128::from(a) << 64 | u128::from(b)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Images, shapes_of};
    use std::sync::Arc;

    fn set(bytes: &[u8], labels: &[u16]) -> Arc<dyn Dataset> {
        Arc::new(Images::new([1, 1, 2], &["a", "b"], bytes.to_vec(), labels.to_vec()).unwrap())
    }

    fn found(train: Arc<dyn Dataset>, test: Arc<dyn Dataset>) -> String {
        match findings(&Sets { train, test }, TestSet::Used, &mut ()) {
            Ok(found) => found.join("\n"),
            Err(error) => format!("error: {error}"),
        }
    }

    /// Each way of being odd, alone, in either set, with its count.
    #[test]
    fn each_oddity_is_reported_with_its_count() {
        let good = || set(&[1, 2, 3, 4, 5, 6], &[0, 1, 1]);
        let other = || set(&[7, 8, 9, 8], &[0, 1]);
        assert_eq!(found(good(), other()), "");
        for (bytes, labels, said) in [
            (&[7, 7, 7, 7][..], &[0, 1][..], "error: data: all 2 SET images are the same image"),
            (&[7, 8, 7, 8, 7, 8], &[0, 1, 0], "error: data: all 3 SET images are the same image"),
            (&[7, 8, 9, 8], &[1, 1], "all 2 SET images are of the class b; see"),
            (&[7, 7, 9, 8], &[0, 1], "1 of 2 SET images is of a single colour and shows nothing; see"),
            (&[7, 7, 9, 9], &[0, 1], "all 2 SET images are of a single colour and show nothing; see"),
            (&[7, 8, 7, 8, 9, 8], &[0, 1, 1], "2 of 3 SET images are also there with another label"),
        ] {
            for name in ["training", "test"] {
                let odd = set(bytes, labels);
                let text = if name == "training" { found(odd, good()) } else { found(good(), odd) };
                assert!(text.starts_with(&said.replace("SET", name)) && !text.contains('\n'), "{text}");
            }
        }
        let one = set(&[7, 7], &[0]);
        assert!(!found(good(), one).contains("the same"), "one image is no set of images that are the same");
        for (test, said) in [
            (set(&[1, 2, 9, 8], &[0, 1]), "1 of 2 test images is also in the training set"),
            (set(&[1, 2, 3, 4, 9, 8], &[0, 1, 1]), "2 of 3 test images are also in the training set"),
            (good(), "all 3 test images are also in the training set"),
        ] {
            assert!(found(good(), test).starts_with(said));
        }
    }

    /// A search must not look at the test set.
    #[test]
    fn a_test_set_that_is_not_used_is_not_looked_at() {
        let sets = Sets { train: set(&[1, 2, 3, 4], &[0, 1]), test: set(&[1, 2, 1, 2], &[0, 0]) };
        assert!(findings(&sets, TestSet::Unused, &mut ()).unwrap().is_empty());
        assert!(findings(&sets, TestSet::Used, &mut ()).is_err());
    }

    #[test]
    fn nothing_is_said_of_the_set_that_comes_with_the_program() {
        assert_eq!(findings(&shapes_of(0, 500, 100).unwrap(), TestSet::Used, &mut ()).unwrap(), [""; 0]);
    }

    /// Any byte of an image, and its length.
    #[test]
    fn images_that_differ_have_different_prints() {
        let mut prints = HashSet::new();
        for length in 0..40 {
            let bytes = vec![0; length];
            assert!(prints.insert(print(&bytes)), "{length} zeros");
            for at in 0..length {
                for bit in 0..8 {
                    let mut changed = bytes.clone();
                    changed[at] ^= 1 << bit;
                    assert!(prints.insert(print(&changed)), "bit {bit} of byte {at} of {length}");
                }
            }
        }
    }
}
