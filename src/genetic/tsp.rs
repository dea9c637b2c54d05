//! The travelling salesman: the shortest way through all towns and back. The smallest problem that shows what the genetic
//! algorithm does, and a proof that it knows nothing of networks. Knows towns and permutations.
//!
//! Plain settings, without any search beside it: tournaments of three, order crossover, and a section that is turned
//! around or put in elsewhere. Such a population soon becomes all alike, mostly around a tour that is good and not the best.
//! So a line that has found nothing better for three generations per town is ended, and another begins with new random
//! tours, until all generations are spent; the shortest tour of all lines counts.
//!
//! **Measured** on 20 sets of 52 random towns, 12,000 generations each: one line alone ends up to 9.4 % above the
//! shortest tour, lines that begin anew up to 1.1 %.
//!
//! Files are read by `tsplib`.

use super::tsplib::{self, Distance};
use super::{
    Displacement, Evolution, Fitness, Generation, Inversion, OneOf, OrderCrossover, Permutation, Permutations, Stop,
    Tournament,
};
use crate::error::{Error, Result};
use crate::files;
use crate::reserve;
use crate::rng::{Purpose, Stream};
use std::path::Path;

/// The most towns: the distances of each two then take 32 MB.
const MAX_TOWNS: usize = 2000;
/// The most numbers in the tours of a generation: 400 MB.
const MAX_NUMBERS: usize = 50_000_000;
/// The largest file that is read, in bytes.
const MAX_FILE: u64 = 4_000_000;
/// Sums of distances below this keep nine digits after the point.
const MAX_COORDINATE: f64 = 1e6;

/// Towns in the plane.
///
/// ```
/// use evograd::genetic::{Permutation, Towns};
/// let square = Towns::new(vec![[0.0, 0.0], [0.0, 1.0], [1.0, 1.0], [1.0, 0.0]])?;
/// assert_eq!(square.length(&Permutation(vec![0, 1, 2, 3])), 4.0);
/// # Ok::<(), evograd::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Towns {
    places: Vec<[f64; 2]>,
    /// What each town is called.
    numbers: Vec<u32>,
    /// The distance between each two, row by row.
    distances: Vec<f64>,
    /// What the file they were read from probably does not mean.
    notes: Vec<String>,
}

/// How large the evolution is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TourSettings {
    /// Tours in a generation.
    pub size: usize,
    /// Generations in all.
    pub generations: u32,
    /// What all random choices come from.
    pub seed: u64,
}

/// Enough for some 50 towns; it takes a second or two.
impl Default for TourSettings {
    fn default() -> Self {
        TourSettings { size: 200, generations: 10_000, seed: 0 }
    }
}

/// The shortest tour that was found so far.
#[derive(Clone, Debug, PartialEq)]
pub struct Tour {
    /// The order of the towns.
    pub order: Permutation,
    /// The length of the way, back to the first town.
    pub length: f64,
    /// The generations that have passed.
    pub generations: u32,
}

impl Towns {
    /// Towns at these places, as the crow flies.
    ///
    /// # Errors
    /// When there are fewer than 3 or more than 2,000, or a coordinate is not a number from minus a million to a million.
    pub fn new(places: Vec<[f64; 2]>) -> Result<Towns> {
        let numbers = (0..places.len() as u32).collect();
        Self::with(places, numbers, Distance::Exact)
    }

    /// Towns evenly spaced on a circle of radius 1, counted in a random order. The shortest tour goes around it, and its
    /// length is `2 n sin(π / n)`.
    ///
    /// # Errors
    /// As [`Towns::new`].
    ///
    /// ```
    /// use evograd::genetic::{TourSettings, Towns};
    /// let towns = Towns::circle(12, 0)?;
    /// let tour = towns.evolve(TourSettings { generations: 200, ..TourSettings::default() }, &mut |_| true)?;
    /// assert!((tour.length - 24.0 * (std::f64::consts::PI / 12.0).sin()).abs() < 1e-9);
    /// # Ok::<(), evograd::Error>(())
    /// ```
    pub fn circle(count: usize, seed: u64) -> Result<Towns> {
        Self::check_count(count)?;
        let angle = |town: usize| std::f64::consts::TAU * town as f64 / count as f64;
        let mut places: Vec<[f64; 2]> = (0..count).map(|town| [angle(town).cos(), angle(town).sin()]).collect();
        let mut stream = Stream::new(seed, Purpose::Towns, 0, 0);
        (1..count).rev().for_each(|last| places.swap(last, stream.below(last + 1)));
        Self::new(places)
    }

    /// Towns anywhere in the unit square.
    ///
    /// # Errors
    /// As [`Towns::new`].
    pub fn random(count: usize, seed: u64) -> Result<Towns> {
        Self::check_count(count)?;
        let mut stream = Stream::new(seed, Purpose::Towns, 1, 0);
        Self::new((0..count).map(|_| [stream.uniform(), stream.uniform()]).collect())
    }

    /// Towns of a TSPLIB file with coordinates in a `NODE_COORD_SECTION`. Distances are those of its `EDGE_WEIGHT_TYPE`, rounded
    /// to whole numbers as that asks: `EUC_2D`, `CEIL_2D`, `MAN_2D`, `MAX_2D`, `ATT` or `GEO`.
    ///
    /// # Errors
    /// When the file cannot be read, is no such file, demands more than a shortest tour, or does not hold as many towns as
    /// it says.
    pub fn read(path: &Path) -> Result<Towns> {
        let remedy = "name a TSPLIB file of TYPE TSP with a NODE_COORD_SECTION and an EDGE_WEIGHT_TYPE such as EUC_2D";
        let read = text(path).and_then(|text| tsplib::parse(&text));
        let tsplib::Towns { numbers, places, distance, notes } =
            read.map_err(|problem| Error::file(path, problem, remedy))?;
        let towns = Self::with(places, numbers, distance).map_err(|error| error.at(path.display()))?;
        Ok(Towns { notes, ..towns })
    }

    fn with(places: Vec<[f64; 2]>, numbers: Vec<u32>, distance: Distance) -> Result<Towns> {
        Self::check_count(places.len())?;
        let fits = |x: &f64| x.abs() <= MAX_COORDINATE;
        if let Some(town) = places.iter().position(|place| !place.iter().all(fits)) {
            let problem = format!("town {} lies at {:?}", numbers[town], places[town]);
            return Err(Error::op("towns", problem, &[], "use coordinates from -1,000,000 to 1,000,000"));
        }
        let room = reserve::with_room(places.len() * places.len());
        let mut distances = room.map_err(|refused| refused.during("towns"))?;
        distances.extend(places.iter().flat_map(|a| places.iter().map(move |b| distance.between(a, b))));
        Ok(Towns { places, numbers, distances, notes: Vec::new() })
    }

    fn check_count(count: usize) -> Result<()> {
        match count {
            3..=MAX_TOWNS => Ok(()),
            _ => Err(Error::op("towns", format!("there are {count}"), &[], "use 3 to 2,000 towns")),
        }
    }

    /// Where the towns lie.
    pub fn places(&self) -> &[[f64; 2]] {
        &self.places
    }

    /// What each town is called, in the same order: the number that a file gives it, or else its place, counted from 0.
    pub fn numbers(&self) -> &[u32] {
        &self.numbers
    }

    /// What the file they were read from probably does not mean, though it was read.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// The length of a tour through all towns, in this order and back to the first.
    ///
    /// # Panics
    /// When the tour names a town that there is not, or none.
    pub fn length(&self, tour: &Permutation) -> f64 {
        let count = self.places.len();
        let road = |from: usize, to: usize| self.distances[from * count + to];
        let roads: f64 = tour.0.windows(2).map(|pair| road(pair[0], pair[1])).sum();
        roads + road(tour.0[tour.0.len() - 1], tour.0[0])
    }

    /// Evolves tours. `on_generation` is called with the shortest so far after each generation, and answers whether to go on.
    ///
    /// # Errors
    /// When there is nothing to evolve, or more than fits into memory.
    pub fn evolve(&self, settings: TourSettings, on_generation: &mut dyn FnMut(&Tour) -> bool) -> Result<Tour> {
        let count = self.places.len();
        let TourSettings { size, generations, seed } = settings;
        if generations == 0 {
            return Err(Error::op("tsp", "no generation was asked for", &[], "use at least one"));
        }
        if !(1..=MAX_NUMBERS / count).contains(&size) {
            let problem = format!("{size} tours of {count} towns are no population");
            return Err(Error::op("tsp", problem, &[], format!("use from 1 to {} tours", MAX_NUMBERS / count)));
        }
        let mut best = Tour { order: Permutation((0..count).collect()), length: f64::INFINITY, generations: 0 };
        let (mut line, mut goes_on) = (0, true);
        while goes_on && best.generations < generations {
            let mut heard = |generation: &Generation<Permutation>| {
                best.learn(generation);
                goes_on = on_generation(&best);
                goes_on && best.generations < generations
            };
            self.evolve_line(size, line_seed(seed, line), &mut heard)?;
            line += 1;
        }
        Ok(best)
    }

    /// Evolves from one set of random tours until nothing better is found.
    fn evolve_line(
        &self,
        size: usize,
        seed: u64,
        heard: &mut dyn FnMut(&Generation<Permutation>) -> bool,
    ) -> Result<Generation<Permutation>> {
        let evolution = Evolution {
            space: &Permutations(self.places.len()),
            selection: &Tournament { size: 3 },
            crossover: &OrderCrossover { pair: 0.6 },
            mutation: &OneOf(&[&Inversion { genome: 0.9 }, &Displacement { genome: 0.9 }]),
            size,
            elite: size / 50,
            seed,
        };
        let patience = Some(3 * self.places.len() as u32);
        let stop = Stop { generations: u32::MAX, fitness: None, patience };
        evolution.run(&mut Shortness(self), stop, &mut |generation| Ok(heard(generation)))
    }
}

impl Tour {
    /// Takes over what a further generation has found.
    fn learn(&mut self, generation: &Generation<Permutation>) {
        let found = generation.best();
        if -found.fitness < self.length {
            (self.order, self.length) = (found.genome.clone(), -found.fitness);
        }
        self.generations += 1;
    }
}

/// The seed of a line: unrelated to those of other lines and other seeds.
fn line_seed(seed: u64, line: u32) -> u64 {
    let mut stream = Stream::new(seed, Purpose::Towns, 2, line);
    u64::from(stream.word()) << 32 | u64::from(stream.word())
}

/// Shorter is fitter.
struct Shortness<'a>(&'a Towns);

impl Fitness<Permutation> for Shortness<'_> {
    fn evaluate(&mut self, _: u32, tours: &[Permutation]) -> Result<Vec<f64>> {
        Ok(tours.iter().map(|tour| -self.0.length(tour)).collect())
    }
}

/// The text of a file that is not too large.
fn text(path: &Path) -> std::result::Result<String, String> {
    let too_large = || format!("it has more than {MAX_FILE} bytes");
    if std::fs::metadata(path).is_ok_and(|found| found.len() > MAX_FILE) {
        return Err(too_large());
    }
    let bytes = files::read_given(path).map_err(|error| error.to_string())?;
    if bytes.len() as u64 > MAX_FILE {
        return Err(too_large());
    }
    tsplib::decoded(&bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: TourSettings = TourSettings { size: 100, generations: 600, seed: 0 };

    fn is_permutation(tour: &Tour, count: usize) -> bool {
        let mut towns = tour.order.0.clone();
        towns.sort_unstable();
        towns.into_iter().eq(0..count)
    }

    #[test]
    fn a_tour_goes_back_to_where_it_began() {
        let towns = Towns::new(vec![[0.0, 0.0], [3.0, 4.0], [3.0, 0.0]]).unwrap();
        assert_eq!(towns.length(&Permutation(vec![2, 0, 1])), 12.0);
    }

    /// Neighbours on the tour are neighbours on the circle.
    #[test]
    fn the_shortest_tour_of_a_circle_goes_around_it() {
        for seed in 0..3 {
            let towns = Towns::circle(30, seed).unwrap();
            let tour = towns.evolve(TourSettings { seed, ..ALL }, &mut |_| true).unwrap();
            assert!(is_permutation(&tour, 30));
            let road = 2.0 * (std::f64::consts::PI / 30.0).sin();
            let place = |i: usize| towns.places()[tour.order.0[i % 30]];
            for (a, b) in (0..30).map(|i| (place(i), place(i + 1))) {
                assert!(((a[0] - b[0]).hypot(a[1] - b[1]) - road).abs() < 1e-12, "seed {seed}: {a:?} to {b:?}");
            }
            assert!((tour.length - 30.0 * road).abs() < 1e-12);
        }
    }

    #[test]
    fn the_same_seed_gives_the_same_tours_and_a_longer_run_begins_as_a_shorter_one() {
        let towns = Towns::random(20, 7).unwrap();
        let history = |settings| {
            let mut lengths = Vec::new();
            let tour = towns.evolve(settings, &mut |tour| {
                lengths.push(tour.length);
                true
            });
            (tour.unwrap(), lengths)
        };
        let (tour, lengths) = history(ALL);
        assert_eq!((lengths.len(), tour.generations), (600, 600));
        assert!(lengths.is_sorted_by(|before, after| before >= after));
        assert_eq!(towns.length(&tour.order), tour.length);
        assert_eq!(history(ALL), (tour, lengths.clone()));
        assert_eq!(history(TourSettings { generations: 450, ..ALL }).1, lengths[..450]);
        assert_ne!(history(TourSettings { seed: 1, ..ALL }).1, lengths);
    }

    #[test]
    fn a_listener_ends_the_evolution() {
        let towns = Towns::random(20, 0).unwrap();
        let tour = towns.evolve(ALL, &mut |tour| tour.generations < 7).unwrap();
        assert!(tour.generations == 7 && is_permutation(&tour, 20));
    }

    #[test]
    fn what_cannot_be_evolved_is_refused() {
        let refused = |towns: Result<Towns>| towns.unwrap_err().to_string();
        assert_eq!(refused(Towns::random(2, 0)), "towns: there are 2; use 3 to 2,000 towns");
        assert_eq!(
            refused(Towns::circle(usize::MAX, 0)),
            format!("towns: there are {}; use 3 to 2,000 towns", usize::MAX)
        );
        let far = vec![[0.0, 0.0], [1.0, 1e7], [f64::NAN, 0.0]];
        let text = "towns: town 1 lies at [1.0, 10000000.0]; use coordinates from -1,000,000 to 1,000,000";
        assert_eq!(refused(Towns::new(far)), text);
        let towns = Towns::circle(100, 0).unwrap();
        for (settings, text) in [
            (TourSettings { size: 0, ..ALL }, "0 tours of 100 towns are no population; use from 1 to 500000 tours"),
            (
                TourSettings { size: 500_001, ..ALL },
                "500001 tours of 100 towns are no population; use from 1 to 500000 tours",
            ),
            (TourSettings { generations: 0, ..ALL }, "no generation was asked for; use at least one"),
        ] {
            let error = towns.evolve(settings, &mut |_| true).unwrap_err().to_string();
            assert_eq!(error, format!("tsp: {text}"));
        }
    }

    #[test]
    fn a_single_tour_is_evolved_too() {
        let tour = Towns::circle(3, 0).unwrap().evolve(TourSettings { size: 1, ..ALL }, &mut |_| true).unwrap();
        assert!((tour.length - 27.0_f64.sqrt()).abs() < 1e-12);
    }

    const HEAD: &str = "NAME : five\nTYPE: TSP\nDIMENSION: 3\nEDGE_WEIGHT_TYPE : EUC_2D\nNODE_COORD_SECTION\n";

    fn read(text: &[u8]) -> std::result::Result<Towns, String> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        let name = file.path().display().to_string();
        Towns::read(file.path()).map_err(|error| error.to_string().replace(&name, "FILE"))
    }

    #[test]
    fn a_file_of_tsplib_is_read_and_its_distances_are_rounded() {
        let towns = read(format!("{HEAD}7 0 0\n 2 1.5e0 0.0\n30 0 2.4\nEOF\n").as_bytes()).unwrap();
        assert_eq!(towns.numbers(), [7, 2, 30]);
        assert_eq!(towns.places(), [[0.0, 0.0], [1.5, 0.0], [0.0, 2.4]]);
        assert_eq!(towns.length(&Permutation(vec![0, 1, 2])), 2.0 + 3.0 + 2.0);
        assert_eq!(read(format!("{HEAD}7 0 0\r\n2 1.5 0\r\n30 0 2.4").as_bytes()).unwrap(), towns);
    }

    /// Files are older than UTF-8: `Z\xfcrich` is Zürich in Latin-1.
    #[test]
    fn comments_and_names_may_be_in_any_encoding() {
        let towns = b"1 0 0\n2 1 0\n3 0 2\nEOF\n";
        let plain = read(&[HEAD.as_bytes(), towns].concat()).unwrap();
        let head = HEAD.replace("five", "Zurich").replace("TYPE: TSP", "COMMENT: from Zurich\nTYPE: TSP").into_bytes();
        let latin: Vec<u8> = head.into_iter().map(|byte| if byte == b'u' { 0xfc } else { byte }).collect();
        assert!(std::str::from_utf8(&latin).is_err());
        assert_eq!(read(&[&latin, &towns[..]].concat()), Ok(plain));
        assert!(read(&[HEAD.as_bytes(), b"1 0 0\n2 1 0\n3 0 \xb2\n"].concat()).unwrap_err().contains("line 8"));
    }

    #[test]
    fn other_files_are_refused_with_what_is_wrong() {
        let head = |from: &str, to: &str| HEAD.replace(from, to) + "1 0 0\n2 1 0\n3 0 2\nEOF\n";
        let remedy =
            "; name a TSPLIB file of TYPE TSP with a NODE_COORD_SECTION and an EDGE_WEIGHT_TYPE such as EUC_2D";
        for (text, problem) in [
            (String::new(), "it has no EDGE_WEIGHT_TYPE"),
            (head("TSP", "ATSP"), "line 2: TYPE is \"ATSP\", not TSP"),
            (head("NODE_COORD_SECTION\n", ""), "line 5: \"1 0 0\" stands in no section"),
            (format!("{HEAD}1 0 0\n2 1 "), "line 7: \"2 1\" is not a town's number and two coordinates"),
            ("x".repeat(4_000_001), "it has more than 4000000 bytes"),
        ] {
            assert_eq!(read(text.as_bytes()), Err(format!("FILE: {problem}{remedy}")));
        }
        let keyword = "\u{fffd}".repeat(9);
        assert_eq!(read(&[0xff; 9]), Err(format!("FILE: line 1: \"{keyword}\" is no keyword of TSPLIB{remedy}")));
        let far = read(format!("{HEAD}1 0 0\n2 inf 0\n3 0 0").as_bytes());
        let text = "FILE: towns: town 2 lies at [inf, 0.0]; use coordinates from -1,000,000 to 1,000,000";
        assert_eq!(far, Err(text.into()));
        assert!(Towns::read(Path::new("/nowhere.tsp")).unwrap_err().to_string().starts_with("/nowhere.tsp: "));
    }
}
