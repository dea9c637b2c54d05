//! `+`, `−`, `·`, `/` and the sign of variables. Knows the operations that they stand for.
//!
//! An operator gives what its method gives: a result, since shapes may not broadcast and memory may be refused. So that a formula
//! needs a single `?`, a result is an operand too, on either side of a variable: `(&x * &w + &b)?`. Of two results one is opened first,
//! as Rust lets a program define no operator between two types of other crates: `(&a * &b)? + &c * &d`.

use crate::error::Result;
use crate::tape::Var;
use crate::tensor::Tensor;
use evograd_kernels::Element;
use std::ops::{Add, Div, Mul, Neg, Sub};

/// What stands beside an operator.
trait Operand<E: Element> {
    fn variable(self) -> Result<Var<E>>;
}

impl<E: Element> Operand<E> for &Var<E> {
    fn variable(self) -> Result<Var<E>> {
        Ok(self.clone())
    }
}

impl<E: Element> Operand<E> for Var<E> {
    fn variable(self) -> Result<Var<E>> {
        Ok(self)
    }
}

impl<E: Element> Operand<E> for Result<Var<E>> {
    fn variable(self) -> Result<Var<E>> {
        self
    }
}

/// A number broadcasts.
impl<E: Element> Operand<E> for f64 {
    fn variable(self) -> Result<Var<E>> {
        Ok(Var::constant(Tensor::scalar(E::from_f64(self))))
    }
}

/// An operator by its method, between operands of these types.
macro_rules! operator {
    ($operator:ident, $name:ident: $($a:ty, $b:ty);+) => {
        $(impl<E: Element> $operator<$b> for $a {
            type Output = Result<Var<E>>;

            fn $name(self, b: $b) -> Result<Var<E>> {
                Var::$name(&Operand::<E>::variable(self)?, &Operand::<E>::variable(b)?)
            }
        })+
    };
    ($($operator:ident $name:ident),+) => {
        $(operator!(
            $operator, $name:
            &Var<E>, &Var<E>; &Var<E>, Var<E>; &Var<E>, Result<Var<E>>; &Var<E>, f64;
            Var<E>, &Var<E>; Var<E>, Var<E>; Var<E>, Result<Var<E>>; Var<E>, f64;
            Result<Var<E>>, &Var<E>; Result<Var<E>>, Var<E>; f64, &Var<E>; f64, Var<E>
        );)+
    };
}

operator!(Add add, Sub sub, Mul mul, Div div);

impl<E: Element> Neg for &Var<E> {
    type Output = Result<Var<E>>;

    fn neg(self) -> Result<Var<E>> {
        Var::neg(self)
    }
}

impl<E: Element> Neg for Var<E> {
    type Output = Result<Var<E>>;

    fn neg(self) -> Result<Var<E>> {
        Var::neg(&self)
    }
}

#[cfg(test)]
mod tests {
    use crate::{Result, Tape, Tensor, Var};

    #[test]
    fn an_operator_is_its_method() {
        let [a, b] = [[3.0, -2.0], [0.5, 4.0]].map(|x| Var::constant(Tensor::from_vec([2], x.to_vec()).unwrap()));
        let table: [(Result<Var>, [f32; 2]); 11] = [
            (&a + &b, [3.5, 2.0]),
            (&a - &b, [2.5, -6.0]),
            (&a * &b, [1.5, -8.0]),
            (&a / &b, [6.0, -0.5]),
            (-&a, [-3.0, 2.0]),
            (&a + 1.0, [4.0, -1.0]),
            (1.0 - &a, [-2.0, 3.0]),
            (2.0 * &a, [6.0, -4.0]),
            (&a / 2.0, [1.5, -1.0]),
            (&a * &b + &b, [2.0, -4.0]),
            (&a - &b * &b, [2.75, -18.0]),
        ];
        for (number, (found, expected)) in table.into_iter().enumerate() {
            assert_eq!(found.unwrap().value().as_slice(), expected, "{number}");
        }
    }

    #[test]
    fn gradients_flow_through_operators() {
        let tape = Tape::new();
        let [a, b] = [3.0, 5.0].map(|x: f64| tape.leaf(Tensor::scalar(x)));
        let y = ((&a * &b).unwrap() - &a / 2.0).unwrap();
        let gradients = tape.backward(&y).unwrap();
        assert_eq!([&a, &b].map(|x| gradients.get(x).unwrap().item().unwrap()), [4.5, 3.0]);
    }

    /// The error is that of the operation that is wrong, however much stands behind it.
    #[test]
    fn shapes_that_do_not_broadcast_are_an_error_and_no_panic() {
        let [a, b] = [[2], [3]].map(|shape| Var::constant(Tensor::<f32>::zeros(shape).unwrap()));
        let method = a.add(&b).unwrap_err();
        for found in [&a + &b, &a + &b + &a, &a * (&a + &b), &a + &b - &b] {
            assert_eq!(found.unwrap_err(), method);
        }
    }
}
