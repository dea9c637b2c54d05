//! The graphs of a code's stages in a row, with the pools between them, as SVG. Knows rows of nodes alone.

use super::layout::{Lanes, Layout, Place, layout};
use super::stage_row::{Role, StageRow};
use super::svg::{FONT, escaped};
use std::fmt::Write;

/// The width and height of a node.
const NODE: [f64; 2] = [58.0, 30.0];
const LANES: Lanes = Lanes { node: NODE[0], passage: 16.0, gap: 8.0 };
const RANK: f64 = 58.0;
const MARGIN: f64 = 24.0;
const HEADER: f64 = 52.0;
/// The width and height of a pool, and the room between stages, in which it stands.
const POOL: [f64; 2] = [46.0, 26.0];
const GUTTER: f64 = 92.0;
/// How far above the nodes the line to the next stage runs.
const RISE: f64 = 14.0;
/// More than the width of a letter of a title.
const LETTER: f64 = 8.0;
const LINE: &str = "#64748b";
const INK: &str = "#1e293b";

/// All stages of a code, as the text of an SVG file that needs no other.
///
/// ```
/// use evograd::report::{StageNode, StageRow, stages_svg};
/// let nodes = vec![StageNode { number: 1, inputs: vec![0] }, StageNode { number: 2, inputs: vec![1] }];
/// let stage = StageRow { title: "stage 1 · 1-00".into(), nodes, ends: vec![2], isolated: vec![3] };
/// assert!(stages_svg(&[stage]).starts_with("<svg "));
/// ```
pub fn stages_svg(stages: &[StageRow]) -> String {
    let mut columns: Vec<Column> = Vec::new();
    for stage in stages {
        let left = columns.last().map_or(MARGIN, |column| column.left + column.width + GUTTER);
        columns.push(Column::new(stage, left));
    }
    let right = columns.last().map_or(MARGIN, |column| column.left + column.width + GUTTER);
    let lowest = columns.iter().map(Column::foot).fold(HEADER, f64::max);
    let (width, height) = (right + MARGIN, lowest + MARGIN);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" \
         font-family=\"{FONT}\" font-size=\"13\" fill=\"{INK}\">\n<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n"
    );
    for (number, column) in columns.iter().enumerate() {
        column.draw(&mut svg);
        column.pool(columns.get(number + 1), &mut svg);
    }
    svg + "</svg>\n"
}

/// A stage with measures.
struct Column<'a> {
    stage: &'a StageRow,
    roles: Vec<Role>,
    layout: Layout,
    lanes: Vec<Vec<(f64, f64)>>,
    left: f64,
    width: f64,
}

impl Column<'_> {
    fn new(stage: &StageRow, left: f64) -> Column<'_> {
        let (roles, inputs): (Vec<Role>, Vec<Vec<usize>>) = stage.boxes().into_iter().unzip();
        let layout = layout(&inputs, usize::MAX);
        let lanes = LANES.of(&layout);
        let widest = lanes.iter().map(|lanes| 2.0 * lanes[0].0.abs()).fold(NODE[0], f64::max);
        let isolated = if stage.isolated.is_empty() { 0.0 } else { NODE[0] + LANES.gap };
        let width = (widest + isolated).max(stage.title.chars().count() as f64 * LETTER);
        Column { stage, roles, layout, lanes, left, width }
    }

    /// The lower end of the lowest node.
    fn foot(&self) -> f64 {
        let ranks = self.lanes.len().max(self.stage.isolated.len());
        HEADER + ranks as f64 * RANK - (RANK - NODE[1])
    }

    fn centre(&self, place: &Place) -> [f64; 2] {
        let (left, width) = self.lanes[place.rank][place.lane];
        let widest = self.lanes.iter().map(|lanes| lanes[0].0.abs()).fold(NODE[0] / 2.0, f64::max);
        [self.left + widest + left + width / 2.0, HEADER + place.rank as f64 * RANK + NODE[1] / 2.0]
    }

    fn draw(&self, svg: &mut String) {
        let title = escaped(&self.stage.title);
        let _ =
            writeln!(svg, "<text x=\"{}\" y=\"30\" font-size=\"14\" font-weight=\"bold\">{title}</text>", self.left);
        for (from, to) in &self.layout.strokes {
            self.stroke(&self.layout.places[*from], &self.layout.places[*to], svg);
        }
        for place in &self.layout.places {
            if let Some(node) = place.node {
                draw_node(self.roles[node], self.centre(place), svg);
            }
        }
        for (row, number) in self.stage.isolated.iter().enumerate() {
            let x = self.left + self.width - NODE[0] / 2.0;
            draw_isolated(*number, [x, HEADER + row as f64 * RANK + NODE[1] / 2.0], svg);
        }
    }

    /// An edge from the foot of one place to the head of the next. A passing edge runs straight down beside the nodes of its
    /// rank, so that it bends between ranks alone.
    fn stroke(&self, above: &Place, below: &Place, svg: &mut String) {
        let ([x, y], [to_x, to_y]) = (self.centre(above), self.centre(below));
        let start = if above.node.is_some() { y + NODE[1] / 2.0 } else { y - NODE[1] / 2.0 };
        let (y, end) = (y + NODE[1] / 2.0, to_y - NODE[1] / 2.0);
        let half = (end - y) / 2.0;
        let path =
            format!("M{x:.1} {start:.1}V{y:.1}C{x:.1} {:.1} {to_x:.1} {:.1} {to_x:.1} {end:.1}", y + half, end - half);
        let _ = writeln!(svg, "<path d=\"{path}\" fill=\"none\" stroke=\"{LINE}\" stroke-width=\"1.5\"/>");
        if below.node.is_some() {
            tip([to_x, end], svg);
        }
    }

    /// The pool behind the stage, half-way on the line to the next one; behind the last, at the end of its line.
    fn pool(&self, next: Option<&Column>, svg: &mut String) {
        let last = self.layout.places.iter().rfind(|place| place.node.is_some()).expect("a stage has its input node");
        let [x, y] = self.centre(last);
        let (foot, gutter) = (y + NODE[1] / 2.0 + 10.0, self.left + self.width + GUTTER / 2.0);
        let middle = (HEADER - RISE + foot) / 2.0;
        let mut path = format!("M{x:.1} {:.1}V{foot:.1}H{gutter:.1}V{:.1}", foot - 10.0, middle + POOL[1] / 2.0);
        if let Some(next) = next {
            let [to, head] = next.centre(&next.layout.places[0]);
            let top = head - NODE[1] / 2.0;
            let _ = write!(path, "M{gutter:.1} {:.1}V{:.1}H{to:.1}V{top:.1}", middle - POOL[1] / 2.0, top - RISE);
            tip([to, top], svg);
        }
        let _ = writeln!(svg, "<path d=\"{path}\" fill=\"none\" stroke=\"{LINE}\" stroke-width=\"1.5\"/>");
        let (left, top) = (gutter - POOL[0] / 2.0, middle - POOL[1] / 2.0);
        let [width, height] = POOL;
        let _ = writeln!(
            svg,
            "<rect x=\"{left:.1}\" y=\"{top:.1}\" width=\"{width}\" height=\"{height}\" fill=\"#e3f5ea\" stroke=\"#3a8f62\"/>"
        );
        write_text([gutter, middle + 4.5], "pool", INK, svg);
    }
}

/// The head of an arrow that points down.
fn tip([x, y]: [f64; 2], svg: &mut String) {
    let _ = writeln!(svg, "<path d=\"M{:.1} {:.1}h8l-4 7z\" fill=\"{LINE}\"/>", x - 4.0, y - 7.0);
}

/// Default nodes have slanted sides, wide where the stage opens and narrow where it closes; ordinary ones are round.
fn draw_node(role: Role, [x, y]: [f64; 2], svg: &mut String) {
    let [half, rise] = [NODE[0] / 2.0, NODE[1] / 2.0];
    let (top, bottom) = (y - rise, y + rise);
    let slanted = |upper: f64, lower: f64| {
        let corners = [(x - upper, top), (x + upper, top), (x + lower, bottom), (x - lower, bottom)];
        let corners = corners.map(|(x, y)| format!("{x:.1} {y:.1}")).join("L");
        format!("<path d=\"M{corners}z\" fill=\"#ffe9cc\" stroke=\"#d07a16\" stroke-width=\"1.3\"/>")
    };
    let (shape, name) = match role {
        Role::Input => (slanted(half, half - 9.0), "input".to_string()),
        Role::Output => (slanted(half - 9.0, half), "output".to_string()),
        Role::Node(number) => {
            let round = format!("<ellipse cx=\"{x:.1}\" cy=\"{y:.1}\" rx=\"{:.1}\" ry=\"{rise}\"", half - 8.0);
            (format!("{round} fill=\"#e0edff\" stroke=\"#3b6fb6\" stroke-width=\"1.3\"/>"), number.to_string())
        }
    };
    let _ = writeln!(svg, "{shape}");
    let size = if name.len() > 2 { 11.0 } else { 13.0 };
    let _ = writeln!(
        svg,
        "<text x=\"{x:.1}\" y=\"{:.1}\" font-size=\"{size}\" text-anchor=\"middle\">{name}</text>",
        y + 4.5
    );
}

/// A node that has vanished, faint.
fn draw_isolated(number: usize, [x, y]: [f64; 2], svg: &mut String) {
    let (half, rise) = (NODE[0] / 2.0 - 8.0, NODE[1] / 2.0);
    let _ = writeln!(
        svg,
        "<ellipse cx=\"{x:.1}\" cy=\"{y:.1}\" rx=\"{half:.1}\" ry=\"{rise}\" fill=\"none\" stroke=\"#94a3b8\" \
         stroke-dasharray=\"3 3\"><title>node {number} has no edges and is left out</title></ellipse>"
    );
    write_text([x, y + 4.5], &number.to_string(), "#94a3b8", svg);
}

fn write_text([x, y]: [f64; 2], text: &str, fill: &str, svg: &mut String) {
    let _ = writeln!(svg, "<text x=\"{x:.1}\" y=\"{y:.1}\" fill=\"{fill}\" text-anchor=\"middle\">{text}</text>");
}

#[cfg(test)]
mod tests {
    use super::super::stage_row::stage;
    use super::*;

    #[test]
    fn each_node_is_drawn_once_in_its_shape() {
        let svg = stages_svg(&[stage("a<b", 5, &[(1, 3), (3, 5), (4, 5)]), stage("c", 3, &[])]);
        let counts =
            ["<ellipse", "stroke-dasharray", "#ffe9cc", ">pool<", "a&lt;b"].map(|part| svg.matches(part).count());
        assert_eq!(counts, [4 + 1 + 3, 1 + 3, 2 + 1, 2, 1], "{svg}");
    }

    /// Each edge's strokes, and what stands in each rank, are apart: no stroke ends where neither it nor its node is.
    #[test]
    fn an_edge_that_skips_passes_beside_the_nodes_between() {
        let edges: Vec<(usize, usize)> = (2..=5).flat_map(|to| (1..to).map(move |from| (from, to))).collect();
        let row = stage("dense", 5, &edges);
        let column = Column::new(&row, 0.0);
        let in_rank = |rank: usize| column.layout.places.iter().filter(move |place| place.rank == rank);
        for rank in 0..column.lanes.len() {
            let mut spans: Vec<(f64, f64)> = in_rank(rank)
                .map(|place| {
                    let half = if place.node.is_some() { NODE[0] / 2.0 } else { 1.0 };
                    (column.centre(place)[0] - half, column.centre(place)[0] + half)
                })
                .collect();
            spans.sort_by(|a, b| a.0.total_cmp(&b.0));
            assert!(spans.windows(2).all(|pair| pair[0].1 < pair[1].0), "rank {rank}: {spans:?}");
            assert!(spans.iter().all(|(left, right)| *left >= 0.0 && *right <= column.width), "rank {rank}: {spans:?}");
        }
    }

    #[test]
    fn no_stages_make_an_empty_drawing() {
        assert!(stages_svg(&[]).ends_with("</svg>\n"));
    }
}
