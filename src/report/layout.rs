//! Where the boxes of a graph stand: ranks from top to bottom, lanes next to each other within a rank, columns of ranks.
//! Knows no drawing and no network.
//!
//! A box stands one rank below the lowest of those it takes its input from. An edge that passes ranks by has a place in
//! each of them, so that no box stands on it. A rank with a single place is a *waist*: all that is computed flows
//! through it. Between two waists each chain keeps its lane, so that its edges are straight; and the drawing is folded at
//! waists only, so that one line leads from a column to the next.

use std::ops::Range;

/// Something in a rank: a box, or an edge that passes by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub rank: usize,
    pub lane: usize,
    /// The box; `None` where an edge passes by.
    pub node: Option<usize>,
    /// The box whose output arrives here: itself, or the one at which the passing edge begins.
    pub from: usize,
}

/// A stroke from a place to one of the next rank; both by index.
pub(super) type Stroke = (usize, usize);

#[derive(Debug)]
pub(super) struct Layout {
    /// Rank by rank.
    pub places: Vec<Place>,
    pub strokes: Vec<Stroke>,
    /// The greatest lane in the region between waists that each rank belongs to.
    pub lanes: Vec<usize>,
    /// The ranks of each column.
    pub columns: Vec<Range<usize>>,
}

/// Lays out boxes, each with those it takes its input from, which stand before it.
pub(super) fn layout(inputs: &[Vec<usize>], ranks_in_column: usize) -> Layout {
    let mut ranks = vec![0; inputs.len()];
    for (node, inputs) in inputs.iter().enumerate() {
        ranks[node] = inputs.iter().map(|input| ranks[*input] + 1).max().unwrap_or(0);
    }
    let mut layout = Layout { places: Vec::new(), strokes: Vec::new(), lanes: Vec::new(), columns: Vec::new() };
    let depth = ranks.iter().max().map_or(0, |deepest| deepest + 1);
    let mut above = 0..0;
    for rank in 0..depth {
        above = layout.add_rank(rank, &ranks, inputs, above);
    }
    layout.lanes = lanes(&layout.places, depth);
    layout.columns = columns(&layout.lanes, ranks_in_column);
    layout
}

impl Layout {
    /// Adds a rank below the places `above`; returns its own places.
    fn add_rank(&mut self, rank: usize, ranks: &[usize], inputs: &[Vec<usize>], above: Range<usize>) -> Range<usize> {
        let start = self.places.len();
        let own = (0..ranks.len()).filter(|node| ranks[*node] == rank);
        let sources = |node: usize| inputs[node].clone();
        let mut wanted: Vec<(Option<usize>, usize, Vec<usize>)> =
            own.map(|node| (Some(node), node, sources(node))).collect();
        let passes = |from: usize| (0..ranks.len()).any(|to| ranks[to] > rank && inputs[to].contains(&from));
        // Those that pass already come first, so that they keep their lanes.
        let mut passing: Vec<&Place> = self.places[above.clone()].iter().filter(|place| passes(place.from)).collect();
        passing.sort_by_key(|place| place.node.is_some());
        wanted.extend(passing.iter().map(|place| (None, place.from, vec![place.from])));
        let straight = wanted.len() > 1 && above.len() > 1;
        for (node, from, sources) in wanted {
            let reached: Vec<usize> =
                above.clone().filter(|place| sources.contains(&self.places[*place].from)).collect();
            let wish = reached.first().filter(|_| straight).map_or(0, |place| self.places[*place].lane);
            let lane = self.free_lane(start, wish);
            self.strokes.extend(reached.iter().map(|place| (*place, self.places.len())));
            self.places.push(Place { rank, lane, node, from });
        }
        start..self.places.len()
    }

    /// The lane nearest to the one wished for that no place from `start` on has.
    fn free_lane(&self, start: usize, wish: usize) -> usize {
        let taken = |lane: &usize| self.places[start..].iter().any(|place| place.lane == *lane);
        let free = (0..=wish + self.places.len()).filter(|lane| !taken(lane));
        free.min_by_key(|lane| lane.abs_diff(wish)).expect("there are more lanes than places")
    }
}

/// The greatest lane of the region that each rank belongs to.
fn lanes(places: &[Place], depth: usize) -> Vec<usize> {
    let mut own = vec![0; depth];
    let mut count = vec![0; depth];
    for place in places {
        own[place.rank] = own[place.rank].max(place.lane);
        count[place.rank] += 1;
    }
    let mut lanes = vec![0; depth];
    let mut start = 0;
    for rank in 0..=depth {
        if rank == depth || count[rank] == 1 {
            let greatest = own[start..rank].iter().copied().max().unwrap_or(0);
            lanes[start..rank].fill(greatest);
            start = rank + 1;
        }
    }
    lanes
}

/// Folds at waists, so that columns are about equally long and none is longer than asked for where it can be helped.
fn columns(lanes: &[usize], ranks_in_column: usize) -> Vec<Range<usize>> {
    let count = lanes.len().div_ceil(ranks_in_column.max(1)).max(1);
    let even = lanes.len().div_ceil(count);
    let mut columns = Vec::new();
    let mut start = 0;
    for rank in 0..lanes.len() {
        let waist = lanes[rank] == 0;
        if (waist && rank + 1 - start >= even) || rank + 1 == lanes.len() {
            columns.push(start..rank + 1);
            start = rank + 1;
        }
    }
    columns
}

/// How wide lanes are.
pub(super) struct Lanes {
    /// Of a lane in which any box stands.
    pub node: f64,
    /// Of a lane in which nothing but edges pass.
    pub passage: f64,
    /// Between lanes.
    pub gap: f64,
}

impl Lanes {
    /// For each rank, the left edge and the width of each lane of its region, from the middle of all of them.
    pub(super) fn of(&self, layout: &Layout) -> Vec<Vec<(f64, f64)>> {
        let mut widths: Vec<Vec<f64>> = layout.lanes.iter().map(|greatest| vec![self.passage; greatest + 1]).collect();
        for place in layout.places.iter().filter(|place| place.node.is_some()) {
            widths[place.rank][place.lane] = self.node;
        }
        let mut start = 0;
        for rank in 0..=widths.len() {
            if rank == widths.len() || layout.lanes[rank] == 0 {
                widen(&mut widths[start..rank]);
                start = rank + 1;
            }
        }
        widths.iter().map(|widths| self.beside(widths)).collect()
    }

    /// Lanes of these widths one beside the other, with the middle of all of them at 0.
    fn beside(&self, widths: &[f64]) -> Vec<(f64, f64)> {
        let all = widths.iter().sum::<f64>() + self.gap * (widths.len() - 1) as f64;
        let mut x = -all / 2.0;
        let mut lanes = Vec::new();
        for width in widths {
            lanes.push((x, *width));
            x += width + self.gap;
        }
        lanes
    }
}

/// In each lane of a region, its greatest width.
fn widen(region: &mut [Vec<f64>]) {
    let lanes = region.first().map_or(0, Vec::len);
    for lane in 0..lanes {
        let widest = region.iter().map(|widths| widths[lane]).fold(0.0, f64::max);
        region.iter_mut().for_each(|widths| widths[lane] = widest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rank, lane and box of each place.
    fn table(layout: &Layout) -> Vec<(usize, usize, Option<usize>)> {
        layout.places.iter().map(|place| (place.rank, place.lane, place.node)).collect()
    }

    /// 0 → 1 → 2 → 3, and 0 → 3 beside.
    #[test]
    fn a_skip_has_a_lane_of_its_own_beside_the_chain() {
        let layout = layout(&[vec![], vec![0], vec![1], vec![2, 0]], 100);
        let expected = [(0, 0, Some(0)), (1, 0, Some(1)), (1, 1, None), (2, 0, Some(2)), (2, 1, None), (3, 0, Some(3))];
        assert_eq!(table(&layout), expected);
        assert_eq!(layout.strokes, [(0, 1), (0, 2), (1, 3), (2, 4), (3, 5), (4, 5)]);
        assert_eq!(layout.lanes, [0, 1, 1, 0]);
        assert!(layout.columns.len() == 1 && layout.columns[0] == (0..4));
    }

    #[test]
    fn two_chains_stand_next_to_each_other() {
        let layout = layout(&[vec![], vec![0], vec![1], vec![0], vec![3], vec![2, 4]], 100);
        let expected =
            [(0, 0, Some(0)), (1, 0, Some(1)), (1, 1, Some(3)), (2, 0, Some(2)), (2, 1, Some(4)), (3, 0, Some(5))];
        assert_eq!(table(&layout), expected);
    }

    #[test]
    fn an_edge_that_passes_several_ranks_keeps_its_lane() {
        let layout = layout(&[vec![], vec![0], vec![0, 1], vec![0, 1, 2]], 100);
        let passing: Vec<_> = layout.places.iter().filter(|place| place.node.is_none()).collect();
        let lanes: Vec<_> = passing.iter().map(|place| (place.rank, place.from, place.lane)).collect();
        assert_eq!(lanes, [(1, 0, 1), (2, 0, 1), (2, 1, 2)]);
    }

    #[test]
    fn a_lane_is_as_wide_as_what_stands_in_it_anywhere_between_two_waists() {
        let layout = layout(&[vec![], vec![0], vec![1], vec![2, 0]], 100);
        let lanes = Lanes { node: 40.0, passage: 20.0, gap: 10.0 }.of(&layout);
        let waist = vec![(-20.0, 40.0)];
        let region = vec![(-35.0, 40.0), (15.0, 20.0)];
        assert_eq!(lanes, [waist.clone(), region.clone(), region, waist]);
    }

    #[test]
    fn the_drawing_is_folded_at_waists_alone() {
        let chain: Vec<Vec<usize>> = (0..10).map(|node: usize| node.checked_sub(1).into_iter().collect()).collect();
        assert_eq!(layout(&chain, 5).columns, [0..5, 5..10]);
        let mut bridged = chain.clone();
        bridged[6].push(3);
        assert_eq!(layout(&bridged, 5).columns, [0..7, 7..10]);
        assert!(layout(&[], 5).columns.is_empty());
    }
}
