//! A network as a drawing: its layers from top to bottom, branches next to each other, fusions marked. Knows rows of names and
//! numbers; knows no network.

use super::counted;
use super::layout::{Lanes, Layout, Place, layout};
use super::svg::{FONT, escaped};
use std::fmt::Write;

/// A layer, as far as a drawing shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayerRow {
    /// Its path, such as `layer1.0.conv1`.
    pub name: String,
    /// What it is, such as `conv 3×3`.
    pub kind: String,
    /// The sizes of its output for one image, without the batch.
    pub output: Vec<usize>,
    /// The number of its weights.
    pub parameters: u64,
    /// The rows it takes its input from; `None` is the image.
    pub inputs: Vec<Option<usize>>,
}

/// A box: a layer and those that only touch up what it gives, such as its normalisation and ReLU.
struct Card {
    title: String,
    name: String,
    output: Vec<usize>,
    parameters: u64,
    look: Look,
    inputs: Vec<usize>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Look {
    Image,
    Weights,
    Pool,
    Fusion,
    Other,
}

impl Look {
    /// Fill and line.
    fn colours(self) -> [&'static str; 2] {
        match self {
            Look::Image => ["#f1f5f9", "#64748b"],
            Look::Weights => ["#e0edff", "#3b6fb6"],
            Look::Pool => ["#e3f5ea", "#3a8f62"],
            Look::Fusion => ["#ffe9cc", "#d07a16"],
            Look::Other => ["#f4f0fa", "#8a6fb3"],
        }
    }
}

const WIDTH: f64 = 268.0;
const HEIGHT: f64 = 42.0;
const RANK: f64 = 68.0;
/// The width of a lane in which nothing but edges pass.
const PASSAGE: f64 = 36.0;
const GAP: f64 = 24.0;
const MARGIN: f64 = 36.0;
const HEADER: f64 = 64.0;
/// The mean width of a letter, as a share of its size.
const LETTER: f64 = 0.58;
/// More than the width of a letter of the title.
const TITLE_LETTER: f64 = 11.0;
const RANKS_IN_COLUMN: usize = 16;

/// The drawing of a network, as the text of an SVG file that needs no other.
///
/// ```
/// use evograd::report::{LayerRow, network_svg};
/// let row = |name: &str, inputs| LayerRow {
///     name: name.into(), kind: "conv 3×3".into(), output: vec![16, 8, 8], parameters: 432, inputs,
/// };
/// let svg = network_svg("two layers", &[3, 8, 8], &[row("a", vec![None]), row("b", vec![Some(0)])]);
/// assert!(svg.starts_with("<svg") && svg.contains("two layers"));
/// ```
pub fn network_svg(title: &str, image: &[usize], rows: &[LayerRow]) -> String {
    let cards = cards(image, rows);
    let inputs: Vec<Vec<usize>> = cards.iter().map(|card| card.inputs.clone()).collect();
    let mut drawing = Drawing::new(layout(&inputs, RANKS_IN_COLUMN));
    drawing.size[0] = drawing.size[0].max(2.0 * MARGIN + title.chars().count() as f64 * TITLE_LETTER);
    let mut svg = drawing.open(title);
    drawing.strokes(&mut svg);
    for place in &drawing.layout.places {
        if let Some(node) = place.node {
            card(&mut svg, &cards[node], drawing.centre(place));
        }
    }
    svg + "</svg>\n"
}

/// Whether a layer only touches up what the one before it gives.
fn touches_up(kind: &str) -> bool {
    ["relu", "flatten"].contains(&kind) || ["batch norm", "dropout"].iter().any(|start| kind.starts_with(start))
}

/// The boxes, the image first. A layer joins its input's box where it touches up and nobody else takes that input.
fn cards(image: &[usize], rows: &[LayerRow]) -> Vec<Card> {
    let mut users = vec![0; rows.len()];
    rows.iter().flat_map(|row| row.inputs.iter().flatten()).for_each(|input| users[*input] += 1);
    let start = Card {
        title: "image".into(),
        name: String::new(),
        output: image.to_vec(),
        parameters: 0,
        look: Look::Image,
        inputs: Vec::new(),
    };
    let mut cards = vec![start];
    let mut card_of: Vec<usize> = Vec::new();
    for row in rows {
        if let [Some(before)] = row.inputs[..]
            && touches_up(&row.kind)
            && users[before] == 1
        {
            let card = &mut cards[card_of[before]];
            let _ = write!(card.title, " · {}", row.kind);
            card.output.clone_from(&row.output);
            card.parameters += row.parameters;
            card_of.push(card_of[before]);
        } else {
            let inputs = row.inputs.iter().map(|input| input.map_or(0, |input| card_of[input])).collect();
            card_of.push(cards.len());
            cards.push(Card::new(row, inputs));
        }
    }
    cards
}

impl Card {
    fn new(row: &LayerRow, inputs: Vec<usize>) -> Card {
        let look = match () {
            () if inputs.len() > 1 => Look::Fusion,
            () if row.kind.contains("pool") || row.kind.contains("mean") => Look::Pool,
            () if row.kind.starts_with("conv ") || row.kind == "linear" => Look::Weights,
            () => Look::Other,
        };
        Card {
            title: row.kind.clone(),
            name: row.name.clone(),
            output: row.output.clone(),
            parameters: row.parameters,
            look,
            inputs,
        }
    }
}

/// A layout with measures.
struct Drawing {
    layout: Layout,
    /// For each rank, the left edge and the width of each lane, from the middle of the column.
    lanes: Vec<Vec<(f64, f64)>>,
    /// The middle of each column.
    middles: Vec<f64>,
    size: [f64; 2],
}

impl Drawing {
    fn new(layout: Layout) -> Drawing {
        let lanes = Lanes { node: WIDTH, passage: PASSAGE, gap: GAP }.of(&layout);
        let half =
            |rank: usize| lanes[rank].iter().map(|(left, width)| left.abs().max(left + width)).fold(0.0, f64::max);
        let mut x = MARGIN;
        let mut middles = Vec::new();
        for column in &layout.columns {
            let half = column.clone().map(half).fold(WIDTH / 2.0, f64::max);
            middles.push(x + half);
            x += 2.0 * half + 2.0 * MARGIN;
        }
        let longest = layout.columns.iter().map(|column| column.len()).max().unwrap_or(0);
        let size = [x - MARGIN, HEADER + longest as f64 * RANK + MARGIN];
        Drawing { layout, lanes, middles, size }
    }

    /// The column of a rank.
    fn column(&self, rank: usize) -> usize {
        self.layout.columns.iter().position(|column| column.contains(&rank)).expect("each rank is in a column")
    }

    fn centre(&self, place: &Place) -> [f64; 2] {
        let column = self.column(place.rank);
        let (left, width) = self.lanes[place.rank][place.lane];
        let row = place.rank - self.layout.columns[column].start;
        [self.middles[column] + left + width / 2.0, HEADER + (row as f64 + 0.5) * RANK]
    }

    fn open(&self, title: &str) -> String {
        let [width, height] = self.size;
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} \
             {height}\" font-family=\"{FONT}\">\n\
             <defs><marker id=\"tip\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" markerWidth=\"7\" markerHeight=\"7\" \
             orient=\"auto\"><path d=\"M0 0L8 4L0 8z\" fill=\"#64748b\"/></marker></defs>\n\
             <rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n"
        );
        let _ = writeln!(
            svg,
            "<text x=\"{MARGIN}\" y=\"38\" font-size=\"17\" font-weight=\"bold\" fill=\"#1e293b\">{}</text>",
            escaped(title)
        );
        svg
    }

    /// All edges, below the boxes.
    fn strokes(&self, svg: &mut String) {
        for (from, to) in &self.layout.strokes {
            let (above, below) = (&self.layout.places[*from], &self.layout.places[*to]);
            let path = self.stroke(above, below);
            let tip = if below.node.is_some() { " marker-end=\"url(#tip)\"" } else { "" };
            let _ = writeln!(svg, "<path d=\"{path}\" fill=\"none\" stroke=\"#64748b\" stroke-width=\"1.6\"{tip}/>");
        }
    }

    /// From the foot of one place to the head of the next. A passing edge runs straight down beside the boxes of its
    /// rank, so that it bends between ranks alone.
    fn stroke(&self, above: &Place, below: &Place) -> String {
        let ([x, y], [to_x, to_y]) = (self.centre(above), self.centre(below));
        let start = if above.node.is_some() { y + HEIGHT / 2.0 } else { y - HEIGHT / 2.0 };
        let (y, to_y) = (y + HEIGHT / 2.0, to_y - HEIGHT / 2.0);
        let column = self.column(above.rank);
        if column == self.column(below.rank) {
            let bend = (to_y - y) / 2.0;
            return format!("M{x} {start}V{y}C{x} {} {to_x} {} {to_x} {to_y}", y + bend, to_y - bend);
        }
        // To the next column: down, across the gutter, up to its head, and down again.
        let gutter = (self.right_of(column) + self.left_of(column + 1)) / 2.0;
        let (foot, head) = (y + 12.0, HEADER - 6.0);
        format!("M{x} {start}V{foot}H{gutter}V{head}H{to_x}V{to_y}")
    }

    fn right_of(&self, column: usize) -> f64 {
        self.edge(column, |left, width| left + width, f64::max)
    }

    fn left_of(&self, column: usize) -> f64 {
        self.edge(column, |left, _| left, f64::min)
    }

    fn edge(&self, column: usize, side: fn(f64, f64) -> f64, farther: fn(f64, f64) -> f64) -> f64 {
        let lanes = self.layout.columns[column].clone().flat_map(|rank| &self.lanes[rank]);
        self.middles[column] + lanes.map(|(left, width)| side(*left, *width)).fold(0.0, farther)
    }
}

fn card(svg: &mut String, card: &Card, [x, y]: [f64; 2]) {
    let [fill, line] = card.look.colours();
    let round = if matches!(card.look, Look::Fusion | Look::Image) { HEIGHT / 2.0 } else { 7.0 };
    let (left, top) = (x - WIDTH / 2.0, y - HEIGHT / 2.0);
    let _ = writeln!(
        svg,
        "<rect x=\"{left}\" y=\"{top}\" width=\"{WIDTH}\" height=\"{HEIGHT}\" rx=\"{round}\" fill=\"{fill}\" \
         stroke=\"{line}\" stroke-width=\"1.2\"/>"
    );
    let sizes: Vec<String> = card.output.iter().map(usize::to_string).collect();
    let sign = if card.look == Look::Fusion { "⊕ " } else { "" };
    text(svg, [x, y - 4.0], 12.5, "#1e293b", &format!("{sign}{}", card.title));
    let mut notes = vec![card.name.clone(), sizes.join("×")];
    if card.parameters > 0 {
        notes.push(counted(card.parameters, "weight"));
    }
    notes.retain(|note| !note.is_empty());
    text(svg, [x, y + 13.0], 9.5, "#51607a", &notes.join("  ·  "));
}

/// A line of text around its middle, in smaller letters where it would not fit into a box.
fn text(svg: &mut String, [x, y]: [f64; 2], size: f64, fill: &str, text: &str) {
    let fitting = (WIDTH - 2.0 * 8.0) / (text.chars().count() as f64 * LETTER);
    let (size, text) = (size.min(fitting), escaped(text));
    let _ = writeln!(
        svg,
        "<text x=\"{x}\" y=\"{y}\" font-size=\"{size:.1}\" fill=\"{fill}\" text-anchor=\"middle\">{text}</text>"
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(name: &str, kind: &str, inputs: &[Option<usize>]) -> LayerRow {
        let output = vec![4, 8, 8];
        LayerRow { name: name.into(), kind: kind.into(), output, parameters: 1234, inputs: inputs.to_vec() }
    }

    #[test]
    fn what_touches_up_stands_in_the_box_of_its_layer_unless_another_takes_that_too() {
        let rows = [
            row("a", "conv 3×3", &[None]),
            row("a.bn", "batch norm", &[Some(0)]),
            row("a.relu", "relu", &[Some(1)]),
            row("b", "batch norm", &[Some(2)]),
            row("j", "sum", &[Some(3), Some(2)]),
        ];
        let cards = cards(&[3, 8, 8], &rows);
        let titles: Vec<&str> = cards.iter().map(|card| card.title.as_str()).collect();
        assert_eq!(titles, ["image", "conv 3×3 · batch norm · relu", "batch norm", "sum"]);
        assert_eq!((cards[1].parameters, &cards[3].inputs), (3702, &vec![2, 1]));
        assert!(cards[3].look == Look::Fusion);
    }

    #[test]
    fn a_drawing_shows_each_box_once_and_escapes_names() {
        let rows = [row("a<b", "conv 3×3", &[None]), row("c", "pool & more", &[Some(0)])];
        let svg = network_svg("\"x\" & y", &[3, 8, 8], &rows);
        assert_eq!(svg.matches("<rect x=").count(), 3);
        assert!(svg.contains("a&lt;b  ·  4×8×8  ·  1,234 weights") && svg.contains("pool &amp; more"), "{svg}");
        assert!(svg.contains("&quot;x&quot; &amp; y") && svg.ends_with("</svg>\n"), "{svg}");
        assert_eq!(svg.matches("<path d=\"M").count() - 1, 2);
    }
}
