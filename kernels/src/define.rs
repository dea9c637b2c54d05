//! The two ways to write a kernel: [`kernel!`] for any algorithm, [`lanewise!`] for one that treats every element alike.

/// Defines a safe entry point and the body behind it, written once for every instruction set.
///
/// ```text
/// kernel! {
///     /// The sum of `x`.
///     pub fn sum(x: &[E]) -> E |s| { … s.load(x) … }
/// }
/// ```
/// makes `pub fn sum<E: Element>(isa: Isa, x: &[E]) -> E`; the body sees the arguments, the element type `E`, the
/// token `s` and its type `S`.
macro_rules! kernel {
    ($(
        $(#[$attribute:meta])*
        $visibility:vis fn $name:ident($($arg:ident: $type:ty),* $(,)?) $(-> $output:ty)? |$s:ident| $body:block
    )+) => {$(
        $(#[$attribute])*
        #[allow(clippy::too_many_arguments, reason = "a kernel takes slices and sizes, not objects")]
        $visibility fn $name<E: $crate::Element>(isa: $crate::Isa, $($arg: $type),*) $(-> $output)? {
            struct Body<T>(T);
            #[allow(unused_parens, reason = "the output of a kernel that returns nothing")]
            impl<E: $crate::Element> $crate::simd::Kernel<E> for Body<(std::marker::PhantomData<E>, $($type),*)> {
                type Output = ($($output)?);
                #[inline(always)]
                fn run<S: $crate::simd::Simd<Elem = E>>(self, $s: S) -> Self::Output {
                    let Body((_, $($arg),*)) = self;
                    $body
                }
            }
            E::dispatch(isa, Body((std::marker::PhantomData, $($arg),*)))
        }
    )+};
}

/// Defines a kernel that treats every element alike: inputs and scalars in, outputs over their old contents.
///
/// ```text
/// lanewise! {
///     /// `y = a·x`
///     pub fn scale(x; a) -> (y) |s| { [s.mul(x, a)] }
///     /// `y += x`
///     pub fn accumulate(x;) => (y) |s| { [s.add(y, x)] }
/// }
/// ```
/// With `->` the outputs are only written; with `=>` the body also sees their old lanes under the same names. Inside
/// the body every name is a vector, and its value is the array of the outputs' vectors. All slices must be equally long. The tail runs the same lanes on a padded copy,
/// so a value does not depend on its index.
macro_rules! lanewise {
    ($(
        $(#[$attribute:meta])*
        pub fn $name:ident($($x:ident),*; $($scalar:ident),*) $arrow:tt ($($y:ident),+) |$s:ident| $body:block
    )+) => {$(
        kernel! {
            $(#[$attribute])*
            ///
            /// # Panics
            /// When the slices are not all equally long.
            pub fn $name($($x: &[E],)* $($scalar: E,)* $($y: &mut [E]),+) |$s| {
                let lens = [$($x.len(),)* $($y.len()),+];
                assert!(lens.iter().all(|len| *len == lens[0]), "{}: slices of lengths {lens:?}", stringify!($name));
                $(let $scalar = $s.splat($scalar);)*
                let whole = lens[0] - lens[0] % S::LANES;
                for i in (0..whole).step_by(S::LANES) {
                    let lanes = i..i + S::LANES;
                    let values = {
                        $(let $x = $s.load(&$x[lanes.clone()]);)*
                        lanewise!(@old $arrow $(let $y = $s.load(&$y[lanes.clone()]);)+);
                        $body
                    };
                    let outputs = [$(&mut *$y),+];
                    for n in 0..outputs.len() {
                        $s.store(values[n], &mut outputs[n][lanes.clone()]);
                    }
                }
                if whole < lens[0] {
                    let values = {
                        $(let $x = $s.load_tail(&$x[whole..]);)*
                        lanewise!(@old $arrow $(let $y = $s.load_tail(&$y[whole..]);)+);
                        $body
                    };
                    let outputs = [$(&mut *$y),+];
                    for n in 0..outputs.len() {
                        $s.store_tail(values[n], &mut outputs[n][whole..]);
                    }
                }
            }
        }
    )+};
    (@old -> $($load:stmt;)+) => {};
    (@old => $($load:stmt;)+) => { $($load)+ };
}
