//! How numbers are written for people. Knows nothing else.

/// A number with a comma before each three digits.
///
/// ```
/// use evograd::report::grouped;
/// assert_eq!([0, 123, 1234, 1_234_567].map(grouped), ["0", "123", "1,234", "1,234,567"]);
/// ```
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// So many of a thing, with the ending that it has where they are not one.
///
/// ```
/// use evograd::report::counted;
/// assert_eq!([0, 1, 1234].map(|count| counted(count, "epoch")), ["0 epochs", "1 epoch", "1,234 epochs"]);
/// assert_eq!(["class", "search"].map(|what| counted(2, what)), ["2 classes", "2 searches"]);
/// ```
pub fn counted(count: u64, what: &str) -> String {
    // A search hisses; an epoch does not.
    let hissing = what.ends_with('s') || what.ends_with("rch");
    let ending = if count == 1 { "" } else { ["s", "es"][usize::from(hissing)] };
    format!("{} {what}{ending}", grouped(count))
}
