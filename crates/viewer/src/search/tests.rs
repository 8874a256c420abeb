//! Searches against a plain look at every span.

use bytes::Bytes;

use super::facets::Facets;
use super::traces::{Page, Position, Sort, list};
use super::*;
use crate::otlp::Signal;
use crate::query::parse;
use crate::store::{Arrival, Limits};
use crate::testing::{START, span_list, span_request};

fn store() -> Store {
    let (store, mut writer) = Store::in_memory(Limits::default());
    for (service, count, seed) in [("shop", 9_000, 1), ("stock", 400, 2), ("shop", 30, 3)] {
        let request = Bytes::from(span_request(service, span_list(count, seed)));
        let arrival = Arrival::new(Signal::Traces, &request).expect("a request");
        writer.take(&[arrival], START);
    }
    store
}

fn ask(store: &Store, query: &str) -> Vec<Found> {
    let query = parse(Signal::Traces, query).expect("a query");
    let question = Question::new(Signal::Traces, query, Window::ALL);
    find(store, &question, false).expect("found").0
}

fn count(store: &Store, query: &str) -> usize {
    ask(store, query).iter().map(|it| it.rows.count()).sum()
}

#[test]
fn every_kind_of_term_finds_what_a_look_at_each_span_finds() {
    let store = store();
    let all: Vec<_> = [(9_000, 1), (400, 2), (30, 3)]
        .into_iter()
        .flat_map(|(count, seed)| {
            let service = if seed == 2 { "stock" } else { "shop" };
            span_list(count, seed)
                .into_iter()
                .map(move |it| (service, it))
        })
        .collect();
    let is_error = |it: &opentelemetry_proto::tonic::trace::v1::Span| it.status.is_some();
    let number = |it: &opentelemetry_proto::tonic::trace::v1::Span| {
        let value = it.attributes[1].value.clone().expect("a value");
        crate::otlp::value::plain(Some(&value))
            .parse::<i64>()
            .expect("a number")
    };
    let expect =
        |query: &str, fits: &dyn Fn(&str, &opentelemetry_proto::tonic::trace::v1::Span) -> bool| {
            let expected = all
                .iter()
                .filter(|(service, span)| fits(service, span))
                .count();
            assert_eq!(count(&store, query), expected, "{query}");
            assert!(expected > 0 || query.contains("none"), "{query}");
        };
    expect("", &|_, _| true);
    expect("service:SHOP", &|it, _| it == "shop");
    expect("service!=shop", &|it, _| it != "shop");
    expect("status:error", &|_, it| is_error(it));
    expect("-status:error kind:server", &|_, it| {
        !is_error(it) && it.kind == 2
    });
    expect("name:\"work *\"", &|_, it| it.name.starts_with("work"));
    expect("name=\"GET /\" or number<10", &|_, it| {
        it.name == "GET /" || number(it) < 10
    });
    expect("number>=8990", &|_, it| number(it) >= 8_990);
    expect("number=77", &|_, it| number(it) == 77);
    expect("duration>550us", &|_, it| {
        it.end_time_unix_nano - it.start_time_unix_nano > 550_000
    });
    expect("http.route=/a service:stock", &|service, it| {
        service == "stock" && number(it) % 3 == 0
    });
    expect("resource.service.name=stock", &|service, _| {
        service == "stock"
    });
    expect("span.service.name=none", &|_, _| false);
    expect("status.message~\"REFUSED 11\"", &|_, it| {
        it.status
            .as_ref()
            .is_some_and(|it| it.message.contains("refused 11"))
    });
    expect("refused", &|_, it| is_error(it));
    expect("\"none of these\"", &|_, _| false);
    expect("has:number", &|_, _| true);
    expect("-has:http.route and none", &|_, _| false);
    let some = crate::ids::hex(&all[700].1.trace_id);
    expect(&format!("trace:{some}"), &|_, it| {
        crate::ids::hex(&it.trace_id) == some
    });
    expect(&format!("trace:{}", &some[..16]), &|_, it| {
        crate::ids::hex(&it.trace_id)[..16] == some[..16]
    });
    let parent = crate::ids::hex(&all[700].1.span_id);
    expect(&format!("parent:{parent}"), &|_, it| {
        crate::ids::hex(&it.parent_span_id) == parent
    });
}

#[test]
fn traces_are_listed_in_every_order_with_what_they_come_to() {
    let store = store();
    let listed = |query: &str, sort: Sort, limit: usize| {
        let query = parse(Signal::Traces, query).expect("a query");
        let question = Question::new(Signal::Traces, query, Window::ALL);
        let page = list(&store, &question, sort, limit, None).expect("listed");
        (page.total, page.listed)
    };
    let (total, newest) = listed("", Sort::Newest, 3);
    assert_eq!((total, newest.len()), (9_430 / 5, 3));
    assert!(newest[0].summary.start > newest[1].summary.start);
    assert_eq!(newest[0].summary.spans, 5);
    assert_eq!(newest[0].summary.root_name.as_ref(), "GET /");
    assert!(newest[0].summary.is_complete);
    let (_, slowest) = listed("", Sort::Slowest, 5_000);
    assert!(slowest.is_sorted_by_key(|it| std::cmp::Reverse(it.summary.duration())));
    let (_, failed) = listed("errors>=1", Sort::Errors, 5_000);
    assert!(failed.iter().all(|it| it.summary.errors >= 1));
    let (without, _) = listed("errors=0", Sort::Errors, 1);
    assert_eq!(failed.len() + without, 9_430 / 5);
    let (stock, listed_stock) = listed("services:stock root:GET*", Sort::Oldest, 1_000);
    assert_eq!(stock, 80);
    assert!(listed_stock.iter().all(|it| it.matched == 5));
}

#[test]
fn parts_of_a_list_are_the_list() {
    let store = store();
    for sort in [Sort::Newest, Sort::Fastest, Sort::Spans, Sort::Errors] {
        let listed = |limit: usize, after: Option<Position>| {
            let question = Question::new(Signal::Traces, Expression::All, Window::ALL);
            list(&store, &question, sort, limit, after).expect("listed")
        };
        let ids = |page: &Page| -> Vec<_> { page.listed.iter().map(|it| it.summary.id).collect() };
        let whole = listed(5_000, None);
        assert_eq!((whole.listed.len(), whole.next), (9_430 / 5, None));
        let mut parts = listed(700, None);
        let mut found = ids(&parts);
        while parts.next.is_some() {
            parts = listed(700, parts.next);
            assert_eq!(parts.total, whole.total);
            found.extend(ids(&parts));
        }
        assert_eq!(found, ids(&whole), "{sort:?}");
    }
}

#[test]
fn facets_count_what_is_there() {
    let store = store();
    let facets = Facets::of(Signal::Traces, &ask(&store, "service:stock"));
    assert_eq!(facets.records, 400);
    let top = |field: &str| -> Vec<(String, u64)> {
        let top = facets.top(field, 3);
        top.into_iter()
            .map(|it| (crate::otlp::value::plain(Some(&it.value)), it.count.records))
            .collect()
    };
    assert_eq!(top("service"), [("stock".to_owned(), 400)]);
    assert_eq!(
        top("http.route"),
        [("/b".to_owned(), 266), ("/a".to_owned(), 134)]
    );
    assert_eq!(
        top("kind"),
        [("internal".to_owned(), 320), ("server".to_owned(), 80)]
    );
    assert_eq!(
        top("status"),
        [("unset".to_owned(), 363), ("error".to_owned(), 37)]
    );
    assert_eq!(facets.fields["number"].counts.len(), 400);
    for facet in facets.top("http.route", 3) {
        let found = count(&store, &format!("service:stock {}", facet.query));
        assert_eq!(found as u64, facet.count.records, "{}", facet.query);
    }
}

#[test]
fn what_some_spans_share_comes_first() {
    let store = store();
    let query = parse(Signal::Traces, "name=\"GET /\" http.route=/a").expect("a query");
    let question = Question::new(Signal::Traces, query, Window::ALL);
    let shares = shares::compare(&store, &question, None, 10).expect("compared");
    let first = &shares.shares[0];
    assert_eq!(first.field.as_ref(), "http.route");
    assert_eq!(first.share, 1.0);
    assert_eq!(first.against_share, 0.0);
    assert!(shares.spans + shares.against_spans == 9_430 / 5);
}

#[test]
fn a_window_of_time_leaves_out_what_is_outside() {
    let store = store();
    let window = Window {
        from: START + 100_000_000,
        to: START + 199_999_999,
    };
    let question = Question::new(Signal::Traces, Expression::All, window);
    let (found, _) = find(&store, &question, false).expect("found");
    let rows: usize = found.iter().map(|it| it.rows.count()).sum();
    assert_eq!(rows, 200);
}

#[test]
fn heatmaps_hold_every_span_once() {
    let store = store();
    let question = Question::new(Signal::Traces, Expression::All, Window::ALL);
    let map = heatmap::of_spans(&store, &question, 20, 10).expect("a map");
    let sum = |grid: &Vec<Vec<u64>>| -> u64 { grid.iter().flatten().sum() };
    assert_eq!(sum(&map.counts), 9_430);
    assert_eq!(map.bounds.len(), 11);
    assert!(map.bounds.is_sorted());
    assert_eq!(sum(&map.errors), 9_000_u64.div_ceil(11) + 37 + 3);
    let traces = heatmap::of_traces(&store, &question, 20, 10).expect("a map");
    assert_eq!(sum(&traces.counts), 9_430 / 5);
}
