//! The gateway's own figures beside those of the HTTP edge: read from the services when somebody asks.

use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;

use super::edge::metrics::encode_histogram;
use crate::state::State;

/// Reads the figures of this state.
pub(super) struct Figures(pub(super) Arc<State>);

impl std::fmt::Debug for Figures {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Figures").finish()
    }
}

impl Collector for Figures {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let answers = ConstGauge::new(i64::from(self.0.health.store_answers()));
        let store = encoder.encode_descriptor(
            "store_answers",
            "1 if the store answered lately",
            None,
            MetricType::Gauge,
        )?;
        answers.encode(store)?;
        let help = "Seconds until the access_token or ticket ends; 0 if there is none";
        let mut family =
            encoder.encode_descriptor("credential_remaining_seconds", help, None, MetricType::Gauge)?;
        for (app, kind, rest) in self.0.credentials.remaining() {
            let labels = [("app_id", app.as_str()), ("kind", kind)];
            ConstGauge::new(rest.as_secs_f64()).encode(family.encode_family(&labels)?)?;
        }
        let help = "Pushes of WeChat's, by what became of them; repeated ones are among the acknowledged and replied ones";
        let mut family = encoder.encode_descriptor("pushes", help, None, MetricType::Counter)?;
        for (outcome, count) in self.0.push.figures() {
            ConstCounter::new(count).encode(family.encode_family(&[("outcome", outcome)])?)?;
        }
        let help = "Replies that came too late for the push, or were too long, as customer-service messages";
        let mut family = encoder.encode_descriptor("late_replies", help, None, MetricType::Counter)?;
        for (outcome, count) in self.0.push.late_figures() {
            ConstCounter::new(count).encode(family.encode_family(&[("outcome", outcome)])?)?;
        }
        self.encode_deliveries(&mut encoder)?;
        self.encode_calls(&mut encoder)?;
        self.encode_audit(&mut encoder)
    }
}

impl Figures {
    /// Calls of WeChat's API on behalf of others.
    fn encode_calls(&self, encoder: &mut DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let apps: Vec<_> = self.0.relay.figures().all().collect();
        let help = "Calls of WeChat's API on behalf of others, by the errcode of the answer";
        let mut family = encoder.encode_descriptor("wechat_api_calls", help, None, MetricType::Counter)?;
        for figures in &apps {
            for (errcode, count) in &figures.calls {
                let labels = [("app", figures.app.as_str()), ("errcode", errcode)];
                ConstCounter::new(*count).encode(family.encode_family(&labels)?)?;
            }
        }
        let help = "From the beginning of such a call until its answer has begun";
        let mut family =
            encoder.encode_descriptor("wechat_api_seconds", help, None, MetricType::Histogram)?;
        for figures in &apps {
            let labels = [("app", figures.app.as_str())];
            encode_histogram(family.encode_family(&labels)?, &figures.took)?;
        }
        let help = "Such calls that are under way";
        let mut family = encoder.encode_descriptor("wechat_api_in_flight", help, None, MetricType::Gauge)?;
        for (app, busy, _) in self.0.relay.lanes() {
            let busy = u64::try_from(busy).unwrap_or(u64::MAX);
            ConstGauge::new(busy).encode(family.encode_family(&[("app", app.as_str())])?)?;
        }
        let help = "1 while WeChat has failed so often that such calls are refused, and one now and then tries again";
        let mut family =
            encoder.encode_descriptor("wechat_api_circuit_open", help, None, MetricType::Gauge)?;
        for (app, _, is_open) in self.0.relay.lanes() {
            ConstGauge::new(u64::from(is_open)).encode(family.encode_family(&[("app", app.as_str())])?)?;
        }
        let help = "Such calls that were not made, by the reason";
        let mut family = encoder.encode_descriptor("wechat_api_refused", help, None, MetricType::Counter)?;
        for figures in &apps {
            for (reason, count) in &figures.refused {
                let labels = [("app", figures.app.as_str()), ("reason", *reason)];
                ConstCounter::new(*count).encode(family.encode_family(&labels)?)?;
            }
        }
        let help = "Such calls that WeChat refused because a quota is used up (45009, 45011), by path";
        let mut family =
            encoder.encode_descriptor("wechat_api_quota_exhausted", help, None, MetricType::Counter)?;
        for figures in &apps {
            for (path, count) in &figures.exhausted {
                let labels = [("app", figures.app.as_str()), ("path", path)];
                ConstCounter::new(*count).encode(family.encode_family(&labels)?)?;
            }
        }
        Ok(())
    }

    fn encode_audit(&self, encoder: &mut DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let figures = self.0.audit.figures();
        let help = "Records of who changed what; lost ones are in the log alone";
        let mut family = encoder.encode_descriptor("audit_records", help, None, MetricType::Counter)?;
        for (outcome, count) in [("written", figures.written), ("lost", figures.lost)] {
            ConstCounter::new(count).encode(family.encode_family(&[("outcome", outcome)])?)?;
        }
        Ok(())
    }

    fn encode_deliveries(&self, encoder: &mut DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let figures = self.0.deliveries.figures();
        let help = "Attempts to deliver an event to a webhook, by what came of them";
        let mut family = encoder.encode_descriptor("delivery_attempts", help, None, MetricType::Counter)?;
        for (outcome, count) in figures.attempts {
            ConstCounter::new(count).encode(family.encode_family(&[("outcome", outcome)])?)?;
        }
        let help = "Deliveries that were given up after the last attempt";
        let dead = encoder.encode_descriptor("deliveries_dead", help, None, MetricType::Counter)?;
        ConstCounter::new(figures.dead).encode(dead)?;
        for (name, help, value) in [
            (
                "deliveries_in_flight",
                "Deliveries that are being tried",
                figures.in_flight,
            ),
            (
                "event_followers",
                "Connections that follow the stream of events",
                self.0.events.followers(),
            ),
            (
                "webhooks_waiting",
                "Webhooks with deliveries that have not ended",
                figures.waiting,
            ),
            (
                "webhooks_circuit_open",
                "Webhooks that take nothing, so that their deliveries wait",
                figures.circuits_open,
            ),
        ] {
            let gauge = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
            ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX)).encode(gauge)?;
        }
        Ok(())
    }
}
