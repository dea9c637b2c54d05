//! Products with Hessian matrices against closed forms and second differences, and whether their errors are honest.

use evograd::gradcheck::{HessianVectorProduct, hessian_vector_product};
use evograd::ops::{AvgPool2d, Conv2d};
use evograd::{Result, Tensor, Var};

fn vector(values: &[f64]) -> Tensor<f64> {
    Tensor::from_slice([values.len()], values).unwrap()
}

fn wave(shape: &[usize], seed: f64, size: f64) -> Tensor<f64> {
    Tensor::from_fn(shape, |i| size * (seed + 1.7 * i as f64).sin()).unwrap()
}

fn dot(a: &[Tensor<f64>], b: &[Tensor<f64>]) -> f64 {
    a.iter().zip(b).flat_map(|(a, b)| a.as_slice().iter().zip(b.as_slice())).map(|(a, b)| a * b).sum()
}

/// Every value is as near to the right one as its error says, and that is near.
fn expect(product: &HessianVectorProduct, right: &[Tensor<f64>], within: f64) {
    let norm = dot(right, right).sqrt();
    for ((value, error), right) in product.values.iter().zip(&product.errors).zip(right) {
        assert_eq!(value.shape(), right.shape());
        for ((value, error), right) in value.as_slice().iter().zip(error.as_slice()).zip(right.as_slice()) {
            assert!(
                (value - right).abs() <= *error,
                "{value} instead of {right}, which is said to be {error} off at most"
            );
            assert!(*error <= within * norm, "{value}: an error of {error}, beside {norm}");
        }
    }
}

/// `½ xᵀAx`, whose Hessian matrix is `(A + Aᵀ)/2`, at elements and along a direction of unlike sizes.
#[test]
fn the_hessian_matrix_of_a_quadratic_form_is_its_own() {
    const N: usize = 5;
    let a = wave(&[N, N], 0.3, 2.0);
    let x = Tensor::from_fn([N], |i| 10_f64.powi(i as i32 - 2) * (1.0 + i as f64)).unwrap();
    let form = |v: &[Var<f64>]| {
        let row = v[0].reshape([1, N])?;
        row.matmul(&Var::constant(a.clone()))?.matmul(&v[0].reshape([N, 1])?)?.sum_all()?.scale(0.5)
    };
    for v in
        [vector(&[0.1, -2.0, 0.5, 3.0, 1.0]), vector(&[0.0, 0.0, 1e-9, 0.0, 0.0]), vector(&[1e8, 1e8, 0.0, 0.0, 1e9])]
    {
        let entry = |i: usize, j: usize| (a.at(&[i, j]).unwrap() + a.at(&[j, i]).unwrap()) / 2.0;
        let right = |i: usize| (0..N).map(|j| entry(i, j) * v.as_slice()[j]).sum::<f64>();
        let right = Tensor::from_fn([N], right).unwrap();
        let product = hessian_vector_product(form, std::slice::from_ref(&x), &[v]).unwrap();
        assert!(product.evaluations < 30, "{}", product.evaluations);
        expect(&product, &[right], 1e-6);
    }
}

/// Of a row of logits it is `(diag p − ppᵀ)/N`, where `p` are their probabilities.
#[test]
fn the_hessian_matrix_of_softmax_cross_entropy_is_that_of_its_formula() {
    let (logits, v) = (wave(&[3, 4], 0.1, 2.0), wave(&[3, 4], 0.7, 1.0));
    let loss = |x: &[Var<f64>]| x[0].cross_entropy(&[2, 0, 3], 0.0);
    let mut right = Vec::new();
    for (row, v) in logits.as_slice().chunks(4).zip(v.as_slice().chunks(4)) {
        let sum: f64 = row.iter().map(|x| x.exp()).sum();
        let p: Vec<f64> = row.iter().map(|x| x.exp() / sum).collect();
        let mean: f64 = p.iter().zip(v).map(|(p, v)| p * v).sum();
        right.extend(p.iter().zip(v).map(|(p, v)| p * (v - mean) / 3.0));
    }
    let product = hessian_vector_product(loss, &[logits], &[v]).unwrap();
    expect(&product, &[Tensor::from_vec([3, 4], right).unwrap()], 1e-8);
}

/// The loss of a small network with two layers of weights and an image.
fn network(v: &[Var<f64>]) -> Result<Var<f64>> {
    let x = Var::constant(wave(&[2, 2, 6, 6], 0.2, 1.0));
    let hidden = x.conv2d(&v[0], Some(&v[1]), Conv2d { padding: [1, 1], ..Conv2d::default() })?.tanh()?;
    let pooled = hidden.avg_pool2d(AvgPool2d::new([2, 2]))?.flatten(1)?;
    pooled.linear(&v[2], None)?.cross_entropy(&[1, 2], 0.1)
}

fn weights(seed: f64, size: f64) -> [Tensor<f64>; 3] {
    [wave(&[3, 2, 3, 3], seed, size), wave(&[3], seed + 0.4, size), wave(&[3, 27], seed + 0.9, size)]
}

/// `vᵀHv` is the second difference of the loss, which asks for no gradient, and `uᵀHv = vᵀHu`.
#[test]
fn a_convolutional_network_curves_as_its_loss_does() {
    let (x, u, v) = (weights(0.5, 0.4), weights(1.3, 1.0), weights(2.9, 1.0));
    let [hu, hv] = [&u, &v].map(|direction| hessian_vector_product(network, &x, direction).unwrap());
    let loss = |step: f64| {
        let moved = x.iter().zip(&v).map(|(x, v)| {
            Var::constant(Tensor::from_fn(x.shape(), |i| x.as_slice()[i] + step * v.as_slice()[i]).unwrap())
        });
        network(&moved.collect::<Vec<_>>()).unwrap().item().unwrap()
    };
    let second = |step: f64| (loss(step) - 2.0 * loss(0.0) + loss(-step)) / (step * step);
    let extrapolated = (4.0 * second(1e-3) - second(2e-3)) / 3.0;
    let curvature = dot(&v, &hv.values);
    assert!((curvature - extrapolated).abs() < 1e-6 * curvature.abs(), "{curvature} {extrapolated}");
    let (one, other) = (dot(&u, &hv.values), dot(&v, &hu.values));
    assert!((one - other).abs() < 1e-7 * one.abs().max(curvature.abs()), "{one} {other}");
    assert!(hv.errors.iter().flat_map(Tensor::as_slice).all(|error| *error < 1e-6));
}

/// Inputs of one function see each other, and one that it does not use has zeros.
#[test]
fn second_derivatives_cross_inputs() {
    let f = |v: &[Var<f64>]| v[0].mul(&v[1])?.sum_all();
    let x = [vector(&[2.0, 3.0]), vector(&[-1.0, 4.0]), vector(&[1.0])];
    let v = [vector(&[0.5, 0.0]), vector(&[7.0, -3.0]), vector(&[2.0])];
    let product = hessian_vector_product(f, &x, &v).unwrap();
    expect(&product, &[vector(&[7.0, -3.0]), vector(&[0.5, 0.0]), vector(&[0.0])], 1e-9);
    assert_eq!(product.errors[2].as_slice(), [0.0]);
}

/// Where the gradient has a corner, or drowns, the error says that nothing is known.
#[test]
fn errors_tell_where_there_is_no_second_derivative() {
    let corner = |v: &[Var<f64>]| v[0].relu()?.mul(&v[0].relu()?)?.sum_all();
    let product = hessian_vector_product(corner, &[Tensor::scalar(0.0)], &[Tensor::scalar(1.0)]).unwrap();
    assert!(product.errors[0].as_slice()[0] >= 1.0, "{product:?}");
    // Of x² beside 10¹⁷·x the gradient keeps no digit of 2x.
    let drowned = |v: &[Var<f64>]| v[0].mul(&v[0])?.add(&v[0].scale(1e17)?)?.sum_all();
    let product = hessian_vector_product(drowned, &[Tensor::scalar(0.7)], &[Tensor::scalar(1.0)]).unwrap();
    let (value, error) = (product.values[0].as_slice()[0], product.errors[0].as_slice()[0]);
    assert!((value - 2.0).abs() <= error && error > 0.1, "{product:?}");
}

#[test]
fn what_has_no_hessian_matrix_is_refused() {
    let text = |f: fn(&[Var<f64>]) -> Result<Var<f64>>, x: &[Tensor<f64>], v: &[Tensor<f64>]| {
        hessian_vector_product(f, x, v).unwrap_err().to_string()
    };
    let x = [vector(&[1.0, 2.0])];
    assert_eq!(
        text(|v| v[0].exp(), &x, &x),
        "hessian_vector_product: the function gives more than one number (tensor [2]); sum or average it"
    );
    assert_eq!(
        text(|v| v[0].sum_all(), &x, &[]),
        "hessian_vector_product: there are 1 inputs and 0 directions; give at least one input, and a direction for each"
    );
    assert_eq!(
        text(|v| v[0].sum_all(), &x, &[vector(&[1.0])]),
        "hessian_vector_product: the direction of input 0 has another shape (input [2], direction [1]); give it that of the input"
    );
    assert_eq!(
        text(|v| v[0].sum_all(), &x, &[vector(&[1.0, f64::NAN])]),
        "hessian_vector_product: the direction of input 0 holds NaN (tensor [2]); use finite numbers"
    );
    assert!(text(|v| v[0].reshape([3])?.sum_all(), &x, &x).starts_with("hessian_vector_product: reshape: "));
}
