//! # Networks that breed: Genetic CNN
//!
//! How should the layers of a network be wired? One after the other, as in VGG? With a way around every two, as in
//! ResNet? Each to all that follow, as in DenseNet? These were found by people who tried. *Genetic CNN* writes a wiring
//! as a string of bits and lets a genetic algorithm try. This chapter builds it from nothing. It needs the four steps of
//! [the chapter before](crate::guide::travelling_salesman): select, cross, mutate, evaluate.
//!
//! **Source** Xie and Yuille, *Genetic CNN*, ICCV 2017, in its first version, arXiv 1703.01513v1. What is said of the
//! paper below is said of that version.
//!
//! ## A stage, written as bits
//!
//! A convolutional network works in **stages**. Within a stage images keep their size and their number of channels;
//! between stages a pool halves the size. So within a stage every layer's output can be added to every other's, and it
//! is there that the wiring is free. A stage has `K` **nodes**, counted from 1, and an edge may lead only from a lower
//! number to a higher one: so there is never a circle. For each pair of nodes one bit says whether the edge is there:
//! `K(K − 1)/2` bits. They stand by destination. First comes `1→2`; then `1→3` and `2→3`; then `1→4`, `2→4` and `3→4`. A
//! dash stands between destinations.
//!
//! ```
//! use evograd::models::genetic_cnn::Stage;
//!
//! let chain: Stage = "1-01-001".parse()?; // as in VGG
//! assert_eq!(chain.edges().collect::<Vec<_>>(), [(1, 2), (2, 3), (3, 4)]);
//! let shortcut: Stage = "1-01-101".parse()?; // as in ResNet: the chain, and a way around
//! assert_eq!(shortcut.edges().collect::<Vec<_>>(), [(1, 2), (2, 3), (1, 4), (3, 4)]);
//! assert_eq!("1-11-111".parse::<Stage>()?.edges().count(), 6); // all there can be, as in DenseNet
//! # Ok::<(), evograd::Error>(())
//! ```
//!
//! A [`Code`](crate::models::genetic_cnn::Code) is several stages with bars between them. The paper's for CIFAR-10 have
//! stages of 3, 4 and 5 nodes: 3 + 6 + 10 = 19 bits, so 2¹⁹ = 524,288 codes.
//!
//! ## From bits to a graph
//!
//! Edges alone do not say where an image comes in and goes out. So each stage has two **default nodes** that are not
//! encoded. The **input node** consumes what comes from before, and feeds every node that no edge leads to. The **output
//! node** consumes every node that no edge leads away from, and feeds the pool. Two rules remain:
//!
//! * A node without any edge, an **isolated** one, vanishes: it is not wired to the default nodes either. So a stage of
//!   five nodes can also be any stage of four, three or two.
//! * A stage whose bits are all zero has no ordinary node left. It is its input node alone: one convolution, not two.
//!
//! ```
//! use evograd::models::genetic_cnn::{Source, StageGraph};
//!
//! let graph = StageGraph::new(&"0-10-000-0011".parse()?); // 1→3, 3→5, 4→5
//! let numbers: Vec<usize> = graph.nodes.iter().map(|(number, _)| *number).collect();
//! assert_eq!(numbers, [1, 3, 4, 5]); // 2 has vanished
//! assert_eq!(graph.nodes[2], (4, vec![Source::Input])); // nothing leads to 4, so the input node does
//! assert_eq!(graph.nodes[3], (5, vec![Source::Node(3), Source::Node(4)]));
//! assert_eq!(graph.ends, [5]); // what goes into the output node
//! assert_eq!(graph.convolutions(), 4 + 2);
//! assert_eq!(StageGraph::new(&"0-00-000-0000".parse()?).convolutions(), 1);
//! # Ok::<(), evograd::Error>(())
//! ```
//!
//! That stage is the second in the paper's figure 1. The code printed there, `0-00-100-0101`, is not that of the
//! drawing.
//!
//! ## From a graph to a network
//!
//! A node **adds** its inputs; then come a convolution, batch normalisation and ReLU. There is one convolution for each
//! node, and none for an edge. The **backbone** says what is the same for all codes: the filters of each stage, the pool
//! behind it, the linear layers at the end. [`network`](crate::models::genetic_cnn::network()) puts both together to a
//! [`Spec`](crate::models::Spec), which is plain data. Its plan has checked all shapes and counted the costs before a
//! single weight exists.
//!
//! ```
//! use evograd::models::{Options, genetic_cnn::network};
//!
//! let cost = |code: &str| -> evograd::Result<(u64, u64)> {
//!     let plan = network(&code.parse()?, &Options::default())?.plan()?;
//!     Ok((plan.parameters(), plan.macs())) // weights, and multiply-adds for one image
//! };
//! let empty = cost("0-00|0-00-000|0-00-000-0000")?;
//! let evolved = cost("1-01|0-01-100|0-11-101-0001")?; // the first network of the paper
//! let dense = cost("1-11|1-11-111|1-11-111-1111")?;
//! assert_eq!(empty.0, 83_666);
//! assert_eq!(evolved.0, 153_394);
//! assert_eq!(evolved, dense); // edges cost no weights and no multiply-adds: what costs is a node
//! assert!(empty.1 < evolved.1);
//! # Ok::<(), evograd::Error>(())
//! ```
//!
//! The sum is only one way to fuse inputs. With `networks.fusion = "sort"` the nodes of a search fuse them by SORT
//! instead; any [`Fusion`](crate::Fusion) will do.
//!
//! ## Many codes, one network
//!
//! `1-00` is an edge between nodes 1 and 2 of three, `0-01` one between 2 and 3. The third node vanishes, so both are
//! the same network: two nodes in a row. And where no node vanishes, the same graph may have its nodes counted in
//! different orders. [`canonical`](crate::models::genetic_cnn::canonical()) gives all codes of a graph the same code: of
//! all ways to count the nodes that keep edges from lower to higher numbers, it takes the one whose bits, read as a
//! binary number, are least. How many networks are there really?
//!
//! ```
//! use evograd::models::genetic_cnn::{Code, Stage, canonical};
//! use std::collections::BTreeSet;
//!
//! // Of a stage: its codes, what differs after isolated nodes have vanished, and its graphs.
//! let count = |nodes: usize| -> evograd::Result<[usize; 3]> {
//!     let bits = nodes * (nodes - 1) / 2;
//!     let (mut wirings, mut graphs) = (BTreeSet::new(), BTreeSet::new());
//!     for number in 0..1_u32 << bits {
//!         let stage = Stage::new(nodes, (0..bits).map(|bit| number >> bit & 1 == 1).collect())?;
//!         let edges: Vec<[usize; 2]> = stage.edges().map(|(from, to)| [from, to]).collect();
//!         let there: BTreeSet<usize> = edges.concat().into_iter().collect();
//!         let anew = |node| there.iter().position(|other| *other == node);
//!         wirings.insert(edges.iter().map(|edge| edge.map(anew)).collect::<Vec<_>>());
//!         graphs.insert(canonical(&Code(vec![stage])));
//!     }
//!     Ok([1 << bits, wirings.len(), graphs.len()])
//! };
//! let [three, four, five] = [count(3)?, count(4)?, count(5)?];
//! assert_eq!([three, four, five], [[8, 6, 6], [64, 47, 31], [1024, 815, 302]]);
//! let networks = [0, 1, 2].map(|way| three[way] * four[way] * five[way]);
//! assert_eq!(networks, [524_288, 229_830, 56_172]);
//! # Ok::<(), evograd::Error>(())
//! ```
//!
//! 56,172 of 524,288: nine codes in ten are but another name for a network that has one already. A search that remembers
//! fitness by the text of a code trains the same network again and again. So here a graph is trained once, under its
//! canonical code, and all its codes share the fitness. (Trained under two
//! of its codes it need not give the same bits: sums may be added in another order, and first weights fall to other
//! nodes.)
//!
//! ## Fitness: a small training
//!
//! To know what a wiring is good for, one has to train it, each time from new weights: this is what a search spends its
//! time on. So the training is small: few filters, few images, few epochs (below, so few that it learns next to
//! nothing). What counts in the end is the accuracy on images that were **held out** of the training set, the
//! **validation split**. Here is the fitness of one code, as a search computes it:
//!
//! ```
//! use evograd::data;
//! use evograd::models::genetic_cnn::{Code, network};
//! use evograd::record::Score;
//! use evograd::search::SearchConfig;
//! use evograd::train::{Split, Trainer, evaluate};
//!
//! let sets = data::shapes_of(0, 96, 16)?; // 96 images to train on, and 16 to test on, which are not looked at
//! let tiny = ["networks.stages=[3, 4]", "networks.backbone.filters=[2, 4]", "networks.backbone.features=8",
//!     "data.samples=64", "data.validation=32", "training.epochs=2", "training.batch=16"];
//! let config = SearchConfig::parse("", &tiny.map(String::from))?.training();
//! let split = Split::new(&config, &sets)?; // 64 of the 96 images to train on, the other 32 to be asked about
//! let validation = split.validation.as_ref().expect("the settings hold images out");
//! let code: Code = "1-01|0-01-100".parse()?;
//! let score = |seed: u64| -> evograd::Result<Score> {
//!     let mut config = config.clone();
//!     config.training.seed = seed; // of the first weights, and of the order of the images
//!     let spec = network(&code, &config.options(sets.train.shape(), sets.train.classes().len())?)?;
//!     let images = split.train.clone().seeded(seed);
//!     let mut trainer = Trainer::of(&spec, config, &images)?;
//!     for epoch in 0..2 {
//!         for batch in images.epoch(epoch, 0)? {
//!             trainer.step(&batch?)?;
//!         }
//!         trainer.end_epoch();
//!     }
//!     let answers = evaluate(&trainer.network, validation, "validation", |_| true)?;
//!     Ok(answers.expect("nobody has stopped it").score)
//! };
//! let first = score(0)?;
//! println!("fitness {}", first.accuracy);
//! assert_eq!(score(0)?, first); // the same seed, the same bits
//! assert_ne!(score(1)?, first); // another seed, another network in the end
//! # Ok::<(), evograd::Error>(())
//! ```
//!
//! The last line is the trouble of all such searches: fitness is **noisy**. The same wiring comes to something else with
//! other first weights, and also with other images held out. For the second there is a formula: an accuracy `p`,
//! measured on `n` images, has a standard deviation of `√(p(1 − p)/n)`. At 75 % that is 1.4 points for 1,000 images,
//! and 0.4 for 10,000.
//!
//! ### Why never the test set
//!
//! Whoever takes the best of many noisy numbers takes the luckiest too. A thousand networks that are all right in 75 of
//! 100 cases, and are asked about 1,000 images each:
//!
//! ```
//! use evograd::{Purpose, Stream};
//!
//! let exam = |network: u32| {
//!     let mut stream = Stream::new(0, Purpose::Genetic, network, 0);
//!     (0..1000).filter(|_| stream.uniform() < 0.75).count() as f64 / 1000.0
//! };
//! let best = (0..1000).map(exam).fold(0.0, f64::max);
//! assert!(best > 0.78); // three points better than it is
//! # Ok::<(), evograd::Error>(())
//! ```
//!
//! A search does this generation after generation, so the fitness of its winner is on average too good. An honest number
//! needs images that chose nothing. That is what the test set is for, and only as long as the search has not looked at
//! it. Here a search never does: it asks the validation split alone, and refuses to begin where `data.validation` is 0.
//! After the search, `evograd search transfer` trains the winner on all training images and asks the test set once, at
//! the end.
//!
//! ### Several in parallel
//!
//! One could share out the work of each layer among the cores; then they would have to wait for each other after each.
//! But the networks of a generation need nothing of each other. So each is trained on one core, and as many **side by
//! side** as there are cores (`search.workers`); only where there is nothing left to train in it does a core wait.
//! Everything random comes from the seed and from what it is for, never from who comes first, so the number of workers
//! changes nothing but the time.
//!
//! ## Select, cross, mutate
//!
//! The genome is the bits, in stages ([`StagedBits`](crate::genetic::StagedBits)), each at first a fair coin. The
//! operators of the paper:
//!
//! * **Roulette**: parents are drawn in proportion to how far they are above the worst, which itself never survives
//!   (where all are alike, each is as likely). There is no elite; the best is only the likeliest.
//! * **Crossover** exchanges whole stages: a pair is crossed with probability `p_C`, and then each stage exchanged with
//!   `q_C`. A stage goes over as it is, never in parts.
//! * **Mutation**, only for those that were not crossed: with probability `p_M`, and then each bit flips with `q_M`.
//!
//! ```
//! use evograd::genetic::{BitFlip, Crossover, Mutation, Roulette, Selection, StageSwap, StagedBits};
//! use evograd::{Purpose, Stream};
//!
//! let mut stream = Stream::new(0, Purpose::Genetic, 0, 0);
//! let parents = Roulette.select(&[0.70, 0.74, 0.72], 3000, &mut stream);
//! let drawn = |place| parents.iter().filter(|parent| **parent == place).count();
//! assert_eq!(drawn(0), 0); // the worst
//! assert!((1900..2100).contains(&drawn(1))); // 4 above the worst, the last one 2: two thirds
//!
//! let [zeros, ones] = [false, true].map(|bit| StagedBits(vec![vec![bit; 3], vec![bit; 6], vec![bit; 10]]));
//! let (mut a, mut b) = (zeros.clone(), ones);
//! assert!(StageSwap { pair: 1.0, stage: 0.5 }.cross([&mut a, &mut b], &mut stream));
//! assert!(a.0.iter().all(|stage| stage.iter().all(|bit| *bit == stage[0]))); // whole stages, whichever they are
//!
//! let flip = BitFlip { genome: 0.8, bit: 0.05 }; // the paper's for CIFAR-10
//! let mut unchanged = |_: &usize| {
//!     let mut genome = zeros.clone();
//!     flip.mutate(&mut genome, &mut stream);
//!     genome == zeros
//! };
//! let count = (0..10_000).filter(|number| unchanged(number)).count();
//! assert!((4850..5200).contains(&count)); // 0.2 + 0.8 × 0.95¹⁹ = 50 %
//! ```
//!
//! So half of those that go on to mutation come out as they were. The paper trains such a one again, and takes as its
//! fitness the mean over all trainings of that graph: noise becomes less. `search.method = "paper"` does so. The
//! default spends that time on new networks.
//!
//! ## A whole search, and its journal
//!
//! [`search`](crate::search::search()) does all of it. A real one may take days, so it must survive being stopped. For
//! this it keeps a **journal**, a file that only ever grows: first the settings, then a line for each network as soon as
//! it is trained, and one for each complete generation. To **resume** is to breed anew from the first generation, with
//! the same random numbers, but to look up in the journal what has been trained. So nothing else has to be saved, and
//! the end is the same as if nothing had happened:
//!
//! ```
//! use evograd::record::SearchRow;
//! use evograd::search::{Event, SearchConfig, read_journal, search};
//! use evograd::{Error, data};
//!
//! let sets = data::shapes_of(0, 96, 16)?;
//! let tiny = ["networks.stages=[3, 4]", "networks.backbone.filters=[2, 4]", "networks.backbone.features=8",
//!     "data.samples=64", "data.validation=32", "training.epochs=2", "training.batch=16",
//!     "search.population=4", "search.budget=\"11\"", "search.workers=2"];
//! let mut config = SearchConfig::parse("", &tiny.map(String::from))?;
//! let file = |name| std::env::temp_dir().join(format!("evograd-guide-{}-{name}.jsonl", std::process::id()));
//! let [stopped, undisturbed] = [file("stopped"), file("undisturbed")];
//!
//! // The callback may answer `false`; here after the first network.
//! let end = search(&stopped, &config, &sets, &mut |event| !matches!(event, Event::Evaluated { .. }));
//! assert!(matches!(end, Err(Error::Stopped)));
//! search(&stopped, &config, &sets, &mut |_| true)?; // goes on where it was
//!
//! config.search.workers = 1; // this changes nothing
//! search(&undisturbed, &config, &sets, &mut |_| true)?;
//! let generations = |journal| -> evograd::Result<Vec<_>> {
//!     let rows = read_journal(journal)?.into_iter();
//!     Ok(rows.filter_map(|row| if let SearchRow::Generation(row) = row { Some(row.individuals) } else { None }).collect())
//! };
//! assert_eq!(generations(&stopped)?, generations(&undisturbed)?);
//!
//! for individual in &generations(&stopped)?[1] {
//!     println!("{} from {:?}: {:.3} ± {:.3}", individual.code, individual.parents, individual.fitness, individual.error);
//! }
//! # [stopped, undisturbed].iter().for_each(|file| std::fs::remove_file(file).unwrap());
//! # Ok::<(), evograd::Error>(())
//! ```
//!
//! A process that is killed may leave half a line behind; it is cut off, and that network trained again. Each line has a
//! checksum of itself and of all before it, so one that was changed or taken out is noticed and named. And where
//! settings or data are not those the journal began with, the search refuses to go on: its numbers could not be
//! compared.
//!
//! ## Luck, and what is known
//!
//! Train one network five times with five seeds, and there are five accuracies. Their spread is **noise**. Train many networks once each, and
//! their spread is noise and what the wirings are worth together. The share that is due to the wiring is called **heritability**, `h²`:
//! only that can be evolved. At `h² = 0.3` the best of a hundred trainings owes most of its lead to luck. Trained again, it falls back. This is the
//! *winner's curse*, and a search that returns the best it has seen falls for it each time.
//!
//! So the fitness here is not what one training said but what **all trainings together** let expect. The model
//! ([`Surrogate`](crate::search::Surrogate)) is a straight line in some dozens of numbers of a graph: its bits, its counts of nodes, edges and
//! levels, its multiply-adds. From the trainings it learns how much each is worth, how much of a network's accuracy they do not explain, how much is
//! noise, and how much a seed does to all networks alike. What it says of a network is an **estimate with a standard error**: near to its own
//! accuracy where that was measured often, near to what its like came to where it was not.
//!
//! #### By hand
//!
//! **One network.** Networks differ by a variance of 4 (two points of accuracy), trainings of one network by a variance of 4 too: `h² = 4/(4 + 4) = 0.5`.
//! The usual network comes to 40 %; this one came to 46 %. How much of the lead of 6 is its own? The share `4/(4 + 4)`, so 43 % is to be
//! expected of it, with a variance of `4·(1 − 0.5) = 2`: 43 ± 1.4 %. Had four trainings a mean of 46 %, their noise would be a
//! variance of `4/4 = 1`, the share `4/(4 + 1) = 0.8`, and the estimate 44.8 ± 0.9 %.
//!
//! **A line.** Now the depth of the networks is known, in units of its usual spread: −1, 0 and 1, and they came to 38, 40.5 and 41.5 %. Least squares say that
//! a unit of depth is worth `Σxy/Σx² = (41.5 − 38)/2 = 1.75` points. But three noisy numbers make a slope by chance alone, so the
//! model takes slopes to be small unless many say otherwise: with a variance of 4 for the slope before anything is known, and 8 of a training
//! around the line (4 the network's own, 4 noise), the slope is `Σxy/(Σx² + 8/4) = 3.5/4 = 0.875`. This is **ridge regression**, and the 2
//! that is added to `Σx²` is its ridge. A network of depth 2 that nobody has trained is then expected at `40 + 2·0.875 = 41.75 %`; and the one of
//! depth 1 lies half-way between its line, 40.875, and its own 41.5: at 41.19 %. The model computes just that, with some dozens of numbers
//! in the place of one:
//!
//! ```
//! use evograd::search::{Observation, Scale, Surrogate, Variances};
//! let depth = [-1.0, 0.0, 1.0, 2.0].map(|x| vec![x]);
//! let trained = [38.0, 40.5, 41.5].iter().enumerate();
//! let observations: Vec<_> = trained.map(|(architecture, value)| Observation { architecture, seed: 0, value: *value }).collect();
//! let variances = Variances { features: 4.0, own: 4.0, noise: 4.0, seed: 1.0 };
//! let scale = Scale::of(&[vec![-1.0], vec![1.0]]); // mean 0, deviation 1: depth is in its units already
//! let model = Surrogate::with_variances(scale, &depth, &observations, variances);
//! let expected = |network: usize| model.estimate(network, &depth[network]).mean;
//! assert!((model.coefficients()[0].mean - 0.875).abs() < 1e-9);
//! assert!((expected(3) - 41.75).abs() < 1e-9 && (expected(2) - 41.1875).abs() < 1e-9);
//! assert_eq!(variances.heritability(), 8.0 / 12.0); // the slope's share is the networks' too
//! ```
//!
//! The four variances are not known either. Those are taken that make the trainings most likely
//! ([`Surrogate::fit`](crate::search::Surrogate::fit)). How well the model then predicts is tried on networks that it is not shown, each in turn: the page of a search has
//! the chart and the share that is explained, R².
//!
//! #### What it is good for
//!
//! With that, three things can be done that plain breeding cannot:
//!
//! * **choose among children.** Thirty are evolved for each place of a generation, and the one is trained that has the best chances: each gets one draw
//!   from what the model thinks possible, and the highest wins. A child that is promising, or of which little is known, is drawn often.
//! * **race.** The last quarter of the budget trains the best ten again with new seeds, the most promising first, until one is ahead
//!   with 95 % certainty or the budget is spent.
//! * **say what is not known.** The answer is a mean with its error, and the probability that none of the race is better.
//!
//! ## Does breeding help?
//!
//! That the best network of the last generation is better than that of the first says little: a thousand networks drawn at
//! random also have, as a rule, a better best than twenty. The question is whether breeding finds **better networks than
//! chance after as many trainings**, with the same race at the end. `search.method = "random"` is that comparison.
//!
//! One search of each kind is no answer, since both are a matter of luck, and many are too dear if each has to train. But on a
//! [`Landscape`](crate::search::Landscape) of numbers that are known, a search takes a moment, and its winner can be held against the truth. Here
//! the truth is made up, so that one sees when breeding can help. Once it is smooth: a network like a good one is good too. And once it is
//! rugged: a random number for each graph. Either way a training adds as much noise as networks differ: `h² = 0.5`.
//!
//! ```
//! use evograd::models::genetic_cnn::{Backbone, Code};
//! use evograd::search::{Budget, History, Landscape, Method, Networks, Strategy, drive, graphs, method};
//! use evograd::{Purpose, Stream};
//!
//! let networks = Networks { stages: vec![3, 4], backbone: Backbone::cifar10(2), ..Networks::default() };
//! let graphs = graphs(&networks.stages)?; // one code for each graph
//! assert_eq!(graphs.len(), 186);
//! // The mean of the winner's true fitness over 40 landscapes, after 40 trainings.
//! let found = |method_: Method, truth: &dyn Fn(u32, &Code, u32) -> f64| -> evograd::Result<f64> {
//!     let mut sum = 0.0;
//!     for seed in 0..40 {
//!         let fitness = graphs.iter().zip(0..).map(|(code, number)| (code.clone(), truth(number, code, seed)));
//!         let landscape = Landscape::new(fitness, 1.0, 0.0);
//!         let strategy = Strategy { method: method_, budget: Budget::Trainings(40), seed: seed.into(), ..Strategy::default() };
//!         let (mut history, mut by) = (History::new(&networks, 32), method(&strategy));
//!         let mut trainings = landscape.trainings(seed.into());
//!         let answer = drive(strategy.budget, seed.into(), &mut history, &mut *by, &mut trainings, &mut |_| Ok(true))?;
//!         sum += landscape.truth(&answer.expect("a budget was spent").winner).expect("a graph of the space");
//!     }
//!     Ok(sum / 40.0)
//! };
//! // Edges, less their usual number, in units of their usual deviation.
//! let smooth = |_: u32, code: &Code, _: u32| {
//!     (code.0.iter().map(|stage| stage.edges().count() as f64).sum::<f64>() - 4.5) / 1.5
//! };
//! let [evolved, drawn] = [found(Method::Evolution, &smooth)?, found(Method::Random, &smooth)?];
//! println!("smooth: {evolved:.2} {drawn:.2}");
//! assert!(evolved > drawn + 0.2);
//!
//! let rugged = |number: u32, _: &Code, seed: u32| Stream::new(0, Purpose::Genetic, number, seed).normal();
//! let [evolved, drawn] = [found(Method::Evolution, &rugged)?, found(Method::Random, &rugged)?];
//! println!("rugged: {evolved:.2} {drawn:.2}");
//! assert!((evolved - drawn).abs() < 0.5);
//! # Ok::<(), evograd::Error>(())
//! ```
//!
//! Where children resemble their parents in fitness, breeding is ahead; where they do not, it is no better than
//! chance. On the larger space of 3, 4 and 5 nodes the lead is greater: RESULTS.md has the table.
//!
//! ### Does a small training rank as a large one does?
//!
//! What a search lives on is less the accuracies than the **ranks**: which of two networks is better. Whether a small
//! training ranks as a large one does is measured by **Kendall's τ**: of all pairs, the share that both rank alike minus
//! the share that they rank oppositely. 1 is the same order, 0 is chance, −1 the reverse. What noise does to it:
//!
//! ```
//! use evograd::search::kendall_tau;
//! use evograd::{Purpose, Stream};
//!
//! let normal = |what: u32| -> Vec<f64> {
//!     let mut stream = Stream::new(0, Purpose::Genetic, what, 0);
//!     (0..1000).map(|_| stream.normal()).collect()
//! };
//! let truth = normal(0); // how good a thousand networks are
//! let measured = |what: u32, noise: f64| -> Vec<f64> {
//!     truth.iter().zip(normal(what)).map(|(truth, random)| truth + noise * random).collect()
//! };
//! let tau = |a: &[f64], b: &[f64]| kendall_tau(a, b).expect("not all are equal");
//! for (noise, expected) in [(0.0, 1.0), (0.5, 0.70), (1.0, 0.50), (2.0, 0.30)] {
//!     assert!((tau(&truth, &measured(1, noise)) - expected).abs() < 0.05);
//! }
//! // Two measurements agree less with each other than each does with the truth.
//! assert!((tau(&measured(1, 1.0), &measured(2, 1.0)) - 0.33).abs() < 0.05);
//! ```
//!
//! Where noise is as large as the spread of the networks, a τ of 0.5 is left: of four pairs, one is ranked wrongly.
//! `evograd search calibrate` trains the same networks with several budgets, the small one more than once, and prints τ
//! between two trainings of one length, and for each length what of its order is the networks' own. It is worth its time before a
//! long search: a budget whose order does not repeat selects parents by chance.
//!
//! ## What the paper reports
//!
//! On CIFAR-10, with 20 individuals and 50 generations, so 1,020 trainings of 240 epochs and about 17 days of a graphics
//! processor, in networks of 8, 16 and 32 filters:
//!
//! | generation | best | mean |
//! | --- | --- | --- |
//! | 0 | 75.96 % | 74.39 % |
//! | 10 | 76.72 % | 75.68 % |
//! | 50 | 77.06 % | 76.58 % |
//! | all edges | 76.84 % | |
//!
//! With eight times the filters, the best wiring of generation 0 has an error of 8.18 %, that of generation 50 one of
//! 7.19 %, and that of a second run 7.10 %. Carried over to ImageNet, the two have 28.12 % and 27.87 % top-1 error;
//! VGG-16 has 28.5 %. On MNIST the best error goes from 0.41 % to 0.34 %: seven images of 10,000; there a start from
//! all-zero codes is as good as a random one after about 30 generations.
//!
//! What its tables do not say, or what is left open:
//!
//! * batch size, momentum, weight decay, first weights and augmentation of the search. Here they are settings of one's
//!   own, so accuracies cannot be expected to be the paper's;
//! * random search at the same cost: there is no row for it, so one cannot tell how much of the rise is breeding and how
//!   much is trying a thousand;
//! * how much a retraining of the same code varies. Within generation 0, networks have a standard deviation of 0.91
//!   points, which is wiring and noise together;
//! * on which images the table above was measured: its caption says the testing set, the text says that fitness comes
//!   from a validation set;
//! * the wiring of the second network without doubt: the code printed for its third stage is not that of the drawing,
//!   and the drawing keeps a node without edges, which by the rule vanishes. `genet1` is sure; `genet2` has here the
//!   edges of the drawing.
//!
//! ## On the command line
//!
//! ```sh
//! evograd search explain genet1                        # the graph of a code, and what it costs
//! evograd search calibrate                             # does the small training rank as a larger one?
//! evograd search --out runs/evolved                       # a small search on the built-in set of shapes
//! evograd search --out runs/drawn --method random
//! evograd search compare runs/evolved runs/drawn          # after as many networks
//! evograd search exhaust --stages 3,4                  # all 186 graphs once
//! evograd search transfer runs/evolved                    # the best at full width, and then the test set
//! ```
//!
//! ## Where to look
//!
//! * `src/models/genetic_cnn/`: `code.rs` bits and edges, `graph.rs` default nodes and vanishing ones, `canonical.rs`
//!   one code for each graph, `mod.rs` the network;
//! * `src/genetic/bits.rs`: the operators on staged bits; `select.rs`: the roulette;
//! * `src/search/candidate.rs`: one small training; `evaluator.rs`: what is known and what is to be trained, side by
//!   side; `journal.rs`: lines and checksums;
//! * `src/search/drive.rs`: a search from its first generation to its answer; `method/`: how individuals are proposed;
//!   `surrogate.rs`: the model of accuracy; `race.rs`: its end;
//! * `src/search/calibrate.rs` and `rungs.rs`: what a length of training is worth; `confirm.rs`: the last word on a winner;
//!   `table/` and `rehearsal.rs`: searches by the thousand on trainings that were done.
