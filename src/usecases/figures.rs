//! Reads single figures out of the page of metrics, for what is counted nowhere else.

/// Values of every series of `name`, with their labels as they stand in the page.
fn series<'a>(page: &'a str, name: &'a str) -> impl Iterator<Item = (&'a str, f64)> {
    page.lines().filter_map(move |line| {
        let rest = line.strip_prefix(name)?;
        let (labels, value) = rest.rsplit_once(' ')?;
        let own = labels.is_empty() || labels.starts_with('{');
        own.then(|| value.parse().ok().map(|value| (labels, value))).flatten()
    })
}

/// The sum of all series of `name`.
pub(super) fn sum(page: &str, name: &str) -> f64 {
    series(page, name).map(|(_, value)| value).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "# HELP a_total A\n# TYPE a_total counter\na_total{x=\"1\",y=\"b\"} 2\na_total{x=\"2\"} 3\n\
                        a_total_more 9\nb 0.5\n\nbroken\n";

    #[test]
    fn series_of_one_name_are_summed_and_others_left_alone() {
        assert!((sum(PAGE, "a_total") - 5.0).abs() < 1e-9);
        assert!((sum(PAGE, "b") - 0.5).abs() < 1e-9);
        assert!(sum(PAGE, "absent").abs() < 1e-9);
    }
}
