//! What the rows found, as a table for a terminal and for `bench/RESULTS.md`.

use std::time::Duration;

/// One comparison and what is wanted of it.
pub(crate) struct Finding {
    /// What was measured.
    pub(crate) what: String,
    /// Our figure.
    pub(crate) ours: String,
    /// The rival or the limit, with its figure from the same run.
    pub(crate) against: String,
    /// The ratio of the two, where there is one.
    pub(crate) ratio: Option<f64>,
    /// What is wanted.
    pub(crate) goal: String,
    /// Whether it is so.
    pub(crate) met: bool,
}

/// On which side of a number the goal lies.
#[derive(Clone, Copy)]
pub(crate) enum Goal {
    /// This much or more.
    AtLeast(f64),
    /// This much or less.
    AtMost(f64),
}

impl Goal {
    /// Whether `figure` meets it.
    pub(crate) fn is_met(self, figure: f64) -> bool {
        match self {
            Self::AtLeast(least) => figure >= least,
            Self::AtMost(most) => figure <= most,
        }
    }

    /// For people, with the unit.
    pub(crate) fn shown(self, unit: &str) -> String {
        match self {
            Self::AtLeast(least) => format!("≥ {least}{unit}"),
            Self::AtMost(most) => format!("≤ {most}{unit}"),
        }
    }
}

/// A finding that is judged by its ratio.
pub(crate) fn ratio(what: &str, ours: String, against: String, ratio: f64, goal: Goal) -> Finding {
    let met = goal.is_met(ratio);
    Finding { what: what.to_owned(), ours, against, ratio: Some(ratio), goal: goal.shown(" ×"), met }
}

/// A finding that is judged by its own figure against a fixed limit.
pub(crate) fn figure(what: &str, figure: f64, unit: &str, goal: Goal) -> Finding {
    let decimals = if figure < 100.0 { 1 } else { 0 };
    Finding {
        what: what.to_owned(),
        ours: format!("{figure:.decimals$}{unit}"),
        against: "–".to_owned(),
        ratio: None,
        goal: goal.shown(unit),
        met: goal.is_met(figure),
    }
}

/// Milliseconds with two decimals.
pub(crate) fn millis(time: Duration) -> String {
    format!("{:.2} ms", time.as_secs_f64() * 1000.0)
}

/// Findings as a Markdown table whose columns stand below each other.
pub(crate) fn markdown(findings: &[Finding]) -> String {
    let head = ["what", "ours", "against", "ratio", "goal", "met"].map(str::to_owned);
    let mut rows = vec![head];
    rows.extend(findings.iter().map(|finding| {
        let Finding { what, ours, against, ratio, goal, met } = finding;
        let ratio = ratio.map_or_else(|| "–".to_owned(), |ratio| format!("{ratio:.2}"));
        let met = if *met { "yes" } else { "NO" }.to_owned();
        [what.clone(), ours.clone(), against.clone(), ratio, goal.clone(), met]
    }));
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..6).map(width).collect();
    let line = |row: &[String; 6]| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!(" {cell:<width$} |"));
        format!("|{}\n", cells.collect::<String>())
    };
    let rule: String = widths.iter().map(|width| format!("{}|", "-".repeat(width + 2))).collect();
    let mut text = String::new();
    for (number, row) in rows.iter().enumerate() {
        text.push_str(&line(row));
        if number == 0 {
            text.push_str(&format!("|{rule}\n"));
        }
    }
    text
}

/// The middle one.
pub(crate) fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_goal_is_met_on_its_own_side() {
        for (goal, figure, met) in [
            (Goal::AtLeast(0.95), 0.95, true),
            (Goal::AtLeast(0.95), 0.949, false),
            (Goal::AtMost(25.0), 25.0, true),
            (Goal::AtMost(25.0), 25.1, false),
            (Goal::AtLeast(0.0), f64::NAN, false),
            (Goal::AtMost(1.0), f64::NAN, false),
        ] {
            assert_eq!(goal.is_met(figure), met, "{} {figure}", goal.shown(""));
        }
    }

    #[test]
    fn a_row_says_what_is_missed() {
        let missed = ratio("logins/s", "150 /s".to_owned(), "ceiling 200 /s".to_owned(), 0.75, Goal::AtLeast(0.95));
        let table = markdown(&[missed, figure("idle memory", 12.34, " MiB", Goal::AtMost(20.0))]);
        let lines: Vec<&str> = table.lines().collect();
        assert_eq!(lines.len(), 4);
        assert!(lines[2].ends_with("| 0.75  | ≥ 0.95 × | NO  |"), "{}", lines[2]);
        assert!(lines[3].starts_with("| idle memory | 12.3 MiB"), "{}", lines[3]);
        assert!(lines[3].ends_with("| yes |"), "{}", lines[3]);
    }

    #[test]
    fn the_median_is_not_moved_by_one_bad_round() {
        assert!((median(vec![1.0, 100.0, 2.0]) - 2.0).abs() < f64::EPSILON);
        assert!(median(Vec::new()).is_nan());
    }
}
