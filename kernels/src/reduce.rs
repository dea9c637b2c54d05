//! Sums.

kernel! {
    /// The sum of `x`.
    pub fn sum(x: &[E]) -> E |s| {
        let mut sums = s.zero();
        let mut chunks = x.chunks_exact(S::LANES);
        for chunk in &mut chunks {
            sums = s.add(sums, s.load(chunk));
        }
        s.sum(s.add(sums, s.load_tail(chunks.remainder())))
    }
}
