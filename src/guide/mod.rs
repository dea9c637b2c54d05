//! The course: how deep learning and its search for networks work, in chapters to read and to run.
//!
//! Each chapter builds one idea from nothing, with code that stands on its own: copy a part into a `main` and it runs.
//! Every example is compiled and run as a test of this crate, so none of them is out of date. A chapter says where to look
//! in the source.
//!
//! | chapter | what it builds |
//! | --- | --- |
//! | [`number_and_slope`] | a number and its slope: the derivative, the chain rule, gradient descent on one weight |
//! | [`tape`] | reverse-mode differentiation: a tape of sixty lines, then the engine's |
//! | [`tensors`] | shapes, strides, broadcasting and its gradient |
//! | [`linear_layers`] | the matrix product and the linear layer, their gradients and cost |
//! | [`cross_entropy`] | softmax and cross-entropy, computed stably |
//! | [`checking_gradients`] | finite differences, random projections, points without a derivative, property tests |
//! | [`optimizers`] | gradient descent, momentum, Adam, schedules |
//! | [`convolution`] | convolution as a sum, as im2col, as a product; its settings and the receptive field |
//! | [`convolution_gradients`] | the gradients of a convolution, which are convolutions |
//! | [`pooling`] | maxima and means of windows, and what happens at ties |
//! | [`batch_norm`] | batch normalisation: its gradient derived, training against evaluation |
//! | [`initialization`] | how signals and gradients grow with depth, derived and measured |
//! | [`residual_and_sort`] | why a shortcut lets deep networks learn, and what a product of two branches adds |
//! | [`regularization`] | dropout, smoothed and disturbed labels, augmentation: what keeps a network from learning by heart |
//! | [`training_loop`] | a training loop from nothing: bars, LeNet, then ResNet-20 on CIFAR-10 |
//! | [`memory_and_simd`] | from the naive matrix product to the roofline, in measured steps |
//! | [`winograd`] | convolution with fewer multiplications: the derivation, and the digits that it costs |
//! | [`threads`] | work on several cores that gives the same bits as on one |
//! | [`debugging`] | finding the operation that made a NaN, and why a network does not learn |
//! | [`looking_inside`] | filters, feature maps, saliency and confusion: what a network has learned |
//! | [`travelling_salesman`] | a genetic algorithm, step by step, until it finds the shortest way through towns |
//! | [`breeding_networks`] | Genetic CNN: networks as bits, evolved by small trainings, and how to know whether breeding helps |
//! | [`does_breeding_help`] | noise, rank correlation and honest baselines: whether evolution finds more than chance |
//! | [`second_derivatives`] | products with the Hessian matrix, of gradients alone, and what they say of a learning rate |

#[doc = include_str!("batch_norm.md")]
pub mod batch_norm {}
pub mod breeding_networks;
#[doc = include_str!("checking_gradients.md")]
pub mod checking_gradients {}
#[doc = include_str!("convolution.md")]
pub mod convolution {}
#[doc = include_str!("convolution_gradients.md")]
pub mod convolution_gradients {}
#[doc = include_str!("cross_entropy.md")]
pub mod cross_entropy {}
#[doc = include_str!("debugging.md")]
pub mod debugging {}
#[doc = include_str!("does_breeding_help.md")]
pub mod does_breeding_help {}
#[doc = include_str!("initialization.md")]
pub mod initialization {}
#[doc = include_str!("linear_layers.md")]
pub mod linear_layers {}
#[doc = include_str!("looking_inside.md")]
pub mod looking_inside {}
#[doc = include_str!("memory_and_simd.md")]
pub mod memory_and_simd {}
#[doc = include_str!("number_and_slope.md")]
pub mod number_and_slope {}
#[doc = include_str!("optimizers.md")]
pub mod optimizers {}
#[doc = include_str!("pooling.md")]
pub mod pooling {}
#[doc = include_str!("regularization.md")]
pub mod regularization {}
#[doc = include_str!("residual_and_sort.md")]
pub mod residual_and_sort {}
pub mod second_derivatives;
#[doc = include_str!("tape.md")]
pub mod tape {}
#[doc = include_str!("tensors.md")]
pub mod tensors {}
#[doc = include_str!("threads.md")]
pub mod threads {}
#[doc = include_str!("training_loop.md")]
pub mod training_loop {}
pub mod travelling_salesman;
#[doc = include_str!("winograd.md")]
pub mod winograd {}
