//! Tables without borders: aligned for people, tab-separated for programs.

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

use crate::style::{Painter, Role};

/// A column's heading and the side its values keep to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Column {
    /// The heading.
    pub(crate) name: &'static str,
    /// Numbers keep to the right.
    pub(crate) is_number: bool,
    /// May be shortened when the line is too long.
    pub(crate) is_flexible: bool,
}

/// A column of texts.
pub(crate) const fn text(name: &'static str) -> Column {
    Column { name, is_number: false, is_flexible: false }
}

/// A column of numbers.
pub(crate) const fn number(name: &'static str) -> Column {
    Column { name, is_number: true, is_flexible: false }
}

/// A column of titles, shortened when the line is too long.
pub(crate) const fn title(name: &'static str) -> Column {
    Column { name, is_number: false, is_flexible: true }
}

/// A cell: its text and, if it is more than plain, its role.
#[derive(Debug, Clone)]
pub(crate) struct Cell {
    text: String,
    role: Option<Role>,
}

impl<T: Into<String>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self { text: text.into(), role: None }
    }
}

/// A cell in a role.
pub(crate) fn cell(role: Role, text: impl Into<String>) -> Cell {
    Cell { text: text.into(), role: Some(role) }
}

/// The columns between two columns.
const GAP: usize = 2;
/// What a flexible column keeps at least.
const MIN_FLEXIBLE: usize = 12;

/// Lines of a table for a terminal of this width; `None` means no terminal: nothing is shortened.
pub(crate) fn render(
    columns: &[Column],
    rows: &[Vec<Cell>],
    painter: Painter,
    width: Option<usize>,
) -> Vec<String> {
    let clean = |text: &str| text.chars().filter(|c| !c.is_control()).collect::<String>();
    let rows: Vec<Vec<Cell>> = rows
        .iter()
        .map(|row| row.iter().map(|cell| Cell { text: clean(&cell.text), role: cell.role }).collect())
        .collect();
    let mut widths: Vec<usize> = columns.iter().map(|column| column.name.width()).collect();
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.text.width());
        }
    }
    if let Some(limit) = width {
        shrink(columns, &mut widths, limit);
    }
    let heading: Vec<Cell> = columns.iter().map(|column| cell(Role::Dim, column.name)).collect();
    std::iter::once(&heading).chain(&rows).map(|row| line(columns, &widths, row, painter)).collect()
}

/// Lines for programs: tab-separated, no heading.
pub(crate) fn render_plain(rows: &[Vec<Cell>]) -> Vec<String> {
    let clean = |cell: &Cell| cell.text.replace(['\t', '\n', '\r'], " ");
    rows.iter().map(|row| row.iter().map(clean).collect::<Vec<_>>().join("\t")).collect()
}

fn shrink(columns: &[Column], widths: &mut [usize], limit: usize) {
    let total: usize = widths.iter().sum::<usize>() + GAP * widths.len().saturating_sub(1);
    let mut over = total.saturating_sub(limit);
    for (column, width) in columns.iter().zip(widths) {
        if column.is_flexible && over > 0 {
            let cut = over.min(width.saturating_sub(MIN_FLEXIBLE));
            *width -= cut;
            over -= cut;
        }
    }
}

fn line(columns: &[Column], widths: &[usize], row: &[Cell], painter: Painter) -> String {
    let mut line = String::new();
    let last = row.len().saturating_sub(1);
    for (index, ((column, width), cell)) in columns.iter().zip(widths).zip(row).enumerate() {
        let text = shorten(&cell.text, *width, painter);
        let pad = " ".repeat(width.saturating_sub(text.width()));
        let painted = cell.role.map_or_else(|| text.clone(), |role| painter.paint(role, &text));
        match (column.is_number, index == last) {
            (true, _) => line.push_str(&format!("{pad}{painted}")),
            (false, true) => line.push_str(&painted),
            (false, false) => line.push_str(&format!("{painted}{pad}")),
        }
        if index != last {
            line.push_str(&" ".repeat(GAP));
        }
    }
    line.truncate(line.trim_end_matches(' ').len());
    line
}

/// A text cut to so many columns, with a sign that it was cut. Wide characters count two.
pub(crate) fn shorten(text: &str, width: usize, painter: Painter) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let sign = painter.ellipsis();
    let room = width.saturating_sub(sign.width());
    let mut used = 0;
    let mut short = String::new();
    for c in text.chars() {
        used += c.width().unwrap_or(0);
        if used > room {
            break;
        }
        short.push(c);
    }
    format!("{}{sign}", short.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Painter = Painter { color: false, unicode: true };

    #[test]
    fn columns_are_aligned_and_titles_shortened() {
        let columns = [text("STATE"), title("TITLE"), number("COST")];
        let rows = vec![
            vec!["running".into(), "A title that is much longer than the others".into(), "$0.31".into()],
            vec!["ok".into(), "日本語の題名".into(), "$12.00".into()],
        ];
        insta::assert_snapshot!(render(&columns, &rows, PLAIN, Some(40)).join("\n"), @r"
        STATE    TITLE                      COST
        running  A title that is much l…   $0.31
        ok       日本語の題名             $12.00
        ");
    }

    #[test]
    fn programs_get_tabs_and_nothing_is_cut() {
        let rows = vec![vec!["a\tb".into(), "c\nd".into()]];
        assert_eq!(render_plain(&rows), ["a b\tc d"]);
    }

    #[test]
    fn control_characters_never_reach_the_terminal() {
        let lines = render(&[text("T")], &[vec!["\u{1b}[31mred\u{7}".into()]], PLAIN, None);
        assert_eq!(lines[1], "[31mred");
    }
}
