//! The unit of aligned memory: one cache line.

/// 64 bytes at an address divisible by 64. A vector of lines is a buffer that every instruction set loads from
/// without crossing a cache line.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
pub struct CacheLine([u8; 64]);

// SAFETY: an array of bytes may hold zeros.
unsafe impl bytemuck::Zeroable for CacheLine {}
// SAFETY: 64 bytes of size at an alignment of 64 leave no padding, and any bytes make a valid array of bytes.
unsafe impl bytemuck::Pod for CacheLine {}
