//! Random search: graphs that are drawn by fair coins, each once. What every other method must beat at equal cost.

use super::{Proposal, Propose, new_graphs, stream};
use crate::error::Result;
use crate::search::config::Breeding;
use crate::search::history::History;
use std::collections::HashSet;

pub(super) struct Random<'a>(pub &'a Breeding);

impl Propose for Random<'_> {
    fn propose(&mut self, generation: u32, history: &History, room: usize) -> Result<Vec<Proposal>> {
        let count = self.0.population.min(room);
        Ok(new_graphs(history, count, &mut HashSet::new(), &mut stream(self.0, generation, 0)))
    }
}
