//! Cells in rows under heads: as they stand in documents, and as they are printed.

/// A table of Markdown.
pub fn markdown<const N: usize>(heads: [&str; N], rows: impl Iterator<Item = [String; N]>) -> String {
    let line = |cells: [String; N]| format!("| {} |\n", cells.join(" | "));
    let above = [heads.map(str::to_owned), heads.map(|_| "---".to_owned())];
    above.into_iter().chain(rows).map(line).collect()
}

/// Columns as wide as their widest cell; every row ends its line.
pub fn aligned<const N: usize>(heads: [&str; N], rows: impl Iterator<Item = [String; N]>) -> String {
    let rows: Vec<[String; N]> = std::iter::once(heads.map(str::to_owned)).chain(rows).collect();
    let mut text = String::new();
    for row in &rows {
        for (place, cell) in row.iter().enumerate() {
            let width = rows.iter().map(|row| row[place].chars().count()).max().unwrap_or(0);
            text += &format!("{cell:<width$}  ");
        }
        text.push('\n');
    }
    text
}
