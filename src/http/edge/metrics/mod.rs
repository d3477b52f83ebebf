//! What is counted, and its text for Prometheus. Who may read it is decided by the route.

mod routes;

use std::sync::Arc;
use std::time::Duration;

use actix_web::http::{Method, StatusCode};
use prometheus_client::encoding::{MetricEncoder, NoLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

use routes::Routes;

use crate::histogram::Counted;

/// The content type of [`Metrics::encode`].
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The metrics of one process.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    routes: Arc<Routes>,
    panics: Counter,
    refused: [Counter; 4],
}

/// Why a body was not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// It is larger than allowed.
    TooLarge,
    /// It did not arrive in time.
    TimedOut,
    /// It is broken.
    Broken,
    /// No memory is set aside for it.
    Busy,
}

const REFUSALS: [(Refusal, &str); 4] = [
    (Refusal::TooLarge, "too_large"),
    (Refusal::TimedOut, "timed_out"),
    (Refusal::Broken, "broken"),
    (Refusal::Busy, "busy"),
];

impl Metrics {
    /// The edge's own metrics and those that `more` registers.
    pub fn new(more: impl FnOnce(&mut Registry)) -> Self {
        let mut registry = Registry::default();
        let routes = Arc::new(Routes::default());
        registry.register_collector(Box::new(Arc::clone(&routes)));
        let panics = Counter::default();
        registry.register("http_panics", "Handlers that panicked", panics.clone());
        let refusals = Family::<[(&'static str, &'static str); 1], Counter>::default();
        registry.register(
            "http_bodies_refused",
            "Request bodies that were not read",
            refusals.clone(),
        );
        let refused = REFUSALS.map(|(_, reason)| refusals.get_or_create_owned(&[("reason", reason)]));
        more(&mut registry);
        Self {
            registry,
            routes,
            panics,
            refused,
        }
    }

    /// All metrics as text.
    #[must_use]
    pub fn encode(&self) -> String {
        let mut text = String::with_capacity(8192);
        // Writing to a string does not fail.
        let _ = text::encode(&mut text, &self.registry);
        text
    }

    /// The registry, to look into. Metrics are added to it by [`Self::new`] only.
    #[must_use]
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// Counts an answered request. `route` is the pattern of its path, `None` if no route matches it.
    pub fn request(&self, method: &Method, route: Option<&str>, status: StatusCode, took: Duration) {
        self.routes.count(method, route, status, took);
    }

    /// Counts a panic.
    pub fn panicked(&self) {
        self.panics.inc();
    }

    /// Counts a body that was not read.
    pub fn body_refused(&self, why: Refusal) {
        for ((reason, _), counter) in REFUSALS.iter().zip(&self.refused) {
            if *reason == why {
                counter.inc();
            }
        }
    }
}

/// Writes a histogram.
pub(in crate::http) fn encode_histogram(
    mut encoder: MetricEncoder<'_>,
    counted: &Counted,
) -> std::fmt::Result {
    encoder.encode_histogram::<NoLabelSet>(counted.sum, counted.count, &counted.buckets, None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_counted_is_in_the_text() {
        let own = Counter::<u64>::default();
        let metrics = Metrics::new(|registry| registry.register("own", "Of another room", own.clone()));
        own.inc();
        metrics.request(
            &Method::GET,
            Some("/jsapi/{app}"),
            StatusCode::OK,
            Duration::from_millis(3),
        );
        metrics.request(
            &Method::GET,
            Some("/jsapi/{app}"),
            StatusCode::OK,
            Duration::from_mins(1),
        );
        let odd = Method::from_bytes(b"BREW").unwrap();
        metrics.request(&odd, None, StatusCode::IM_A_TEAPOT, Duration::ZERO);
        metrics.panicked();
        metrics.body_refused(Refusal::TooLarge);
        let text = metrics.encode();
        for line in [
            "own_total 1",
            "http_requests_total{method=\"GET\",route=\"/jsapi/{app}\",status=\"200\"} 2",
            "http_requests_total{method=\"other\",route=\"other\",status=\"other\"} 1",
            "http_request_duration_seconds_bucket{le=\"0.005\",route=\"/jsapi/{app}\"} 1",
            "http_request_duration_seconds_bucket{le=\"+Inf\",route=\"/jsapi/{app}\"} 2",
            "http_request_duration_seconds_count{route=\"/jsapi/{app}\"} 2",
            "http_panics_total 1",
            "http_bodies_refused_total{reason=\"too_large\"} 1",
            "# EOF",
        ] {
            assert!(text.contains(line), "{line} is not in\n{text}");
        }
    }
}
