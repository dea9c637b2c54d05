//! Features in standard units.

/// The mean and the standard deviation of each feature, by which features come into standard units.
#[derive(Clone, Debug, PartialEq)]
pub struct Scale {
    mean: Vec<f64>,
    deviation: Vec<f64>,
}

impl Scale {
    /// Of these rows, of one length each. A feature that is the same in all of them says nothing, and is left out.
    ///
    /// # Panics
    /// When there are no rows.
    pub fn of(rows: &[Vec<f64>]) -> Scale {
        let count = rows.len() as f64;
        let mean: Vec<f64> = (0..rows[0].len()).map(|j| rows.iter().map(|row| row[j]).sum::<f64>() / count).collect();
        let variance = |j: usize| rows.iter().map(|row| (row[j] - mean[j]).powi(2)).sum::<f64>() / count;
        let deviation = (0..mean.len()).map(|j| variance(j).sqrt()).collect();
        Scale { mean, deviation }
    }

    pub(super) fn apply(&self, row: &[f64]) -> impl Iterator<Item = f64> {
        let standard =
            |((x, mean), deviation): ((&f64, &f64), &f64)| if *deviation > 0.0 { (x - mean) / deviation } else { 0.0 };
        row.iter().zip(&self.mean).zip(&self.deviation).map(standard)
    }

    pub(super) fn len(&self) -> usize {
        self.mean.len()
    }
}
