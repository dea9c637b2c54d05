//! Genetic CNN: networks that are written as bits, bred and trained. Knows the genetic algorithm and networks.
//!
//! **Source** Xie and Yuille, *Genetic CNN*, ICCV 2017, in the version of arXiv 1703.01513v1.
