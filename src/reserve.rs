//! Lists as long as the data are: where the system refuses memory for one, that is an error. The standard library's own ways
//! end the program there. Knows no tensor, whose memory is asked for in `buffer`.

use crate::error::Error;

/// So many bytes were refused.
#[derive(Debug, PartialEq, thiserror::Error)]
#[error("the system refuses {0} bytes of memory")]
pub(crate) struct Refused(usize);

impl Refused {
    /// The error of the operation that needed them.
    pub fn during(self, op: &'static str) -> Error {
        Error::op(op, self.to_string(), &[], "use less data at a time, or give it more memory")
    }
}

impl From<Refused> for String {
    fn from(refused: Refused) -> String {
        refused.to_string()
    }
}

/// Makes room for `count` elements more.
#[cfg(feature = "training")]
pub(crate) fn reserve<T>(list: &mut Vec<T>, count: usize) -> Result<(), Refused> {
    list.try_reserve(count).map_err(|_| Refused(count.saturating_mul(size_of::<T>())))
}

/// An empty list with room for `count` elements.
pub(crate) fn with_room<T>(count: usize) -> Result<Vec<T>, Refused> {
    let mut list = Vec::new();
    list.try_reserve_exact(count).map_err(|_| Refused(count.saturating_mul(size_of::<T>())))?;
    Ok(list)
}

/// `count` times the same value.
pub(crate) fn filled<T: Clone>(count: usize, value: T) -> Result<Vec<T>, Refused> {
    let mut list = with_room(count)?;
    list.resize(count, value);
    Ok(list)
}

/// Whether the system has so many bytes for a library that will ask for them itself, and ends the program where it gets
/// none. Another thread may take them in between.
#[cfg(feature = "training")]
pub(crate) fn expect_room(bytes: usize) -> Result<(), Refused> {
    with_room::<u8>(bytes).map(drop)
}

#[cfg(all(test, feature = "training"))]
mod tests {
    use super::*;

    #[test]
    fn what_no_system_has_is_refused_with_its_size() {
        assert_eq!(with_room::<u32>(1 << 58).unwrap_err(), Refused(1 << 60));
        assert_eq!(reserve(&mut vec![0_u64; 3], usize::MAX), Err(Refused(usize::MAX)));
        assert_eq!(filled(1 << 60, 7_u8), Err(Refused(1 << 60)));
        assert_eq!(expect_room(1 << 60), Err(Refused(1 << 60)));
        let text = Refused(1 << 60).during("grid").to_string();
        let expected = "grid: the system refuses 1152921504606846976 bytes of memory; use less data at a time, or give it more \
                        memory";
        assert_eq!(text, expected);
    }

    #[test]
    fn what_there_is_memory_for_is_given() {
        assert_eq!(filled(3, 7_u8), Ok(vec![7; 3]));
        assert_eq!(expect_room(1 << 20), Ok(()));
    }
}
