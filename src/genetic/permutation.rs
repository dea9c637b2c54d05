//! Permutations, such as the order of towns on a tour, and operators on them.

use super::{Crossover, Mutation, Space};
use crate::rng::Stream;

/// The numbers `0 .. n` in some order.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Permutation(pub Vec<usize>);

/// Permutations of so many numbers, all equally likely.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Permutations(pub usize);

impl Space<Permutation> for Permutations {
    fn random(&self, stream: &mut Stream) -> Permutation {
        let mut order: Vec<usize> = (0..self.0).collect();
        for last in (1..order.len()).rev() {
            order.swap(last, stream.below(last + 1));
        }
        Permutation(order)
    }
}

/// Order crossover: with probability `pair`, each child keeps a random section of one parent in its place, and has the
/// other numbers in the order of the other parent, from the end of the section on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OrderCrossover {
    /// The crossover probability of a pair.
    pub pair: f64,
}

impl Crossover<Permutation> for OrderCrossover {
    fn cross(&self, [a, b]: [&mut Permutation; 2], stream: &mut Stream) -> bool {
        let crossed = stream.uniform() < self.pair && a.0.len() > 1;
        if crossed {
            let section = section(a.0.len(), stream);
            let children = [child(&a.0, &b.0, &section), child(&b.0, &a.0, &section)];
            [a.0, b.0] = children;
        }
        crossed
    }
}

/// A random section `start .. end` of at least one place.
fn section(len: usize, stream: &mut Stream) -> std::ops::Range<usize> {
    let (one, other) = (stream.below(len), stream.below(len));
    one.min(other)..one.max(other) + 1
}

/// A section of `keep` in its place, and all else in the order of `fill`.
fn child(keep: &[usize], fill: &[usize], section: &std::ops::Range<usize>) -> Vec<usize> {
    let mut kept = vec![false; keep.len()];
    keep[section.clone()].iter().for_each(|&number| kept[number] = true);
    let mut child = keep.to_vec();
    let others = fill[section.end..].iter().chain(&fill[..section.end]).filter(|&&number| !kept[number]);
    let places = (section.end..keep.len()).chain(0..section.start);
    places.zip(others).for_each(|(place, &number)| child[place] = number);
    child
}

/// With probability `genome`, a random section is turned around: on a tour, two roads are exchanged for two others.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Inversion {
    /// The probability that a genome is mutated.
    pub genome: f64,
}

impl Mutation<Permutation> for Inversion {
    fn mutate(&self, genome: &mut Permutation, stream: &mut Stream) {
        if stream.uniform() < self.genome && genome.0.len() > 1 {
            let section = section(genome.0.len(), stream);
            genome.0[section].reverse();
        }
    }
}

/// With probability `genome`, a random section is taken out and put in elsewhere, every second time turned around: on a
/// tour, three roads are exchanged for three others.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Displacement {
    /// The probability that a genome is mutated.
    pub genome: f64,
}

impl Mutation<Permutation> for Displacement {
    fn mutate(&self, genome: &mut Permutation, stream: &mut Stream) {
        if stream.uniform() < self.genome && genome.0.len() > 1 {
            let mut cuts = [0; 3].map(|_| stream.below(genome.0.len() + 1));
            cuts.sort_unstable();
            let [start, middle, end] = cuts;
            if stream.word() & 1 == 1 {
                genome.0[start..middle].reverse();
            }
            genome.0[start..end].rotate_left(middle - start);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::OneOf;
    use super::*;
    use crate::rng::Purpose;
    use proptest::prelude::*;

    fn is_permutation(genome: &Permutation) -> bool {
        let mut numbers = genome.0.clone();
        numbers.sort_unstable();
        numbers.into_iter().eq(0..genome.0.len())
    }

    proptest! {
        #[test]
        fn every_operator_gives_permutations(len in 1_usize..40, seed: u64) {
            let mut stream = Stream::new(seed, Purpose::Genetic, 0, 0);
            let [mut a, mut b] = [0; 2].map(|_| Permutations(len).random(&mut stream));
            prop_assert!(is_permutation(&a) && is_permutation(&b));
            OrderCrossover { pair: 1.0 }.cross([&mut a, &mut b], &mut stream);
            Inversion { genome: 1.0 }.mutate(&mut a, &mut stream);
            Displacement { genome: 1.0 }.mutate(&mut b, &mut stream);
            prop_assert!(is_permutation(&a) && is_permutation(&b));
        }
    }

    /// The example of Davis's paper, as textbooks have it.
    #[test]
    fn a_child_keeps_a_section_and_the_order_of_the_rest() {
        let (one, two) = ([0, 1, 2, 3, 4, 5, 6, 7, 8], [8, 2, 6, 1, 5, 3, 0, 4, 7]);
        assert_eq!(child(&one, &two, &(3..7)), [2, 1, 0, 3, 4, 5, 6, 7, 8]);
    }

    /// The roads of a tour, each with its lesser end first.
    fn roads(tour: &[usize]) -> std::collections::BTreeSet<[usize; 2]> {
        let pairs = (0..tour.len()).map(|i| [tour[i], tour[(i + 1) % tour.len()]]);
        pairs.map(|[a, b]| [a.min(b), a.max(b)]).collect()
    }

    #[test]
    fn an_inversion_exchanges_two_roads_and_a_displacement_three_at_most() {
        let mut stream = Stream::new(3, Purpose::Genetic, 0, 0);
        let mutations: [&dyn Mutation<Permutation>; 2] = [&Inversion { genome: 1.0 }, &Displacement { genome: 1.0 }];
        for (mutation, most) in mutations.into_iter().zip([2, 3]) {
            let mut exchanged = [0; 4];
            for _ in 0..2000 {
                let before = Permutations(20).random(&mut stream);
                let mut after = before.clone();
                mutation.mutate(&mut after, &mut stream);
                exchanged[roads(&before.0).difference(&roads(&after.0)).count()] += 1;
            }
            assert!(exchanged[most] > 1000 && exchanged[most + 1..].iter().all(|n| *n == 0), "{exchanged:?}");
        }
    }

    #[test]
    fn one_of_several_mutations_is_as_likely_as_another() {
        let (mut stream, mut sorted) = (Stream::new(4, Purpose::Genetic, 0, 0), 0);
        let either = OneOf(&[&Inversion { genome: 0.0 }, &Displacement { genome: 1.0 }]);
        for _ in 0..4000 {
            let mut tour = Permutation((0..50).collect());
            either.mutate(&mut tour, &mut stream);
            sorted += usize::from(tour.0.is_sorted());
        }
        assert!((2000..2350).contains(&sorted), "{sorted}"); // half, and some sections that were put back
    }
}
