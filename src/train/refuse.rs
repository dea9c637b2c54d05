//! The error of a setting that cannot be used. Knows no setting.

use crate::error::Error;

pub(super) fn refuse(problem: String, remedy: &str) -> Error {
    Error::op("configuration", problem, &[], remedy)
}
