//! How wide the terminal is that a text goes to. Knows no text.

use std::io::IsTerminal;

/// Where neither the terminal nor the environment says.
const DEFAULT: u16 = 80;

/// The columns of the terminal that standard output is; `None` where it is a file or a pipe.
pub fn of_output() -> Option<usize> {
    let stdout = std::io::stdout();
    stdout.is_terminal().then(|| of(columns_of(&stdout)))
}

/// The width of a terminal of which the system says that it has so many columns.
pub fn of(columns: u16) -> usize {
    chosen(columns, std::env::var("COLUMNS").ok().as_deref())
}

/// The width: that of the terminal, or where it has none that of `COLUMNS`, or else the default.
fn chosen(columns: u16, variable: Option<&str>) -> usize {
    let said = variable.and_then(|text| text.trim().parse().ok());
    [Some(columns), said].into_iter().flatten().find(|columns| *columns > 0).unwrap_or(DEFAULT).into()
}

/// What the system says of a terminal, which may have columns and no rows; 0 where it does not know.
#[cfg(unix)]
pub fn columns_of(terminal: &impl std::os::fd::AsFd) -> u16 {
    rustix::termios::tcgetwinsize(terminal).map_or(0, |size| size.ws_col)
}

/// Other systems know the width of their console as a whole.
#[cfg(not(unix))]
pub fn columns_of<T>(_: &T) -> u16 {
    console::Term::stdout().size_checked().map_or(0, |(_, columns)| columns)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_terminal_comes_before_the_environment_before_the_default() {
        for (columns, variable, expected) in [
            (120, Some("60"), 120),
            (120, None, 120),
            (0, Some("60"), 60),
            (0, Some(" 60 "), 60),
            (0, Some("0"), 80),
            (0, Some("-5"), 80),
            (0, Some("wide"), 80),
            (0, Some(""), 80),
            (0, Some("99999"), 80),
            (0, None, 80),
        ] {
            assert_eq!(chosen(columns, variable), expected, "{columns} {variable:?}");
        }
    }
}
