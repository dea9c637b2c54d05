//! A roofline chart: how many operations a second were reached, over how many operations there are to a byte, below what
//! the machine allows (Williams, Waterman, Patterson, *Roofline*, Communications of the ACM 52, 2009). As SVG.

use super::frame::COLOURS;
use super::svg::{FONT, escaped};
use std::fmt::Write;

const SIZE: [f64; 2] = [960.0, 640.0];
/// Room left of, right of, above and below what is drawn.
const MARGINS: [f64; 4] = [72.0, 28.0, 64.0, 92.0];
/// Points with a label; of more, those of the longest times have one.
const LABELS: usize = 28;
/// How wide a letter of a label is, and how high a label.
const LETTER: [f64; 2] = [6.9, 14.0];

/// A point of the chart.
#[derive(Clone, Debug, PartialEq)]
pub struct RooflinePoint {
    /// What stands beside it.
    pub name: String,
    /// What it is one of, such as `forward`; each such group has a colour.
    pub group: String,
    /// Operations to a byte. One that is not above 0 is left out.
    pub intensity: f64,
    /// Operations a second; likewise.
    pub rate: f64,
    /// Its share of all time, from 0 to 1: the area of its dot.
    pub share: f64,
}

/// Points below the roofline of a machine, both axes logarithmic.
///
/// ```
/// use evograd::report::{Roofline, RooflinePoint};
/// let point = RooflinePoint {
///     name: "conv2d".into(), group: "forward".into(), intensity: 40.0, rate: 5e10, share: 0.5,
/// };
/// let roofline = Roofline { title: "a step", operations: 1e11, bandwidth: 1e10, note: "", points: vec![point] };
/// assert!(roofline.to_svg().contains("conv2d"));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Roofline<'a> {
    /// What stands above.
    pub title: &'a str,
    /// Operations a second that the machine can do.
    pub operations: f64,
    /// Bytes a second that its memory gives.
    pub bandwidth: f64,
    /// What stands below, at most two lines.
    pub note: &'a str,
    /// The points.
    pub points: Vec<RooflinePoint>,
}

/// A rectangle: left, top, right, bottom.
type Area = [f64; 4];

/// Where no name may be written.
#[derive(Default)]
struct Taken {
    /// By dots and by the roofline.
    covered: Vec<Area>,
    /// By names, which no line to a dot may cross either.
    names: Vec<Area>,
    /// By lines from names to their dots.
    lines: Vec<Area>,
}

/// The two logarithmic axes.
struct Scales {
    x: [f64; 2],
    y: [f64; 2],
}

impl Roofline<'_> {
    /// The chart.
    pub fn to_svg(&self) -> String {
        let mut points: Vec<&RooflinePoint> = self.points.iter().filter(|point| point.is_drawn()).collect();
        points.sort_by(|a, b| b.share.total_cmp(&a.share));
        let scales = self.scales(&points);
        let [width, height] = SIZE;
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" \
             font-family=\"{FONT}\" font-size=\"12\" fill=\"#1e293b\">\n<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n"
        );
        text(&mut svg, [14.0, 25.0], "start", " font-size=\"15\" font-weight=\"bold\"", self.title);
        for (line, note) in self.note.lines().rev().enumerate() {
            let y = height - 12.0 - 15.0 * line as f64;
            text(&mut svg, [14.0, y], "start", " font-size=\"11\" fill=\"#475569\"", note);
        }
        scales.draw(&mut svg);
        let [covered, names] = self.draw_roofline(&scales, &points, &mut svg);
        let mut taken = Taken { covered, names, lines: Vec::new() };
        let groups = groups(&points);
        taken.names.push(draw_groups(&groups, &mut svg));
        taken.covered.extend(points.iter().map(|point| point.area(&scales)));
        for point in &points {
            point.draw(&scales, colour(&groups, &point.group), &mut svg);
        }
        for point in points.iter().take(LABELS) {
            point.draw_label(&scales, &mut taken, &mut svg);
        }
        svg + "</svg>\n"
    }

    /// The least that a pass of this intensity is bound by: memory below the ridge, arithmetic above it.
    fn attainable(&self, intensity: f64) -> f64 {
        self.operations.min(intensity * self.bandwidth)
    }

    /// Axes over all points and the ridge of the roofline.
    fn scales(&self, points: &[&RooflinePoint]) -> Scales {
        let ridge = self.operations / self.bandwidth;
        // There is room for the two numbers of the roofline, also where all points are to the right of it or above it.
        let over = |values: &mut dyn Iterator<Item = f64>, ridge: [f64; 2]| {
            let (low, high) = values.fold((ridge[0], ridge[1]), |(low, high), x| (low.min(x / 2.0), high.max(x * 2.0)));
            [low.log10(), high.log10()]
        };
        let x = over(&mut points.iter().map(|point| point.intensity), [ridge / 5.0, ridge * 5.0]);
        let y = over(&mut points.iter().map(|point| point.rate), [self.operations / 5.0, self.operations * 2.0]);
        Scales { x, y }
    }

    /// The roofline with its two numbers; returns what the lines cover, and what the numbers do.
    fn draw_roofline(&self, scales: &Scales, points: &[&RooflinePoint], svg: &mut String) -> [Vec<Area>; 2] {
        let ends = scales.x.map(|end| 10_f64.powf(end));
        let first = ends[0].max(10_f64.powf(scales.y[0]) / self.bandwidth);
        let corners = [first, self.operations / self.bandwidth, ends[1]].map(|x| scales.pixel([x, self.attainable(x)]));
        let [[a, b], [c, d], [e, f]] = corners;
        let _ = writeln!(
            svg,
            "<path d=\"M{a:.1} {b:.1}L{c:.1} {d:.1}L{e:.1} {f:.1}\" fill=\"none\" stroke=\"#1e293b\" stroke-width=\"2\"/>"
        );
        let lines = along([a, b], [c, d], 3.0).chain(along([c, d], [e, f], 3.0)).collect();
        let flat = format!("arithmetic: {} GFLOP/s", rate(self.operations));
        text(svg, [e - 6.0, f - 8.0], "end", "", &flat);
        let mut numbers = vec![[e - 6.0 - flat.chars().count() as f64 * 7.6, f - 22.0, e, f]];
        let dots: Vec<Area> = points.iter().map(|point| point.area(scales)).collect();
        numbers.extend(self.draw_slope([a, b], [c, d], &dots, svg));
        [lines, numbers]
    }

    /// The number of the slope, written along it where it covers the fewest dots; returns what it covers.
    fn draw_slope(&self, from: [f64; 2], to: [f64; 2], dots: &[Area], svg: &mut String) -> Vec<Area> {
        let name = format!("memory: {} GB/s", rate(self.bandwidth));
        let [dx, dy] = [to[0] - from[0], to[1] - from[1]];
        let length = dx.hypot(dy);
        // Half of the text, as a step along the slope, and a step to the side of it.
        let half = name.chars().count() as f64 * 4.2 / length;
        let side = [11.0 * dy / length, -11.0 * dx / length];
        let place = |share: f64| [from[0] + share * dx + side[0], from[1] + share * dy + side[1]];
        let covered = |middle: f64| along(place(middle - half), place(middle + half), 8.0).collect::<Vec<_>>();
        let crowd =
            |middle: f64| covered(middle).iter().filter(|area| dots.iter().any(|dot| overlap(dot, area))).count();
        let middles = (0..=8).map(|step| half + (1.0 - 2.0 * half).max(0.0) * f64::from(step) / 8.0);
        let middle = middles.min_by_key(|middle| crowd(*middle)).unwrap_or(0.5);
        let [x, y] = place(middle);
        let turn = format!(" dy=\"4\" transform=\"rotate({:.1} {x:.1} {y:.1})\"", dy.atan2(dx).to_degrees());
        text(svg, [x, y], "middle", &turn, &name);
        covered(middle)
    }
}

impl RooflinePoint {
    fn is_drawn(&self) -> bool {
        [self.intensity, self.rate].iter().all(|value| value.is_finite() && *value > 0.0)
    }

    fn radius(&self) -> f64 {
        (28.0 * self.share.clamp(0.0, 1.0).sqrt()).max(3.0)
    }

    fn area(&self, scales: &Scales) -> Area {
        let ([x, y], r) = (scales.pixel([self.intensity, self.rate]), self.radius());
        [x - r, y - r, x + r, y + r]
    }

    fn draw(&self, scales: &Scales, colour: &str, svg: &mut String) {
        let ([x, y], r) = (scales.pixel([self.intensity, self.rate]), self.radius());
        let name = escaped(&self.name);
        let (share, speed) = (100.0 * self.share, rate(self.rate));
        let _ = writeln!(
            svg,
            "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{r:.1}\" fill=\"{colour}\" fill-opacity=\"0.72\" stroke=\"#ffffff\">\
             <title>{name}: {share:.1} % of the step, {speed} GFLOP/s, {:.2} operations to a byte</title></circle>",
            self.intensity
        );
    }

    /// Writes the name at the nearest place that is neither covered nor taken by another name, with a line to its dot where
    /// that is far; not at all where there is no place near, or the line would cross another name.
    fn draw_label(&self, scales: &Scales, taken: &mut Taken, svg: &mut String) {
        let (centre, width) = (scales.pixel([self.intensity, self.rate]), self.name.chars().count() as f64 * LETTER[0]);
        let free = |area: &Area| {
            let all = [&taken.covered, &taken.names, &taken.lines];
            let clear = all.into_iter().flatten().all(|other| !overlap(area, other));
            let line = self.line(centre, area);
            let crossed = || line.iter().any(|step| taken.names.iter().any(|name| overlap(step, name)));
            inside(area) && clear && !crossed()
        };
        let Some(area) = places(centre, self.radius(), width).find(free) else { return };
        let line = self.line(centre, &area);
        if !line.is_empty() {
            let ([x, y], [to_x, to_y]) = (centre, nearest(centre, &area));
            let _ = writeln!(
                svg,
                "<path d=\"M{x:.1} {y:.1}L{to_x:.1} {to_y:.1}\" stroke=\"#64748b\" stroke-width=\"0.8\"/>"
            );
        }
        taken.lines.extend(line);
        taken.names.push(area);
        text(svg, [area[0] + 1.0, area[3] - 3.5], "start", " font-size=\"11\"", &self.name);
    }

    /// What a line from the rim of the dot to a label covers; nothing where the label is so near that it needs none.
    fn line(&self, centre: [f64; 2], area: &Area) -> Vec<Area> {
        let end = nearest(centre, area);
        let [dx, dy] = [end[0] - centre[0], end[1] - centre[1]];
        let distance = dx.hypot(dy);
        if distance <= self.radius() + 8.0 {
            return Vec::new();
        }
        let [rim, gap] = [self.radius(), distance - 2.0].map(|length| length / distance);
        let step = |share: f64| [centre[0] + share * dx, centre[1] + share * dy];
        along(step(rim), step(gap), 0.8).collect()
    }
}

/// The point of a rectangle that is nearest to another.
fn nearest([x, y]: [f64; 2], [left, top, right, bottom]: &Area) -> [f64; 2] {
    [x.clamp(*left, *right), y.clamp(*top, *bottom)]
}

/// Small squares along a line, which together cover it; each reaches so far to all sides.
fn along([x, y]: [f64; 2], [to_x, to_y]: [f64; 2], reach: f64) -> impl Iterator<Item = Area> {
    let steps = ((to_x - x).hypot(to_y - y) / (2.0 * reach)).ceil().max(1.0) as u32;
    (0..=steps).map(move |step| {
        let share = f64::from(step) / f64::from(steps);
        let [x, y] = [x + share * (to_x - x), y + share * (to_y - y)];
        [x - reach, y - reach, x + reach, y + reach]
    })
}

/// Places for a label of this width around a dot, the nearest first.
fn places([x, y]: [f64; 2], radius: f64, width: f64) -> impl Iterator<Item = Area> {
    (0..40).flat_map(move |ring| {
        let gap = radius + 4.0 + 6.0 * f64::from(ring);
        (0..48).map(move |turn| {
            let angle = f64::from(turn) * std::f64::consts::TAU / 48.0;
            let (dx, dy) = (angle.cos(), angle.sin());
            let middle = [x + dx * (gap + width / 2.0), y + dy * (gap + LETTER[1] / 2.0)];
            let [left, top] = [middle[0] - width / 2.0, middle[1] - LETTER[1] / 2.0];
            [left, top, left + width, top + LETTER[1]]
        })
    })
}

/// Whether a label lies within the axes.
fn inside([left, top, right, bottom]: &Area) -> bool {
    *left > MARGINS[0] && *right < SIZE[0] - MARGINS[1] && *top > MARGINS[2] && *bottom < SIZE[1] - MARGINS[3]
}

fn overlap(a: &Area, b: &Area) -> bool {
    a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3]
}

impl Scales {
    fn pixel(&self, [x, y]: [f64; 2]) -> [f64; 2] {
        let [left, right, top, bottom] = MARGINS;
        let [width, height] = [SIZE[0] - left - right, SIZE[1] - top - bottom];
        let place = |[low, high]: [f64; 2], value: f64| (value.log10() - low) / (high - low);
        [left + width * place(self.x, x), top + height * (1.0 - place(self.y, y))]
    }

    /// Both axes with lines at round numbers.
    fn draw(&self, svg: &mut String) {
        let (left, right, top, bottom) = (MARGINS[0], SIZE[0] - MARGINS[1], MARGINS[2], SIZE[1] - MARGINS[3]);
        let ends = [self.x[0], self.y[0]].map(|end| 10_f64.powf(end));
        for mark in marks(self.x) {
            let [x, _] = self.pixel([mark, ends[1]]);
            let _ = writeln!(svg, "<path d=\"M{x:.1} {top}V{bottom}\" stroke=\"#e2e8f0\"/>");
            text(svg, [x, bottom + 18.0], "middle", "", &shown(mark));
        }
        for mark in marks(self.y) {
            let [_, y] = self.pixel([ends[0], mark]);
            let _ = writeln!(svg, "<path d=\"M{left} {y:.1}H{right}\" stroke=\"#e2e8f0\"/>");
            text(svg, [left - 8.0, y + 4.0], "end", "", &shown(mark / 1e9));
        }
        let _ = writeln!(svg, "<path d=\"M{left} {top}V{bottom}H{right}\" fill=\"none\" stroke=\"#64748b\"/>");
        text(svg, [(left + right) / 2.0, bottom + 40.0], "middle", "", "operations to a byte");
        text(svg, [14.0, top - 12.0], "start", "", "GFLOP/s");
    }
}

/// 1, 2 and 5 times the powers of ten between the ends of a logarithmic axis; of a long one, the powers alone.
fn marks([low, high]: [f64; 2]) -> Vec<f64> {
    let steps: &[f64] = if high - low > 4.5 { &[1.0] } else { &[1.0, 2.0, 5.0] };
    let powers = low.floor() as i32..=high.ceil() as i32;
    let all = powers.flat_map(|power| steps.iter().map(move |step| step * 10_f64.powi(power)));
    all.filter(|mark| (low..=high).contains(&mark.log10())).collect()
}

/// A mark without digits that say nothing.
fn shown(value: f64) -> String {
    let digits = (-value.log10().floor()).clamp(0.0, 9.0) as usize;
    format!("{value:.digits$}")
}

/// 10⁹ operations or bytes a second, with three digits or so.
fn rate(value: f64) -> String {
    let value = value / 1e9;
    let digits = if value >= 99.5 { 0 } else { usize::from(value < 9.95) + 1 };
    format!("{value:.digits$}")
}

/// The groups in the order of their names.
fn groups<'a>(points: &[&'a RooflinePoint]) -> Vec<&'a str> {
    let mut groups: Vec<&str> = points.iter().map(|point| point.group.as_str()).collect();
    groups.sort_unstable();
    groups.dedup();
    groups
}

fn colour(groups: &[&str], group: &str) -> &'static str {
    COLOURS[groups.iter().position(|other| *other == group).unwrap_or(0) % COLOURS.len()]
}

/// The names of the groups in the lower right corner; returns what they cover.
fn draw_groups(groups: &[&str], svg: &mut String) -> Area {
    let lines = groups.len() as f64 + 1.0;
    let [right, bottom] = [SIZE[0] - MARGINS[1] - 8.0, SIZE[1] - MARGINS[3] - 8.0];
    let [left, top] = [right - 190.0, bottom - 18.0 * lines - 8.0];
    let _ = writeln!(
        svg,
        "<rect x=\"{left:.1}\" y=\"{top:.1}\" width=\"190\" height=\"{:.1}\" rx=\"4\" fill=\"#ffffff\" stroke=\"#e2e8f0\"/>",
        bottom - top
    );
    for (line, group) in groups.iter().enumerate() {
        let y = top + 18.0 * (line as f64 + 1.0);
        let _ = writeln!(
            svg,
            "<circle cx=\"{:.1}\" cy=\"{:.1}\" r=\"5\" fill=\"{}\"/>",
            left + 14.0,
            y - 4.0,
            colour(groups, group)
        );
        text(svg, [left + 28.0, y], "start", "", group);
    }
    text(svg, [left + 8.0, top + 18.0 * lines], "start", " font-size=\"11\"", "area: share of the step");
    [left, top, right, bottom]
}

fn text(svg: &mut String, [x, y]: [f64; 2], anchor: &str, more: &str, text: &str) {
    let text = escaped(text);
    let _ = writeln!(svg, "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\"{more}>{text}</text>");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(name: &str, intensity: f64, rate: f64) -> RooflinePoint {
        RooflinePoint { name: name.into(), group: "forward".into(), intensity, rate, share: 0.02 }
    }

    fn roofline(points: Vec<RooflinePoint>) -> Roofline<'static> {
        Roofline { title: "a <step>", operations: 1e11, bandwidth: 1e10, note: "", points }
    }

    #[test]
    fn the_roofline_rises_with_the_bandwidth_up_to_the_peak() {
        let roofline = roofline(Vec::new());
        assert_eq!([1.0, 10.0, 100.0].map(|intensity| roofline.attainable(intensity)), [1e10, 1e11, 1e11]);
        assert!(roofline.to_svg().contains("a &lt;step&gt;"));
    }

    /// Crowded points: no label lies on another one, on a dot or on the line of another one, and few are left out.
    #[test]
    fn labels_do_not_overlap() {
        let crowded = |i: u32| {
            let rate = 1e9 * f64::from(1 + 7 * i % 16);
            point(&format!("operation {i}"), 0.4 + 0.04 * f64::from(i), rate)
        };
        let points: Vec<_> = (0..16).map(crowded).collect();
        let roofline = roofline(points);
        let scales = roofline.scales(&roofline.points.iter().collect::<Vec<_>>());
        let covered = roofline.points.iter().map(|point| point.area(&scales)).collect();
        let (mut taken, mut svg) = (Taken { covered, ..Taken::default() }, String::new());
        roofline.points.iter().for_each(|point| point.draw_label(&scales, &mut taken, &mut svg));
        assert!(taken.names.len() >= 14 && !taken.lines.is_empty(), "{svg}");
        assert!(taken.names.iter().all(inside), "{svg}");
        let all = [&taken.covered, &taken.names, &taken.lines];
        for name in &taken.names {
            // Itself alone.
            assert_eq!(all.into_iter().flatten().filter(|other| overlap(name, other)).count(), 1, "{svg}");
        }
    }

    #[test]
    fn what_has_no_place_is_left_out() {
        let svg = roofline(vec![point("nothing", 0.0, 1e9), point("endless", f64::INFINITY, 1e9)]).to_svg();
        assert_eq!(svg.matches("<title>").count(), 0);
    }

    #[test]
    fn marks_are_round_and_shown_with_the_digits_they_need() {
        assert_eq!(marks([-1.0, 1.05]), [0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0]);
        assert_eq!(marks([-3.0, 2.0]).len(), 6);
        assert_eq!([0.05, 0.2, 1.0, 20.0].map(shown), ["0.05", "0.2", "1", "20"]);
        assert_eq!([1.234e9, 1.234e10, 1.234e11].map(rate), ["1.23", "12.3", "123"]);
    }
}
