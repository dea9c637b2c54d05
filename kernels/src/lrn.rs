//! Local response normalisation across channels: `y = x·(k + α/n·Σx²)^(−β)`, the sum over the `n` channels around each.
//!
//! The plain algorithm goes over the pixels, for each over the channels, and for each of these over its window. Here:
//!
//! 1. Lanes run over the pixels of a channel, so that every load is plain and any number of channels wastes nothing.
//! 2. The squares of a window are added anew for each channel. A sum that slides, adding one square and subtracting
//!    another, would save little and leave the rounding errors (or the NaN) of channels long past in it.
//! 3. A power costs more than all the rest. For `β = ¾`, which nearly everybody uses, it is two square roots and a
//!    division in lanes: `s^(−¾) = 1 / (√s·√√s)`. Any other `β` takes the standard library's power lane by lane.
//! 4. Backward needs the power of each channel twice: for the channel itself, and in the sums of the channels around
//!    it. It is recomputed from `x`, once: a first pass writes `dy·s^(−β)` to `dx` and `dy·x·s^(−β−1)` to scratch, a
//!    second one sums the latter over the mirrored window.

use crate::number::Number;
use crate::simd::{MAX_LANES, Simd};
use crate::tail::greatest;
use std::ops::Range;

/// What local response normalisation is asked for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    /// Channels in a window, `n`.
    pub size: usize,
    /// The weight of the mean square, `α`.
    pub alpha: f64,
    /// The exponent, `β`.
    pub beta: f64,
    /// What is added to the mean square, `k`.
    pub k: f64,
}

impl Settings {
    /// The window of a channel: `c − n/2 ..= c + (n−1)/2`, as far as there are channels.
    fn window(&self, channel: usize, channels: usize) -> Range<usize> {
        let after = (self.size - 1) / 2;
        channel.saturating_sub(self.size / 2)..channel.saturating_add(after).saturating_add(1).min(channels)
    }

    /// The channels whose windows hold this one: the mirror image of [`Settings::window`].
    fn mirrored(&self, channel: usize, channels: usize) -> Range<usize> {
        let after = self.size / 2;
        channel.saturating_sub((self.size - 1) / 2)..channel.saturating_add(after).saturating_add(1).min(channels)
    }

    /// Panics unless the slices hold images of so many channels.
    fn check(&self, channels: usize, lens: &[usize]) {
        assert!(self.size > 0 && channels > 0, "a window of {} among {channels} channels", self.size);
        assert!(lens.iter().all(|len| *len == lens[0] && len % channels == 0), "{channels} channels in {lens:?}");
    }
}

kernel! {
    trait LrnKernels;

    /// `y = x·(k + α/n·Σx²)^(−β)` on one image of so many channels; returned is the greatest `k + α/n·Σx²`, whose squares
    /// may have overflowed.
    ///
    /// # Panics
    /// When the slices differ in length, are not whole channels, or the window is empty.
    pub fn lrn_forward(settings: &Settings, channels: usize, x: &[E], y: &mut [E]) -> E |s| {
        settings.check(channels, &[x.len(), y.len()]);
        let count = x.len() / channels;
        let mut most = s.zero();
        for channel in 0..channels {
            let window = settings.window(channel, channels);
            for at in (0..count).step_by(S::LANES) {
                let pixels = Pixels { count, at, lanes: S::LANES.min(count - at) };
                let scale = pixels.scale(s, settings, window.clone(), x);
                most = s.max(scale, most);
                let own = pixels.load(s, channel, x);
                pixels.store(s, s.mul(own, negative_power(s, scale, settings.beta)), channel, y);
            }
        }
        greatest(s, most)
    }

    /// The gradient of [`lrn_forward`]; `scratch` is as long as `x`. Returns what that does.
    ///
    /// # Panics
    /// As [`lrn_forward`].
    pub fn lrn_backward(
        settings: &Settings, channels: usize, x: &[E], dy: &[E], dx: &mut [E], scratch: &mut [E],
    ) -> E |s| {
        settings.check(channels, &[x.len(), dy.len(), dx.len(), scratch.len()]);
        let count = x.len() / channels;
        let mut most = s.zero();
        for channel in 0..channels {
            let window = settings.window(channel, channels);
            for at in (0..count).step_by(S::LANES) {
                let pixels = Pixels { count, at, lanes: S::LANES.min(count - at) };
                let scale = pixels.scale(s, settings, window.clone(), x);
                most = s.max(scale, most);
                let own = pixels.load(s, channel, x);
                let direct = s.mul(pixels.load(s, channel, dy), negative_power(s, scale, settings.beta));
                pixels.store(s, direct, channel, dx);
                // The quotient first: it is below 1/√(k·α/n), while the product may overflow.
                pixels.store(s, s.mul(direct, s.div(own, scale)), channel, scratch);
            }
        }
        let factor = s.splat(E::from_f64(-2.0 * settings.alpha * settings.beta / settings.size as f64));
        for channel in 0..channels {
            for at in (0..count).step_by(S::LANES) {
                let pixels = Pixels { count, at, lanes: S::LANES.min(count - at) };
                let mut sum = s.zero();
                for other in settings.mirrored(channel, channels) {
                    sum = s.add(sum, pixels.load(s, other, scratch));
                }
                let own = s.mul(factor, pixels.load(s, channel, x));
                pixels.store(s, s.mul_add(own, sum, pixels.load(s, channel, dx)), channel, dx);
            }
        }
        greatest(s, most)
    }
}

/// Some pixels next to each other: a vector of them, or those left at the end.
#[derive(Clone, Copy)]
struct Pixels {
    /// Pixels in a channel.
    count: usize,
    /// The first of these.
    at: usize,
    /// How many.
    lanes: usize,
}

impl Pixels {
    #[inline(always)]
    fn load<S: Simd>(self, s: S, channel: usize, x: &[S::Elem]) -> S::Vector {
        let x = &x[channel * self.count + self.at..][..self.lanes];
        if self.lanes == S::LANES { s.load(x) } else { s.load_tail(x) }
    }

    #[inline(always)]
    fn store<S: Simd>(self, s: S, v: S::Vector, channel: usize, y: &mut [S::Elem]) {
        let y = &mut y[channel * self.count + self.at..][..self.lanes];
        if self.lanes == S::LANES { s.store(v, y) } else { s.store_tail(v, y) }
    }

    /// `k + α/n·Σx²` over the channels of a window.
    #[inline(always)]
    fn scale<S: Simd>(self, s: S, settings: &Settings, window: Range<usize>, x: &[S::Elem]) -> S::Vector {
        let mut squares = s.zero();
        for channel in window {
            let x = self.load(s, channel, x);
            squares = s.mul_add(x, x, squares);
        }
        let share = S::Elem::from_f64(settings.alpha / settings.size as f64);
        s.mul_add(s.splat(share), squares, s.splat(S::Elem::from_f64(settings.k)))
    }
}

/// `v^(−β)`
#[inline(always)]
fn negative_power<S: Simd>(s: S, v: S::Vector, beta: f64) -> S::Vector {
    if beta == 0.75 {
        let root = s.sqrt(v);
        return s.div(s.splat(S::Elem::ONE), s.mul(root, s.sqrt(root)));
    }
    let exponent = S::Elem::from_f64(-beta);
    let mut lanes = [S::Elem::ZERO; MAX_LANES];
    s.store(v, &mut lanes);
    for lane in &mut lanes[..S::LANES] {
        *lane = lane.powf(exponent);
    }
    s.load(&lanes)
}
