//! Whole tables, wide and narrow.

use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::{
    AggregationTemporality, Gauge, Histogram, HistogramDataPoint,
};

use super::*;
use crate::metrics::tests::{metric, number, origin, sum};

const CUMULATIVE: i32 = AggregationTemporality::Cumulative as i32;
const PLAIN: Style = Style {
    width: 92,
    colour: false,
    unicode: true,
    details: true,
    all: false,
};

fn shop() -> Metrics {
    let mut metrics = Metrics::default();
    metrics.begin_request();
    for (instance, count, level) in [("one", 600.0, 40.0), ("two", 418.0, 42.5)] {
        let origin = origin("shop", instance);
        let points = vec![number(&[], 1_000, 1_005, count)];
        let counter = sum(CUMULATIVE, true, points);
        let histogram = Data::Histogram(Histogram {
            data_points: vec![HistogramDataPoint {
                start_time_unix_nano: 1,
                time_unix_nano: 2,
                count: 110,
                sum: Some(1_000.0),
                explicit_bounds: vec![5.0, 10.0, 25.0, 50.0],
                bucket_counts: vec![10, 70, 20, 9, 1],
                min: Some(2.0),
                max: Some(81.0),
                ..HistogramDataPoint::default()
            }],
            aggregation_temporality: CUMULATIVE,
        });
        let points = vec![number(&[], 1, 2, 3.0)];
        let open = sum(CUMULATIVE, false, points);
        let data_points = vec![number(&[("cpu", "0")], 0, 2, level)];
        let gauge = Data::Gauge(Gauge { data_points });
        for (name, unit, data) in [
            ("http.server.requests", "1", counter),
            ("http.server.duration", "ms", histogram),
            ("orders.open", "{order}", open),
            ("cpu.use", "%", gauge),
        ] {
            metrics.add(&origin, &metric(name, unit, data), 100);
        }
    }
    let data_points = vec![number(&[], 0, 2, 3_670_016.0)];
    let memory = metric("memory", "By", Data::Gauge(Gauge { data_points }));
    metrics.add(&origin("store", "one"), &memory, 100);
    metrics
}

#[test]
fn every_service_has_its_metrics_by_kind() {
    let expected = "
  ■ shop  2 instances
  counters                  total       rate
  http.server.requests      1,018    203.6/s
  histograms                count        p50        p95        p99
  http.server.duration        220    8.21 ms    37.5 ms    49.7 ms  ▂█▃▂▁
  up-down counters            now
  orders.open (order)           6
  gauges                     last
  cpu.use                     40%    … 42.5%  2 series

  ■ store
  gauges                     last
  memory                 3.50 MiB
";
    let drawn = render(&shop(), None, &PLAIN);
    assert_eq!(format!("\n{drawn}"), expected, "\n{drawn}");
}

#[test]
fn a_narrow_terminal_has_names_and_numbers_on_lines_of_their_own() {
    let style = Style { width: 60, ..PLAIN };
    let drawn = render(&shop(), Some("shop"), &style);
    assert!(drawn.lines().all(|line| text::width(line) <= 60), "{drawn}");
    let lines: Vec<_> = drawn.lines().collect();
    let name = lines
        .iter()
        .position(|line| *line == "  http.server.duration");
    let numbers = lines[name.expect("the name") + 1];
    assert_eq!(
        numbers.split_whitespace().collect::<Vec<_>>(),
        ["220", "8.21", "ms", "37.5", "ms", "49.7", "ms", "▂█▃▂▁"],
        "{drawn}"
    );
    assert!(!drawn.contains("store"), "{drawn}");
}

#[test]
fn a_plain_terminal_gets_ascii_and_a_foreign_name_cannot_command_it() {
    let mut metrics = shop();
    let points = vec![number(&[], 1, 2, 1.0)];
    let hostile = metric("na\x1b[2Jme", "u\x07nit", sum(CUMULATIVE, true, points));
    metrics.add(&origin("e\x1bvil", "one"), &hostile, 100);
    let style = Style {
        unicode: false,
        ..PLAIN
    };
    let drawn = render(&metrics, None, &style);
    assert!(drawn.is_ascii(), "{drawn}");
    assert!(!drawn.contains('\x1b') && !drawn.contains('\x07'));
    let coloured = Style {
        colour: true,
        ..PLAIN
    };
    let coloured = render(&metrics, None, &coloured);
    assert_eq!(
        coloured.matches("\x1b[0m").count() * 2,
        coloured.matches("\x1b[").count()
    );
}

#[test]
fn what_the_sdk_measures_of_itself_is_shown_when_asked_for() {
    let mut metrics = shop();
    let points = vec![number(&[], 1, 2, 1.0)];
    let own = metric(
        "otel.sdk.span.live",
        "{span}",
        sum(CUMULATIVE, false, points),
    );
    metrics.add(&origin("shop", "one"), &own, 100);
    assert_eq!(
        render(&metrics, None, &PLAIN),
        render(&shop(), None, &PLAIN)
    );
    let all = render(&metrics, None, &Style { all: true, ..PLAIN });
    assert!(all.contains("otel.sdk.span.live (span)"), "{all}");
}

#[test]
fn every_width_is_kept_and_nothing_to_show_is_said() {
    for width in [0, 40, 61, 77, 100, 400, usize::MAX] {
        let drawn = render(&shop(), None, &Style { width, ..PLAIN });
        let most = width.clamp(MIN_WIDTH, MAX_WIDTH);
        assert!(
            width < 50 || drawn.lines().all(|line| text::width(line) <= most),
            "{width}\n{drawn}"
        );
    }
    assert!(render(&Metrics::default(), None, &PLAIN).contains("no metrics"));
    assert!(render(&shop(), Some("nobody"), &PLAIN).contains("no metrics"));
}

#[test]
fn numbers_have_the_units_that_people_read() {
    for (unit, number, shown) in [
        ("s", 0.0123, "12.3 ms"),
        ("ms", 1_500.0, "1.50 s"),
        ("us", -2.0, "-2.00 µs"),
        ("By", 512.0, "512 B"),
        ("By", 1536.0, "1.50 KiB"),
        ("%", 12.25, "12.2%"),
        ("{item}", 3.0, "3"),
        ("s", f64::INFINITY, "inf"),
        ("1", f64::NAN, "NaN"),
    ] {
        assert_eq!(Unit::of(unit).show(number), shown);
    }
}
