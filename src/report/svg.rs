//! What all drawings share: text as SVG has it.

/// Letters that every system has.
pub(super) const FONT: &str = "DejaVu Sans, Verdana, Helvetica, sans-serif";

/// Text in which nothing is taken for markup.
pub(super) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
