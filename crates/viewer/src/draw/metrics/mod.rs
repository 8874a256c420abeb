//! The metrics of every service as a small table: what counters have come to and how fast,
//! histograms with their quantiles and shape, the last value of everything else.

use std::collections::BTreeSet;

use crate::draw::Style;
use crate::draw::pen::{BOLD, DIM, FAINT, Pen};
use crate::metrics::{Amount, Distribution, Key, Kind, Metric, Metrics};
use crate::text;

const MIN_WIDTH: usize = 40;
const MAX_WIDTH: usize = 160;
/// Columns of a number, with the space before it.
const NUMBER: usize = 11;
/// Columns of a histogram's shape.
const SHAPE: usize = 12;
/// Columns of a metric's name at least; with less its numbers go to a line of their own.
const MIN_NAME: usize = 24;
/// Columns of a metric's name at most.
const MAX_NAME: usize = 48;
const SHAPE_INK: &str = "38;5;37";
const LEVELS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
const PLAIN_LEVELS: [char; 8] = ['.', ':', '-', '=', '+', '*', '%', '#'];

/// Names of what SDKs measure of themselves (semantic conventions, "OpenTelemetry SDK Metrics").
const OWN: &str = "otel.sdk.";

/// Draws the metrics of one service, or of all; every line ends with a line feed. What an SDK
/// measures of itself is left out unless all is asked for.
pub(crate) fn render(metrics: &Metrics, service: Option<&str>, style: &Style) -> String {
    let mut table = Table {
        pen: Pen {
            colour: style.colour,
            unicode: style.unicode,
        },
        width: style.width.clamp(MIN_WIDTH, MAX_WIDTH),
        name: 0,
        lines: String::new(),
    };
    let wanted: Vec<(&Key, &Metric)> = metrics
        .iter()
        .filter(|(key, _)| service.is_none_or(|service| key.service.as_ref() == service))
        .filter(|(key, _)| style.all || !key.name.starts_with(OWN))
        .collect();
    table.choose_columns(&wanted);
    for (position, group) in wanted
        .chunk_by(|(one, _), (next, _)| one.service == next.service)
        .enumerate()
    {
        table.service(position, group);
        for metrics in group.chunk_by(|(one, _), (next, _)| one.kind == next.kind) {
            table.kind(metrics);
        }
    }
    if wanted.is_empty() {
        table.line(&[(DIM, "  no metrics were received")]);
    }
    table.lines
}

struct Table {
    pen: Pen,
    width: usize,
    /// Columns of the names; 0 where they have a line of their own.
    name: usize,
    lines: String,
}

impl Table {
    fn choose_columns(&mut self, metrics: &[(&Key, &Metric)]) {
        let has_histogram = metrics.iter().any(|(key, _)| key.kind == Kind::Histogram);
        let numbers = if has_histogram {
            4 * NUMBER + 2 + SHAPE
        } else {
            2 * NUMBER
        };
        let longest = metrics
            .iter()
            .map(|(key, _)| text::width(&self.title(key)))
            .max()
            .unwrap_or(0);
        let room = self.width.saturating_sub(numbers + 2);
        if room >= MIN_NAME.min(longest) {
            self.name = longest.min(room).min(MAX_NAME);
        }
    }

    fn service(&mut self, position: usize, group: &[(&Key, &Metric)]) {
        let Some((key, _)) = group.first() else {
            return;
        };
        if position > 0 {
            self.line(&[]);
        }
        let processes: BTreeSet<_> = group
            .iter()
            .flat_map(|(_, metric)| metric.series())
            .map(|series| instance(&series.resource.attributes))
            .collect();
        let facts = match processes.len() {
            0 | 1 => String::new(),
            several => format!("  {}", text::counted(several as u64, "instance")),
        };
        let ink = self.pen.service_ink(position);
        let square = format!("  {} ", self.pen.square());
        let room = self
            .width
            .saturating_sub(text::width(&square) + text::width(&facts));
        let name = text::shorten(&self.pen.clean(&key.service), room, self.pen.unicode);
        self.line(&[(&ink, &square), (BOLD, &name), (DIM, &facts)]);
    }

    fn kind(&mut self, metrics: &[(&Key, &Metric)]) {
        let Some((first, _)) = metrics.first() else {
            return;
        };
        let (title, columns): (&str, &[&str]) = match first.kind {
            Kind::Counter => ("counters", &["total", "rate"]),
            Kind::Histogram => ("histograms", &["count", "p50", "p95", "p99"]),
            Kind::UpDownCounter => ("up-down counters", &["now"]),
            Kind::Gauge => ("gauges", &["last"]),
        };
        let mut heading = text::fit(title, self.name, self.pen.unicode);
        for column in columns {
            heading.push_str(&format!("{column:>NUMBER$}"));
        }
        self.line(&[("", "  "), (FAINT, &heading)]);
        for (key, metric) in metrics {
            let (numbers, shape) = self.cells(key, metric);
            let title = self.title(key);
            let mut row: String = numbers
                .iter()
                .map(|number| format!(" {:>1$}", self.pen.ascii(number.clone()), NUMBER - 1))
                .collect();
            if self.name == 0 {
                let title = text::shorten(&title, self.width - 2, self.pen.unicode);
                self.line(&[("", "  "), ("", &title)]);
                // The shape goes where there is room for it.
                let room = self.width.saturating_sub(text::width(&row) + 4);
                let shape: String = shape.chars().take(room).collect();
                row.insert_str(0, "  ");
                self.line(&[("", &row), ("", "  "), (SHAPE_INK, &shape)]);
            } else {
                let title = text::fit(&title, self.name, self.pen.unicode);
                self.line(&[
                    ("", "  "),
                    ("", &title),
                    ("", &row),
                    ("", "  "),
                    (SHAPE_INK, &shape),
                ]);
            }
        }
    }

    /// The name with its unit, unless the numbers show it.
    fn title(&self, key: &Key) -> String {
        let unit = key.unit.trim_start_matches('{').trim_end_matches('}');
        let name = if unit.is_empty() || unit == "1" || Unit::of(&key.unit) != Unit::Other {
            key.name.clone()
        } else {
            format!("{} ({unit})", key.name)
        };
        self.pen.clean(&name)
    }

    /// What stands right of the name: numbers, and the shape of a histogram.
    fn cells(&self, key: &Key, metric: &Metric) -> (Vec<String>, String) {
        let unit = Unit::of(&key.unit);
        match (key.kind, metric.total()) {
            (Kind::Counter, Some(Amount::Number(total))) => {
                let rate = metric.rate_per_second();
                let rate = rate.map(|rate| format!("{}/s", unit.show(rate)));
                (
                    vec![unit.show(total), rate.unwrap_or_default()],
                    String::new(),
                )
            }
            (Kind::Histogram, Some(Amount::Distribution(values))) => {
                let mut numbers = vec![text::count(values.count)];
                numbers.extend([0.5, 0.95, 0.99].map(|quantile| {
                    let value = values.quantile(quantile);
                    value.map_or_else(String::new, |value| unit.show(value))
                }));
                (numbers, self.shape(&values))
            }
            (Kind::UpDownCounter, Some(Amount::Number(total))) => {
                (vec![unit.show(total)], String::new())
            }
            (Kind::Gauge, Some(_)) => self.last_values(metric, unit),
            _ => (Vec::new(), String::new()),
        }
    }

    /// The value of a gauge; of several series the least and the greatest, as adding them up
    /// would mean nothing.
    fn last_values(&self, metric: &Metric, unit: Unit) -> (Vec<String>, String) {
        let mut values: Vec<f64> = metric
            .series()
            .filter_map(|series| match &series.last {
                Amount::Number(number) => Some(*number),
                Amount::Distribution(_) => None,
            })
            .collect();
        values.sort_by(f64::total_cmp);
        match values.as_slice() {
            [] => (Vec::new(), String::new()),
            [only] => (vec![unit.show(*only)], String::new()),
            [least, .., greatest] => {
                let dash = if self.pen.unicode { "…" } else { "-" };
                let range = format!("{dash} {}", unit.show(*greatest));
                let series = format!("{} series", text::count(values.len() as u64));
                (vec![unit.show(*least), range], series)
            }
        }
    }

    fn shape(&self, values: &Distribution) -> String {
        let weights = values.shape(SHAPE);
        let greatest = weights.iter().copied().fold(0.0, f64::max);
        let levels = if self.pen.unicode {
            LEVELS
        } else {
            PLAIN_LEVELS
        };
        weights
            .iter()
            .map(|weight| {
                if *weight <= 0.0 {
                    return ' ';
                }
                let level = (weight / greatest * 7.0).round() as usize;
                levels.get(level).copied().unwrap_or(' ')
            })
            .collect()
    }

    /// Adds a line of pieces, each with its ink.
    fn line(&mut self, pieces: &[(&str, &str)]) {
        let mut line = String::new();
        for (ink, text) in pieces {
            self.pen.paint(&mut line, ink, text);
        }
        self.lines.push_str(line.trim_end());
        self.lines.push('\n');
    }
}

/// What tells the processes of a service apart.
pub(crate) fn instance(
    attributes: &[opentelemetry_proto::tonic::common::v1::KeyValue],
) -> Option<String> {
    ["service.instance.id", "process.pid", "host.name"]
        .into_iter()
        .find_map(|key| attributes.iter().find(|attribute| attribute.key == key))
        .map(|attribute| text::value(attribute.value.as_ref()))
}

/// Units that numbers are shown with (UCUM, as the semantic conventions have them).
#[derive(Clone, Copy, Debug, PartialEq)]
enum Unit {
    /// With the nanoseconds in one.
    Time(f64),
    Bytes,
    Percent,
    Other,
}

impl Unit {
    fn of(unit: &str) -> Self {
        match unit {
            "ns" => Self::Time(1.0),
            "us" => Self::Time(1e3),
            "ms" => Self::Time(1e6),
            "s" => Self::Time(1e9),
            "min" => Self::Time(60e9),
            "h" => Self::Time(3_600e9),
            "d" => Self::Time(86_400e9),
            "By" => Self::Bytes,
            "%" => Self::Percent,
            _ => Self::Other,
        }
    }

    fn show(self, number: f64) -> String {
        match self {
            _ if !number.is_finite() => number.to_string(),
            Self::Time(nanos) if number >= 0.0 => text::duration((number * nanos).round() as u64),
            Self::Time(nanos) => format!("-{}", text::duration((-number * nanos).round() as u64)),
            Self::Bytes => bytes(number),
            Self::Percent => format!("{}%", text::number(number)),
            Self::Other => text::number(number),
        }
    }
}

fn bytes(number: f64) -> String {
    let mut number = number;
    for unit in ["B", "KiB", "MiB", "GiB", "TiB"] {
        if number.abs() < 1_024.0 || unit == "TiB" {
            return format!("{} {unit}", text::number(number));
        }
        number /= 1_024.0;
    }
    String::new()
}

#[cfg(test)]
mod tests;
