//! Tensors: a shape and a recycled buffer of elements. Knows no operation and no gradient.

mod constructors;
mod display;

use crate::buffer::Buffer;
pub(crate) use crate::buffer::{held, refusable};
use crate::error::{Error, Result};
use crate::shape::{IntoShape, Shape};
use evograd_kernels::Element;
use std::fmt;
use std::sync::Arc;

/// Contiguous numbers in row-major order under a [`Shape`]; images are `[N, C, H, W]`.
///
/// A clone shares the memory; who writes to a shared tensor gets a copy first.
///
/// ```
/// use evograd::Tensor;
/// let x = Tensor::from_vec([2, 3], vec![1.0_f32, 2.0, 3.0, 4.0, 5.0, 6.0])?;
/// assert_eq!(x.at(&[1, 0]), Some(4.0));
/// assert_eq!(x.reshape([3, 2])?.at(&[1, 1]), Some(4.0));
/// # Ok::<(), evograd::Error>(())
/// ```
#[derive(Clone)]
pub struct Tensor<E: Element = f32> {
    shape: Shape,
    data: Arc<Buffer<E>>,
}

/// Runs `work`; where the system refuses memory to a tensor anywhere inside, that is an error and no panic.
///
/// Operations, gradients, optimisers and the constructors of tensors that return a [`Result`] see to that themselves. This is
/// for whatever else makes tensors, such as [`Tensor::cast`], or [`Tensor::as_mut_slice`] of shared memory. What `work` has
/// changed when memory ran out stays changed.
///
/// ```
/// use evograd::{Tensor, within_memory};
/// let x = Tensor::<f32>::zeros([3])?;
/// assert_eq!(within_memory(|| x.cast::<f64>())?.shape().sizes(), [3]);
/// # Ok::<(), evograd::Error>(())
/// ```
///
/// # Errors
/// When the system refuses memory; the error says how much.
pub fn within_memory<R>(work: impl FnOnce() -> R) -> Result<R> {
    guarded("memory", &[], work)
}

/// [`within_memory`] of an operation, which the error names, with the shapes concerned.
pub(crate) fn guarded<R>(op: &'static str, shapes: &[(&str, &Shape)], work: impl FnOnce() -> R) -> Result<R> {
    refusable(work).map_err(|bytes| memory_refused(op, bytes, shapes))
}

/// That the system refused so many bytes.
pub(crate) fn memory_refused(op: &'static str, bytes: usize, shapes: &[(&str, &Shape)]) -> Error {
    let problem = format!("the system refuses {bytes} bytes of memory");
    Error::op(op, problem, shapes, "use smaller shapes or batches, or give it more memory")
}

impl<E: Element> Tensor<E> {
    /// A tensor of these elements, row by row.
    ///
    /// # Errors
    /// When the shape is none, has another number of elements than `data`, or the system has not the memory.
    pub fn from_vec(shape: impl IntoShape, data: Vec<E>) -> Result<Self> {
        Self::from_slice(shape, &data)
    }

    /// As [`Tensor::from_vec`], copying from a slice.
    ///
    /// # Errors
    /// As [`Tensor::from_vec`].
    pub fn from_slice(shape: impl IntoShape, data: &[E]) -> Result<Self> {
        let shape = shape.into_shape()?;
        if shape.elements() != data.len() {
            let problem = format!("{} elements were given for a shape of {}", data.len(), shape.elements());
            return Err(Error::op("tensor", problem, &[("shape", &shape)], "give one element for each place"));
        }
        guarded("tensor", &[("shape", &shape)], || Self::build(shape, |out| out.copy_from_slice(data)))
    }

    /// Zeros.
    ///
    /// # Errors
    /// When the shape is none, or the system has not the memory.
    pub fn zeros(shape: impl IntoShape) -> Result<Self> {
        let shape = shape.into_shape()?;
        let data = guarded("tensor", &[("shape", &shape)], || Buffer::zeros(shape.elements()))?;
        Ok(Tensor { shape, data: Arc::new(data) })
    }

    /// The same value everywhere.
    ///
    /// # Errors
    /// As [`Tensor::zeros`].
    pub fn full(shape: impl IntoShape, value: E) -> Result<Self> {
        let mut tensor = Self::zeros(shape)?;
        tensor.as_mut_slice().fill(value);
        Ok(tensor)
    }

    /// A single number, of shape `[]`.
    ///
    /// # Panics
    /// When the system refuses its 64 bytes, outside of [`within_memory`].
    pub fn scalar(value: E) -> Self {
        Self::build(Shape::SCALAR, |out| out[0] = value)
    }

    /// The value of `element` at each position in row-major order.
    ///
    /// ```
    /// # use evograd::Tensor;
    /// assert_eq!(Tensor::from_fn([3], |i| i as f32)?.as_slice(), [0.0, 1.0, 2.0]);
    /// # Ok::<(), evograd::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Tensor::zeros`].
    pub fn from_fn(shape: impl IntoShape, mut element: impl FnMut(usize) -> E) -> Result<Self> {
        let mut tensor = Self::zeros(shape)?;
        for (i, x) in tensor.as_mut_slice().iter_mut().enumerate() {
            *x = element(i);
        }
        Ok(tensor)
    }

    /// Whether the system has memory for a tensor of `shape`.
    pub(crate) fn fits(shape: &Shape) -> bool {
        Buffer::<E>::fits(shape.elements())
    }

    /// A tensor whose every element `fill` writes; before, it holds leftovers of other tensors.
    pub(crate) fn build(shape: Shape, fill: impl FnOnce(&mut [E])) -> Self {
        let mut data = Buffer::stale(shape.elements());
        fill(&mut data);
        Tensor { shape, data: Arc::new(data) }
    }

    /// How many tensors share this memory.
    pub(crate) fn owners(&self) -> usize {
        Arc::strong_count(&self.data)
    }

    /// The bytes of all elements.
    pub(crate) fn bytes(&self) -> u64 {
        size_of_val(self.as_slice()) as u64
    }

    /// The sizes of the axes.
    pub fn shape(&self) -> &Shape {
        &self.shape
    }

    /// All elements, row by row.
    pub fn as_slice(&self) -> &[E] {
        &self.data
    }

    /// All elements for writing; copies them first where the memory is shared.
    ///
    /// # Panics
    /// When the system refuses memory for the copy, outside of [`within_memory`].
    pub fn as_mut_slice(&mut self) -> &mut [E] {
        if Arc::get_mut(&mut self.data).is_none() {
            self.data = Arc::new(Buffer::clone(&self.data));
        }
        Arc::get_mut(&mut self.data).expect("a buffer just made has one owner")
    }

    /// The element at an index along each axis; `None` outside.
    ///
    /// ```
    /// # use evograd::Tensor;
    /// let x = Tensor::from_fn([2, 3], |i| i as f32)?;
    /// assert_eq!((x.at(&[1, 2]), x.at(&[2, 0]), x.at(&[1])), (Some(5.0), None, None));
    /// # Ok::<(), evograd::Error>(())
    /// ```
    pub fn at(&self, index: &[usize]) -> Option<E> {
        let sizes = self.shape.sizes();
        if index.len() != sizes.len() || index.iter().zip(sizes).any(|(i, size)| i >= size) {
            return None;
        }
        let flat = index.iter().zip(sizes).fold(0, |flat, (i, size)| flat * size + i);
        Some(self.data[flat])
    }

    /// The number in a tensor of one element, whatever its shape.
    ///
    /// ```
    /// # use evograd::Tensor;
    /// assert_eq!(Tensor::full([1, 1], 2.0_f64)?.item()?, 2.0);
    /// # Ok::<(), evograd::Error>(())
    /// ```
    ///
    /// # Errors
    /// When there are several elements.
    pub fn item(&self) -> Result<E> {
        match self.as_slice() {
            [only] => Ok(*only),
            _ => {
                let shapes = [("tensor", &self.shape)];
                Err(Error::op("item", "there is more than one element", &shapes, "sum or average them first"))
            }
        }
    }

    /// The same elements under another shape; shares the memory.
    ///
    /// # Errors
    /// When the number of elements differs.
    pub fn reshape(&self, shape: impl IntoShape) -> Result<Self> {
        let shape = shape.into_shape()?;
        if shape.elements() != self.shape.elements() {
            let problem = format!("{} elements cannot become {}", self.shape.elements(), shape.elements());
            let shapes = [("input", &self.shape), ("output", &shape)];
            return Err(Error::op("reshape", problem, &shapes, "name sizes with the same product"));
        }
        Ok(Tensor { shape, data: self.data.clone() })
    }

    /// The elements in another type, rounded to nearest.
    ///
    /// ```
    /// # use evograd::Tensor;
    /// let third = Tensor::scalar(1.0 / 3.0_f64);
    /// assert_eq!(third.cast::<f32>().item()?, 1.0 / 3.0_f32);
    /// # Ok::<(), evograd::Error>(())
    /// ```
    ///
    /// # Panics
    /// When the system refuses the memory, outside of [`within_memory`].
    pub fn cast<F: Element>(&self) -> Tensor<F> {
        Tensor::build(self.shape, |out| {
            for (y, x) in out.iter_mut().zip(self.as_slice()) {
                *y = F::from_f64(x.to_f64());
            }
        })
    }

    /// The index along each axis of the element at a position in row-major order.
    pub(crate) fn index_of(&self, mut flat: usize) -> Vec<usize> {
        let mut index = vec![0; self.shape.rank()];
        for (i, size) in index.iter_mut().zip(self.shape.sizes()).rev() {
            (*i, flat) = (flat % size, flat / size);
        }
        index
    }
}

impl<E: Element> PartialEq for Tensor<E> {
    fn eq(&self, other: &Self) -> bool {
        self.shape == other.shape && self.as_slice() == other.as_slice()
    }
}

impl<E: Element> fmt::Debug for Tensor<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 8;
        let shown = &self.as_slice()[..SHOWN.min(self.shape.elements())];
        let more = if self.shape.elements() > SHOWN { " …" } else { "" };
        write!(f, "Tensor<{}>{} {shown:?}{more}", E::NAME, self.shape)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shared_tensor_is_copied_before_it_is_written() {
        let x = Tensor::from_vec([2], vec![1.0_f32, 2.0]).unwrap();
        let mut y = x.clone();
        y.as_mut_slice()[0] = 9.0;
        assert_eq!((x.as_slice(), y.as_slice()), (&[1.0, 2.0][..], &[9.0, 2.0][..]));
    }

    #[test]
    fn wrong_sizes_are_errors_that_say_what_to_do() {
        let text = |result: Result<Tensor>| result.unwrap_err().to_string();
        assert_eq!(
            text(Tensor::from_vec([2, 2], vec![0.0])),
            "tensor: 1 elements were given for a shape of 4 (shape [2, 2]); give one element for each place"
        );
        let six = Tensor::<f32>::zeros([6]).unwrap();
        assert_eq!(
            text(six.reshape([4])),
            "reshape: 6 elements cannot become 4 (input [6], output [4]); name sizes with the same product"
        );
        assert!(text(Tensor::zeros([1 << 55])).contains("the system refuses"));
        assert!(six.item().is_err());
    }

    #[test]
    fn an_index_and_a_position_name_the_same_element() {
        let x = Tensor::from_fn([2, 3, 4], |i| i as f64).unwrap();
        for flat in 0..24 {
            assert_eq!(x.at(&x.index_of(flat)), Some(flat as f64));
        }
        assert_eq!(x.at(&[2, 0, 0]), None);
    }
}
