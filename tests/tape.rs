//! The engine: what the tape records, releases and refuses.

use evograd::{Gradients, Op, Result, Shape, Tape, Tensor, Var, apply, checked, no_grad};
use std::cell::Cell;
use std::rc::{Rc, Weak};

fn vector(values: &[f64]) -> Tensor<f64> {
    Tensor::from_slice([values.len()], values).unwrap()
}

fn gradient<'a>(gradients: &'a Gradients<f64>, leaf: &Var<f64>) -> &'a [f64] {
    gradients.get(leaf).expect("the output depends on this leaf").as_slice()
}

#[test]
fn a_variable_used_twice_gets_the_sum_of_both_gradients() {
    let tape = Tape::new();
    let x = tape.leaf(vector(&[1.0, -2.0]));
    let doubled = x.add(&x).unwrap();
    let y = doubled.add(&x.relu().unwrap()).unwrap();
    let gradients = tape.backward(&y.sum_all().unwrap()).unwrap();
    assert_eq!(gradient(&gradients, &x), [3.0, 2.0]);
}

#[test]
fn the_gradient_of_an_output_handed_in_is_not_changed_by_those_added_to_it() {
    let tape = Tape::new();
    let x = tape.leaf(vector(&[1.0, 2.0]));
    let y = x.add(&x).unwrap();
    let dy = vector(&[1.0, 1.0]);
    let gradients = tape.backward_from(&[(&y, dy.clone()), (&y, dy.clone()), (&x, dy.clone())]).unwrap();
    assert_eq!(gradient(&gradients, &x), [5.0, 5.0]);
    assert_eq!(dy.as_slice(), [1.0, 1.0]);
}

#[test]
fn an_unused_output_and_an_unused_leaf_do_no_harm() {
    let tape = Tape::new();
    let (x, idle) = (tape.leaf(vector(&[3.0])), tape.leaf(vector(&[4.0])));
    let _unused = x.add(&idle).unwrap().relu().unwrap();
    let gradients = tape.backward(&x.add(&x).unwrap()).unwrap();
    assert_eq!(gradient(&gradients, &x), [2.0]);
    assert!(gradients.get(&idle).is_none());
    assert_eq!((tape.len(), tape.is_empty()), (5, false));
}

#[test]
fn a_leaf_may_be_the_loss_and_constants_have_no_gradient() {
    let tape = Tape::new();
    let x = tape.leaf(Tensor::scalar(5.0));
    let constant = Var::constant(Tensor::scalar(1.0));
    let mut gradients = tape.backward(&x).unwrap();
    assert!(gradients.get(&constant).is_none());
    assert_eq!(gradients.take(&x).unwrap().item().unwrap(), 1.0);
    assert!(gradients.get(&x).is_none());
}

#[test]
fn a_leaf_of_another_tape_has_no_gradient_here() {
    let (tape, other) = (Tape::new(), Tape::new());
    let (x, stranger) = (tape.leaf(Tensor::scalar(5.0)), other.leaf(Tensor::scalar(6.0)));
    let gradients = tape.backward(&x.add(&x).unwrap()).unwrap();
    assert!(gradients.get(&stranger).is_none());
}

#[test]
fn several_losses_may_be_added_or_given_together() {
    let losses = |tape: &Tape<f64>| {
        let x = tape.leaf(vector(&[1.0, 2.0, -3.0]));
        let shared = x.relu().unwrap();
        (x, shared.sum_all().unwrap(), shared.add(&shared).unwrap().mean_all().unwrap())
    };
    let tape = Tape::new();
    let (x, first, second) = losses(&tape);
    let added = tape.backward(&first.add(&second).unwrap()).unwrap();
    let expected = [1.0 + 2.0 / 3.0, 1.0 + 2.0 / 3.0, 0.0];
    assert_eq!(gradient(&added, &x), expected);

    let tape = Tape::new();
    let (x, first, second) = losses(&tape);
    let one = Tensor::scalar(1.0);
    let together = tape.backward_from(&[(&first, one.clone()), (&second, one)]).unwrap();
    assert_eq!(gradient(&together, &x), expected);
}

#[test]
fn two_backward_passes_over_disjoint_parts_share_their_leaves() {
    let tape = Tape::new();
    let x = tape.leaf(vector(&[1.0, 2.0]));
    let (first, second) = (x.sum_all().unwrap(), x.mean_all().unwrap());
    assert_eq!(gradient(&tape.backward(&first).unwrap(), &x), [1.0, 1.0]);
    assert_eq!(gradient(&tape.backward(&second).unwrap(), &x), [0.5, 0.5]);
}

#[test]
fn a_second_backward_pass_over_the_same_operation_is_an_error() {
    let tape = Tape::new();
    let x = tape.leaf(vector(&[1.0, 2.0]));
    let shared = x.relu().unwrap();
    let (first, second) = (shared.sum_all().unwrap(), shared.mean_all().unwrap());
    tape.backward(&first).unwrap();
    assert_eq!(
        tape.backward(&second).err().unwrap().to_string(),
        "backward: an earlier backward pass went through this relu and released what it kept; \
         add the losses before going backward, or give all of them to one backward_from"
    );
}

#[test]
fn what_is_no_loss_is_refused() {
    let (tape, other) = (Tape::new(), Tape::new());
    let x = tape.leaf(vector(&[1.0, 2.0]));
    let text = |result: Result<Gradients<f64>>| result.err().unwrap().to_string();
    assert_eq!(
        text(tape.backward(&x)),
        "backward: the loss has several elements (loss [2]); \
         sum or average it first, or give its gradient to backward_from"
    );
    assert_eq!(
        text(tape.backward_from(&[(&x, vector(&[1.0]))])),
        "backward: a gradient has another shape than its value (gradient [1], value [2]); make their shapes equal"
    );
    assert_eq!(
        text(tape.backward(&Var::constant(Tensor::scalar(1.0)))),
        "backward: the output depends on no leaf, or was computed inside no_grad; compute it from leaves of this tape"
    );
    assert_eq!(
        text(other.backward(&x.sum_all().unwrap())),
        "backward: the output was recorded on another tape; compute it from leaves of this tape"
    );
}

#[test]
fn variables_of_two_tapes_do_not_mix() {
    let [x, y] = [1.0, 2.0].map(|value| Tape::new().leaf(Tensor::scalar(value)));
    assert_eq!(
        x.add(&y).unwrap_err().to_string(),
        "add: the inputs were recorded on two tapes; use one tape, or detach one input"
    );
    assert_eq!(x.add(&y.detach()).unwrap().item().unwrap(), 3.0);
}

/// 128 KiB of stack would not hold a call for each of the nodes.
#[test]
fn a_chain_of_200_000_operations_needs_no_stack() {
    let chain = || {
        let tape = Tape::new();
        let (x, one) = (tape.leaf(Tensor::scalar(0.0_f64)), Var::constant(Tensor::scalar(1.0)));
        let last = (0..200_000).try_fold(x.clone(), |y, _| y.add(&one)).unwrap();
        assert_eq!((last.item().unwrap(), tape.len()), (200_000.0, 200_001));
        assert_eq!(tape.backward(&last).unwrap().get(&x).unwrap().item().unwrap(), 1.0);
        let never_gone_back = (0..200_000).try_fold(x, |y, _| y.add(&one)).unwrap();
        drop(tape);
        drop(never_gone_back);
    };
    std::thread::Builder::new().stack_size(128 << 10).spawn(chain).unwrap().join().unwrap();
}

/// The identity. It keeps one share of a counted value, and notes on the way back whether another one is gone.
#[derive(Debug)]
struct Probe {
    kept: Rc<()>,
    other: Weak<()>,
    other_was_gone: Rc<Cell<Option<bool>>>,
}

impl Probe {
    /// A probe, and the sight of what it keeps.
    fn new(other: Weak<()>, other_was_gone: &Rc<Cell<Option<bool>>>) -> (Probe, Weak<()>) {
        let kept = Rc::new(());
        let sight = Rc::downgrade(&kept);
        (Probe { kept, other, other_was_gone: other_was_gone.clone() }, sight)
    }
}

impl Op<f64, 1> for Probe {
    const NAME: &'static str = "probe";
    type Saved = Rc<()>;

    fn output_shape(&self, [x]: [&Shape; 1]) -> Result<Shape> {
        Ok(*x)
    }
    fn forward(&self, [x]: [&Tensor<f64>; 1]) -> (Tensor<f64>, Rc<()>) {
        (x.clone(), self.kept.clone())
    }
    fn backward(&self, _kept: Rc<()>, dy: Tensor<f64>, _: [bool; 1]) -> [Option<Tensor<f64>>; 1] {
        self.other_was_gone.set(Some(self.other.upgrade().is_none()));
        [Some(dy)]
    }
}

#[test]
fn what_an_operation_keeps_is_released_as_soon_as_it_is_consumed() {
    let tape = Tape::new();
    let x = tape.leaf(Tensor::scalar(1.0));
    let (ignored, later_was_gone) = (Rc::default(), Rc::default());
    let (later, later_sight) = Probe::new(Weak::new(), &ignored);
    let (earlier, earlier_sight) = Probe::new(later_sight.clone(), &later_was_gone);
    let y = apply(later, [&apply(earlier, [&x]).unwrap()]).unwrap();
    assert!(earlier_sight.upgrade().is_some() && later_sight.upgrade().is_some(), "kept after forward");
    let gradients = tape.backward(&y).unwrap();
    assert!(earlier_sight.upgrade().is_none() && later_sight.upgrade().is_none(), "released by backward");
    assert_eq!(later_was_gone.get(), Some(true), "released before the next operation's turn");
    assert_eq!(gradient(&gradients, &x), [1.0]);
}

#[test]
fn without_tracking_nothing_is_kept() {
    let tape = Tape::new();
    let (constant, leaf) = (Var::constant(Tensor::scalar(1.0)), tape.leaf(Tensor::scalar(1.0)));
    let run = |x: &Var<f64>| {
        let (probe, sight) = Probe::new(Weak::new(), &Rc::default());
        let _y = apply(probe, [x]).unwrap();
        sight.upgrade().is_some()
    };
    assert!(!run(&constant) && !no_grad(|| run(&leaf)));
    assert!(run(&leaf));
}

#[test]
fn dropping_the_tape_releases_what_was_kept() {
    let tape = Tape::new();
    let (probe, sight) = Probe::new(Weak::new(), &Rc::default());
    let y = apply(probe, [&tape.leaf(Tensor::scalar(1.0))]).unwrap();
    drop(tape);
    assert!(sight.upgrade().is_some(), "the output still holds its tape");
    drop(y);
    assert!(sight.upgrade().is_none());
}

#[test]
fn no_grad_and_detach_cut_the_gradient_off() {
    let tape = Tape::new();
    let x = tape.leaf(vector(&[1.0, 2.0]));
    let cut = no_grad(|| x.add(&x)).unwrap();
    assert!(!cut.is_tracked() && !x.detach().is_tracked());
    assert_eq!(tape.len(), 1);
    let y = x.add(&cut).unwrap().add(&x.detach()).unwrap().sum_all().unwrap();
    assert_eq!(gradient(&tape.backward(&y).unwrap(), &x), [1.0, 1.0]);
}

#[test]
fn the_modes_end_with_their_work_even_where_it_panics() {
    let tape = Tape::<f64>::new();
    let x = tape.leaf(Tensor::scalar(f64::NAN));
    for _ in 0..2 {
        let work = std::panic::AssertUnwindSafe(|| no_grad(|| checked(|| panic!("on purpose"))));
        assert!(std::panic::catch_unwind(work).is_err());
    }
    assert!(x.add(&x).unwrap().is_tracked());
}

/// The identity, with one wrong value on the way there or back.
#[derive(Debug)]
struct Spoil {
    there: bool,
}

impl Op<f64, 1> for Spoil {
    const NAME: &'static str = "spoil";
    type Saved = ();

    fn output_shape(&self, [x]: [&Shape; 1]) -> Result<Shape> {
        Ok(*x)
    }
    fn forward(&self, [x]: [&Tensor<f64>; 1]) -> (Tensor<f64>, ()) {
        let mut y = x.clone();
        if self.there {
            y.as_mut_slice()[1] = f64::NEG_INFINITY;
        }
        (y, ())
    }
    fn backward(&self, (): (), mut dy: Tensor<f64>, _: [bool; 1]) -> [Option<Tensor<f64>>; 1] {
        dy.as_mut_slice()[0] = f64::NAN;
        [Some(dy)]
    }
}

/// The remedy, where the culprit is `before` or `at` the operation.
fn look(place: &str) -> String {
    format!(
        "look {place} this operation for a division by zero, the logarithm or root of a negative number, or a step too large"
    )
}

#[test]
fn checked_mode_names_the_operation_for_inputs_outputs_and_gradients() {
    let tape = Tape::new();
    let x = tape.leaf(vector(&[1.0, 2.0]));
    let nan = Var::constant(vector(&[0.0, f64::NAN]));
    let text = |result: Result<Var<f64>>| result.unwrap_err().to_string();
    assert_eq!(
        text(checked(|| x.add(&nan))),
        format!("add: input 1 holds NaN at [1] (input 0 [2], input 1 [2]); {}", look("before"))
    );
    assert_eq!(
        text(checked(|| apply(Spoil { there: true }, [&x]))),
        format!("spoil: the output holds -inf at [1] (input 0 [2]); {}", look("at"))
    );
    let spoiled = |back: &dyn Fn(&Var<f64>) -> Result<Gradients<f64>>| {
        back(&apply(Spoil { there: false }, [&x]).unwrap().sum_all().unwrap())
    };
    assert_eq!(
        spoiled(&|y| checked(|| tape.backward(y))).err().unwrap().to_string(),
        format!("spoil: a gradient holds NaN at [0] (input 0 [2]); {}", look("at"))
    );
    assert!(gradient(&spoiled(&|y| tape.backward(y)).unwrap(), &x)[0].is_nan(), "unchecked, it goes through");
}
