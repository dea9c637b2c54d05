//! Values as they are typed: numbers are refused, by what they may be, while the argument is still known that they were given to.

use evograd::Error;
use evograd::search::expect_number;
use std::fmt::Debug;
use std::str::FromStr;

/// Reads a whole number from the first to the last.
pub fn whole<T: TryFrom<u64>>(
    low: u64,
    high: u64,
) -> impl Fn(&str) -> Result<T, String> + Clone + Send + Sync + 'static {
    move |text| {
        let number = text.parse().ok().filter(|number| (low..=high).contains(number));
        let number = number.and_then(|number| T::try_from(number).ok());
        number.ok_or_else(|| format!("use a whole number from {low} to {high}"))
    }
}

/// Reads a number of at least 0, or above 0.
pub fn at_least_0(text: &str) -> Result<f64, String> {
    let number = text.parse().ok().filter(|number| *number >= 0.0 && f64::is_finite(*number));
    number.ok_or_else(|| "use a finite number of at least 0".into())
}

/// The same without 0.
pub fn above_0(text: &str) -> Result<f64, String> {
    at_least_0(text).ok().filter(|number| *number > 0.0).ok_or_else(|| "use a finite number above 0".into())
}

/// A text as the value of a setting, which stays a text where it looks like a number.
pub fn text(text: &str) -> String {
    toml::Value::String(text.into()).to_string()
}

/// Reads what has a way of being written; what was typed is not said once more.
pub fn written<T: FromStr<Err = Error>>(text: &str) -> Result<T, String> {
    text.parse().map_err(|error| match error {
        Error::Op { remedy, .. } => remedy,
        other => other.to_string(),
    })
}

/// Reads a number for a setting, within the range that it has.
pub fn setting<T: FromStr + Debug>(
    key: &'static str,
) -> impl Fn(&str) -> Result<T, String> + Clone + Send + Sync + 'static {
    move |text| match text.parse::<T>() {
        Ok(number) => expect_number(key, &format!("{number:?}")).map(|()| number),
        Err(_) => Err(expect_number(key, text).err().unwrap_or_else(|| "use an ordinary number".into())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_refused_by_what_it_may_be() {
        for text in ["", "-1", "0", "4", "1.5", "x", "nan", "18446744073709551616"] {
            assert_eq!(whole::<u32>(1, 3)(text), Err("use a whole number from 1 to 3".into()), "{text}");
        }
        assert_eq!([whole::<u32>(1, 3)("1"), whole::<u32>(1, 3)("3")], [Ok(1), Ok(3)]);
        for text in ["", "-1", "0", "5000000", "1.5", "x", "nan", "99999999999999999999", "0x10"] {
            let refusal = setting::<u32>("training.epochs")(text).unwrap_err();
            assert!(refusal == "use a whole number from 1 to 1000000" || text == "0x10", "{text}: {refusal}");
        }
        let refusal = written::<evograd::search::Budget>("5parsecs").unwrap_err();
        assert!(refusal.starts_with("give a number of trainings") && !refusal.contains("parsecs"), "{refusal}");
        for text in ["nan", "inf", "-1", "x", "1e39"] {
            assert!(
                setting::<f64>("optimizer.rate")(text).is_err_and(|refusal| refusal.contains("at least 0")),
                "{text}"
            );
        }
        assert_eq!(setting::<f64>("optimizer.rate")(".5"), Ok(0.5));
        assert!(above_0("0").is_err() && at_least_0("0").is_ok() && at_least_0("inf").is_err());
    }
}
