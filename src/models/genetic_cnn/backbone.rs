//! What surrounds the nodes of a code. Knows numbers alone.

use crate::error::{Error, Result};

/// What surrounds the nodes of a code: the same for all networks of a search.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "training", derive(serde::Serialize, serde::Deserialize), serde(default, deny_unknown_fields))]
pub struct Backbone {
    /// The filters of each stage.
    pub filters: Vec<usize>,
    /// The side of the filters of each stage's input node; those of all other nodes are 3×3.
    pub kernel: usize,
    /// The padding of the input nodes' filters.
    pub padding: usize,
    /// The side of the pool behind each stage; it moves by 2 and rounds up.
    pub pool: usize,
    /// The outputs of the first linear layer.
    pub features: usize,
}

impl Default for Backbone {
    /// The paper's for CIFAR-10.
    fn default() -> Self {
        Backbone::cifar10(3)
    }
}

impl Backbone {
    /// The paper's for CIFAR-10: `C5(P2)@8 – MP3(S2) – C5(P2)@16 – MP3(S2) – C5(P2)@32 – MP3(S2) – FC128 – D0.5`; for another
    /// number of stages in the same way.
    pub fn cifar10(stages: usize) -> Backbone {
        let filters = (0..stages).map(|stage| 8 << stage.min(12)).collect();
        Backbone { filters, kernel: 5, padding: 2, pool: 3, features: 128 }
    }

    /// The paper's for MNIST: `C5@20 – MP2(S2) – C5@50 – MP2(S2) – FC500 – D0.5`.
    pub fn mnist() -> Backbone {
        Backbone { filters: vec![20, 50], kernel: 5, padding: 0, pool: 2, features: 500 }
    }

    /// Refuses what is no backbone, or not one of a code of so many stages.
    pub(super) fn check(&self, stages: usize) -> Result<()> {
        let refuse = |problem: String, remedy: &str| Err(Error::op("backbone", problem, &[], remedy));
        if self.filters.len() != stages {
            let problem = format!("filters {:?}, and the stages of the code: {stages}", self.filters);
            return refuse(problem, "give a number of filters for each stage");
        }
        let sizes = [self.kernel, self.pool, self.features];
        if self.filters.iter().chain(&sizes).any(|size| !(1..=1 << 16).contains(size)) || self.padding > 1 << 16 {
            let Backbone { filters, kernel, padding, pool, features } = self;
            let problem =
                format!("filters {filters:?}, kernel {kernel}, padding {padding}, pool {pool}, features {features}");
            return refuse(problem, "use whole numbers from 1 to 65,536, and for the padding also 0");
        }
        Ok(())
    }
}
