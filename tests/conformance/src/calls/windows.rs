//! Convolution, pooling and other sizes of images.

use super::{Call, Found};
use crate::request::Failure;
use evograd::Element;
use evograd::ops::{AvgPool2d, Conv1d, Conv2d, ConvTranspose2d, Divisor, MaxPool2d};

pub fn call<E: Element>(name: &str, call: &Call<E>) -> Found<E> {
    let x = call.x()?;
    Ok(Some(vec![match name {
        "adaptive_avg_pool2d" => x.adaptive_avg_pool2d(call.get("size")?)?,
        "avg_pool2d" => x.avg_pool2d(AvgPool2d {
            kernel: call.get("kernel")?,
            stride: call.get("stride")?,
            padding: call.get("padding")?,
            padding_end: call.get("padding_end")?,
            ceil: call.get("ceil")?,
            divisor: divisor(call)?,
        })?,
        "conv1d" => {
            let options = Conv1d {
                stride: call.get("stride")?,
                padding: call.get("padding")?,
                dilation: call.get("dilation")?,
                groups: call.get("groups")?,
            };
            x.conv1d(call.at(1)?, call.arguments.get(2), options)?
        }
        "conv2d" => {
            let options = Conv2d {
                stride: call.get("stride")?,
                padding: call.get("padding")?,
                padding_end: call.get("padding_end")?,
                dilation: call.get("dilation")?,
                groups: call.get("groups")?,
            };
            x.conv2d(call.at(1)?, call.arguments.get(2), options)?
        }
        "conv_transpose2d" => {
            let options = ConvTranspose2d {
                stride: call.get("stride")?,
                padding: call.get("padding")?,
                dilation: call.get("dilation")?,
                output_padding: call.get("output_padding")?,
                groups: call.get("groups")?,
            };
            x.conv_transpose2d(call.at(1)?, call.arguments.get(2), options)?
        }
        "global_avg_pool" => x.global_avg_pool()?,
        "max_pool2d" => x.max_pool2d(MaxPool2d {
            kernel: call.get("kernel")?,
            stride: call.get("stride")?,
            padding: call.get("padding")?,
            padding_end: call.get("padding_end")?,
            dilation: call.get("dilation")?,
            ceil: call.get("ceil")?,
        })?,
        "upsample_bilinear2d" => x.upsample_bilinear2d(call.get("size")?)?,
        "upsample_nearest2d" => x.upsample_nearest2d(call.get("size")?)?,
        _ => return Ok(None),
    }]))
}

/// The option `divisor`: a number, or which elements are counted.
fn divisor<E: Element>(call: &Call<E>) -> Result<Divisor, Failure> {
    match call.options["divisor"].as_str() {
        Some("padded") => Ok(Divisor::Padded),
        Some("inside") => Ok(Divisor::Inside),
        Some(other) => Err(Failure::Request(format!("divisor {other}: there are padded, inside and numbers"))),
        None => Ok(Divisor::Fixed(call.get("divisor")?)),
    }
}
