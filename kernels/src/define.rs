//! The two ways to write a kernel: [`kernel!`] for any algorithm, [`lanewise!`] for one that treats every element alike.

/// Defines safe entry points and the bodies behind them, each written once for every instruction set.
///
/// ```text
/// kernel! {
///     trait SumKernels;
///     /// The sum of `x`.
///     pub fn sum(x: &[E]) -> E |s| { … s.load(x) … }
/// }
/// ```
/// makes `pub fn sum<E: SumKernels<E>>(isa: Isa, x: &[E]) -> E`; the body sees the arguments, the element type `E`, the
/// token `s` and its type `S`.
///
/// The trait is how a kernel gets compiled **here**, for both element types and every instruction set: its methods are
/// not generic, and [`Element`](crate::Element) has it among its supertraits. A generic function would be compiled anew
/// in every crate that calls it.
macro_rules! kernel {
    (trait $kernels:ident; $(
        $(#[$attribute:meta])*
        pub fn $name:ident($($arg:ident: $type:ty),* $(,)?) $(-> $output:ty)? |$s:ident| $body:block
    )+) => {
        /// The kernels of this file for the element type `E`.
        #[doc(hidden)]
        pub trait $kernels<E> {
            $(#[doc(hidden)] fn $name(isa: $crate::isa::Isa, $($arg: $type),*) $(-> $output)?;)+
        }
        kernel!(@compile f32 $kernels $(fn $name($($arg: $type),*) $(-> $output)? |$s| $body)+);
        kernel!(@compile f64 $kernels $(fn $name($($arg: $type),*) $(-> $output)? |$s| $body)+);
        $(
            $(#[$attribute])*
            pub fn $name<E: $kernels<E>>(isa: $crate::isa::Isa, $($arg: $type),*) $(-> $output)? {
                <E as $kernels<E>>::$name(isa, $($arg),*)
            }
        )+
    };
    (@compile $element:ident $kernels:ident $(
        fn $name:ident($($arg:ident: $type:ty),*) $(-> $output:ty)? |$s:ident| $body:block
    )+) => {
        const _: () = {
            #[allow(unused_imports, reason = "not every body names a constant or method of the element type")]
            use $crate::number::Number as _;
            type E = $element;
            impl $kernels<E> for E {$(
                fn $name(isa: $crate::isa::Isa, $($arg: $type),*) $(-> $output)? {
                    struct Body<T>(T);
                    #[allow(unused_parens, reason = "the output of a kernel that returns nothing")]
                    impl $crate::simd::Kernel<E> for Body<($($type,)*)> {
                        type Output = ($($output)?);
                        #[inline(always)]
                        fn run<S: $crate::simd::Simd<Elem = E>>(self, $s: S) -> Self::Output {
                            let Body(($($arg,)*)) = self;
                            $body
                        }
                    }
                    <E as $crate::dispatch::Dispatch>::dispatch(isa, Body(($($arg,)*)))
                }
            )+}
        };
    };
}

/// Defines a kernel that treats every element alike: inputs and scalars in, outputs over their old contents.
///
/// ```text
/// lanewise! {
///     trait ScaleKernels;
///     /// `y = a·x`
///     pub fn scale(x; a) -> (y) |s| { [s.mul(x, a)] }
///     /// `y += x`
///     pub fn accumulate(x;) => (y) |s| { [s.add(y, x)] }
///     /// `y = a·x + b`, with a struct of scalars
///     pub fn line(x;; line: Line { a, b }) -> (y) |s| { [s.mul_add(x, a, b)] }
/// }
/// ```
/// With `->` the outputs are only written; with `=>` the body also sees their old lanes under the same names. Inside
/// the body every name is a vector, and its value is the array of the outputs' vectors. All slices must be equally
/// long. The tail runs the same lanes on a padded copy, so a value does not depend on its index.
macro_rules! lanewise {
    (trait $kernels:ident; $(
        $(#[$attribute:meta])*
        pub fn $name:ident(
            $($x:ident),*; $($scalar:ident),* $(; $($set:ident: $scalars:ident { $($field:ident),+ }),+)?
        ) $arrow:tt ($($y:ident),+) |$s:ident| $body:block
    )+) => {
        kernel! { trait $kernels; $(
            $(#[$attribute])*
            ///
            /// # Panics
            /// When the slices are not all equally long.
            pub fn $name($($x: &[E],)* $($scalar: E,)* $($($set: $scalars<E>,)+)? $($y: &mut [E]),+) |$s| {
                let lens = [$($x.len(),)* $($y.len()),+];
                assert!(lens.iter().all(|len| *len == lens[0]), "{}: slices of lengths {lens:?}", stringify!($name));
                $(let $scalar = $s.splat($scalar);)*
                $($($(let $field = $s.splat($set.$field);)+)+)?
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
        )+ }
    };
    (@old -> $($load:stmt;)+) => {};
    (@old => $($load:stmt;)+) => { $($load)+ };
}
