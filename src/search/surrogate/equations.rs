//! The model's equations for given variances, from sums over the observations.

use super::terms::{Trained, Variances};
use crate::search::cholesky::Cholesky;
use std::collections::BTreeMap;

/// Sums over observations, from which the model of any variances is computed.
pub(super) struct Sums {
    count: f64,
    /// `Σ y²` and, for each number of trainings, `Σ_g (Σ_k y)²` and how many architectures have it.
    squares: f64,
    grouped: BTreeMap<usize, Grouped>,
    /// `Σ φφᵀ` and `Σ φy` over all observations, with the columns `φ`.
    products: Vec<f64>,
    moments: Vec<f64>,
    columns: usize,
}

/// Sums over the architectures that have been trained equally often.
#[derive(Clone, Default)]
struct Grouped {
    architectures: f64,
    squares: f64,
    products: Vec<f64>,
    moments: Vec<f64>,
}

/// The model's equations for some variances.
pub(super) struct Solved {
    pub precision: Cholesky,
    pub theta: Vec<f64>,
    pub log_likelihood: f64,
}

impl Sums {
    pub fn new(columns: usize) -> Sums {
        let (products, moments) = (vec![0.0; columns * columns], vec![0.0; columns]);
        Sums { count: 0.0, squares: 0.0, grouped: BTreeMap::new(), products, moments, columns }
    }

    pub fn add(&mut self, columns: &[f64], value: f64) {
        self.count += 1.0;
        self.squares += value * value;
        add_outer(&mut self.products, columns);
        self.moments.iter_mut().zip(columns).for_each(|(sum, x)| *sum += x * value);
    }

    /// The sums over the trainings of one architecture.
    pub fn group(&mut self, all: &Trained) {
        let group = self.grouped.entry(all.count as usize).or_insert_with(|| Grouped {
            products: vec![0.0; self.columns * self.columns],
            moments: vec![0.0; self.columns],
            ..Grouped::default()
        });
        group.architectures += 1.0;
        group.squares += all.value * all.value;
        add_outer(&mut group.products, &all.columns);
        group.moments.iter_mut().zip(&all.columns).for_each(|(sum, x)| *sum += x * all.value);
    }

    /// `θ` and its inverse covariance `S = V⁻¹ + ΦᵀC⁻¹Φ`, and the logarithm of the likelihood of the values without its
    /// constant: `−½(yᵀC⁻¹y − bᵀS⁻¹b + ln|C| + ln|V| + ln|S|)`, where `b = ΦᵀC⁻¹y`.
    pub fn solve(&self, Variances { features, own, noise, seed }: Variances, seeds: usize, spread: f64) -> Solved {
        let columns = self.columns;
        let scaled = |sums: &[f64], factor: f64| sums.iter().map(|x| x * factor).collect::<Vec<f64>>();
        let (mut precision, mut moments) = (scaled(&self.products, 1.0 / noise), scaled(&self.moments, 1.0 / noise));
        let (mut squares, mut log_determinant) = (self.squares / noise, self.count * noise.ln());
        for (count, group) in &self.grouped {
            let count = *count as f64;
            let share = own / (noise + count * own) / noise;
            precision.iter_mut().zip(&group.products).for_each(|(sum, x)| *sum -= share * x);
            moments.iter_mut().zip(&group.moments).for_each(|(sum, x)| *sum -= share * x);
            squares -= share * group.squares;
            log_determinant += group.architectures * ((noise + count * own) / noise).ln();
        }
        let wide = 10.0 * spread;
        let prior = |column: usize| match column {
            0 => wide,
            _ if column <= seeds => seed,
            _ => features / (columns - 1 - seeds) as f64,
        };
        for column in 0..columns {
            precision[column * columns + column] += 1.0 / prior(column);
            log_determinant += prior(column).ln();
        }
        let precision = Cholesky::new(columns, precision).expect("a sum of squares and of what is above 0");
        let half = precision.forward(&moments);
        let explained: f64 = half.iter().map(|x| x * x).sum();
        let log_likelihood = -0.5 * (squares - explained + log_determinant + precision.log_determinant());
        Solved { theta: precision.backward(&half), precision, log_likelihood }
    }
}

/// Adds `x·xᵀ`, of which the lower triangle is enough.
fn add_outer(sums: &mut [f64], x: &[f64]) {
    for (i, row) in sums.chunks_mut(x.len()).enumerate() {
        row[..=i].iter_mut().zip(x).for_each(|(sum, other)| *sum += x[i] * other);
    }
}
