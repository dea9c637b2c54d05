//! Whether one network is better than another, by what each came to with some seeds. Knows numbers alone.
//!
//! **Source** Welch, *The generalization of Student's problem when several different population variances are involved*,
//! Biometrika 34, 1947; the exact test: Fisher, *The design of experiments*, 1935, section 21.

use super::statistics::t_quantile;

/// A mean, and how far its 95 % interval reaches to either side.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// The mean.
    pub mean: f64,
    /// Half the width of the interval; infinite where one value says nothing of the spread.
    pub reach: f64,
}

/// The mean of values with its interval by Student's t distribution.
///
/// ```
/// use evograd::search::mean_interval;
/// let interval = mean_interval(&[1.0, 2.0, 3.0]);
/// assert!(interval.mean == 2.0 && (interval.reach - 2.484).abs() < 1e-3);
/// ```
///
/// # Panics
/// When there are no values.
pub fn mean_interval(values: &[f64]) -> Interval {
    let (mean, variance, count) = moments(values);
    let reach = if count > 1.0 { t_quantile(0.975, count - 1.0) * (variance / count).sqrt() } else { f64::INFINITY };
    Interval { mean, reach }
}

/// By how much the mean of `a` is above that of `b`, with Welch's interval.
///
/// ```
/// use evograd::search::welch;
/// let interval = welch(&[3.0, 4.0, 5.0], &[1.0, 2.0, 3.0]);
/// assert!(interval.mean == 2.0 && (interval.reach - 2.267).abs() < 1e-3);
/// ```
///
/// # Panics
/// When one of them has no values.
pub fn welch(a: &[f64], b: &[f64]) -> Interval {
    let [(of_a, variance_a, a), (of_b, variance_b, b)] = [a, b].map(moments);
    let (mean, parts) = (of_a - of_b, [variance_a / a, variance_b / b]);
    let variance = parts[0] + parts[1];
    let reach = match variance {
        _ if a < 2.0 || b < 2.0 => f64::INFINITY,
        0.0 => 0.0,
        _ => {
            let freedom = variance.powi(2) / (parts[0].powi(2) / (a - 1.0) + parts[1].powi(2) / (b - 1.0));
            t_quantile(0.975, freedom) * variance.sqrt()
        }
    };
    Interval { mean, reach }
}

/// How likely a difference of means as large as this, of either sign, would be if it were chance alone which values are in
/// which sample: the share of all ways to distribute them. With five values each the least is 2 of 252.
///
/// ```
/// use evograd::search::permutation_p;
/// assert_eq!(permutation_p(&[3.0, 4.0], &[1.0, 2.0]), 2.0 / 6.0);
/// ```
///
/// # Panics
/// When one of them has no values, or both together more than 24: there would be millions of ways.
pub fn permutation_p(a: &[f64], b: &[f64]) -> f64 {
    let all: Vec<f64> = a.iter().chain(b).copied().collect();
    assert!(!a.is_empty() && !b.is_empty() && all.len() <= 24, "samples of {} and {}", a.len(), b.len());
    let sum: f64 = all.iter().sum();
    let difference = |of_a: f64| (of_a / a.len() as f64 - (sum - of_a) / b.len() as f64).abs();
    // Rounding must not make equal differences unequal.
    let found = difference(a.iter().sum()) - 1e-12 * all.iter().map(|x| x.abs()).sum::<f64>();
    let ways = (0_u32..1 << all.len()).filter(|way| way.count_ones() as usize == a.len());
    let of_a = |way: u32| (0..all.len()).filter(|i| way >> i & 1 == 1).map(|i| all[i]).sum::<f64>();
    let (mut count, mut as_large) = (0_u32, 0_u32);
    for way in ways {
        count += 1;
        as_large += u32::from(difference(of_a(way)) >= found);
    }
    f64::from(as_large) / f64::from(count)
}

/// Mean, variance by n − 1, and count.
fn moments(values: &[f64]) -> (f64, f64, f64) {
    assert!(!values.is_empty(), "a sample has values");
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    (mean, values.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (count - 1.0).max(1.0), count)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Purpose, Stream};

    /// By Simpson's rule over the density of t with 4.869 degrees of freedom, and by enumerating all 126 splits by hand.
    #[test]
    fn intervals_and_tests_are_right() {
        let (a, b) = ([75.4, 74.9, 76.1, 75.2, 75.8], [74.1, 75.0, 73.2, 74.4]);
        let interval = welch(&a, &b);
        assert!((interval.mean - 1.305).abs() < 1e-9 && (interval.reach - 1.117_731).abs() < 1e-6, "{interval:?}");
        assert_eq!(permutation_p(&a, &b), 3.0 / 126.0);
    }

    /// Of samples of one distribution, the interval of the difference holds 0 in 95 of 100 cases, and p is below 0.1 in 10.
    #[test]
    fn equal_samples_differ_as_seldom_as_said() {
        let mut stream = Stream::new(3, Purpose::Genetic, 0, 0);
        let (mut holds, mut below) = (0, 0);
        for _ in 0..1000 {
            let [a, b] = [1.0, 1.0].map(|spread| [(); 5].map(|()| spread * stream.normal()));
            let Interval { mean, reach } = welch(&a, &b);
            holds += usize::from(mean.abs() <= reach);
            below += usize::from(permutation_p(&a, &b) < 0.1);
        }
        assert!((930..=975).contains(&holds) && (70..=125).contains(&below), "{holds} {below}");
    }

    #[test]
    fn one_value_says_nothing_of_the_spread() {
        assert_eq!(mean_interval(&[0.5]), Interval { mean: 0.5, reach: f64::INFINITY });
        assert_eq!(welch(&[1.0], &[0.5, 0.6]).reach, f64::INFINITY);
        assert_eq!(welch(&[1.0; 3], &[0.5; 3]), Interval { mean: 0.5, reach: 0.0 });
        assert_eq!(permutation_p(&[1.0; 3], &[1.0; 3]), 1.0);
    }
}
