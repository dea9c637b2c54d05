//! # A genetic algorithm, step by step: the travelling salesman
//!
//! A salesman has to visit some towns and to come back to where he began. In which order is his way shortest? For five towns
//! one can try all orders. For 52 there are about 10⁶⁶, and no computer will ever try them all. This chapter finds a very
//! good one in a second, with an algorithm that knows almost nothing of the problem, and for that reason can be used for
//! many others. In this crate it also searches for networks.
//!
//! ## The idea
//!
//! A **genetic algorithm** keeps not one answer but a **population** of them, and lets it evolve as breeders do: the better
//! an answer, the more offspring it has; offspring mix the features of their parents; now and then one changes by chance.
//! From one **generation** to the next there are always the same four steps:
//!
//! 1. **select** parents, the fit ones more often than the others;
//! 2. **cross** them in pairs, so that each child has something of both;
//! 3. **mutate** some, so that something new can appear;
//! 4. **evaluate** all, so that the next selection knows who is fit.
//!
//! Selection alone would fill the population with copies of the best of the first generation. Crossover and mutation make
//! variety, selection uses it up; the art is to keep the two in balance.
//!
//! ## The genome
//!
//! A **genome** is an answer, written so that it can be crossed and mutated. Here it is the order in which the towns are
//! visited, a [`Permutation`](crate::genetic::Permutation) of their numbers. A [`Space`](crate::genetic::Space) says where
//! first genomes come from; [`Permutations`](crate::genetic::Permutations) draws each order with the same probability.
//!
//! ```
//! use evograd::genetic::{Permutations, Space};
//! use evograd::{Purpose, Stream};
//!
//! let mut stream = Stream::new(7, Purpose::Genetic, 0, 0); // random numbers, the same for the same seed
//! let tour = Permutations(6).random(&mut stream);
//! let mut towns = tour.0.clone();
//! towns.sort();
//! assert_eq!(towns, [0, 1, 2, 3, 4, 5]); // in whatever order, each town once
//! ```
//!
//! ## Fitness
//!
//! The **fitness** of a genome is a number, and more is better. Our tours are better when they are shorter, so the fitness is the
//! length with a minus before it. This is the only place where the algorithm meets the problem. It asks for a whole
//! generation at once, so that whoever answers may work on several genomes in parallel.
//!
//! ```
//! use evograd::Result;
//! use evograd::genetic::{Fitness, Permutation};
//!
//! struct Shortness(Vec<[f64; 2]>); // the places of the towns
//!
//! impl Shortness {
//!     fn length(&self, tour: &Permutation) -> f64 {
//!         let place = |i: usize| self.0[tour.0[i % tour.0.len()]]; // after the last comes the first
//!         let road = |i: usize| (place(i)[0] - place(i + 1)[0]).hypot(place(i)[1] - place(i + 1)[1]);
//!         (0..tour.0.len()).map(road).sum()
//!     }
//! }
//!
//! impl Fitness<Permutation> for Shortness {
//!     fn evaluate(&mut self, _generation: u32, tours: &[Permutation]) -> Result<Vec<f64>> {
//!         Ok(tours.iter().map(|tour| -self.length(tour)).collect())
//!     }
//! }
//!
//! let mut square = Shortness(vec![[0.0, 0.0], [0.0, 1.0], [1.0, 1.0], [1.0, 0.0]]);
//! let [around, crossing] = [vec![0, 1, 2, 3], vec![0, 2, 1, 3]].map(Permutation);
//! let fitness = square.evaluate(0, &[around, crossing])?;
//! assert_eq!(fitness[0], -4.0);
//! assert!(fitness[1] < fitness[0]); // a way that crosses itself is never the shortest
//! # Ok::<(), evograd::Error>(())
//! ```
//!
//! ## Selection
//!
//! In a **tournament** a few individuals are drawn at random, and the fittest of them becomes a parent. It looks at ranks
//! alone, so it does not matter in what unit the fitness is measured. The larger the tournament, the stronger the **selection
//! pressure**: the population improves faster, and becomes all alike sooner. The other way that is offered,
//! [`Roulette`](crate::genetic::Roulette), draws in proportion to how far an individual is above the worst.
//!
//! ```
//! use evograd::genetic::{Selection, Tournament};
//! use evograd::{Purpose, Stream};
//!
//! let fitness = [-9.0, -4.0, -7.0]; // the second is fittest
//! let wins = |size| {
//!     let mut stream = Stream::new(0, Purpose::Genetic, 0, 0);
//!     let parents = Tournament { size }.select(&fitness, 3000, &mut stream);
//!     parents.into_iter().filter(|parent| *parent == 1).count()
//! };
//! assert!((900..1100).contains(&wins(1))); // a tournament of one is no contest: a third
//! assert!((1560..1770).contains(&wins(2))); // with two, five ninths
//! assert!(wins(5) > 2500);
//! ```
//!
//! ## Crossover
//!
//! To cross two bit strings one may exchange any of their bits. To do so with permutations would name some towns twice
//! and others never. **Order crossover** keeps a section of one parent where it is, and fills the other places with the
//! remaining towns in the order of the other parent. So a child has roads of the one, and the rough order of the other.
//!
//! ```
//! use evograd::genetic::{Crossover, OrderCrossover, Permutation};
//! use evograd::{Purpose, Stream};
//!
//! let mut a = Permutation(vec![0, 1, 2, 3, 4, 5, 6, 7]);
//! let mut b = Permutation(vec![7, 6, 5, 4, 3, 2, 1, 0]);
//! let mut stream = Stream::new(1, Purpose::Genetic, 0, 0);
//! let crossed = OrderCrossover { pair: 1.0 }.cross([&mut a, &mut b], &mut stream); // 1.0: every pair is crossed
//! assert!(crossed);
//! a.0.sort();
//! assert_eq!(a.0, [0, 1, 2, 3, 4, 5, 6, 7]); // still each town once
//! ```
//!
//! ## Mutation
//!
//! A good mutation changes an answer a little, in a way that selection can judge. To exchange two towns of a tour changes
//! four roads. To turn a section around, an **inversion**, changes two, and is exactly what undoes a crossing; to put a section in
//! elsewhere, a **displacement**, changes three. [`OneOf`](crate::genetic::OneOf) picks one of several mutations each time.
//!
//! ```
//! use evograd::genetic::{Displacement, Inversion, Mutation, OneOf, Permutation};
//! use evograd::{Purpose, Stream};
//!
//! let mutation = OneOf(&[&Inversion { genome: 0.9 }, &Displacement { genome: 0.9 }]); // nine in ten are changed
//! let mut tour = Permutation((0..10).collect());
//! let mut stream = Stream::new(2, Purpose::Genetic, 0, 0);
//! (0..20).for_each(|_| mutation.mutate(&mut tour, &mut stream));
//! assert!(!tour.0.is_sorted());
//! ```
//!
//! ## All together
//!
//! [`Evolution`](crate::genetic::Evolution) holds one choice for each step, and runs them generation after generation. In this
//! crate, as in the paper *Genetic CNN*, a pair that was crossed is not mutated as well: with `pair: 0.6`, six pairs in ten
//! are crossed and the individuals of the others mutated. The **elite**, here the best four, goes on unchanged, so that the best answer
//! is never lost. `on_generation` is called after each generation and may end the run.
//!
//! Towns on a circle are a good test, since everyone sees the shortest way: around. The algorithm does not see it, as the
//! towns are counted in a random order. [`Towns`](crate::genetic::Towns) has the lengths ready.
//!
//! ```
//! use evograd::Result;
//! use evograd::genetic::{
//!     Displacement, Evolution, Fitness, Inversion, OneOf, OrderCrossover, Permutation, Permutations, Stop, Tournament,
//!     Towns,
//! };
//!
//! struct Shortness(Towns);
//!
//! impl Fitness<Permutation> for Shortness {
//!     fn evaluate(&mut self, _: u32, tours: &[Permutation]) -> Result<Vec<f64>> {
//!         Ok(tours.iter().map(|tour| -self.0.length(tour)).collect())
//!     }
//! }
//!
//! let evolution = Evolution {
//!     space: &Permutations(30),
//!     selection: &Tournament { size: 3 },
//!     crossover: &OrderCrossover { pair: 0.6 },
//!     mutation: &OneOf(&[&Inversion { genome: 0.9 }, &Displacement { genome: 0.9 }]),
//!     size: 200,
//!     elite: 4,
//!     seed: 0,
//! };
//! let stop = Stop { generations: 1000, patience: Some(90), ..Stop::default() };
//! let mut fitness = Shortness(Towns::circle(30, 0)?);
//! let last = evolution.run(&mut fitness, stop, &mut |generation| {
//!     println!("generation {}: {:.3}", generation.number, -generation.best().fitness);
//!     Ok(true) // go on
//! })?;
//! let around = 60.0 * (std::f64::consts::PI / 30.0).sin();
//! assert!((-last.best().fitness - around).abs() < 1e-9); // exactly the circle
//! # Ok::<(), evograd::Error>(())
//! ```
//!
//! ## What each step is good for
//!
//! The way to find out is to leave a step out. Without mutation, no road can appear that order crossover does not happen to make:
//! the population is soon all alike, and stays far from the goal. Without crossover, the tours improve by mutation alone.
//!
//! ```
//! # use evograd::Result;
//! # use evograd::genetic::*;
//! # struct Shortness(Towns);
//! # impl Fitness<Permutation> for Shortness {
//! #     fn evaluate(&mut self, _: u32, tours: &[Permutation]) -> Result<Vec<f64>> {
//! #         Ok(tours.iter().map(|tour| -self.0.length(tour)).collect())
//! #     }
//! # }
//! # let mutation = &OneOf(&[&Inversion { genome: 0.9 }, &Displacement { genome: 0.9 }]);
//! let length = |pair| -> Result<f64> {
//!     let crossover = &OrderCrossover { pair };
//!     let evolution = Evolution {
//!         crossover, mutation, // and all else as above
//! #       space: &Permutations(30), selection: &Tournament { size: 3 }, size: 200, elite: 4, seed: 0,
//!     };
//!     let mut fitness = Shortness(Towns::random(30, 0)?);
//!     let last = evolution.run(&mut fitness, Stop { generations: 500, ..Stop::default() }, &mut |_| Ok(true))?;
//!     Ok(-last.best().fitness)
//! };
//! let [both, only_mutation, only_crossover] = [length(0.6)?, length(0.0)?, length(1.0)?];
//! assert!(only_crossover > 1.05 * both && only_crossover > 1.05 * only_mutation);
//! # Ok::<(), evograd::Error>(())
//! ```
//!
//! How far above the shortest tour the results end, for 20 sets of 52 random towns:
//!
//! | | mean | worst |
//! | --- | --- | --- |
//! | crossover alone, 2,000 generations | 31 % | 47 % |
//! | mutation alone, 12,000 generations | 2.0 % | 5.5 % |
//! | both, 12,000 generations | 2.2 % | 9.4 % |
//! | mutation alone, beginning anew | 1.5 % | 4.1 % |
//! | both, beginning anew | 0.3 % | 1.1 % |
//!
//! So mutation does most of the work here, and in a single long run crossover does not pay. What it does is to bring a
//! population to its end sooner; and the end is a **local optimum**, a tour that no small change makes shorter, though another one,
//! far away, is. Once a population is all alike, further generations are in vain. So it is better to **begin anew** with other random
//! tours as soon as nothing better has been found for a while (above, three generations for each town) and to keep the best
//! of all: in the same number of generations, crossover makes room for more such attempts, and of many
//! attempts one ends near the best. [`Towns::evolve`](crate::genetic::Towns::evolve) does this, and so does the command:
//!
//! ```sh
//! evograd tsp --towns 52 --svg tour.svg
//! ```
//!
//! A lesson for other problems: measure each part by leaving it out, and look at many seeds, not at one.
//!
//! ## A problem of your own
//!
//! You need a genome and a fitness; the four steps stay. Where the genome is a permutation or a bit string, all is there. Here eight
//! queens are put on a chessboard so that none attacks another: one queen in each column, and the permutation says in
//! which row. Queens then never share a row or a column, so only diagonals are counted.
//!
//! ```
//! use evograd::Result;
//! use evograd::genetic::{
//!     Evolution, Fitness, Inversion, OrderCrossover, Permutation, Permutations, Stop, Tournament,
//! };
//!
//! struct Peace;
//!
//! fn attacks(board: &Permutation) -> usize {
//!     let rows = &board.0;
//!     let on_a_diagonal = |a: usize, b: usize| rows[a].abs_diff(rows[b]) == b - a;
//!     (0..rows.len()).map(|b| (0..b).filter(|a| on_a_diagonal(*a, b)).count()).sum()
//! }
//!
//! impl Fitness<Permutation> for Peace {
//!     fn evaluate(&mut self, _: u32, boards: &[Permutation]) -> Result<Vec<f64>> {
//!         Ok(boards.iter().map(|board| -(attacks(board) as f64)).collect())
//!     }
//! }
//!
//! let evolution = Evolution {
//!     space: &Permutations(8),
//!     selection: &Tournament { size: 2 },
//!     crossover: &OrderCrossover { pair: 0.3 },
//!     mutation: &Inversion { genome: 0.9 },
//!     size: 50,
//!     elite: 1,
//!     seed: 3,
//! };
//! let stop = Stop { generations: 500, fitness: Some(0.0), ..Stop::default() };
//! let board = evolution.run(&mut Peace, stop, &mut |_| Ok(true))?.best().genome.clone();
//! assert_eq!(attacks(&board), 0, "{board:?}");
//! # Ok::<(), evograd::Error>(())
//! ```
//!
//! Another kind of genome is any type that can be cloned and compared; then you write its `Space`, `Crossover` and `Mutation`
//! as well, each a trait of one method.
//!
//! ## Where to look
//!
//! * `src/genetic/mod.rs`: the traits of the four steps; `evolution.rs`: the loop;
//! * `src/genetic/permutation.rs` and `bits.rs`: the operators on the two genomes; `select.rs`: tournament and roulette;
//! * `src/genetic/tsp.rs`: the towns, and lines that begin anew;
//! * `src/search/`: where a genome of bits becomes a network.
