//! Convolution, pooling and other sizes of images.

use super::{Call, Found};
use evograd::Element;
use evograd::ops::{AvgPool2d, Conv1d, Conv2d, ConvTranspose2d, MaxPool2d};

pub fn call<E: Element>(name: &str, call: &Call<E>) -> Found<E> {
    let x = call.x()?;
    Ok(Some(vec![match name {
        "adaptive_avg_pool2d" => x.adaptive_avg_pool2d(call.get("size")?)?,
        "avg_pool2d" => x.avg_pool2d(AvgPool2d {
            kernel: call.get("kernel")?,
            stride: call.get("stride")?,
            padding: call.get("padding")?,
            ceil: call.get("ceil")?,
            count_padding: call.get("count_padding")?,
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
            ceil: call.get("ceil")?,
        })?,
        "upsample_bilinear2d" => x.upsample_bilinear2d(call.get("size")?)?,
        "upsample_nearest2d" => x.upsample_nearest2d(call.get("size")?)?,
        _ => return Ok(None),
    }]))
}
