//! Requests by route, method and status. The number of series is bounded by the program's own routes.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use actix_web::http::{Method, StatusCode};
use arc_swap::ArcSwap;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;

use super::encode_histogram;
use crate::histogram::Histogram;

const METHODS: [&str; 8] = ["GET", "POST", "HEAD", "OPTIONS", "PUT", "PATCH", "DELETE", OTHER];
const STATUSES: [&str; 31] = [
    "200", "304", "400", "401", "404", "429", "500", "502", "503", "201", "202", "204", "206", "301", "302",
    "303", "307", "308", "403", "405", "406", "408", "409", "410", "412", "413", "415", "416", "422", "504",
    OTHER,
];
/// The label of everything without a name of its own.
const OTHER: &str = "other";

/// The counters of all routes. Looking one up takes no lock: it happens on every request.
#[derive(Debug, Default)]
pub(super) struct Routes {
    other: Route,
    named: ArcSwap<HashMap<String, Arc<Route>>>,
}

#[derive(Debug, Default)]
struct Route {
    counts: [[AtomicU64; STATUSES.len()]; METHODS.len()],
    duration: Histogram,
}

impl Routes {
    /// Counts a request.
    pub(super) fn count(&self, method: &Method, route: Option<&str>, status: StatusCode, took: Duration) {
        let Some(pattern) = route else {
            return self.other.count(method, status, took);
        };
        if let Some(found) = self.named.load().get(pattern) {
            return found.count(method, status, took);
        }
        self.named.rcu(|known| {
            let mut more = HashMap::clone(known);
            more.entry(pattern.to_owned()).or_default();
            more
        });
        if let Some(found) = self.named.load().get(pattern) {
            found.count(method, status, took);
        }
    }
}

impl Route {
    fn count(&self, method: &Method, status: StatusCode, took: Duration) {
        let counter = &self.counts[position(&METHODS, method.as_str())][position(&STATUSES, status.as_str())];
        counter.fetch_add(1, Ordering::Relaxed);
        self.duration.observe(took);
    }
}

/// Where the label stands; the last place is for all others.
fn position(labels: &[&str], label: &str) -> usize {
    labels
        .iter()
        .position(|known| *known == label)
        .unwrap_or(labels.len() - 1)
}

impl Collector for Routes {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let named = self.named.load();
        let mut routes: Vec<_> = named
            .iter()
            .map(|(pattern, route)| (pattern.as_str(), &**route))
            .collect();
        routes.sort_unstable_by_key(|(pattern, _)| *pattern);
        routes.push((OTHER, &self.other));

        let mut family =
            encoder.encode_descriptor("http_requests", "Answered requests", None, MetricType::Counter)?;
        for (pattern, route) in &routes {
            for (method, by_status) in METHODS.iter().zip(&route.counts) {
                for (status, count) in STATUSES.iter().zip(by_status) {
                    let count = count.load(Ordering::Relaxed);
                    if count > 0 {
                        let labels = [("method", *method), ("route", *pattern), ("status", *status)];
                        family
                            .encode_family(&labels)?
                            .encode_counter::<NoLabelSet, u64, f64>(&count, None)?;
                    }
                }
            }
        }
        let help = "From a request's head to its answer's";
        let mut family =
            encoder.encode_descriptor("http_request_duration_seconds", help, None, MetricType::Histogram)?;
        for (pattern, route) in &routes {
            let counted = route.duration.counted();
            encode_histogram(family.encode_family(&[("route", *pattern)])?, &counted)?;
        }
        Ok(())
    }
}
