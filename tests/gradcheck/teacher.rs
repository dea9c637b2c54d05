//! Ten kinds of wrong gradients, each a fault that is often made, in operations of one's own: all are found, and named for what they are.
//! The same operation without the fault passes.

use evograd::gradcheck::{Diagnosis, Gradcheck};
use evograd::{Op, Result, Shape, Tensor, apply, gradcheck};

/// From the sizes, the input, and the gradient of the output.
type Backward = fn(&[usize], &[f64], &[f64]) -> Vec<f64>;

/// A function of one input, and what backward makes of it.
#[derive(Clone, Copy, Debug)]
struct Taught {
    output: fn(&[usize]) -> Vec<usize>,
    forward: fn(&[usize], &[f64]) -> Vec<f64>,
    backward: Backward,
}

impl Op<f64, 1> for Taught {
    const NAME: &'static str = "taught";
    type Saved = Tensor<f64>;
    fn output_shape(&self, [x]: [&Shape; 1]) -> Result<Shape> {
        Ok(Shape::new(&(self.output)(x.sizes()))?)
    }
    fn forward(&self, [x]: [&Tensor<f64>; 1]) -> (Tensor<f64>, Tensor<f64>) {
        let y = (self.forward)(x.shape().sizes(), x.as_slice());
        (Tensor::from_vec((self.output)(x.shape().sizes()).as_slice(), y).unwrap(), x.clone())
    }
    fn backward(&self, x: Tensor<f64>, dy: Tensor<f64>, _: [bool; 1]) -> [Option<Tensor<f64>>; 1] {
        let dx = (self.backward)(x.shape().sizes(), x.as_slice(), dy.as_slice());
        [Some(Tensor::from_vec(x.shape(), dx).unwrap())]
    }
}

/// One of the ten.
struct Lesson {
    name: &'static str,
    shape: &'static [usize],
    right: Taught,
    wrong: Backward,
    diagnosis: fn(&Diagnosis) -> bool,
    says: &'static str,
    values: fn(usize) -> f64,
}

impl Lesson {
    /// Whether a diagnosis of this kind, what it says before its colon, is that of the lesson.
    fn names(&self, kind: &str) -> bool {
        let wrong = Taught { backward: self.wrong, ..self.right };
        let x = Tensor::from_fn(self.shape, self.values).unwrap();
        let small = gradcheck(|v| apply(wrong, [&v[0]]), &[x]).unwrap();
        small.diagnosis.is_some_and(|diagnosis| diagnosis.to_string().starts_with(&format!("{kind}:")))
    }
}

fn same(sizes: &[usize]) -> Vec<usize> {
    sizes.to_vec()
}

fn each(x: &[f64], dy: &[f64], slope: impl Fn(f64) -> f64) -> Vec<f64> {
    x.iter().zip(dy).map(|(x, dy)| dy * slope(*x)).collect()
}

/// `y = sin x`.
const SINE: Taught = Taught {
    output: same,
    forward: |_, x| x.iter().map(|x| x.sin()).collect(),
    backward: |_, x, dy| each(x, dy, f64::cos),
};

/// `y = x·eˣ`, whose derivative has two terms.
const PRODUCT: Taught = Taught {
    output: same,
    forward: |_, x| x.iter().map(|x| x * x.exp()).collect(),
    backward: |_, x, dy| each(x, dy, |x| x.exp() + x * x.exp()),
};

/// `y[i, j] = x[i, j] − mean over j of x[i, j]`.
const CENTRED: Taught =
    Taught { output: same, forward: |sizes, x| centred(sizes, x, 1), backward: |sizes, _, dy| centred(sizes, dy, 1) };

fn centred(sizes: &[usize], x: &[f64], axis: usize) -> Vec<f64> {
    let columns = sizes[1];
    let mean = |k: usize| {
        let of_line: Vec<f64> = (0..x.len()).filter(|i| [i % columns, i / columns][axis] == k).map(|i| x[i]).collect();
        of_line.iter().sum::<f64>() / of_line.len() as f64
    };
    (0..x.len()).map(|i| x[i] - mean([i % columns, i / columns][axis])).collect()
}

/// Rows times a fixed matrix: `y[i, k] = Σⱼ x[i, j]·w[j, k]`.
const MATRIX: Taught = Taught {
    output: same,
    forward: |sizes, x| times(sizes[0], x, weight),
    backward: |sizes, _, dy| times(sizes[0], dy, |k, j| weight(j, k)),
};

fn weight(j: usize, k: usize) -> f64 {
    ((3 * j + 5 * k + 1) as f64).sin() + 2.0
}

fn times(n: usize, x: &[f64], w: impl Fn(usize, usize) -> f64) -> Vec<f64> {
    (0..n * n).map(|i| (0..n).map(|j| x[i / n * n + j] * w(j, i % n)).sum()).collect()
}

fn transposed(sizes: &[usize], x: &[f64]) -> Vec<f64> {
    (0..x.len()).map(|i| x[i % sizes[1] * sizes[0] + i / sizes[1]]).collect()
}

/// A bias that is broadcast to four rows, squared: `y[n, c] = x[c]²`.
const BIAS: Taught = Taught {
    output: |sizes| vec![4, sizes[0]],
    forward: |_, x| (0..4).flat_map(|_| x.iter().map(|x| x * x)).collect(),
    backward: |_, x, dy| (0..x.len()).map(|c| (0..4).map(|n| dy[n * x.len() + c]).sum::<f64>() * 2.0 * x[c]).collect(),
};

/// The 3×3 filter `[1 2 1; 2 4 2; 1 2 1]` over an image between zeros, which is its own transpose.
const BLUR: Taught =
    Taught { output: same, forward: |sizes, x| blurred(sizes, x, 0), backward: |sizes, _, dy| blurred(sizes, dy, 0) };

/// `beyond` is how far the image is continued by its last pixels, instead of by zeros.
fn blurred(sizes: &[usize], x: &[f64], beyond: isize) -> Vec<f64> {
    let [h, w] = [sizes[0] as isize, sizes[1] as isize];
    let pixel = |i: isize, j: isize| {
        let inside = |k: isize, size: isize| k >= -beyond && k < size + beyond;
        let near = |k: isize, size: isize| k.clamp(0, size - 1);
        if inside(i, h) && inside(j, w) { x[(near(i, h) * w + near(j, w)) as usize] } else { 0.0 }
    };
    let weight = |d: isize| if d == 0 { 2.0 } else { 1.0 };
    let taps = (-1..2).flat_map(|a| (-1..2).map(move |b| (a, b)));
    let at = |k: usize| {
        let (i, j) = (k as isize / w, k as isize % w);
        taps.clone().map(|(a, b)| weight(a) * weight(b) * pixel(i + a, j + b)).sum()
    };
    (0..x.len()).map(at).collect()
}

/// The greatest of each row; equal ones share the gradient, the mean of the slopes to both sides.
const GREATEST: Taught = Taught {
    output: |sizes| vec![sizes[0]],
    forward: |sizes, x| x.chunks(sizes[1]).map(greatest).collect(),
    backward: |sizes, x, dy| shared(sizes, x, dy, |count| 1.0 / count),
};

fn greatest(row: &[f64]) -> f64 {
    row.iter().copied().fold(f64::NEG_INFINITY, f64::max)
}

fn shared(sizes: &[usize], x: &[f64], dy: &[f64], share: fn(f64) -> f64) -> Vec<f64> {
    let rows = x.chunks(sizes[1]).zip(dy);
    rows.flat_map(|(row, dy)| {
        let most = greatest(row);
        let count = row.iter().filter(|x| **x == most).count() as f64;
        row.iter().map(move |x| if *x == most { dy * share(count) } else { 0.0 }).collect::<Vec<f64>>()
    })
    .collect()
}

fn plain(i: usize) -> f64 {
    0.3 + ((i * 7919 % 101) as f64) / 60.0
}

/// Two of four in each row are equal and the greatest.
fn with_ties(i: usize) -> f64 {
    [0.25, 1.5, -0.5, 1.5][i % 4]
}

const LESSONS: [Lesson; 11] = [
    Lesson {
        name: "a dropped term",
        shape: &[2, 5],
        right: PRODUCT,
        wrong: |_, x, dy| each(x, dy, f64::exp),
        diagnosis: |found| matches!(found, Diagnosis::Term { coefficient, .. } if (coefficient + 1.0).abs() < 1e-6),
        says: "a dropped or added term: what backward says of y by x is too great by -1 times y",
        values: plain,
    },
    Lesson {
        name: "a dropped dependence",
        shape: &[3, 4],
        right: CENTRED,
        wrong: |_, _, dy| dy.to_vec(),
        diagnosis: |found| matches!(found, Diagnosis::LeftOut { zero: 36, of: 48 }),
        says: "backward says 0 of 36 of the 48 derivatives compared that are not 0",
        values: plain,
    },
    Lesson {
        name: "a sign",
        shape: &[2, 3],
        right: SINE,
        wrong: |_, x, dy| each(x, dy, |x| -x.cos()),
        diagnosis: |found| *found == Diagnosis::Sign,
        says: "a sign: every derivative is -1 times the right one",
        values: plain,
    },
    Lesson {
        name: "a factor of 1.01",
        shape: &[2, 3],
        right: SINE,
        wrong: |_, x, dy| each(x, dy, |x| 1.01 * x.cos()),
        diagnosis: |found| matches!(found, Diagnosis::Factor(c) if (c - 1.01).abs() < 1e-8),
        says: "a factor: every derivative is 1.01 times the right one",
        values: plain,
    },
    Lesson {
        name: "a wrong axis",
        shape: &[3, 4],
        right: CENTRED,
        wrong: |sizes, _, dy| centred(sizes, dy, 0),
        diagnosis: |found| *found == Diagnosis::WrongAxis { right: vec![1], taken: vec![0] },
        says: "an output depends on elements along axis 1, and backward spreads its gradient along axis 0",
        values: plain,
    },
    Lesson {
        name: "a transposed gradient",
        shape: &[4, 4],
        right: MATRIX,
        wrong: |sizes, x, dy| transposed(sizes, &(MATRIX.backward)(sizes, x, dy)),
        diagnosis: |found| *found == Diagnosis::AxesExchanged([0, 1]),
        says: "a transposed gradient: it is the right one with axes 0 and 1 exchanged",
        values: plain,
    },
    Lesson {
        name: "a missing sum over a broadcast axis",
        shape: &[3],
        right: BIAS,
        wrong: |_, x, dy| (0..x.len()).map(|c| dy[c] * 2.0 * x[c]).collect(),
        diagnosis: |found| *found == Diagnosis::SumMissing { counted: 1, of: 4 },
        says: "a missing sum: of the 4 outputs compared that the element enters, 1 count, as where",
        values: plain,
    },
    Lesson {
        name: "one boundary pixel",
        shape: &[5, 6],
        right: BLUR,
        wrong: |sizes, x, dy| {
            let mut dx = (BLUR.backward)(sizes, x, dy);
            *dx.last_mut().unwrap() -= dy[dy.len() - 2] * 2.0;
            dx
        },
        diagnosis: |found| *found == Diagnosis::Single(vec![0, 1]),
        says: "a boundary: this element alone is wrong, at the end of axes 0 and 1",
        values: plain,
    },
    Lesson {
        name: "padding only",
        shape: &[5, 6],
        right: BLUR,
        wrong: |sizes, _, dy| blurred(sizes, dy, 1),
        diagnosis: |found| *found == Diagnosis::Border { width: 1, axes: vec![0, 1] },
        says: "a border, such as padding: elements within 1 of the ends of axes 0 and 1 alone are wrong",
        values: plain,
    },
    Lesson {
        name: "ties",
        shape: &[2, 4],
        right: GREATEST,
        wrong: |sizes, x, dy| shared(sizes, x, dy, |_| 1.0),
        diagnosis: |found| {
            matches!(found, Diagnosis::NoDerivative { below, above, tie: Some(_) }
            if *below == 0.0 && (above - 1.0).abs() < 1e-6)
        },
        says: "a point without a derivative: the slope is 0 below and 1 above; a tie, as [",
        values: with_ties,
    },
    Lesson {
        name: "a constant",
        shape: &[2, 3],
        right: SINE,
        wrong: |_, x, dy| each(x, dy, |x| x.cos() + 0.25),
        diagnosis: |found| matches!(found, Diagnosis::Offset(c) if (c - 0.25).abs() < 1e-6),
        says: "a constant: every derivative is too great by 0.25",
        values: plain,
    },
];

#[test]
fn ten_faults_are_found_and_named_and_their_right_twins_pass() {
    for lesson in LESSONS {
        for full in [false, true] {
            let settings = Gradcheck { full, ..Gradcheck::default() };
            let run = |taught: Taught| {
                let x = Tensor::from_fn(lesson.shape, lesson.values).unwrap();
                settings.run(|v| apply(taught, [&v[0]]), &[x]).unwrap()
            };
            let right = run(lesson.right);
            assert!(right.passed() && right.diagnosis.is_none(), "{}: {right}", lesson.name);
            let report = run(Taught { backward: lesson.wrong, ..lesson.right });
            assert!(report.wrong.is_some(), "{}: {report}", lesson.name);
            let diagnosis = report.diagnosis.clone();
            assert!(diagnosis.as_ref().is_some_and(lesson.diagnosis), "{} (full: {full}): {report}", lesson.name);
            assert!(report.to_string().contains(lesson.says), "{}: {report}", lesson.name);
        }
    }
}

/// Where a sample cannot hold all elements, the same faults look the same.
#[test]
fn faults_of_larger_tensors_are_named_too() {
    for lesson in LESSONS {
        let shape: &[usize] = match lesson.shape {
            [_] => &[60],
            [n, m] if n == m => &[11, 11],
            // Of two equal ones each is half of the mean of both slopes, of more not.
            [2, 4] => &[12, 4],
            [_, 4] => &[9, 12],
            _ => &[12, 13],
        };
        let x = Tensor::from_fn(shape, lesson.values).unwrap();
        let run = |backward| {
            let report = gradcheck(|v| apply(Taught { backward, ..lesson.right }, [&v[0]]), std::slice::from_ref(&x));
            report.unwrap()
        };
        assert!(run(lesson.right.backward).passed(), "{}", lesson.name);
        let report = run(lesson.wrong);
        let kind = report.diagnosis.as_ref().map(ToString::to_string);
        let kind = kind.as_ref().and_then(|says| says.split(':').next());
        assert!(kind.is_some_and(|kind| lesson.names(kind)), "{}: {report}", lesson.name);
    }
}
