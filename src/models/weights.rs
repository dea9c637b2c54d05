//! Tensors in files that everybody reads: safetensors, under PyTorch's names. Knows no network.

use crate::error::{Error, Result};
use crate::tensor::Tensor;
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use std::collections::BTreeMap;
use std::path::Path;

/// The bytes of a safetensors file with these tensors, as 32-bit floats.
///
/// # Errors
/// When two tensors have one name.
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
    safetensors::serialize(views, None).map_err(|error| refuse(error.to_string()))
}

/// The tensors of a safetensors file by name. Tensors of whole numbers, such as PyTorch's `num_batches_tracked`, are left
/// out.
///
/// # Errors
/// When the file cannot be read, is none of these, or holds other floats than those of 32 bits.
pub fn from_safetensors(path: &Path) -> Result<BTreeMap<String, Tensor<f32>>> {
    let bytes = std::fs::read(path).map_err(|error| Error::file(path, error, "name a readable .safetensors file"))?;
    parse_safetensors(path, &bytes)
}

/// As [`from_safetensors`], from the bytes of the file `path`, which is not read.
///
/// # Errors
/// As [`from_safetensors`].
pub fn parse_safetensors(path: &Path, bytes: &[u8]) -> Result<BTreeMap<String, Tensor<f32>>> {
    let broken = |problem: String| Error::file(path, problem, "save the weights again, as 32-bit floats");
    let file = SafeTensors::deserialize(bytes).map_err(|error| broken(format!("no safetensors file: {error}")))?;
    let mut tensors = BTreeMap::new();
    for (name, view) in file.iter() {
        match view.dtype() {
            Dtype::I64 | Dtype::I32 | Dtype::U8 | Dtype::BOOL => continue,
            Dtype::F32 => {}
            other => return Err(broken(format!("{name} is of {other:?}, not F32"))),
        }
        let values =
            view.data().chunks_exact(4).map(|bytes| f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]));
        let tensor =
            Tensor::from_vec(view.shape(), values.collect()).map_err(|error| broken(format!("{name}: {error}")))?;
        tensors.insert(name.to_string(), tensor);
    }
    Ok(tensors)
}

/// Sets named tensors from a file's, which must have all of them, of the same shapes, and no others.
///
/// # Errors
/// When a tensor is missing, has another shape, or is nowhere asked for. Nothing is changed then.
pub fn assign(
    path: &Path,
    mut found: BTreeMap<String, Tensor<f32>>,
    wanted: Vec<(String, &mut Tensor<f32>)>,
) -> Result<()> {
    let refuse = |problem: String| Err(Error::file(path, problem, "use the model and options that it was saved from"));
    for (name, tensor) in &wanted {
        match found.get(name) {
            None => return refuse(format!("it has no tensor {name}, of shape {}", tensor.shape())),
            Some(other) if other.shape() != tensor.shape() => {
                return refuse(format!("{name} has the shape {}, not {}", other.shape(), tensor.shape()));
            }
            Some(_) => {}
        }
    }
    if let Some(name) = found.keys().find(|name| wanted.iter().all(|(wanted, _)| wanted != *name)) {
        return refuse(format!("the model has no tensor {name}"));
    }
    for (name, tensor) in wanted {
        *tensor = found.remove(&name).expect("looked up before");
    }
    Ok(())
}
