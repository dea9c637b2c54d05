//! Parts of a set in which every class has its share, drawn by a seed.

use super::Dataset;
use crate::error::{Error, Result};
use crate::rng::{Purpose, Stream};

/// Draws `count` of the samples `from` so that every class keeps its share of them, as nearly as whole numbers allow.
/// Returns those drawn and those left, both in ascending order.
///
/// ```
/// use evograd::data::{Images, stratified};
/// let classes = ["a", "b"].map(String::from);
/// let set = Images::new([1, 1, 1], &classes, vec![0; 9], vec![0, 1, 0, 1, 0, 1, 0, 1, 0])?;
/// let (validation, training) = stratified(&set, &(0..9).collect::<Vec<_>>(), 4, 7)?;
/// assert_eq!((validation.len(), training.len()), (4, 5));
/// assert_eq!(validation.iter().filter(|&&sample| sample % 2 == 0).count(), 2); // both classes have half
/// # Ok::<(), evograd::Error>(())
/// ```
///
/// # Errors
/// When there are fewer than `count`.
pub fn stratified(set: &dyn Dataset, from: &[usize], count: usize, seed: u64) -> Result<(Vec<usize>, Vec<usize>)> {
    if count > from.len() {
        let problem = format!("{count} samples are asked for, there are {}", from.len());
        return Err(Error::op("split", problem, &[], "ask for fewer"));
    }
    let mut classes = vec![Vec::new(); set.classes().len()];
    for &sample in from {
        let (label, count) = (set.label(sample), classes.len());
        let Some(class) = classes.get_mut(label) else {
            let problem = format!("image {sample} is of class {label}, and there are {count} classes");
            return Err(Error::op("split", problem, &[], "number the classes from 0"));
        };
        class.push(sample);
    }
    let sizes: Vec<usize> = classes.iter().map(Vec::len).collect();
    let (mut drawn, mut left) = (Vec::with_capacity(count), Vec::with_capacity(from.len() - count));
    for (class, (mut samples, share)) in classes.into_iter().zip(shares(&sizes, count)).enumerate() {
        shuffle(&mut samples, &mut Stream::new(seed, Purpose::Split, class as u32, 0));
        drawn.extend_from_slice(&samples[..share]);
        left.extend_from_slice(&samples[share..]);
    }
    drawn.sort_unstable();
    left.sort_unstable();
    Ok((drawn, left))
}

/// `count` shared out in proportion to `sizes`: rounded down, then one more for those that lost most, the first of equals
/// before the others.
fn shares(sizes: &[usize], count: usize) -> Vec<usize> {
    let total = sizes.iter().sum::<usize>().max(1);
    let mut shares: Vec<usize> = sizes.iter().map(|size| size * count / total).collect();
    let mut order: Vec<usize> = (0..sizes.len()).collect();
    order.sort_by_key(|&class| std::cmp::Reverse(sizes[class] * count % total));
    let missing = count - shares.iter().sum::<usize>();
    order.into_iter().take(missing).for_each(|class| shares[class] += 1);
    shares
}

/// Puts the items in a random order (Fisher and Yates).
pub(super) fn shuffle<T>(items: &mut [T], stream: &mut Stream) {
    for last in (1..items.len()).rev() {
        items.swap(last, stream.below(last + 1));
    }
}

#[cfg(test)]
mod tests {
    use super::super::Images;
    use super::*;
    use proptest::prelude::*;

    fn set(labels: Vec<u16>) -> Images {
        let classes: Vec<String> = (0..5).map(|class| class.to_string()).collect();
        Images::new([1, 1, 1], &classes, vec![0; labels.len()], labels).unwrap()
    }

    proptest! {
        #[test]
        fn every_class_keeps_its_share(labels in prop::collection::vec(0_u16..5, 1..200), part in 0.0..=1.0_f64, seed: u64) {
            let set = set(labels.clone());
            let all: Vec<usize> = (0..labels.len()).collect();
            let count = (part * labels.len() as f64) as usize;
            let (drawn, left) = stratified(&set, &all, count, seed).unwrap();
            prop_assert_eq!(drawn.len(), count);
            let mut both = [&drawn[..], &left[..]].concat();
            both.sort_unstable();
            prop_assert_eq!(both, all);
            for class in 0..5 {
                let size = labels.iter().filter(|label| **label == class).count();
                let share = drawn.iter().filter(|sample| labels[**sample] == class).count();
                prop_assert!((share as f64 - size as f64 * count as f64 / labels.len() as f64).abs() < 1.0);
            }
        }
    }

    #[test]
    fn another_seed_draws_others_and_too_many_are_refused() {
        let set = set((0..100).map(|i| i % 5).collect());
        let all: Vec<usize> = (0..100).collect();
        let drawn = |seed| stratified(&set, &all, 50, seed).unwrap().0;
        assert_eq!(drawn(1), drawn(1));
        assert_ne!(drawn(1), drawn(2));
        assert_eq!(
            stratified(&set, &all, 101, 0).unwrap_err().to_string(),
            "split: 101 samples are asked for, there are 100; ask for fewer"
        );
    }
}
