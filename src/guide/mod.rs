//! The course: how deep learning and its search for networks work, in chapters to read and to run.
//!
//! Each chapter builds one idea from nothing, with code that stands on its own: copy a part into a `main` and it runs.
//! Every example is compiled and run as a test of this crate, so none of them is out of date. A chapter ends with where
//! to look in the source.
//!
//! | chapter | what it builds |
//! | --- | --- |
//! | [`travelling_salesman`] | a genetic algorithm, step by step, until it finds the shortest way through towns |
//! | [`breeding_networks`] | Genetic CNN: networks as bits, evolved by small trainings, and how to know whether breeding helps |
//! | [`second_derivatives`] | products with the Hessian matrix, of gradients alone, and what they say of a learning rate |

pub mod breeding_networks;
pub mod second_derivatives;
pub mod travelling_salesman;
