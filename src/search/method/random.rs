//! Random search: graphs that are drawn by fair coins, each once. What every other method must beat at equal cost.

use super::draw::{new_graphs, stream};
use super::propose::{Proposal, Propose};
use crate::error::Result;
use crate::search::history::History;
use crate::search::settings::Strategy;
use std::collections::HashSet;

pub(super) struct Random<'a>(pub &'a Strategy);

impl Propose for Random<'_> {
    fn propose(&mut self, generation: u32, history: &History, room: usize) -> Result<Vec<Proposal>> {
        let count = self.0.population.min(room);
        Ok(new_graphs(history, count, &mut HashSet::new(), &mut stream(self.0, generation, 0)))
    }
}
