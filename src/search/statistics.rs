//! What the same networks, trained several times, say about a budget: how repeatable its order is, and how much of a long training's order
//! it shares. Knows numbers alone.
//!
//! **Source** Shrout and Fleiss, *Intraclass correlations: uses in assessing rater reliability*, Psychological Bulletin 86, 1979 (the case
//! ICC(3,1)); Spearman's correction for attenuation, 1904; the breeder's equation of a correlated response: Falconer and Mackay,
//! *Introduction to quantitative genetics*, 1996, chapter 19; the incomplete beta function by its continued fraction: Press et al.,
//! *Numerical recipes*, 2007, section 6.4.

/// How repeatable trainings are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Repeatability {
    /// The standard deviation between networks, noise taken out.
    pub between: f64,
    /// The standard deviation of one training, without what its seed does to all networks alike.
    pub noise: f64,
    /// The share of the variance of one training that is due to the network, `h²`; below 0 where networks differ less than noise alone
    /// would have them.
    pub heritability: f64,
    /// Between these it lies in nine cases of ten.
    pub interval: [f64; 2],
}

impl Repeatability {
    /// Of networks that were trained with the same seeds: `values[n][k]` is what network `n` came to with seed `k`. `None` with fewer than three
    /// networks or two seeds, or where seeds
    /// make no difference at all between networks: then the interval has no ends.
    ///
    /// ```
    /// use evograd::search::Repeatability;
    /// let values = [vec![0.40, 0.42], vec![0.44, 0.47], vec![0.50, 0.51], vec![0.46, 0.49]];
    /// let found = Repeatability::of(&values).unwrap();
    /// assert!(found.heritability > 0.9 && found.interval[0] > 0.5 && found.noise < 0.01);
    /// ```
    ///
    /// # Panics
    /// When networks were not all trained equally often.
    pub fn of(values: &[Vec<f64>]) -> Option<Repeatability> {
        assert!(values.iter().all(|row| row.len() == values[0].len()), "as many trainings of each network");
        let (networks, seeds) = (values.len() as f64, values.first()?.len() as f64);
        if networks < 3.0 || seeds < 2.0 {
            return None;
        }
        let mean_of = |row: &Vec<f64>| row.iter().sum::<f64>() / seeds;
        let means: Vec<f64> = values.iter().map(mean_of).collect();
        let of_seed = |k: usize| values.iter().map(|row| row[k]).sum::<f64>() / networks;
        let seed_means: Vec<f64> = (0..values[0].len()).map(of_seed).collect();
        let mean = means.iter().sum::<f64>() / networks;
        let rest = |(row, own): (&Vec<f64>, &f64)| {
            row.iter().zip(&seed_means).map(|(x, seed)| (x - own - seed + mean).powi(2)).sum::<f64>()
        };
        let freedom = [networks - 1.0, (networks - 1.0) * (seeds - 1.0)];
        let noise = values.iter().zip(&means).map(rest).sum::<f64>() / freedom[1];
        let between = seeds * means.iter().map(|own| (own - mean).powi(2)).sum::<f64>() / freedom[0];
        // The ratio of two variances follows the F distribution, from which the interval comes.
        let ratio = between / noise;
        let share = |ratio: f64| (ratio - 1.0) / (ratio + seeds - 1.0);
        let quantile = |p| f_quantile(p, freedom);
        (ratio.is_finite()).then(|| Repeatability {
            between: ((between - noise) / seeds).max(0.0).sqrt(),
            noise: noise.sqrt(),
            heritability: share(ratio),
            interval: [share(ratio / quantile(0.95)), share(ratio / quantile(0.05))],
        })
    }

    /// The share of the variance of the mean of so many trainings that is due to the network.
    pub fn of_mean(&self, trainings: usize) -> f64 {
        let (h2, count) = (self.heritability.max(0.0), trainings as f64);
        count * h2 / (1.0 + (count - 1.0) * h2)
    }
}

/// How far two lists rank the same things alike, from −1 to 1: Kendall's τ, with ties taken into account (τ_b). `None`
/// where one of them has nothing but ties.
///
/// **Source** Kendall, *The treatment of ties in ranking problems*, Biometrika 33, 1945.
///
/// ```
/// use evograd::search::kendall_tau;
/// assert_eq!(kendall_tau(&[1.0, 2.0, 3.0], &[10.0, 20.0, 30.0]), Some(1.0));
/// assert_eq!(kendall_tau(&[1.0, 2.0, 3.0], &[3.0, 2.0, 1.0]), Some(-1.0));
/// ```
///
/// # Panics
/// When the lists are not equally long.
pub fn kendall_tau(a: &[f64], b: &[f64]) -> Option<f64> {
    assert_eq!(a.len(), b.len(), "two lists of ranks");
    let order = |x: f64, y: f64| if x == y { 0.0 } else { (x - y).signum() };
    let (mut alike, mut untied) = (0.0, [0.0, 0.0]);
    for i in 0..a.len() {
        for j in 0..i {
            let orders = [order(a[i], a[j]), order(b[i], b[j])];
            alike += orders[0] * orders[1];
            untied.iter_mut().zip(orders).for_each(|(untied, order)| *untied += order.abs());
        }
    }
    let pairs = (untied[0] * untied[1]).sqrt();
    (pairs > 0.0).then(|| alike / pairs)
}

/// Pearson's correlation; `None` where one list is constant.
///
/// ```
/// use evograd::search::correlation;
/// assert_eq!(correlation(&[1.0, 2.0, 3.0], &[3.0, 2.0, 1.0]), Some(-1.0));
/// ```
pub fn correlation(a: &[f64], b: &[f64]) -> Option<f64> {
    let mean = |x: &[f64]| x.iter().sum::<f64>() / x.len() as f64;
    let (of_a, of_b) = (mean(a), mean(b));
    let sum = |f: &dyn Fn(f64, f64) -> f64| a.iter().zip(b).map(|(x, y)| f(x - of_a, y - of_b)).sum::<f64>();
    let both = (sum(&|x, _| x * x) * sum(&|_, y| y * y)).sqrt();
    (both > 0.0).then(|| (sum(&|x, y| x * y) / both).clamp(-1.0, 1.0))
}

/// The expected greatest of so many standard normal numbers, by Blom's approximation: 1.54 of 10, 2.51 of 100; 0 where the
/// count is no number, and of infinitely many that of 10¹⁵.
///
/// ```
/// use evograd::search::selection_intensity;
/// assert!((selection_intensity(100.0) - 2.508).abs() < 0.01 && selection_intensity(1.0) == 0.0);
/// ```
pub fn selection_intensity(count: f64) -> f64 {
    let count = count.min(1e15);
    if count > 1.0 { normal_quantile((count - 0.375) / (count + 0.25)) } else { 0.0 }
}

/// The slope of `y` on `x` by least squares, and its standard error. `None` with fewer than ten points,
/// of which two errors would say too little, or where all `x` are equal.
pub fn slope(x: &[f64], y: &[f64]) -> Option<[f64; 2]> {
    let n = x.len() as f64;
    let [of_x, of_y] = [x, y].map(|values| values.iter().sum::<f64>() / n);
    let spread: f64 = x.iter().map(|x| (x - of_x).powi(2)).sum();
    if x.len() < 10 || spread == 0.0 {
        return None;
    }
    let slope = x.iter().zip(y).map(|(x, y)| (x - of_x) * (y - of_y)).sum::<f64>() / spread;
    let rest: f64 = x.iter().zip(y).map(|(x, y)| (y - of_y - slope * (x - of_x)).powi(2)).sum();
    Some([slope, (rest / (n - 2.0) / spread).sqrt()])
}

/// Where the distribution function of the standard normal distribution is `p`.
fn normal_quantile(p: f64) -> f64 {
    bisect(-10.0, 10.0, |x| normal_cdf(x) < p)
}

/// The distribution function of the standard normal distribution.
fn normal_cdf(x: f64) -> f64 {
    let z = x.abs();
    // Marsaglia, *Evaluating the normal distribution*, Journal of Statistical Software 11, 2004: a series that converges for every x.
    let (mut sum, mut term, mut i) = (z, z, 1.0);
    while term > 1e-17 * sum {
        i += 2.0;
        term *= z * z / i;
        sum += term;
    }
    let above = 0.5 + sum * (-0.5 * z * z).exp() / (2.0 * std::f64::consts::PI).sqrt();
    if x < 0.0 { 1.0 - above } else { above }
}

/// Where the distribution function of Student's t distribution is `p`, above one half: its square follows F.
pub(super) fn t_quantile(p: f64, freedom: f64) -> f64 {
    f_quantile(2.0 * p - 1.0, [1.0, freedom]).sqrt()
}

/// Where the distribution function of the F distribution is `p`.
fn f_quantile(p: f64, [a, b]: [f64; 2]) -> f64 {
    bisect(-30.0, 30.0, |log: f64| f_cdf(log.exp(), [a, b]) < p).exp()
}

fn f_cdf(x: f64, [a, b]: [f64; 2]) -> f64 {
    incomplete_beta(a * x / (a * x + b), a / 2.0, b / 2.0)
}

/// Where a condition that holds below some point ceases to hold.
fn bisect(mut low: f64, mut high: f64, below: impl Fn(f64) -> bool) -> f64 {
    for _ in 0..100 {
        let middle = (low + high) / 2.0;
        if below(middle) { low = middle } else { high = middle }
    }
    (low + high) / 2.0
}

/// The regularised incomplete beta function.
fn incomplete_beta(x: f64, a: f64, b: f64) -> f64 {
    if x <= 0.0 || x >= 1.0 {
        return x.clamp(0.0, 1.0);
    }
    if x > (a + 1.0) / (a + b + 2.0) {
        return 1.0 - incomplete_beta(1.0 - x, b, a);
    }
    let front = (ln_gamma(a + b) - ln_gamma(a) - ln_gamma(b) + a * x.ln() + b * (1.0 - x).ln()).exp() / a;
    // Lentz's way to evaluate the continued fraction.
    let tiny = 1e-300;
    let away = |x: f64| if x.abs() < tiny { tiny } else { x };
    let (mut c, mut d) = (1.0, 1.0 / away(1.0 - (a + b) * x / (a + 1.0)));
    let mut value = d;
    for m in 1..300 {
        let m = f64::from(m);
        for factor in [
            m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0)),
        ] {
            d = 1.0 / away(1.0 + factor * d);
            c = away(1.0 + factor / c);
            value *= c * d;
        }
        if (c * d - 1.0).abs() < 1e-15 {
            break;
        }
    }
    front * value
}

/// The logarithm of the gamma function, by Stirling's series after eight steps up.
fn ln_gamma(x: f64) -> f64 {
    let below: f64 = (0..8).map(|i| (x + f64::from(i)).ln()).sum();
    let z = x + 8.0;
    let series = 1.0 / (12.0 * z) - 1.0 / (360.0 * z.powi(3)) + 1.0 / (1260.0 * z.powi(5)) - 1.0 / (1680.0 * z.powi(7))
        + 1.0 / (1188.0 * z.powi(9));
    (z - 0.5) * z.ln() - z + 0.5 * (2.0 * std::f64::consts::PI).ln() + series - below
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Purpose, Stream};

    /// Those of the tables in textbooks, to their digits; and of the lower end the reciprocal of the upper one.
    #[test]
    fn quantiles_are_those_of_tables() {
        for (freedom, expected) in
            [([7.0, 7.0], 3.787), ([10.0, 10.0], 2.978), ([3.0, 12.0], 3.490), ([24.0, 24.0], 1.984)]
        {
            let found = f_quantile(0.95, freedom);
            assert!((found - expected).abs() < 6e-4, "{freedom:?}: {found}");
            let [a, b] = freedom;
            assert!((f_quantile(0.05, [b, a]) * found - 1.0).abs() < 1e-9);
        }
        assert!((normal_quantile(0.975) - 1.959_963_984_540_054).abs() < 1e-12);
        assert!((ln_gamma(0.5) - std::f64::consts::PI.sqrt().ln()).abs() < 1e-12);
        assert!((ln_gamma(11.0) - 3_628_800_f64.ln()).abs() < 1e-12);
    }

    /// Drawn with a heritability of 0.5, the interval holds it in nine cases of ten, whatever the seeds do to all.
    #[test]
    fn intervals_hold_the_truth_as_often_as_they_say() {
        let mut stream = Stream::new(1, Purpose::Genetic, 0, 0);
        let mut covered = 0;
        for _ in 0..1000 {
            let seeds = [5.0 * stream.normal(), 5.0 * stream.normal()];
            let mut network = || {
                let own = stream.normal();
                seeds.iter().map(|seed| own + seed + stream.normal()).collect()
            };
            let values: Vec<Vec<f64>> = (0..24).map(|_| network()).collect();
            let [low, high] = Repeatability::of(&values).unwrap().interval;
            covered += usize::from(low <= 0.5 && 0.5 <= high);
        }
        assert!((870..930).contains(&covered), "{covered}");
    }

    /// Values of `scipy.stats.kendalltau` 1.17 for the same lists.
    #[test]
    fn ties_are_taken_into_account() {
        let tau = kendall_tau(&[12.0, 2.0, 1.0, 12.0, 2.0], &[1.0, 4.0, 7.0, 1.0, 0.0]).unwrap();
        assert!((tau - -0.471_404_520_791_031_7).abs() < 1e-15, "{tau}");
        let tau = kendall_tau(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], &[2.0, 1.0, 4.0, 3.0, 6.0, 5.0]).unwrap();
        assert!((tau - 0.6).abs() < 1e-15, "{tau}");
        assert_eq!(kendall_tau(&[1.0, 1.0], &[1.0, 2.0]), None);
    }

    #[test]
    fn a_slope_has_its_error() {
        let x: Vec<f64> = (0..10).map(f64::from).collect();
        let y: Vec<f64> = x.iter().map(|x| 3.0 - 2.0 * x + if *x % 2.0 == 0.0 { 0.5 } else { -0.5 }).collect();
        let [found, error] = slope(&x, &y).unwrap();
        assert!((found + 2.0).abs() < 2.0 * error && error < 0.1, "{found} ± {error}");
        assert_eq!((slope(&[1.0; 10], &x), slope(&x[..9], &y[..9])), (None, None));
    }
}
