//! Tensors in files that everybody reads: safetensors, under PyTorch's names. Knows no network.

use crate::error::{Error, Result};
use crate::files;
use crate::reserve;
use crate::tensor::Tensor;
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::io::ErrorKind;
use std::path::Path;

/// The bytes of a safetensors file with these tensors, as 32-bit floats.
///
/// # Errors
/// When two tensors have one name, or memory allocation fails.
pub fn to_safetensors(tensors: &[(String, &Tensor<f32>)]) -> Result<Vec<u8>> {
    let refuse = |problem: String| Error::op("safetensors", problem, &[], "give every tensor a name of its own");
    let mut views = BTreeMap::new();
    for (name, tensor) in tensors {
        let bytes = bytemuck::cast_slice(tensor.as_slice());
        let view = TensorView::new(Dtype::F32, tensor.shape().sizes().to_vec(), bytes);
        if views.insert(name.clone(), view.map_err(|error| refuse(error.to_string()))?).is_some() {
            return Err(refuse(format!("two tensors are called {name}")));
        }
    }
    let bytes = tensors.iter().map(|(name, tensor)| size_of_val(tensor.as_slice()) + name.len() + OF_A_HEADER).sum();
    reserve::expect_room(bytes).map_err(|refused| refused.during("safetensors"))?;
    safetensors::serialize(views, None).map_err(|error| refuse(error.to_string()))
}

/// More bytes than the header of a file takes for a tensor besides its name.
const OF_A_HEADER: usize = 256;

/// Tensors by name.
pub type Tensors = BTreeMap<String, Tensor<f32>>;

/// The tensors of a safetensors file by name. PyTorch's `num_batches_tracked` are left out; floats of 16 and 64 bits become
/// those of 32 bits.
///
/// # Errors
/// When the file cannot be read, is none of these, or holds other values than floats, or a number that is too large for 32
/// bits.
pub fn from_safetensors(path: &Path) -> Result<Tensors> {
    parse_safetensors(path, &read_bytes(path)?)
}

/// The bytes of a file of weights.
pub(crate) fn read_bytes(path: &Path) -> Result<Vec<u8>> {
    files::read(path).map_err(|error| unread(path, &error))
}

fn unread(path: &Path, error: &std::io::Error) -> Error {
    // No file: `files::read` says so itself.
    if files::is_missing(error) || error.kind() == ErrorKind::Other {
        let remedy = "name a .safetensors file, such as checkpoints/last/model.safetensors in the folder of a run";
        return Error::file(path, error, remedy);
    }
    files::unread(path, error)
}

/// As [`from_safetensors`], from the bytes of the file `path`, which is not read.
///
/// ```
/// let error = evograd::models::weights::parse_safetensors("w".as_ref(), b"no file").unwrap_err().to_string();
/// assert!(error.starts_with("w: no safetensors file: "));
/// ```
///
/// # Errors
/// As [`from_safetensors`].
pub fn parse_safetensors(path: &Path, bytes: &[u8]) -> Result<Tensors> {
    parse_with_notes(path, bytes).map(|(tensors, _)| tensors)
}

/// As [`parse_safetensors`], with a line for each tensor whose values had to be rounded.
pub(super) fn parse_with_notes(path: &Path, bytes: &[u8]) -> Result<(Tensors, Vec<String>)> {
    let wrong = |problem: String| Error::file(path, problem, "save the weights again, as 32-bit floats");
    let file = SafeTensors::deserialize(bytes).map_err(|error| wrong(format!("no safetensors file: {error}")))?;
    let (mut tensors, mut notes) = (BTreeMap::new(), Vec::new());
    for (name, view) in file.iter().filter(|(name, _)| !name.ends_with(COUNTER)) {
        let refused = |refused| Error::file(path, format!("{name}: {refused}"), "give the program more memory");
        let mut values = reserve::with_room(view.shape().iter().product()).map_err(refused)?;
        let rounded = floats(&view, &mut values).map_err(|problem| wrong(format!("{name} {problem}")))?;
        if rounded > 0 {
            notes.push(format!("{rounded} of {} values of {name} are rounded from 64 to 32 bits", values.len()));
        }
        let tensor = Tensor::from_vec(view.shape(), values).map_err(|error| wrong(format!("{name}: {error}")))?;
        tensors.insert(name.to_string(), tensor);
    }
    Ok((tensors, notes))
}

/// What PyTorch's normalisations count, and do without when they load.
const COUNTER: &str = "num_batches_tracked";

/// Adds the values of a tensor as floats of 32 bits; how many of them had to be rounded.
fn floats(view: &TensorView, values: &mut Vec<f32>) -> std::result::Result<usize, String> {
    let data = view.data();
    let halves = || data.chunks_exact(2).map(|bytes| u16::from_le_bytes([bytes[0], bytes[1]]));
    match view.dtype() {
        Dtype::F32 => {
            let value = |bytes: &[u8]| f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
            values.extend(data.chunks_exact(4).map(value));
        }
        Dtype::F16 => values.extend(halves().map(half)),
        Dtype::BF16 => values.extend(halves().map(|bits| f32::from_bits(u32::from(bits) << 16))),
        Dtype::F64 => return narrowed(data, values),
        other => return Err(format!("is of {other:?}, expected floats (F32, F16, BF16 or F64)")),
    }
    Ok(0)
}

/// Adds floats of 64 bits as those of 32; how many of them are others now.
fn narrowed(data: &[u8], values: &mut Vec<f32>) -> std::result::Result<usize, String> {
    let mut rounded = 0;
    for (place, bytes) in data.chunks_exact(8).enumerate() {
        let wide = f64::from_le_bytes(bytes.try_into().expect("chunks of eight bytes"));
        let value = wide as f32;
        if wide.is_finite() && !value.is_finite() {
            return Err(format!("holds {wide:e} as number {place}, too large for 32 bits"));
        }
        rounded += usize::from(f64::from(value) != wide && !wide.is_nan());
        values.push(value);
    }
    Ok(rounded)
}

/// A float of 16 bits (IEEE 754 binary16), exactly.
fn half(bits: u16) -> f32 {
    let sign = if bits >> 15 == 1 { -1.0 } else { 1.0 };
    let (exponent, fraction) = (u32::from(bits >> 10 & 31), u32::from(bits & 1023));
    match exponent {
        // Steps of 2⁻²⁴.
        0 => sign * fraction as f32 * f32::from_bits((127 - 24) << 23),
        31 if fraction == 0 => sign * f32::INFINITY,
        31 => f32::from_bits(u32::from(bits >> 15) << 31 | 0x7fc0_0000 | fraction << 13),
        _ => sign * f32::from_bits((exponent + 127 - 15) << 23 | fraction << 13),
    }
}

/// Takes off what PyTorch's `DataParallel` and `compile` put before the names of all tensors, where none of `wanted` begins
/// so; what was taken off.
pub(super) fn without_prefix(tensors: &mut Tensors, wanted: &[String]) -> String {
    let mut taken = String::new();
    while let Some(prefix) = ["module.", "_orig_mod."].into_iter().find(|prefix| {
        let begins = |name: &String| name.starts_with(prefix);
        !tensors.is_empty() && tensors.keys().all(begins) && !wanted.iter().any(begins)
    }) {
        let named = std::mem::take(tensors).into_iter();
        *tensors = named.map(|(name, tensor)| (name[prefix.len()..].to_string(), tensor)).collect();
        taken += prefix;
    }
    taken
}

/// Sets named tensors from a file's, which must have all of them, of the same shapes, and no others.
///
/// # Errors
/// When tensors are missing, have another shape, or are nowhere asked for; all of them are named. Nothing is changed then.
pub fn assign(path: &Path, mut found: Tensors, wanted: Vec<(String, &mut Tensor<f32>)>) -> Result<()> {
    let names: HashSet<&str> = wanted.iter().map(|(name, _)| name.as_str()).collect();
    let unexpected = found.keys().filter(|name| !names.contains(name.as_str())).cloned().collect();
    let (mut missing, mut others) = (Vec::new(), Vec::new());
    for (name, tensor) in &wanted {
        match found.get(name) {
            None => missing.push(format!("{name} {}", tensor.shape())),
            Some(other) if other.shape() != tensor.shape() => {
                others.push(format!("{name} {} (expected {})", other.shape(), tensor.shape()));
            }
            Some(_) => {}
        }
    }
    let problems =
        [listed("it lacks", missing), listed("of another shape:", others), listed("it has besides", unexpected)];
    let problems: Vec<String> = problems.into_iter().flatten().collect();
    if !problems.is_empty() {
        let remedy = "use the model and options that it was saved from";
        return Err(Error::file(path, problems.join("; "), remedy));
    }
    expect_numbers(path, &found)?;
    for (name, tensor) in wanted {
        *tensor = found.remove(&name).expect("looked up before");
    }
    Ok(())
}

/// What of a file's tensors was taken over by [`Network::load_matching`](super::Network::load_matching), by their names.
///
/// ```
/// use evograd::models::weights::Matching;
/// let found = Matching { loaded: vec!["conv1.weight".into()], missing: vec!["fc.bias".into()], ..Matching::default() };
/// assert_eq!(found.to_string(), "1 tensor loaded; missing: fc.bias");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Matching {
    /// Those that were.
    pub loaded: Vec<String>,
    /// Those that the network has and the file has not.
    pub missing: Vec<String>,
    /// Those that the file has and the network has not.
    pub unexpected: Vec<String>,
    /// Those of another shape, each with both shapes.
    pub other_shapes: Vec<String>,
    /// How the file was read: that values were rounded to 32 bits, or that a prefix of all names was taken off.
    pub notes: Vec<String>,
}

impl fmt::Display for Matching {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = if self.loaded.len() == 1 { "" } else { "s" };
        write!(f, "{} tensor{plural} loaded", self.loaded.len())?;
        let lists =
            [("missing", &self.missing), ("unexpected", &self.unexpected), ("of another shape", &self.other_shapes)];
        for (what, names) in lists.into_iter().filter(|(_, names)| !names.is_empty()) {
            write!(f, "; {what}: {}", names.join(", "))?;
        }
        self.notes.iter().try_for_each(|note| write!(f, "; {note}"))
    }
}

/// Sets those tensors that `found` has with the same name and shape.
///
/// # Errors
/// When there is none, or one that would be taken holds a number that is not finite; nothing is changed then.
pub(super) fn assign_matching(
    path: &Path,
    mut found: Tensors,
    wanted: Vec<(String, &mut Tensor<f32>)>,
) -> Result<Matching> {
    let (mut report, mut pairs) = (Matching::default(), Vec::new());
    for (name, tensor) in wanted {
        match found.remove(&name) {
            None => report.missing.push(name),
            Some(other) if other.shape() != tensor.shape() => {
                report.other_shapes.push(format!("{name} {} (expected {})", other.shape(), tensor.shape()));
            }
            Some(other) => {
                report.loaded.push(name);
                pairs.push((tensor, other));
            }
        }
    }
    report.unexpected = found.into_keys().collect();
    if report.loaded.is_empty() {
        let problem = "no tensor in it has both a name and the shape of one of this network";
        return Err(Error::file(path, problem, "take weights of a network with layers of the same names"));
    }
    let taken = report.loaded.iter().cloned().zip(pairs.iter().map(|(_, other)| other.clone())).collect();
    expect_numbers(path, &taken)?;
    pairs.into_iter().for_each(|(tensor, other)| *tensor = other);
    Ok(report)
}

/// Refuses weights that are not finite: no answer of a network that holds one means anything.
fn expect_numbers(path: &Path, found: &Tensors) -> Result<()> {
    let holds_other = |tensor: &Tensor<f32>| tensor.as_slice().iter().any(|x| !x.is_finite());
    let mut names: Vec<String> =
        found.iter().filter(|(_, tensor)| holds_other(tensor)).map(|(name, _)| name.clone()).collect();
    names.sort();
    let remedy = "take weights from before the training diverged";
    match listed("it holds numbers that are not finite in", names) {
        None => Ok(()),
        Some(problem) => Err(Error::file(path, problem, remedy)),
    }
}

/// The first names of a list, and how many more there are.
fn listed(what: &str, names: Vec<String>) -> Option<String> {
    const SHOWN: usize = 5;
    let first = names.get(..names.len().min(SHOWN))?.join(", ");
    match names.len() {
        0 => None,
        count if count > SHOWN => Some(format!("{what} {first} and {} more", count - SHOWN)),
        _ => Some(format!("{what} {first}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_that_are_no_numbers_are_refused_by_name() {
        let path = Path::new("w.safetensors");
        for wrong in [f32::NAN, f32::INFINITY] {
            let tensors = |x: f32| -> Tensors {
                [("a", 1.0), ("b", x)]
                    .map(|(name, x)| (name.to_string(), Tensor::full([2], x).unwrap()))
                    .into_iter()
                    .collect()
            };
            let [mut a, mut b] = [(); 2].map(|()| Tensor::full([2], 0.0_f32).unwrap());
            let wanted = vec![("a".to_string(), &mut a), ("b".to_string(), &mut b)];
            let error = assign(path, tensors(wrong), wanted).unwrap_err().to_string();
            assert!(error.starts_with("w.safetensors: it holds numbers that are not finite in b;"), "{error}");
            assert_eq!(a.as_slice(), [0.0; 2], "nothing is changed then");
        }
    }

    fn file(tensors: &[(&str, Dtype, Vec<u8>)]) -> Vec<u8> {
        let size = |dtype: Dtype| dtype.bitsize() / 8;
        let views = tensors.iter().map(|(name, dtype, bytes)| {
            (name.to_string(), TensorView::new(*dtype, vec![bytes.len() / size(*dtype)], bytes).unwrap())
        });
        safetensors::serialize(views.collect::<Vec<_>>(), None).unwrap()
    }

    fn problem(dtype: Dtype, bytes: Vec<u8>) -> String {
        let text = parse_safetensors(Path::new("file"), &file(&[("w", dtype, bytes)])).unwrap_err().to_string();
        text.strip_prefix("file: ").unwrap().strip_suffix("; save the weights again, as 32-bit floats").unwrap().into()
    }

    /// Every half float, against arithmetic on its parts in `f64`.
    #[test]
    fn every_float_of_16_bits_is_widened_exactly() {
        for bits in 0..=u16::MAX {
            let (sign, exponent, fraction) = (bits >> 15, i32::from(bits >> 10 & 31), f64::from(bits & 1023));
            let size = match exponent {
                0 => fraction / 1024.0 * 2_f64.powi(-14),
                31 if fraction > 0.0 => f64::NAN,
                31 => f64::INFINITY,
                _ => (1.0 + fraction / 1024.0) * 2_f64.powi(exponent - 15),
            };
            let (found, wanted) = (f64::from(half(bits)), if sign == 1 { -size } else { size });
            assert!(
                found == wanted && found.is_sign_negative() == (sign == 1) || found.is_nan() && wanted.is_nan(),
                "{bits:x}"
            );
        }
    }

    #[test]
    fn floats_of_all_widths_are_read() {
        let wide: Vec<u8> = [1.5_f64, 0.1, -1e-300, f64::INFINITY].iter().flat_map(|x| x.to_le_bytes()).collect();
        let bytes = file(&[
            ("bf16", Dtype::BF16, vec![0xc0, 0x3f, 0x80, 0xff]),
            ("f16", Dtype::F16, vec![0x00, 0x3e, 0x66, 0x2e]),
            ("f32", Dtype::F32, 1.5_f32.to_le_bytes().to_vec()),
            ("f64", Dtype::F64, wide),
            ("bn.num_batches_tracked", Dtype::I64, vec![1; 8]),
        ]);
        let (tensors, notes) = parse_with_notes(Path::new("file"), &bytes).unwrap();
        let values = |name: &str| tensors[name].as_slice().to_vec();
        assert_eq!(values("bf16"), [1.5, f32::NEG_INFINITY]);
        assert_eq!(values("f16"), [1.5, 0.099_975_586]);
        assert_eq!(values("f64"), [1.5, 0.1, -0.0, f32::INFINITY]);
        assert_eq!(notes, ["2 of 4 values of f64 are rounded from 64 to 32 bits"]);
        assert_eq!(tensors.len(), 4);
    }

    #[test]
    fn what_is_no_float_of_32_bits_is_named() {
        assert_eq!(
            problem(Dtype::F64, 1e39_f64.to_le_bytes().to_vec()),
            "w holds 1e39 as number 0, too large for 32 bits"
        );
        let expected = "w is of I64, expected floats (F32, F16, BF16 or F64)";
        assert_eq!(problem(Dtype::I64, vec![0; 8]), expected);
        assert!(problem(Dtype::F8_E4M3, vec![0; 8]).starts_with("w is of F8_E4M3, expected floats"));
    }

    #[test]
    fn prefixes_of_all_names_are_taken_off() {
        let tensors =
            |names: &[&str]| -> Tensors { names.iter().map(|name| (name.to_string(), Tensor::scalar(1.0))).collect() };
        let stripped = |names: &[&str], wanted: &[&str]| {
            let mut tensors = tensors(names);
            let wanted: Vec<String> = wanted.iter().map(|name| name.to_string()).collect();
            let taken = without_prefix(&mut tensors, &wanted);
            (taken, tensors.into_keys().collect::<Vec<_>>().join(" "))
        };
        let wanted = ["a.w", "b.w"];
        assert_eq!(stripped(&["a.w", "b.w"], &wanted), (String::new(), "a.w b.w".into()));
        assert_eq!(stripped(&["module.a.w", "module.b.w"], &wanted), ("module.".into(), "a.w b.w".into()));
        assert_eq!(stripped(&["_orig_mod.module.a.w"], &wanted), ("_orig_mod.module.".into(), "a.w".into()));
        assert_eq!(stripped(&["module._orig_mod.a.w"], &wanted), ("module._orig_mod.".into(), "a.w".into()));
        assert_eq!(stripped(&["module.a.w", "b.w"], &wanted).0, "", "not all of them");
        assert_eq!(stripped(&["module.w"], &["module.w"]).0, "", "the network's own name");
    }

    #[test]
    fn all_that_does_not_fit_is_named() {
        let mut own = [1.0_f32; 8].map(Tensor::scalar);
        let names = ["a", "b", "c", "d", "e", "f", "g", "h"].map(String::from);
        let wanted = names.into_iter().zip(&mut own).collect();
        let found = [("h", Tensor::zeros([2]).unwrap()), ("x", Tensor::scalar(2.0)), ("y", Tensor::scalar(2.0))];
        let found = found.map(|(name, tensor)| (name.to_string(), tensor)).into();
        assert_eq!(
            assign(Path::new("w"), found, wanted).unwrap_err().to_string(),
            "w: it lacks a [], b [], c [], d [], e [] and 2 more; of another shape: h [2] (expected []); it has besides x, y; \
             use the model and options that it was saved from"
        );
    }
}
