//! `GET /v1/audit`: who changed what, for administrators.

use actix_web::http::header::CACHE_CONTROL;
use actix_web::{HttpRequest, HttpResponse, get, web};
use serde::Serialize;
use utoipa::ToSchema;

use super::opened::NO_STORE;
use crate::http::error::{ApiError, ErrorBody};
use crate::http::extract::Query;
use crate::http::signed_in::Administrator;
use crate::service::audit::{Before, Wanted};
use crate::service::records::AuditRecord;
use crate::state::State;

/// How many records one answer has at most.
const PAGE: usize = 100;
/// Longer than any name or id.
const LONGEST: usize = 64;
/// The longest place in the list.
const LONGEST_PLACE: usize = 96;

/// A call that changed something, or was refused.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AuditRecordBody<'a> {
    /// Our id of it.
    id: &'a str,
    /// When it was answered, in seconds.
    at: i64,
    /// The app it was about.
    app: &'a str,
    /// The caller that made it.
    #[serde(skip_serializing_if = "Option::is_none")]
    caller: Option<&'a str>,
    /// The user or administrator who made it.
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<&'a str>,
    /// Its method.
    #[schema(example = "POST")]
    method: &'a str,
    /// Its path without the query, up to 512 bytes: WeChat's for calls of WeChat's API, else ours.
    #[schema(example = "/cgi-bin/menu/create")]
    path: &'a str,
    /// The status of the answer.
    status: u16,
    /// WeChat's errcode, if it gave one.
    #[serde(skip_serializing_if = "Option::is_none")]
    errcode: Option<i64>,
    /// WeChat's own id of the call, by which WeChat's support finds it.
    #[serde(skip_serializing_if = "Option::is_none")]
    rid: Option<&'a str>,
    /// The `X-Request-Id` of the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<&'a str>,
}

/// A part of the records.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AuditBody<'a> {
    /// Newest first.
    records: Vec<AuditRecordBody<'a>>,
    /// The `before` of the next part; absent at the end. A part may have fewer than `limit`, even none, and a next one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

impl<'a> From<&'a AuditRecord> for AuditRecordBody<'a> {
    fn from(record: &'a AuditRecord) -> Self {
        Self {
            id: &record.id,
            at: record.at.secs(),
            app: record.app.as_str(),
            caller: record.caller.as_ref().map(AsRef::as_ref),
            user: record.user.as_ref().map(AsRef::as_ref),
            method: &record.method,
            path: &record.path,
            status: record.status,
            errcode: record.errcode,
            rid: record.rid.as_deref(),
            request_id: record.request_id.as_deref(),
        }
    }
}

/// See who changed what
///
/// For administrators. There is a record of every call of WeChat's API that changes something, of every change of
/// webhooks and rules, and of every report of a dead access_token, also of those that were refused to somebody known. It
/// is here within a second and kept for `gateway.audit_retention`. What a call carried is never recorded.
#[utoipa::path(
    tag = "Operations",
    params(
        ("app" = Option<String>, Query, description = "only those about this app"),
        ("caller" = Option<String>, Query, description = "only those of this caller, by its id"),
        ("before" = Option<String>, Query, description = "only older ones: a time in seconds, or `next` of the part before"),
        ("limit" = Option<usize>, Query, description = "1 to 100; 100 if absent"),
    ),
    responses(
        (status = 200, description = "newest first", body = AuditBody),
        (status = 400, description = "wrong parameters", body = ErrorBody),
        (status = 401, description = "no token, or not a good one", body = ErrorBody),
        (status = 403, description = "not an administrator", body = ErrorBody),
        (status = 503, description = "the store is away", body = ErrorBody),
    )
)]
#[get("/v1/audit")]
pub(super) async fn list(
    _: Administrator,
    state: web::Data<State>,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    let query = Query::read(&request)?;
    let limit = query.limit(PAGE)?;
    let wanted = Wanted {
        app: parse(&query, "app", LONGEST, "app must be an app's name")?,
        caller: parse(&query, "caller", LONGEST, "caller must be a caller's id")?,
        before: parse::<Before>(
            &query,
            "before",
            LONGEST_PLACE,
            "before must be a time in seconds, or the next of an answer",
        )?,
    };
    let found = state.audit.list(wanted, limit).await?;
    Ok(HttpResponse::Ok()
        .insert_header((CACHE_CONTROL, NO_STORE))
        .json(AuditBody {
            records: found.records.iter().map(AuditRecordBody::from).collect(),
            next: found.next.map(|place| place.to_string()),
        }))
}

fn parse<T: std::str::FromStr>(
    query: &Query,
    name: &str,
    most: usize,
    problem: &str,
) -> Result<Option<T>, ApiError> {
    let text = query.at_most_once(name, most)?;
    let parsed = text.map(|text| text.parse().map_err(|_| wrong(problem.to_owned())));
    parsed.transpose()
}

fn wrong(text: String) -> ApiError {
    ApiError::Invalid(vec![text])
}
