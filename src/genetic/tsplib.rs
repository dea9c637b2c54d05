//! Files of TSPLIB: the towns of a travelling salesman by their coordinates, and how far it is between two of them.
//!
//! A file is a list of keywords with values, `DIMENSION : 52`, and of sections of numbers, each of which follows a keyword of
//! its own; `EOF` or the end of the file ends it. What would make another problem of it, such as edges that a tour must
//! take, and what is not known is refused by name wherever it stands; what changes no distance is read over: names, comments,
//! tours and places for display.
//!
//! **Source** Reinelt, *TSPLIB — a traveling salesman problem library*, ORSA Journal on Computing 3, 1991; the format: Reinelt,
//! *TSPLIB 95*, Universität Heidelberg, 1995. A remark in parentheses behind a value is no part of it.

use std::collections::HashSet;

/// What a file says, or what is wrong with it.
type Parsed<T> = Result<T, String>;

/// The towns of a file.
#[derive(Debug)]
pub(super) struct Towns {
    /// What each town is called.
    pub numbers: Vec<u32>,
    /// The coordinates of each.
    pub places: Vec<[f64; 2]>,
    /// The distance between two.
    pub distance: Distance,
    /// What is read and probably not meant.
    pub notes: Vec<String>,
}

/// A `EDGE_WEIGHT_TYPE`; all but the exact one give whole numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Distance {
    /// As the crow flies; no type of a file.
    Exact,
    /// As the crow flies, rounded to the nearest.
    Euclidean,
    /// As the crow flies, rounded up.
    Ceiling,
    /// Along the axes, rounded to the nearest.
    Manhattan,
    /// The greater of both axes, each rounded to the nearest.
    Maximum,
    /// The pseudo-Euclidean distance of the problems att48 and att532.
    Att,
    /// On the globe, in kilometres; coordinates are degrees and minutes, `DDD.MM`.
    Geographical,
}

/// What the lines that follow belong to.
enum Section {
    Keywords,
    Towns,
    /// Numbers that change nothing, with the section's name.
    ReadOver(String),
    /// What is not supported, with the words that say so; an empty section demands nothing.
    Refused(String),
}

/// The section of tours.
const TOURS: &str = "TOUR_SECTION";

/// What was read so far.
struct Reader {
    section: Section,
    met: HashSet<String>,
    dimension: Option<String>,
    distance: Option<Distance>,
    numbers: Vec<u32>,
    places: Vec<[f64; 2]>,
}

/// The bytes of a file as text: UTF-16 where they begin with its mark, and else UTF-8, in which comments and names may be in any
/// encoding: each part that is no UTF-8 becomes a `\u{fffd}`, which no keyword and no number has.
pub(super) fn decoded(bytes: &[u8]) -> Parsed<String> {
    let (rest, is_little) = match bytes {
        [0xff, 0xfe, rest @ ..] => (rest, true),
        [0xfe, 0xff, rest @ ..] => (rest, false),
        _ => return Ok(String::from_utf8_lossy(bytes).into_owned()),
    };
    let (pairs, odd) = rest.as_chunks::<2>();
    let unit = |pair: &[u8; 2]| if is_little { u16::from_le_bytes(*pair) } else { u16::from_be_bytes(*pair) };
    let text = String::from_utf16(&pairs.iter().map(unit).collect::<Vec<u16>>());
    match text {
        Ok(text) if odd.is_empty() => Ok(text),
        _ => Err("it begins with the mark of UTF-16 and is none; save it as UTF-8".into()),
    }
}

/// Reads the text of a file.
pub(super) fn parse(text: &str) -> Parsed<Towns> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut reader = Reader {
        section: Section::Keywords,
        met: HashSet::new(),
        dimension: None,
        distance: None,
        numbers: Vec::new(),
        places: Vec::new(),
    };
    // Lines of old Macintoshes end with a carriage return alone.
    let text = text.replace("\r\n", "\n");
    let numbered = text.split(['\n', '\r']).enumerate().map(|(i, line)| (i + 1, line.trim()));
    for (number, line) in numbered.filter(|(_, line)| !line.is_empty()) {
        if is_end(line) {
            break;
        }
        reader.line(line).map_err(|problem| format!("line {number}: {problem}"))?;
    }
    reader.finish()
}

/// Whether a file ends here: with its keyword, or as files of DOS do.
fn is_end(line: &str) -> bool {
    line.starts_with('\u{1a}')
        || line.trim_end_matches(|c: char| c == ':' || c.is_whitespace()).eq_ignore_ascii_case("EOF")
}

impl Reader {
    fn line(&mut self, line: &str) -> Parsed<()> {
        let is_data = line.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c));
        match (&self.section, is_data) {
            (Section::Keywords, true) => Err(format!("{} stands in no section", shown(line))),
            // There each tour ends with −1, and another −1 ends the section.
            (Section::ReadOver(name), true) if name == TOURS => read_over(name, line),
            (Section::Towns | Section::ReadOver(_) | Section::Refused(_), true) if line == "-1" => {
                self.section = Section::Keywords;
                Ok(())
            }
            (Section::Towns, true) => self.town(line),
            (Section::ReadOver(name), true) => read_over(name, line),
            (Section::Refused(problem), true) => Err(problem.clone()),
            (_, false) => self.keyword(line),
        }
    }

    fn keyword(&mut self, line: &str) -> Parsed<()> {
        let (key, value) = match line.split_once(':') {
            Some((key, value)) => (key.trim(), value.trim()),
            None => line.split_once(char::is_whitespace).map_or((line, ""), |(key, value)| (key, value.trim())),
        };
        let value = value.split('(').next().unwrap_or(value).trim();
        let (key, upper) = (key.to_ascii_uppercase(), value.to_ascii_uppercase());
        if key != "COMMENT" && !self.met.insert(key.clone()) {
            return Err(format!("{} stands there twice", shown(&key)));
        }
        if key.ends_with("_SECTION") && !value.is_empty() {
            return Err(format!(
                "{} stands in the line of {key}, and what belongs to it follows in lines of its own",
                shown(value)
            ));
        }
        self.section = Section::Keywords;
        let refused = |because: &str| Err(format!("{key} is {}, {because}", shown(value)));
        match key.as_str() {
            "NAME" | "COMMENT" | "DISPLAY_DATA_TYPE" => {}
            "TYPE" if upper == "TSP" => {}
            "TYPE" if upper == "TOUR" => {
                return refused("a tour without its towns; name the file of TYPE TSP that it belongs to");
            }
            "TYPE" => return refused("not TSP"),
            "DIMENSION" => self.dimension = Some(value.to_string()),
            "EDGE_WEIGHT_TYPE" => self.distance = Some(distance(&upper).ok_or_else(|| unknown_distance(value))?),
            "NODE_COORD_TYPE" if upper == "TWOD_COORDS" => {}
            "NODE_COORD_TYPE" => return refused("not TWOD_COORDS"),
            "EDGE_WEIGHT_FORMAT" if upper == "FUNCTION" => {}
            "EDGE_WEIGHT_FORMAT" => return refused("and distances are computed from coordinates here"),
            "NODE_COORD_SECTION" => self.section = Section::Towns,
            "DISPLAY_DATA_SECTION" | TOURS => self.section = Section::ReadOver(key),
            "FIXED_EDGES_SECTION" => self.refuse(format!("{key} demands edges of the tour, which is not supported")),
            "EDGE_WEIGHT_SECTION" => self.refuse(format!("{key} lists distances, which is not supported")),
            "DEPOT_SECTION" | "DEMAND_SECTION" | "EDGE_DATA_SECTION" => self.refuse(another_problem(&key)),
            "CAPACITY" | "EDGE_DATA_FORMAT" => return Err(another_problem(&key)),
            _ => return Err(format!("{} is no keyword of TSPLIB", shown(&key))),
        }
        Ok(())
    }

    /// Begins a section in which nothing may stand.
    fn refuse(&mut self, problem: String) {
        self.section = Section::Refused(problem);
    }

    /// A town, such as `1 37.0 52.0`.
    fn town(&mut self, line: &str) -> Parsed<()> {
        let words: Vec<&str> = line.split_whitespace().collect();
        let numbers = match words.as_slice() {
            [number, x, y] => whole(number).zip(x.parse().ok().zip(y.parse().ok())),
            _ => None,
        };
        let Some((number, (x, y))) = numbers else {
            return Err(format!("{} is not a town's number and two coordinates", shown(line)));
        };
        self.numbers.push(number);
        self.places.push([x, y]);
        Ok(())
    }

    fn finish(self) -> Parsed<Towns> {
        let Reader { met, dimension, distance, numbers, places, .. } = self;
        let distance = distance.ok_or("it has no EDGE_WEIGHT_TYPE")?;
        let dimension = dimension.ok_or("it has no DIMENSION")?;
        if !met.contains("NODE_COORD_SECTION") {
            return Err("it has no NODE_COORD_SECTION".into());
        }
        if whole(&dimension).map(|count| count as usize) != Some(places.len()) {
            let towns = places.len();
            let follow = if towns == 1 { "town follows" } else { "towns follow" };
            return Err(format!("its DIMENSION is {}, but {towns} {follow}", shown(&dimension)));
        }
        let mut met = HashSet::new();
        if let Some(twice) = numbers.iter().find(|number| !met.insert(**number)) {
            return Err(format!("it has two towns with the number {twice}"));
        }
        let notes = if distance == Distance::Geographical { odd_degrees(&numbers, &places)? } else { Vec::new() };
        Ok(Towns { numbers, places, distance, notes })
    }
}

/// A whole number, which may be written as `1`, `1.0` or `1e0`.
fn whole(word: &str) -> Option<u32> {
    let number: f64 = word.parse().ok()?;
    (number.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(&number)).then_some(number as u32)
}

fn another_problem(key: &str) -> String {
    format!("{key} makes it another problem than a travelling salesman's")
}

/// Refuses coordinates that are nowhere on the globe, and those that are degrees with decimals: then many towns have what would be sixty
/// minutes or more. A few have it in files of the library too (three in ali535), whose shortest tours are those of the formula; they are
/// reported.
fn odd_degrees(numbers: &[u32], places: &[[f64; 2]]) -> Parsed<Vec<String>> {
    let is_off =
        |[latitude, longitude]: &[f64; 2]| degrees(*latitude).abs() > 90.0 || degrees(*longitude).abs() > 180.0;
    if let Some((town, place)) = numbers.iter().zip(places).find(|(_, place)| is_off(place)) {
        return Err(format!(
            "town {town} lies at {place:?}, and GEO takes latitudes up to 90 and longitudes up to 180"
        ));
    }
    let has_odd_minutes = |place: &[f64; 2]| place.iter().any(|x| x.fract().abs() > 0.6 - 1e-9);
    let mut odd = numbers.iter().zip(places).filter(|(_, place)| has_odd_minutes(place));
    let Some((town, place)) = odd.next() else { return Ok(Vec::new()) };
    let others = odd.count();
    let text = format!(
        "town {town} lies at {place:?}{}, and GEO takes what stands behind the point as minutes, of which a degree has 60",
        match others {
            0 => String::new(),
            1 => " and another like it".into(),
            _ => format!(" and {others} others like it"),
        }
    );
    match 10 * (1 + others) > places.len() {
        true => Err(text + "; write degrees and minutes, 38.45 for 38.75 degrees"),
        false => Ok(vec![text]),
    }
}

/// The first characters of a text, in quotes.
fn shown(text: &str) -> String {
    format!("{:?}", text.chars().take(40).collect::<String>())
}

/// A line of numbers that change nothing.
fn read_over(section: &str, line: &str) -> Parsed<()> {
    match line.split_whitespace().find(|word| word.parse::<f64>().is_err()) {
        Some(word) => Err(format!("{} in the {section} is no number", shown(word))),
        None => Ok(()),
    }
}

fn unknown_distance(value: &str) -> String {
    format!("its distances are {}, not EUC_2D, CEIL_2D, MAN_2D, MAX_2D, ATT or GEO", shown(value))
}

fn distance(name: &str) -> Option<Distance> {
    Some(match name {
        "EUC_2D" => Distance::Euclidean,
        "CEIL_2D" => Distance::Ceiling,
        "MAN_2D" => Distance::Manhattan,
        "MAX_2D" => Distance::Maximum,
        "ATT" => Distance::Att,
        "GEO" => Distance::Geographical,
        _ => return None,
    })
}

impl Distance {
    /// The distance between two places.
    pub fn between(self, a: &[f64; 2], b: &[f64; 2]) -> f64 {
        let [x, y] = [0, 1].map(|axis| (a[axis] - b[axis]).abs());
        match self {
            Distance::Exact => x.hypot(y),
            Distance::Euclidean => nearest(x.hypot(y)),
            // The root of a sum of squares is exact where that is a square; `hypot` may be a unit of rounding above it.
            Distance::Ceiling => (x * x + y * y).sqrt().ceil(),
            Distance::Manhattan => nearest(x + y),
            Distance::Maximum => nearest(x).max(nearest(y)),
            Distance::Att => ((x * x + y * y) / 10.0).sqrt().ceil(),
            Distance::Geographical => geographical(a, b),
        }
    }
}

fn nearest(x: f64) -> f64 {
    (x + 0.5).floor()
}

/// Degrees and minutes, `DDD.MM`, as degrees.
fn degrees(x: f64) -> f64 {
    x.trunc() + 5.0 * x.fract() / 3.0
}

/// The distance on a globe of radius 6378.388 km, with the constants that the format prescribes.
#[expect(clippy::approx_constant, reason = "published lengths are those of this value")]
fn geographical(a: &[f64; 2], b: &[f64; 2]) -> f64 {
    if a == b {
        return 0.0;
    }
    const PI: f64 = 3.141_592;
    let radians = |x: f64| PI * degrees(x) / 180.0;
    let ([a_lat, a_long], [b_lat, b_long]) = (a.map(radians), b.map(radians));
    let q1 = (a_long - b_long).cos();
    let q2 = (a_lat - b_lat).cos();
    let q3 = (a_lat + b_lat).cos();
    let cosine = 0.5 * ((1.0 + q1) * q2 - (1.0 - q1) * q3);
    (6378.388 * cosine.clamp(-1.0, 1.0).acos() + 1.0).trunc()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "NAME: x\nTYPE: TSP\nDIMENSION: 4\nEDGE_WEIGHT_TYPE: EUC_2D\n";
    const TOWNS: &str = "NODE_COORD_SECTION\n1 0 0\n2 0 10\n3 10 10\n4 10 0\n";

    fn square(text: &str) {
        let towns = parse(text).unwrap_or_else(|problem| panic!("{problem}: {text}"));
        assert_eq!(towns.numbers, [1, 2, 3, 4], "{text}");
        assert_eq!(towns.places, [[0.0, 0.0], [0.0, 10.0], [10.0, 10.0], [10.0, 0.0]], "{text}");
    }

    #[test]
    fn what_changes_no_distance_is_read_over() {
        let plain = format!("{HEAD}{TOWNS}EOF\n");
        let table = [
            plain.clone(),
            format!("{HEAD}{TOWNS}"),
            format!("\u{feff}{plain}"),
            plain.replace('\n', "\r\n"),
            plain.replace(": ", " : "),
            plain.replace(": ", " :\t"),
            plain.replace(": ", ":"),
            plain.replace(": ", " "),
            plain.replace('\n', "  \n\n"),
            plain.to_lowercase(),
            plain.replace("1 0 0", "  1\t0.0   0.0e+00"),
            plain.replace("2 0 10", "2 0 1e1").replace("3 10 10", "3 1.0E+01 +10."),
            plain.replace("EOF", "-1\nEOF"),
            plain.replace("EOF", "EOF\nFIXED_EDGES_SECTION\n1 3"),
            format!(
                "COMMENT: one\nCOMMENT: two: three\nNODE_COORD_TYPE: TWOD_COORDS\nDISPLAY_DATA_TYPE: TWOD_DISPLAY\n{plain}"
            ),
            format!("{HEAD}{TOWNS}DISPLAY_DATA_SECTION\n1 0 0\n2 0 10\n3 10 10\n4 10 0\nEOF"),
            format!("{HEAD}DISPLAY_DATA_SECTION\n1 5 5.5\n{TOWNS}EOF"),
            format!("{HEAD}{TOWNS}TOUR_SECTION\n1 2 3 4 -1\nEOF"),
            format!("{HEAD}{TOWNS}TOUR_SECTION\n1\n2\n3\n4\n-1\nDISPLAY_DATA_SECTION\n1 0 0\n"),
            format!("{HEAD}{TOWNS}TOUR_SECTION\n1 2 3 4 -1\n1 3 2 4 -1\n-1\nEOF"),
            format!("{HEAD}{TOWNS}TOUR_SECTION\n1 2\n3 4\n-1\n-1\nDISPLAY_DATA_SECTION\n1 0 0\n"),
            format!("{HEAD}TOUR_SECTION\n1 2 3 4 -1 -1\n{TOWNS}EOF"),
            plain.replace("TYPE: TSP", "TYPE : TSP  (M.~Hofmeister)"),
            plain.replace("EUC_2D", "EUC_2D (rounded)").replace("DIMENSION: 4", "DIMENSION: 4(towns)"),
            format!("{TOWNS}{HEAD}"),
            plain.replace('\n', "\r"),
            plain.replace("EOF", "EOF :"),
            format!("{HEAD}{TOWNS}\u{1a}"),
            format!("{HEAD}{TOWNS}FIXED_EDGES_SECTION\n-1\nEOF"),
            format!("{HEAD}FIXED_EDGES_SECTION :\n{TOWNS}EOF"),
            format!("{HEAD}EDGE_WEIGHT_SECTION\nDEPOT_SECTION\n-1\nDEMAND_SECTION\nEDGE_DATA_SECTION\n-1\n{TOWNS}"),
            format!("{HEAD}{TOWNS}DISPLAY_DATA_SECTION\nTOUR_SECTION\n-1\nEOF"),
            plain.replace("2 0 10", "2.0 0 10").replace("3 10", "3e0 10").replace("DIMENSION: 4", "DIMENSION: 4.0"),
        ];
        table.iter().for_each(|text| square(text));
    }

    #[test]
    fn utf_16_is_read_by_its_mark_and_refused_where_it_is_none() {
        let plain = format!("{HEAD}COMMENT: Zürich 🗺\n{TOWNS}EOF\n");
        let units = || "\u{feff}".encode_utf16().chain(plain.encode_utf16());
        let [little, big]: [Vec<u8>; 2] =
            [units().flat_map(u16::to_le_bytes).collect(), units().flat_map(u16::to_be_bytes).collect()];
        for bytes in [&little, &big] {
            square(&decoded(bytes).unwrap());
            let refused = "it begins with the mark of UTF-16 and is none; save it as UTF-8";
            assert_eq!(decoded(&bytes[..bytes.len() - 1]).unwrap_err(), refused);
        }
        assert!(decoded(b"\xff\xfe\x00\xd8").unwrap_err().contains("is none"), "half a pair of surrogates");
        assert_eq!(decoded(plain.as_bytes()).unwrap(), plain);
    }

    #[test]
    fn what_is_another_problem_or_unknown_is_refused_by_name() {
        let fixed = "FIXED_EDGES_SECTION\n1 3\n-1\n";
        let with = |key: &str| format!("{HEAD}{key}\n{TOWNS}EOF");
        let table = [
            (format!("{HEAD}{TOWNS}{fixed}EOF"), "line 11: FIXED_EDGES_SECTION demands edges"),
            (format!("{HEAD}{fixed}{TOWNS}EOF").replace('\n', "\r"), "line 6: FIXED_EDGES_SECTION demands edges"),
            (format!("{HEAD}{TOWNS}TOUR_SECTION\n1 2 3 4 -1\n{fixed}"), "FIXED_EDGES_SECTION demands edges"),
            (with("EDGE_WEIGHT_SECTION\n1 2"), "line 6: EDGE_WEIGHT_SECTION lists distances"),
            (with("EDGE_WEIGHT_FORMAT: FULL_MATRIX"), "EDGE_WEIGHT_FORMAT is \"FULL_MATRIX\""),
            (with("DEPOT_SECTION\n1 2"), "DEPOT_SECTION makes it another problem"),
            (with("DEMAND_SECTION\n1 2"), "DEMAND_SECTION makes it another problem"),
            (with("CAPACITY: 3"), "CAPACITY makes it another problem"),
            (with("EDGE_DATA_FORMAT: EDGE_LIST"), "EDGE_DATA_FORMAT makes it another problem"),
            (with("EDGE_DATA_SECTION\n1 2"), "EDGE_DATA_SECTION makes it another problem"),
            (with("NODE_COORD_TYPE: THREED_COORDS"), "NODE_COORD_TYPE is \"THREED_COORDS\""),
            (with("TIME_WINDOW_SECTION"), "line 5: \"TIME_WINDOW_SECTION\" is no keyword of TSPLIB"),
            (with("DIMENSION: 4"), "line 5: \"DIMENSION\" stands there twice"),
            (with("1 2 3"), "line 5: \"1 2 3\" stands in no section"),
            (with("DISPLAY_DATA_SECTION\n1 a 3"), "line 6: \"a\" in the DISPLAY_DATA_SECTION is no number"),
            (format!("{HEAD}{TOWNS}{TOWNS}"), "\"NODE_COORD_SECTION\" stands there twice"),
            (with("DEPOT_SECTION 1"), "line 5: \"1\" stands in the line of DEPOT_SECTION"),
            (format!("{HEAD}{TOWNS}TOUR_SECTION: 1 2 3 4 -1"), "\"1 2 3 4 -1\" stands in the line of TOUR_SECTION"),
            (HEAD.into(), "it has no NODE_COORD_SECTION"),
            (String::new(), "it has no EDGE_WEIGHT_TYPE"),
        ];
        for (text, expected) in table {
            let problem = parse(&text).unwrap_err();
            assert!(problem.contains(expected), "{problem} instead of {expected}");
        }
        let plain = format!("{HEAD}{TOWNS}EOF\n");
        let changed = [
            ("TYPE: TSP", "TYPE: ATSP", "TYPE is \"ATSP\", not TSP"),
            (
                "TYPE: TSP",
                "TYPE : TOUR  (of five towns)",
                "line 2: TYPE is \"TOUR\", a tour without its towns; name the file",
            ),
            ("TYPE: TSP", "TYPE: TSPLIB", "TYPE is \"TSPLIB\", not TSP"),
            ("EUC_2D", "EUC_3D", "its distances are \"EUC_3D\", not EUC_2D"),
            ("EUC_2D", "EXPLICIT", "its distances are \"EXPLICIT\""),
            ("DIMENSION: 4\n", "", "it has no DIMENSION"),
            ("DIMENSION: 4", "DIMENSION: 5", "its DIMENSION is \"5\", but 4 towns follow"),
            ("DIMENSION: 4", "DIMENSION: 99999999999999999999", "but 4 towns follow"),
            ("DIMENSION: 4", "DIMENSION: 4.5", "its DIMENSION is \"4.5\""),
            ("DIMENSION: 4", "DIMENSION: -4", "its DIMENSION is \"-4\""),
            ("1 0 0\n2 0 10\n3 10 10\n", "", "its DIMENSION is \"4\", but 1 town follows"),
            ("2 0 10", "-2 0 10", "line 7: \"-2 0 10\" is not a town's number"),
            ("DIMENSION: 4", "DIMENSION: four", "its DIMENSION is \"four\""),
            ("2 0 10", "1 0 10", "two towns with the number 1"),
            ("2 0 10", "2.5 0 10", "line 7: \"2.5 0 10\" is not a town's number and two coordinates"),
            ("2 0 10", "2 0 10 5", "line 7: \"2 0 10 5\" is not"),
            ("2 0 10", "2 0", "line 7: \"2 0\" is not"),
            ("2 0 10", "2 0 x", "line 7: \"2 0 x\" is not"),
        ];
        for (from, to, expected) in changed {
            let problem = parse(&plain.replacen(from, to, 1)).unwrap_err();
            assert!(problem.contains(expected), "{problem} instead of {expected}");
        }
    }

    /// One town of so many at a place, the others at the origin.
    fn on_the_globe(place: &str, others: usize) -> Parsed<Vec<String>> {
        let rows: String = (1..=others).map(|town| format!("{town} 0 0\n")).collect();
        let head = format!("DIMENSION: {}\nEDGE_WEIGHT_TYPE: GEO\nNODE_COORD_SECTION\n0 {place}\n", others + 1);
        Ok(parse(&format!("{head}{rows}"))?.notes)
    }

    #[test]
    fn what_is_nowhere_on_the_globe_is_refused_and_odd_minutes_where_they_are_many() {
        for place in ["90.00 180.00", "-90 -180", "38.59 -24.599", "0.0 0.0", "40.5999 5.01"] {
            assert_eq!(on_the_globe(place, 3), Ok(Vec::new()), "{place}");
        }
        for place in ["91 0", "-90.01 0", "0 181", "0 -180.01", "1e3 0"] {
            let text = on_the_globe(place, 100).unwrap_err();
            assert!(text.starts_with("town 0 lies at [") && text.contains("latitudes up to 90"), "{place}: {text}");
        }
        for place in ["38.75 0", "0 -24.80", "40.60 3", "-0.999 0"] {
            let text = on_the_globe(place, 3).unwrap_err();
            assert!(text.contains("a degree has 60; write degrees and minutes"), "{place}: {text}");
            let notes = on_the_globe(place, 20).unwrap();
            assert!(notes.len() == 1 && notes[0].ends_with("of which a degree has 60"), "{place}: {notes:?}");
        }
    }

    /// Worked out by hand: √2 = 1.41, √(200 / 10) = 4.47, √(90 / 10) = 3.
    #[test]
    fn distances_are_rounded_as_the_format_prescribes() {
        let [origin, near, far] = [[0.0, 0.0], [1.0, 1.0], [10.0, 10.0]];
        let table = [
            (Distance::Exact, near, 2.0_f64.sqrt()),
            (Distance::Euclidean, near, 1.0),
            (Distance::Euclidean, [1.5, 0.0], 2.0),
            (Distance::Ceiling, near, 2.0),
            (Distance::Ceiling, [3.0, 4.0], 5.0),
            (Distance::Manhattan, [1.2, -1.2], 2.0),
            (Distance::Maximum, [1.6, -2.4], 2.0),
            (Distance::Att, far, 5.0),
            (Distance::Att, [3.0, 9.0], 3.0),
            (Distance::Geographical, origin, 0.0),
            // A quarter of the equator: 6378.388 π / 2 = 10019.15, and cut off after one is added.
            (Distance::Geographical, [0.0, 90.0], 10_020.0),
        ];
        for (kind, place, expected) in table {
            assert_eq!(kind.between(&origin, &place), expected, "{kind:?} to {place:?}");
            assert_eq!(kind.between(&place, &origin), expected, "{kind:?} from {place:?}");
        }
    }

    /// The shortest tour through the 16 places of the Odyssey, ulysses16 of the library, is known to be 6859 long.
    #[test]
    fn a_tour_on_the_globe_is_as_long_as_published() {
        let places = [
            [38.24, 20.42],
            [39.57, 26.15],
            [40.56, 25.32],
            [36.26, 23.12],
            [33.48, 10.54],
            [37.56, 12.19],
            [38.42, 13.11],
            [37.52, 20.44],
            [41.23, 9.10],
            [41.17, 13.05],
            [36.08, -5.21],
            [38.47, 15.13],
            [38.15, 15.35],
            [37.51, 15.17],
            [35.49, 14.32],
            [39.36, 19.56],
        ];
        let tour = [1, 14, 13, 12, 7, 6, 15, 5, 11, 9, 10, 16, 3, 2, 4, 8];
        let road = |i: usize| Distance::Geographical.between(&places[tour[i] - 1], &places[tour[(i + 1) % 16] - 1]);
        assert_eq!((0..16).map(road).sum::<f64>(), 6859.0);
    }
}
