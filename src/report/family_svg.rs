//! Where the winner of a search comes from: its ancestors, generation by generation, as SVG. Knows rows of a journal alone.
//!
//! The winner stands above, its parents below it, and so on. What changed is marked: bits that a mutation flipped, and of
//! a child of two parents which stage it has from whom.

use super::search_stats::percent;
use super::svg::{FONT, escaped};
use crate::record::{GenerationRow, IndividualRow};
use std::collections::BTreeMap;
use std::fmt::Write;

const LINE: f64 = 14.0;
/// The width of a letter of a code.
const LETTER: f64 = 6.8;
/// Between boxes of a generation, and between generations.
const GAP: f64 = 20.0;
const STEP: f64 = 38.0;
const MARGIN: f64 = 20.0;
/// Left of the boxes, where the generations' numbers stand.
const LABELS: f64 = 104.0;
const INK: &str = "#1e293b";
const FAINT: &str = "#64748b";
/// Of what was flipped, and of what comes from the first and from the second parent.
const FLIPPED: &str = "#c2185b";
const PARENTS: [&str; 2] = ["#0072b2", "#c25000"];

/// The ancestors of an individual, by its place in the generation `number`, as the text of an SVG file that needs no other;
/// `None` where the journal knows of no parents of it, as in a random search.
///
/// ```
/// use evograd::{record::{GenerationRow, IndividualRow}, report::family_svg};
/// let individual = |code: &str, parents| IndividualRow { code: code.into(), fitness: 0.5, error: 0.0, parents };
/// let generation = |generation, individual| {
///     GenerationRow { generation, race: false, individuals: vec![individual], leader: None, seconds: 1.0, idle_seconds: None }
/// };
/// let rows = [generation(0, individual("1-01", vec![])), generation(1, individual("1-11", vec![0]))];
/// assert!(family_svg(&rows, 1, 0).unwrap().starts_with("<svg "));
/// assert_eq!(family_svg(&rows, 0, 0), None);
/// ```
pub fn family_svg(generations: &[GenerationRow], number: u32, place: usize) -> Option<String> {
    let family = Family::new(generations, number, place);
    (family.ranks.len() > 1).then(|| family.drawn())
}

/// An ancestor, or the winner itself.
struct Member<'a> {
    row: &'a IndividualRow,
    place: usize,
    /// The places of its parents in the next rank, each once.
    parents: Vec<usize>,
    /// The middle of its box.
    x: f64,
}

struct Family<'a> {
    /// The number of the winner's generation; each rank is of the generation before.
    number: u32,
    ranks: Vec<Vec<Member<'a>>>,
    /// The width and height of a box.
    size: [f64; 2],
}

impl<'a> Family<'a> {
    fn new(generations: &'a [GenerationRow], number: u32, place: usize) -> Family<'a> {
        let by_number: BTreeMap<u32, &GenerationRow> = generations.iter().map(|row| (row.generation, row)).collect();
        let find = |number: u32, place: usize| by_number.get(&number).and_then(|row| row.individuals.get(place));
        let member = |row, place| Member { row, place, parents: Vec::new(), x: 0.0 };
        let mut ranks: Vec<Vec<Member>> = vec![find(number, place).map(|row| member(row, place)).into_iter().collect()];
        for before in (0..number).rev() {
            let children = ranks.last_mut().expect("there is the winner's rank");
            let mut parents: Vec<Member> = Vec::new();
            for child in children {
                for place in &child.row.parents {
                    let Some(row) = find(before, *place) else { continue };
                    let known = parents.iter().position(|parent| parent.place == *place);
                    let at = known.unwrap_or(parents.len());
                    if known.is_none() {
                        parents.push(member(row, *place));
                    }
                    if !child.parents.contains(&at) {
                        child.parents.push(at);
                    }
                }
            }
            if parents.is_empty() {
                break;
            }
            ranks.push(parents);
        }
        let mut family = Family { number, ranks, size: [0.0; 2] };
        family.measure();
        family.place();
        family
    }

    fn members(&self) -> impl Iterator<Item = &Member<'a>> {
        self.ranks.iter().flatten()
    }

    fn measure(&mut self) {
        let stages = self.members().map(|member| member.row.code.split('|').count()).max().unwrap_or(1);
        let letters = self.members().flat_map(|member| member.row.code.split('|')).map(|stage| stage.chars().count());
        let width = letters.max().unwrap_or(0) as f64 * LETTER + 20.0;
        self.size = [width.max(74.0), (stages + 1) as f64 * LINE + 12.0];
    }

    /// Puts each rank's boxes below the middle of their children, as near as their widths allow.
    fn place(&mut self) {
        let pitch = self.size[0] + GAP;
        for rank in 1..self.ranks.len() {
            let (children, parents) = self.ranks.split_at_mut(rank);
            let children = &children[rank - 1];
            let wish = |parent: usize| {
                let own: Vec<f64> =
                    children.iter().filter(|child| child.parents.contains(&parent)).map(|child| child.x).collect();
                own.iter().sum::<f64>() / own.len() as f64
            };
            let mut order: Vec<(f64, usize)> = (0..parents[0].len()).map(|parent| (wish(parent), parent)).collect();
            order.sort_by(|a, b| a.0.total_cmp(&b.0));
            let mut x = f64::NEG_INFINITY;
            for (wish, parent) in &order {
                x = wish.max(x + pitch);
                parents[0][*parent].x = x;
            }
            let shift: f64 = order.iter().map(|(wish, parent)| wish - parents[0][*parent].x).sum();
            parents[0].iter_mut().for_each(|parent| parent.x += shift / order.len() as f64);
        }
        let leftmost = self.members().map(|member| member.x).fold(f64::INFINITY, f64::min);
        let shift = LABELS + self.size[0] / 2.0 - leftmost;
        self.ranks.iter_mut().flatten().for_each(|member| member.x += shift);
    }

    fn top(&self, rank: usize) -> f64 {
        MARGIN + rank as f64 * (self.size[1] + STEP)
    }

    fn drawn(&self) -> String {
        let rightmost = self.members().map(|member| member.x).fold(0.0, f64::max);
        let (width, height) = (rightmost + self.size[0] / 2.0 + MARGIN, self.top(self.ranks.len()) - STEP + MARGIN);
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{height:.0}\" \
             viewBox=\"0 0 {width:.0} {height:.0}\" font-family=\"{FONT}\" font-size=\"11\" fill=\"{INK}\">\n\
             <rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n"
        );
        for (rank, members) in self.ranks.iter().enumerate() {
            let generation = self.number as usize - rank;
            let y = self.top(rank) + self.size[1] / 2.0 + 4.0;
            let _ = writeln!(svg, "<text x=\"{MARGIN}\" y=\"{y:.1}\" fill=\"{FAINT}\">generation {generation}</text>");
            for member in members {
                self.draw_edges(rank, member, &mut svg);
            }
        }
        for (rank, members) in self.ranks.iter().enumerate() {
            members.iter().for_each(|member| self.draw_member(rank, member, &mut svg));
        }
        svg + "</svg>\n"
    }

    fn parents(&self, rank: usize, member: &Member) -> Vec<&Member<'a>> {
        member.parents.iter().map(|parent| &self.ranks[rank + 1][*parent]).collect()
    }

    fn draw_edges(&self, rank: usize, member: &Member, svg: &mut String) {
        let parents = self.parents(rank, member);
        let (y, end) = (self.top(rank) + self.size[1], self.top(rank + 1));
        let middle = (y + end) / 2.0;
        for (number, parent) in parents.iter().enumerate() {
            let colour = if parents.len() > 1 { PARENTS[number.min(1)] } else { "#94a3b8" };
            let (x, to) = (member.x, parent.x);
            let _ = writeln!(
                svg,
                "<path d=\"M{x:.1} {y:.1}C{x:.1} {middle:.1} {to:.1} {middle:.1} {to:.1} {end:.1}\" fill=\"none\" \
                 stroke=\"{colour}\" stroke-width=\"1.5\"/>"
            );
        }
    }

    fn draw_member(&self, rank: usize, member: &Member, svg: &mut String) {
        let [width, height] = self.size;
        let (left, top) = (member.x - width / 2.0, self.top(rank));
        let [fill, line] = if rank == 0 { ["#fff4d6", "#d07a16"] } else { ["#f8fafc", "#94a3b8"] };
        let Member { row, place, .. } = member;
        let title = escaped(&format!("{}, individual {place}, fitness {}", row.code, percent(row.fitness)));
        let _ = writeln!(
            svg,
            "<g><title>{title}</title><rect x=\"{left:.1}\" y=\"{top:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" rx=\"6\" \
             fill=\"{fill}\" stroke=\"{line}\"/>"
        );
        let parents: Vec<&str> = self.parents(rank, member).iter().map(|parent| parent.row.code.as_str()).collect();
        let mut y = top + LINE + 2.0;
        for stage in inheritance(&row.code, &parents) {
            let _ = write!(
                svg,
                "<text x=\"{:.1}\" y=\"{y:.1}\" text-anchor=\"middle\" font-family=\"monospace\">",
                member.x
            );
            stage.iter().for_each(|part| part.write(svg));
            svg.push_str("</text>\n");
            y += LINE;
        }
        let y = top + height - 8.0;
        let fitness = percent(row.fitness);
        let _ = writeln!(svg, "<text x=\"{:.1}\" y=\"{y:.1}\" text-anchor=\"middle\">{fitness}</text></g>", member.x);
    }
}

/// Where a part of a code comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Origin {
    /// From all parents, or there are none.
    Kept,
    /// From the first or the second of two that differ.
    Parent(usize),
    /// From none: it was flipped.
    Flipped,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Part {
    text: String,
    origin: Origin,
}

impl Part {
    fn write(&self, svg: &mut String) {
        let text = escaped(&self.text);
        let colour = match self.origin {
            Origin::Kept => return svg.push_str(&text),
            Origin::Parent(number) => PARENTS[number.min(1)],
            Origin::Flipped => FLIPPED,
        };
        let _ = write!(svg, "<tspan fill=\"{colour}\" font-weight=\"bold\">{text}</tspan>");
    }
}

/// The stages of a code in parts, by where each comes from.
fn inheritance(code: &str, parents: &[&str]) -> Vec<Vec<Part>> {
    let stage = |(number, text): (usize, &str)| {
        let of_parents: Vec<&str> = parents.iter().map(|parent| parent.split('|').nth(number).unwrap_or("")).collect();
        let whole = |origin| vec![Part { text: text.to_string(), origin }];
        match of_parents.iter().position(|other| *other == text) {
            _ if parents.is_empty() => whole(Origin::Kept),
            Some(_) if of_parents.iter().all(|other| *other == text) => whole(Origin::Kept),
            Some(parent) => whole(Origin::Parent(parent)),
            None => flips(text, of_parents[0]),
        }
    };
    code.split('|').enumerate().map(stage).collect()
}

/// A stage in runs of letters that are those of the parent's stage, and of letters that are not.
fn flips(text: &str, parent: &str) -> Vec<Part> {
    let mut parts: Vec<Part> = Vec::new();
    let mut old = parent.chars();
    for letter in text.chars() {
        let origin = if old.next() == Some(letter) { Origin::Kept } else { Origin::Flipped };
        match parts.last_mut() {
            Some(last) if last.origin == origin => last.text.push(letter),
            _ => parts.push(Part { text: letter.to_string(), origin }),
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn individual(code: &str, parents: &[usize]) -> IndividualRow {
        IndividualRow { code: code.into(), fitness: 0.75, error: 0.0, parents: parents.to_vec() }
    }

    fn generation(number: u32, individuals: Vec<IndividualRow>) -> GenerationRow {
        GenerationRow { generation: number, race: false, individuals, leader: None, seconds: 1.0, idle_seconds: None }
    }

    fn part(text: &str, origin: Origin) -> Part {
        Part { text: text.into(), origin }
    }

    #[test]
    fn flipped_bits_and_exchanged_stages_are_reported_apart() {
        use Origin::{Flipped, Kept, Parent};
        let mutated = inheritance("1-01|0-11", &["1-01|0-00"]);
        assert_eq!(mutated, [vec![part("1-01", Kept)], vec![part("0-", Kept), part("11", Flipped)]]);
        let crossed = inheritance("1-01|0-11|0-00", &["1-01|0-00|0-00", "1-11|0-11|0-00"]);
        assert_eq!(crossed, [vec![part("1-01", Parent(0))], vec![part("0-11", Parent(1))], vec![part("0-00", Kept)]]);
        assert_eq!(inheritance("1-01", &[]), [vec![part("1-01", Kept)]]);
    }

    #[test]
    fn ancestors_alone_are_drawn_and_each_once() {
        let rows = [
            generation(0, vec![individual("a", &[]), individual("b", &[]), individual("c", &[]), individual("<", &[])]),
            generation(1, vec![individual("x", &[3]), individual("y", &[0, 3]), individual("z", &[3, 3])]),
            generation(2, vec![individual("v", &[2]), individual("w", &[1, 2])]),
        ];
        let family = Family::new(&rows, 2, 1);
        let codes: Vec<Vec<&str>> =
            family.ranks.iter().map(|rank| rank.iter().map(|member| member.row.code.as_str()).collect()).collect();
        assert_eq!(codes, [vec!["w"], vec!["y", "z"], vec!["a", "<"]]);
        assert_eq!(family.ranks[1][1].parents, [1], "a parent crossed with itself is one parent");
        let svg = family.drawn();
        assert_eq!((svg.matches("<rect x=").count(), svg.matches("<path").count()), (5, 5));
        assert!(svg.contains("generation 0") && svg.contains("&lt;, individual 3, fitness 75.00 %"), "{svg}");
    }

    #[test]
    fn boxes_of_a_generation_do_not_touch() {
        let first = (0..6).map(|_| individual("1-01|0-00", &[])).collect();
        let second = vec![individual("1-01|0-00", &[0, 5]), individual("1-01|0-00", &[1, 4])];
        let rows = [generation(0, first), generation(1, second), generation(2, vec![individual("1", &[0, 1])])];
        let family = Family::new(&rows, 2, 0);
        for rank in &family.ranks {
            let mut middles: Vec<f64> = rank.iter().map(|member| member.x).collect();
            middles.sort_by(f64::total_cmp);
            assert!(middles.windows(2).all(|pair| pair[1] - pair[0] >= family.size[0] + GAP - 1e-9), "{middles:?}");
            assert!(middles[0] >= LABELS + family.size[0] / 2.0 - 1e-9);
        }
    }

    #[test]
    fn parents_that_are_not_there_end_the_tree() {
        let rows = [generation(0, vec![individual("a", &[])]), generation(1, vec![individual("b", &[9])])];
        assert_eq!(family_svg(&rows, 1, 0), None);
        assert_eq!(family_svg(&rows, 7, 0), None);
        assert_eq!(family_svg(&[], 0, 0), None);
    }
}
