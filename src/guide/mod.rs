//! The course: how deep learning and its search for networks work, in chapters to read and to run.
//!
//! Each chapter builds one idea from nothing, with code that stands on its own: copy a part into a `main` and it runs.
//! Every example is compiled and run as a test of this crate, so none of them is out of date. A chapter ends with where
//! to look in the source.
//!
//! | chapter | what it builds |
//! | --- | --- |
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

pub mod breeding_networks;
#[doc = include_str!("debugging.md")]
pub mod debugging {}
#[doc = include_str!("does_breeding_help.md")]
pub mod does_breeding_help {}
#[doc = include_str!("looking_inside.md")]
pub mod looking_inside {}
#[doc = include_str!("memory_and_simd.md")]
pub mod memory_and_simd {}
#[doc = include_str!("regularization.md")]
pub mod regularization {}
#[doc = include_str!("residual_and_sort.md")]
pub mod residual_and_sort {}
pub mod second_derivatives;
#[doc = include_str!("threads.md")]
pub mod threads {}
#[doc = include_str!("training_loop.md")]
pub mod training_loop {}
#[doc = include_str!("winograd.md")]
pub mod winograd {}
pub mod travelling_salesman;
