//! Weights in safetensors files. The input says the tensors of the header and how far it lies, or is the whole file. A file
//! that does not fit leaves a network as it was.
#![no_main]

use arbitrary::{Arbitrary, Unstructured};
use evograd::Tensor;
use evograd::models::weights::{from_safetensors, parse_safetensors, to_safetensors};
use evograd::models::{Network, Options, spec};
use evograd_fuzz::{expect_named, split_first, write};
use std::cell::RefCell;
use std::collections::BTreeMap;

const TYPES: [(&str, usize); 12] = [
    ("F32", 4),
    ("F32", 4),
    ("F16", 2),
    ("BF16", 2),
    ("F64", 8),
    ("I64", 8),
    ("I32", 4),
    ("U8", 1),
    ("BOOL", 1),
    ("F8_E4M3", 1),
    ("U16", 2),
    ("X", 4),
];

#[derive(Arbitrary, Debug)]
struct Given<'a> {
    /// One of the network's names, or another.
    name: Result<u8, &'a str>,
    kind: u8,
    shape: Option<Vec<u64>>,
    /// How far the end of its bytes is from where it belongs.
    off: i8,
}

#[derive(Arbitrary, Debug)]
struct Input<'a> {
    given: Vec<Given<'a>>,
    /// Whether all other tensors of the network are there too.
    completed: bool,
    prefix: &'a str,
    header_off: i8,
    data_off: i8,
    fill: u32,
}

thread_local! {
    static NETWORK: RefCell<Known> = RefCell::new(Known::new());
}

/// A network, and the bits of its weights.
struct Known {
    network: Network<f32>,
    bits: Vec<Vec<u32>>,
}

impl Known {
    fn new() -> Known {
        let network = network();
        Known { bits: all_bits(&network), network }
    }
}

fn all_bits(network: &Network<f32>) -> Vec<Vec<u32>> {
    network.state().into_iter().map(|(_, tensor)| bits(tensor)).collect()
}

fn bits(tensor: &Tensor) -> Vec<u32> {
    tensor.as_slice().iter().map(|x| x.to_bits()).collect()
}

/// A small network with convolutions, normalisations and linear layers.
fn network() -> Network<f32> {
    let options = Options { input: [1, 4, 4], classes: 2, width: 0.01, ..Options::default() };
    let spec = spec("1-01", &options).expect("a code");
    Network::new(&spec, 1).expect("a small network")
}

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let (kind, rest) = split_first(data);
    let file = if kind & 1 == 0 {
        rest.to_vec()
    } else {
        match Input::arbitrary_take_rest(Unstructured::new(rest)) {
            Ok(input) => NETWORK.with_borrow(|known| input.file(&known.network)),
            Err(_) => return,
        }
    };
    let path = write("model.safetensors", &file);
    let read = from_safetensors(&path);
    match &read {
        Ok(tensors) => expect_same(tensors),
        Err(error) => expect_named(error, &path),
    }
    assert_eq!(parse_safetensors(&path, &file).is_ok(), read.is_ok());
    NETWORK.with_borrow_mut(|Known { network, bits }| match network.load(&path) {
        Ok(()) => {
            let saved = write("saved.safetensors", &network.to_safetensors().expect("names of their own"));
            let found = from_safetensors(&saved).expect("what was saved is read");
            assert!(read.is_ok() && found.len() == network.state().len());
            *bits = all_bits(network);
        }
        Err(error) => {
            expect_named(&error, &path);
            assert!(*bits == all_bits(network), "a refused file changed the network");
        }
    });
});

/// What was read is written and read bit for bit.
fn expect_same(tensors: &BTreeMap<String, Tensor>) {
    let list: Vec<(String, &Tensor)> = tensors.iter().map(|(name, tensor)| (name.clone(), tensor)).collect();
    let path = write("again.safetensors", &to_safetensors(&list).expect("names of their own"));
    let again = from_safetensors(&path).expect("what was written is read");
    assert!(again.keys().eq(tensors.keys()));
    for (name, tensor) in tensors {
        assert_eq!((tensor.shape(), bits(tensor)), (again[name].shape(), bits(&again[name])), "{name}");
    }
}

impl Input<'_> {
    fn file(&self, network: &Network<f32>) -> Vec<u8> {
        let state = network.state();
        let (mut header, mut end) = (serde_json::Map::new(), 0_i64);
        let mut add = |name: String, kind: &str, shape: &[u64], size: i64| {
            let entry = serde_json::json!({ "dtype": kind, "shape": shape, "data_offsets": [end, end + size] });
            header.insert(name, entry);
            end += size;
        };
        for given in self.given.iter().take(20) {
            let (kind, width) = TYPES[usize::from(given.kind) % TYPES.len()];
            let own = given.name.ok().map(|index| &state[usize::from(index) % state.len()]);
            let name = own.map_or_else(|| given.name.unwrap_err().to_string(), |(name, _)| name.clone());
            let own = own.map(|(_, tensor)| tensor.shape().sizes().iter().map(|size| *size as u64).collect());
            let shape: Vec<u64> = given.shape.clone().or(own).unwrap_or_default();
            let size = shape.iter().fold(width as u64, |product, size| product.wrapping_mul(*size)) % (1 << 12);
            add(format!("{}{name}", self.prefix), kind, &shape, size as i64 + i64::from(given.off));
        }
        for (name, tensor) in state.iter().filter(|_| self.completed) {
            let name = format!("{}{name}", self.prefix);
            if !self
                .given
                .iter()
                .any(|given| given.name.ok().is_some_and(|i| state[usize::from(i) % state.len()].0 == name))
            {
                let shape: Vec<u64> = tensor.shape().sizes().iter().map(|size| *size as u64).collect();
                add(name, "F32", &shape, 4 * shape.iter().product::<u64>() as i64);
            }
        }
        let mut text = serde_json::Value::Object(header).to_string();
        text.extend(std::iter::repeat_n(' ', text.len().wrapping_neg() % 8));
        let length = (text.len() as u64).wrapping_add_signed(self.header_off.into());
        let data = (end + i64::from(self.data_off)).max(0) as usize;
        let fill = self.fill.to_le_bytes().into_iter().cycle().take(data);
        length.to_le_bytes().into_iter().chain(text.into_bytes()).chain(fill).collect()
    }
}
