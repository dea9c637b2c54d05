//! # Second derivatives, of gradients alone
//!
//! The gradient says which way is down. The **Hessian matrix** `H`, of the second derivatives `∂²f/∂xᵢ∂xⱼ`, says how the
//! slope changes on the way: how long a step may be, in which directions a loss is a narrow valley, and whether a point at which
//! the gradient is 0 is a minimum. A network with a million weights has a Hessian matrix of 10¹² numbers, and nobody wants
//! to see it. What is wanted nearly always is its product with a vector, `Hv`.
//!
//! ## Why the tape is not differentiated again
//!
//! In some libraries a backward pass is recorded like any other work, and can be differentiated in turn. Not here, for
//! a reason and at a price.
//!
//! * The backward of an operation works on tensors, not on variables: it is a hand-written kernel beside a hand-written
//!   derivation. To record it, it would have to be made of operations which have derivatives themselves, so each of those
//!   derivations would be needed once more, for the gradient of the gradient, and would have to be proved.
//! * What an operation kept for backward is released as soon as its backward has run. That is why training needs no more
//!   memory than it does; a second pass would find nothing.
//!
//! So a gradient that comes out of [`Tape::backward`](crate::Tape::backward) is a tensor without a history. It cannot be put
//! into a loss that is differentiated in turn, as penalties on gradients need it, or meta-learning through steps of an
//! optimiser.
//!
//! ## A product from two gradients
//!
//! `Hv` is the slope of the gradient `g` along `v`, and slopes can be had by differences:
//!
//! `Hv ≈ (g(x + tv) − g(x − tv)) / 2t`
//!
//! Two gradients, whatever the number of weights. But how long is `t`? Too long, and the curve is missed: the error grows
//! as `t²`. Too short, and both gradients agree in nearly all digits, of which the difference keeps none: that error grows as
//! `1/t`. In `f32` there is hardly a length that serves. In `f64` there are many, so everything here runs in `f64`.
//! The function below is `f = Σ eˣ`, whose Hessian matrix has `eˣ` on its diagonal:
//!
//! ```
//! use evograd::{Result, Tape, Tensor};
//!
//! fn gradient(x: f64) -> Result<f64> {
//!     let tape = Tape::new();
//!     let x = tape.leaf(Tensor::scalar(x));
//!     let loss = x.exp()?;
//!     tape.backward(&loss)?.get(&x).expect("a leaf has a gradient").item()
//! }
//!
//! let error = |t: f64| -> Result<f64> {
//!     let slope = (gradient(1.0 + t)? - gradient(1.0 - t)?) / (2.0 * t);
//!     Ok((slope - 1.0_f64.exp()).abs())
//! };
//! assert!(error(1e-1)? > 1e-3); // truncation
//! assert!(error(1e-5)? < 1e-9);
//! assert!(error(1e-13)? > 1e-5); // rounding
//! # Ok::<(), evograd::Error>(())
//! ```
//!
//! [`hessian_vector_product`](crate::gradcheck::hessian_vector_product) does not choose a length. It tries a ladder of them,
//! each four times as long as the one before. Richardson's extrapolation takes the `t²` out of every two, and for each
//! element the value is kept at which the ladder agrees best. By how much it disagrees is the error of the value:
//!
//! ```
//! use evograd::{Tensor, Var, gradcheck::hessian_vector_product, ops::Reduction};
//!
//! // Logistic regression: two weights, three points, each with a label of 0 or 1.
//! let points = Tensor::from_vec([3, 2], vec![1.0, 2.0, -1.0, 0.5, 0.3, -2.0])?;
//! let labels = Tensor::from_vec([3, 1], vec![1.0, 0.0, 1.0])?;
//! let loss = |w: &[Var<f64>]| {
//!     let logits = Var::constant(points.clone()).matmul(&w[0])?;
//!     logits.binary_cross_entropy_with_logits(&Var::constant(labels.clone()), Reduction::Mean)
//! };
//! let w = Tensor::from_vec([2, 1], vec![0.2, -0.1])?;
//! let v = Tensor::from_vec([2, 1], vec![1.0, 0.0])?;
//! let product = hessian_vector_product(loss, std::slice::from_ref(&w), &[v])?;
//!
//! // By formula it is the mean of p(1 − p)·x·(x·v) over the points x, with p the probability that the model gives.
//! let mut right = [0.0; 2];
//! for x in points.as_slice().chunks(2) {
//!     let p = 1.0 / (1.0 + (-(0.2 * x[0] - 0.1 * x[1])).exp());
//!     right.iter_mut().zip(x).for_each(|(right, xi)| *right += p * (1.0 - p) * xi * x[0] / 3.0);
//! }
//! for i in 0..2 {
//!     let (value, error) = (product.values[0].as_slice()[i], product.errors[0].as_slice()[i]);
//!     assert!((value - right[i]).abs() <= error && error < 1e-8, "{value} {error}");
//! }
//! # Ok::<(), evograd::Error>(())
//! ```
//!
//! ## How large may the learning rate be?
//!
//! Near a minimum a loss is `½ xᵀHx`, and a step of gradient descent makes `x − ηHx` of `x`: along an eigenvector of `H` with
//! the eigenvalue `λ` a factor of `1 − ηλ`. It shrinks where `η < 2/λ`, and grows without end where `η` is greater. So the
//! greatest eigenvalue limits the learning rate. **Power iteration** finds it: multiply any vector by `H` again and again,
//! and the direction of the greatest eigenvalue outgrows all others.
//!
//! ```
//! use evograd::{Result, Tape, Tensor, Var, gradcheck::hessian_vector_product};
//!
//! // ½ xᵀAx, of which A is the Hessian matrix; its eigenvalues are 5 and 1.
//! let a = Tensor::from_vec([2, 2], vec![3.0, 2.0, 2.0, 3.0])?;
//! let loss = |x: &[Var<f64>]| x[0].matmul(&Var::constant(a.clone()))?.mul(&x[0])?.sum_all()?.scale(0.5);
//! let x = Tensor::from_vec([1, 2], vec![0.4, 0.1])?;
//!
//! let mut v = Tensor::from_vec([1, 2], vec![1.0, 0.0])?;
//! let mut greatest = 0.0;
//! for _ in 0..20 {
//!     let product = hessian_vector_product(loss, std::slice::from_ref(&x), &[v])?;
//!     let hv = product.values[0].as_slice();
//!     greatest = hv.iter().map(|x| x * x).sum::<f64>().sqrt();
//!     v = Tensor::from_vec([1, 2], hv.iter().map(|x| x / greatest).collect())?;
//! }
//! assert!((greatest - 5.0).abs() < 1e-6);
//!
//! // So 2/5 is the limit.
//! let after = |rate: f64| -> Result<f64> {
//!     let mut x = x.clone();
//!     for _ in 0..60 {
//!         let tape = Tape::new();
//!         let leaf = tape.leaf(x.clone());
//!         let gradients = tape.backward(&loss(&[leaf.clone()])?)?;
//!         let dx = gradients.get(&leaf).expect("a leaf has a gradient");
//!         x.as_mut_slice().iter_mut().zip(dx.as_slice()).for_each(|(x, dx)| *x -= rate * dx);
//!     }
//!     loss(&[Var::constant(x)])?.item()
//! };
//! assert!(after(0.39)? < 1e-2 && after(0.41)? > 1.0);
//! # Ok::<(), evograd::Error>(())
//! ```
//!
//! ## What it does not say
//!
//! * A network with ReLUs is made of flat parts, with corners between them. Within a part a product is right; where a step
//!   crosses a corner, lengths disagree and the error is great; exactly on a corner of the gradient the slopes to both sides
//!   differ, and the error is what they differ by.
//! * What is random has to be the same in each evaluation: dropout with one key, batch normalisation on one batch.
//! * An error is an estimate with a margin, not a bound that is proved.
//!
//! ## Where to look in the source
//!
//! `src/gradcheck/hessian.rs` for the product, `src/gradcheck/slopes.rs` for the ladder of lengths and its errors, and
//! `tests/gradcheck/hessian.rs` for closed forms that both are held against.
