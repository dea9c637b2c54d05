//! Products of two tensors in Einstein's notation.
//!
//! **Formula** `einsum("bij,bjk->bik")` is `y[b, i, k] = Σⱼ a[b, i, j]·x[b, j, k]`: a letter is an index, of one size wherever it
//! stands; the products are summed over the letters that are not behind the arrow, and the result has its axes in the order there.
//!
//! **Shapes** as many letters for each factor as it has axes, up to eight behind the arrow; a letter stands once in each factor, so
//! there are no diagonals, and blanks count for nothing.
//!
//! **Gradient** that of the operations it is made of. With the letters in four kinds (of both factors and the result: *batch*; of both
//! factors alone: *inner*; of one factor and the result: its *own*; of one factor alone: summed first, by `sum`) it is `matmul` of
//! `[batch, own, inner]` and `[batch, inner, own]`, and `transpose` where axes are in another order. A factor whose own and inner
//! letters have changed places is read as its transpose, which costs nothing. Without inner letters it is `mul` of `[batch, own, 1]` and
//! `[batch, 1, own]`, and without own ones `mul` and `sum` of `[batch, inner]`: there, products of matrices would have one element each.
//!
//! **Kept for backward** what they keep: both factors, in the order of the product.
//!
//! **Source** Einstein, *The foundation of the general theory of relativity*, 1916; NumPy's `einsum`.

use super::matmul::Transpose;
use super::support::catalogue::{Large, Row, case};
use super::support::reduction::ReducedAxes;
use crate::error::{Error, Result};
use crate::shape::Shape;
use crate::tape::Var;
use evograd_kernels::Element;

pub(super) const ROW: Row = Row {
    name: "einsum",
    formula: "y[b, i, k] = sum over j of a[b, i, j]·x[b, j, k], for bij,bjk->bik",
    nondifferentiable: "",
    f32_bound: 12.0,
    draw: |draw| {
        let equation = draw.pick(DRAWN);
        let sizes = ['b', 'i', 'j', 'k', 'l'].map(|letter| (letter, draw.size(1, 4)));
        let size = |letter| sizes.iter().find(|(own, _)| *own == letter).expect("drawn of these letters").1;
        let (a, b) = equation.split("->").next().and_then(|factors| factors.split_once(',')).expect("two factors");
        let shape = |letters: &str| letters.chars().map(size).collect::<Vec<_>>();
        // Coarse numbers, whose sums are exact also where they cancel.
        let inputs = [a, b].map(|letters| draw.coarse(shape(letters).as_slice()));
        case!(inputs, equation, |v| v[0].einsum(equation, &v[1]))
    },
    large: Large { shapes: &[&[3, 259, 130], &[3, 130, 70]], run: |v| v[0].einsum("bij,bjk->kib", &v[1]) },
};

/// Every kind of letter, present and absent, in every order.
const DRAWN: &[&str] = &[
    "ij,jk->ik",
    "bij,bjk->bik",
    "bji,bkj->bik",
    "bij,jk->kbi",
    "i,i->",
    "i,j->ji",
    "bij,bij->b",
    "ij,ij->ij",
    "ij,k->jk",
    "ij,jkl->ki",
    "ij,kl->",
    "bijk,bjl->klib",
    ",ij->ji",
    "jib,kbj->ikb",
    "ibj,jib->b",
    "bi,kb->kbi",
];

/// An equation, taken apart.
struct Equation {
    factors: [Vec<char>; 2],
    result: Vec<char>,
}

/// What is wrong with an equation, and what would be right.
type Fault = (String, &'static str);

impl Equation {
    /// The parts of a text such as `bij,bjk->bik`.
    fn parse(text: &str) -> std::result::Result<Equation, Fault> {
        let form = "write it as \"bij,bjk->bik\"";
        let fault = |problem: &str| (format!("{problem} in {text:?}"), form);
        let (factors, result) = text.split_once("->").ok_or_else(|| fault("there is no arrow"))?;
        let letters = |part: &str| part.chars().filter(|letter| !letter.is_whitespace()).collect::<Vec<_>>();
        let factors: Vec<Vec<char>> = factors.split(',').map(letters).collect();
        let count = factors.len();
        let factors: [_; 2] = factors.try_into().map_err(|_| fault(&format!("there are {count} factors, not two")))?;
        let equation = Equation { factors, result: letters(result) };
        for part in equation.factors.iter().chain([&equation.result]) {
            for (i, letter) in part.iter().enumerate() {
                if !letter.is_ascii_alphabetic() {
                    return Err(fault(&format!("{letter:?} is no letter from a to z or A to Z")));
                }
                if part[..i].contains(letter) {
                    let problem = format!("{letter:?} stands twice in one part of {text:?}");
                    return Err((problem, "give each axis of a factor and of the result a letter of its own"));
                }
            }
        }
        match equation.result.iter().find(|letter| equation.factors.iter().all(|factor| !factor.contains(letter))) {
            Some(letter) => {
                Err((format!("{letter:?} of the result is in no factor of {text:?}"), "take it from a factor"))
            }
            None => Ok(equation),
        }
    }

    /// The size of a letter, where factors have it.
    fn size(&self, letter: char, shapes: [&Shape; 2]) -> [Option<usize>; 2] {
        [0, 1].map(|i| {
            let place = self.factors[i].iter().position(|own| *own == letter)?;
            shapes[i].sizes().get(place).copied()
        })
    }

    /// Whether factors of these shapes have an axis for each letter, of one size where both have it.
    fn expect_to_fit(&self, shapes: [&Shape; 2]) -> std::result::Result<(), Fault> {
        for (factor, (letters, shape)) in ["a", "b"].into_iter().zip(self.factors.iter().zip(shapes)) {
            if letters.len() != shape.rank() {
                let problem = format!("{factor} has {} axes and {} letters", shape.rank(), letters.len());
                return Err((problem, "give as many letters as there are axes"));
            }
        }
        for letter in &self.factors[0] {
            if let [Some(a), Some(b)] = self.size(*letter, shapes)
                && a != b
            {
                let problem = format!("{letter:?} has size {a} in a and {b} in b");
                return Err((problem, "give an index one size, or two letters"));
            }
        }
        Ok(())
    }

    /// The letters of a factor that the other one and the result have, or have not, in the order of that factor.
    fn kind(&self, factor: usize, in_other: bool, in_result: bool) -> Vec<char> {
        let of_kind = |letter: &&char| {
            self.factors[1 - factor].contains(letter) == in_other && self.result.contains(letter) == in_result
        };
        self.factors[factor].iter().filter(of_kind).copied().collect()
    }
}

/// A tensor with a letter for each axis.
struct Lettered<E: Element> {
    x: Var<E>,
    letters: Vec<char>,
}

impl<E: Element> Lettered<E> {
    /// The sum over some letters.
    fn without(self, summed: &[char]) -> Result<Lettered<E>> {
        if summed.is_empty() {
            return Ok(self);
        }
        let (gone, letters): (Vec<_>, Vec<_>) =
            self.letters.iter().copied().enumerate().partition(|(_, letter)| summed.contains(letter));
        let axes: Vec<usize> = gone.into_iter().map(|(axis, _)| axis).collect();
        let letters = letters.into_iter().map(|(_, letter)| letter).collect();
        Ok(Lettered { x: self.x.sum(&axes, ReducedAxes::Dropped)?, letters })
    }

    /// The same with its axes in the order of these letters.
    fn ordered(self, letters: &[char]) -> Result<Lettered<E>> {
        if self.letters == letters {
            return Ok(self);
        }
        let place =
            |letter| self.letters.iter().position(|own| own == letter).expect("the same letters in another order");
        let axes: Vec<usize> = letters.iter().map(place).collect();
        Ok(Lettered { x: self.x.transpose(&axes)?, letters: letters.to_vec() })
    }

    /// A stack of matrices `[batch, rows, columns]`, and whether it is of their transposes `[batch, columns, rows]`, as this tensor's
    /// axes may have it already.
    fn matrices(self, [batch, rows, columns]: [&[char]; 3]) -> Result<(Var<E>, bool)> {
        let transposed = self.letters == [batch, columns, rows].concat();
        let parts = if transposed { [batch, columns, rows] } else { [batch, rows, columns] };
        Ok((self.grouped(parts)?, transposed))
    }

    /// The same with one axis for each part of its letters; of a part without letters it has the size 1.
    fn grouped<const P: usize>(self, parts: [&[char]; P]) -> Result<Var<E>> {
        let ordered = self.ordered(&parts.concat())?;
        let mut sizes = ordered.x.value().shape().sizes().iter();
        let stack = parts.map(|part| sizes.by_ref().take(part.len()).product::<usize>());
        ordered.x.reshape(stack)
    }
}

impl<E: Element> Var<E> {
    /// The sums of products of `self` and `b` that `equation` says in Einstein's notation: `"bij,bjk->bik"` is a product of stacks of
    /// matrices.
    ///
    /// ```
    /// use evograd::{Tensor, Var};
    /// let a = Var::constant(Tensor::from_vec([2, 2], vec![1.0_f32, 2.0, 3.0, 4.0])?);
    /// let b = Var::constant(Tensor::from_vec([2], vec![10.0, 1.0])?);
    /// assert_eq!(a.einsum("ij,j->i", &b)?.value().as_slice(), [12.0, 34.0]);
    /// assert_eq!(a.einsum("ij,j->ji", &b)?.value().as_slice(), [10.0, 30.0, 2.0, 4.0]);
    /// assert_eq!(a.einsum("ij,ij->", &a)?.item()?, 30.0);
    /// # Ok::<(), evograd::Error>(())
    /// ```
    ///
    /// # Errors
    /// When `equation` is none, a letter stands twice in a factor or in the result, the letters are not as many as the axes, a letter has
    /// two sizes, or the result has too many axes or elements.
    pub fn einsum(&self, equation: &str, b: &Var<E>) -> Result<Var<E>> {
        let shapes = [self.value().shape(), b.value().shape()];
        let refuse =
            |(problem, remedy): Fault| Error::op(ROW.name, problem, &[("a", shapes[0]), ("b", shapes[1])], remedy);
        let equation = Equation::parse(equation).map_err(refuse)?;
        equation.expect_to_fit(shapes).map_err(refuse)?;
        product(&equation, [self, b]).map_err(|error| error.at(ROW.name))
    }
}

/// The product of factors that fit the equation.
fn product<E: Element>(equation: &Equation, factors: [&Var<E>; 2]) -> Result<Var<E>> {
    let factor = |i: usize| {
        let whole = Lettered { x: factors[i].clone(), letters: equation.factors[i].clone() };
        whole.without(&equation.kind(i, false, false))
    };
    let (batch, inner) = (equation.kind(0, true, true), equation.kind(0, true, false));
    let [rows, columns] = [0, 1].map(|i| equation.kind(i, false, true));
    let sizes: Vec<usize> = [&batch, &rows, &columns]
        .into_iter()
        .flatten()
        .filter_map(|letter| {
            let [a, b] = equation.size(*letter, factors.map(|factor| factor.value().shape()));
            a.or(b)
        })
        .collect();
    let (a, b) = (factor(0)?, factor(1)?);
    let y = if inner.is_empty() {
        a.grouped([&batch, &rows, &[]])?.mul(&b.grouped([&batch, &[], &columns])?)?
    } else if rows.is_empty() && columns.is_empty() {
        a.grouped([&batch, &inner])?.mul(&b.grouped([&batch, &inner])?)?.sum(&[1], ReducedAxes::Dropped)?
    } else {
        let (a, a_transposed) = a.matrices([&batch, &rows, &inner])?;
        let (b, b_transposed) = b.matrices([&batch, &inner, &columns])?;
        a.matmul_with(&b, Transpose { a: a_transposed, b: b_transposed })?
    };
    let letters = [batch, rows, columns].concat();
    Ok(Lettered { x: y.reshape(sizes.as_slice())?, letters }.ordered(&equation.result)?.x)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Tensor;

    /// The definition: for every value of every letter, one product.
    fn definition(equation: &str, factors: [&Tensor<f64>; 2]) -> Vec<f64> {
        let parts: Vec<Vec<char>> = equation.replace("->", ",").split(',').map(|part| part.chars().collect()).collect();
        let mut letters: Vec<(char, usize)> = Vec::new();
        for (part, factor) in parts.iter().zip(factors) {
            for (letter, size) in part.iter().zip(factor.shape().sizes()) {
                if !letters.contains(&(*letter, *size)) {
                    letters.push((*letter, *size));
                }
            }
        }
        let size = |letter: &char| letters.iter().find(|(own, _)| own == letter).unwrap().1;
        let mut y = vec![0.0; parts[2].iter().map(size).product()];
        for case in 0..letters.iter().map(|(_, size)| size).product() {
            let mut rest: usize = case;
            let values: Vec<(char, usize)> = letters
                .iter()
                .map(|(letter, size)| {
                    let value = rest % size;
                    rest /= size;
                    (*letter, value)
                })
                .collect();
            let index = |part: &[char]| -> Vec<usize> {
                part.iter().map(|letter| values.iter().find(|(own, _)| own == letter).unwrap().1).collect()
            };
            let place = index(&parts[2]).iter().zip(&parts[2]).fold(0, |place, (i, letter)| place * size(letter) + i);
            y[place] += factors[0].at(&index(&parts[0])).unwrap() * factors[1].at(&index(&parts[1])).unwrap();
        }
        y
    }

    #[test]
    fn every_equation_agrees_with_the_definition() {
        for equation in DRAWN.iter().chain(&["jb,bj->jb", "bijkl,lkjbi->jb"]) {
            let (a, b) = equation.split_once("->").unwrap().0.split_once(',').unwrap();
            let tensor = |letters: &str, seed: usize| {
                let sizes: Vec<usize> = letters.chars().map(|letter| 2 + letter as usize % 3).collect();
                Tensor::from_fn(sizes.as_slice(), |i| ((i * 7 + seed) % 11) as f64 - 5.0).unwrap()
            };
            let (a, b) = (tensor(a, 1), tensor(b, 2));
            let y = Var::constant(a.clone()).einsum(equation, &Var::constant(b.clone())).unwrap();
            assert_eq!(y.value().as_slice(), definition(equation, [&a, &b]), "{equation}");
        }
    }

    #[test]
    fn what_is_no_equation_or_does_not_fit_is_named() {
        let zeros = |shape: &[usize]| Var::constant(Tensor::<f32>::zeros(shape).unwrap());
        let text = |equation| zeros(&[2, 3]).einsum(equation, &zeros(&[4, 5])).unwrap_err().to_string();
        assert_eq!(
            text("ij,jk->ik"),
            "einsum: 'j' has size 3 in a and 4 in b (a [2, 3], b [4, 5]); give an index one size, or two letters"
        );
        assert_eq!(
            text("ij,kk->ik"),
            "einsum: 'k' stands twice in one part of \"ij,kk->ik\" (a [2, 3], b [4, 5]); \
             give each axis of a factor and of the result a letter of its own"
        );
        assert_eq!(
            text("ijk,kl->il"),
            "einsum: a has 2 axes and 3 letters (a [2, 3], b [4, 5]); give as many letters as there are axes"
        );
        assert_eq!(
            text("ij,kl->im"),
            "einsum: 'm' of the result is in no factor of \"ij,kl->im\" (a [2, 3], b [4, 5]); take it from a factor"
        );
        assert!(text("ij,kl").contains("there is no arrow in \"ij,kl\""));
        assert!(text("ij->ij").contains("there are 1 factors, not two"));
        assert!(text("i…,kl->ik").contains("'…' is no letter from a to z"));
        assert_eq!(
            zeros(&[2, 3]).einsum(" i j, k l -> k i ", &zeros(&[4, 5])).unwrap().value().shape().sizes(),
            [4, 2]
        );
    }

    #[test]
    fn a_result_with_too_many_axes_is_an_error() {
        let x = Var::constant(Tensor::<f32>::zeros([1; 5]).unwrap());
        let error = x.einsum("abcde,fghij->abcdefghij", &x).unwrap_err().to_string();
        assert!(error.starts_with("einsum") && error.contains("axes"), "{error}");
    }
}
