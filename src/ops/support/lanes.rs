//! A tensor seen as `[outer, size, inner]`: the lanes along one axis. Knows no operation.

use crate::error::{Error, Result};
use crate::shape::Shape;

/// The lanes along an axis, in the order of their first elements.
#[derive(Clone, Copy, Debug)]
pub(in crate::ops) struct Lanes {
    axis: usize,
    /// Elements of a lane.
    pub size: usize,
    /// Lanes whose elements lie between each other's: how far neighbours in a lane are apart.
    pub inner: usize,
}

impl Lanes {
    /// The lanes of `x` along `axis`.
    ///
    /// # Errors
    /// When there is no such axis.
    pub fn new(op: &'static str, x: &Shape, axis: usize) -> Result<Lanes> {
        let Some(size) = x.sizes().get(axis) else {
            let remedy = match x.rank() {
                0 => "give it at least one axis".to_string(),
                rank => format!("name an axis below {rank}"),
            };
            return Err(Error::op(op, format!("axis {axis} does not exist"), &[("x", x)], remedy));
        };
        Ok(Lanes { axis, size: *size, inner: x.sizes()[axis + 1..].iter().product() })
    }

    /// Lanes of another size in the same places.
    pub fn of_size(self, size: usize) -> Lanes {
        Lanes { size, ..self }
    }

    /// Elements of lanes that lie between each other.
    pub fn block(&self) -> usize {
        self.size * self.inner
    }

    /// Where element `place` of lane `lane` is.
    pub fn place(&self, lane: usize, place: usize) -> usize {
        lane / self.inner * self.block() + place * self.inner + lane % self.inner
    }

    /// The shape of `x` with one element of each lane; the axis is left with size 1 where `keep` is set.
    pub fn reduced(&self, x: &Shape, keep: bool) -> Shape {
        let mut sizes = x.sizes().to_vec();
        if keep {
            sizes[self.axis] = 1;
        } else {
            sizes.remove(self.axis);
        }
        Shape::new(&sizes).expect("no more axes and elements than a shape that exists")
    }
}
