//! `/v1/apps/{app}/replies`: rules for replies that are made while the gateway runs. (docs/replies.md.)

use actix_web::http::header::CACHE_CONTROL;
use actix_web::middleware::from_fn;
use actix_web::{HttpResponse, delete, get, post, put, web};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::opened::NO_STORE;
use crate::config::AppKind;
use crate::domain::ids::RuleId;
use crate::domain::push::rule::Rule;
use crate::http::audited;
use crate::http::error::{ApiError, ErrorBody};
use crate::http::extract::Fields;
use crate::http::managed::Managed;
use crate::service::records::ReplyRule;
use crate::state::State;

/// Positions lie between this and its negative.
const LAST_POSITION: i64 = 1_000_000;

/// A rule for replies.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct NewRuleBody {
    /// What it waits for: `subscribe`, `keyword`, `click`, `scan`, or `default` for every message that no other rule is
    /// for.
    #[schema(example = "keyword")]
    when: String,
    /// Keywords: `exact`, `contains` or `regex`; `exact` if absent. Blanks around what was written do not count.
    #[schema(example = "contains")]
    r#match: Option<String>,
    /// Keywords: what is looked for, up to 256 bytes.
    #[schema(example = "price")]
    text: Option<String>,
    /// Keywords: instead of `text` up to 20 of them, each of which is enough.
    texts: Option<Vec<String>>,
    /// Keywords: whether `a` is `A`; no if absent.
    ignore_case: Option<bool>,
    /// Clicks: the key of the menu's button; any button if absent.
    key: Option<String>,
    /// Scans: the scene of the QR code; any code if absent.
    scene: Option<String>,
    /// What is answered; see docs/replies.md.
    #[schema(value_type = Object, example = json!({"type": "text", "content": "…"}))]
    reply: Value,
    /// Rules with smaller positions are tried first, those of one position in the order in which they were made; 0 if
    /// absent.
    position: Option<i64>,
}

/// A rule in the store.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RuleBody<'a> {
    /// Our id of it.
    id: &'a str,
    /// Its place among the others.
    position: i64,
    /// When it was made, in seconds.
    created_at: i64,
    /// When it was changed last, in seconds.
    changed_at: i64,
    /// What it says.
    #[serde(flatten)]
    #[schema(value_type = NewRuleBody)]
    rule: &'a Rule,
}

/// An app's rules.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RulesBody<'a> {
    /// Those in the store, in the order in which they are tried.
    replies: Vec<RuleBody<'a>>,
    /// Those of the configuration, which are tried after them.
    #[schema(value_type = Vec<NewRuleBody>)]
    configured: &'a [Rule],
}

impl<'a> From<&'a ReplyRule> for RuleBody<'a> {
    fn from(stored: &'a ReplyRule) -> Self {
        Self {
            id: stored.id.as_str(),
            position: stored.position,
            created_at: stored.created_at.secs(),
            changed_at: stored.changed_at.secs(),
            rule: &stored.rule,
        }
    }
}

/// List an app's rules for replies
#[utoipa::path(
    tag = "Events",
    params(("app" = String, Path, description = "the app's name")),
    responses(
        (status = 200, description = "in the order in which they are tried", body = RulesBody),
        (status = 401, description = "no token or key, or not a good one", body = ErrorBody),
        (status = 403, description = "not for this one", body = ErrorBody),
        (status = 404, description = "no such app", body = ErrorBody),
    )
)]
#[get("/v1/apps/{app}/replies")]
pub(super) async fn list(managed: Managed, state: web::Data<State>) -> HttpResponse {
    let stored = state.reply_rules.list(&managed.app);
    HttpResponse::Ok()
        .insert_header((CACHE_CONTROL, NO_STORE))
        .json(RulesBody {
            replies: stored.iter().map(|rule| RuleBody::from(&**rule)).collect(),
            configured: state.reply_rules.configured(&managed.app),
        })
}

/// Make a rule for replies
///
/// For administrators, and for callers with `--webhooks` for the app. An app has at most 500, of them 50 with regular
/// expressions. Other instances know it within a second.
#[utoipa::path(
    tag = "Events",
    params(("app" = String, Path, description = "the app's name")),
    request_body = NewRuleBody,
    responses(
        (status = 201, description = "made", body = RuleBody),
        (status = 400, description = "wrong parameters", body = ErrorBody),
        (status = 401, description = "no token or key, or not a good one", body = ErrorBody),
        (status = 403, description = "not for this one", body = ErrorBody),
        (status = 404, description = "no such app", body = ErrorBody),
        (status = 409, description = "the app has as many as are allowed", body = ErrorBody),
        (status = 503, description = "the store is away", body = ErrorBody),
    )
)]
#[post("/v1/apps/{app}/replies", wrap = "from_fn(audited::note)")]
pub(super) async fn create(
    managed: Managed,
    state: web::Data<State>,
    fields: Fields,
) -> Result<HttpResponse, ApiError> {
    let (rule, position) = read(&state, &managed, fields)?;
    let made = state.reply_rules.create(&managed.app, rule, position).await?;
    Ok(HttpResponse::Created()
        .insert_header((CACHE_CONTROL, NO_STORE))
        .json(RuleBody::from(&made)))
}

/// See a rule for replies
#[utoipa::path(
    tag = "Events",
    params(
        ("app" = String, Path, description = "the app's name"),
        ("id" = String, Path, description = "the rule's id"),
    ),
    responses(
        (status = 200, description = "the rule", body = RuleBody),
        (status = 401, description = "no token or key, or not a good one", body = ErrorBody),
        (status = 403, description = "not for this one", body = ErrorBody),
        (status = 404, description = "no such rule in the store", body = ErrorBody),
        (status = 503, description = "the store is away", body = ErrorBody),
    )
)]
#[get("/v1/apps/{app}/replies/{id}")]
pub(super) async fn show(
    managed: Managed,
    state: web::Data<State>,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, ApiError> {
    let rule = state.reply_rules.read(&managed.app, &id(&path)?).await?;
    Ok(answer(&rule))
}

/// Put another rule in a rule's place
#[utoipa::path(
    tag = "Events",
    params(
        ("app" = String, Path, description = "the app's name"),
        ("id" = String, Path, description = "the rule's id"),
    ),
    request_body = NewRuleBody,
    responses(
        (status = 200, description = "as it is now", body = RuleBody),
        (status = 400, description = "wrong parameters", body = ErrorBody),
        (status = 401, description = "no token or key, or not a good one", body = ErrorBody),
        (status = 403, description = "not for this one", body = ErrorBody),
        (status = 404, description = "no such rule in the store", body = ErrorBody),
        (status = 409, description = "the app has as many regular expressions as are allowed", body = ErrorBody),
        (status = 503, description = "the store is away", body = ErrorBody),
    )
)]
#[put("/v1/apps/{app}/replies/{id}", wrap = "from_fn(audited::note)")]
pub(super) async fn replace(
    managed: Managed,
    state: web::Data<State>,
    path: web::Path<(String, String)>,
    fields: Fields,
) -> Result<HttpResponse, ApiError> {
    let id = id(&path)?;
    let (rule, position) = read(&state, &managed, fields)?;
    let replaced = state
        .reply_rules
        .replace(&managed.app, &id, rule, position)
        .await?;
    Ok(answer(&replaced))
}

/// Delete a rule for replies
#[utoipa::path(
    tag = "Events",
    params(
        ("app" = String, Path, description = "the app's name"),
        ("id" = String, Path, description = "the rule's id"),
    ),
    responses(
        (status = 204, description = "it is gone"),
        (status = 401, description = "no token or key, or not a good one", body = ErrorBody),
        (status = 403, description = "not for this one", body = ErrorBody),
        (status = 404, description = "no such rule in the store", body = ErrorBody),
        (status = 503, description = "the store is away", body = ErrorBody),
    )
)]
#[delete("/v1/apps/{app}/replies/{id}", wrap = "from_fn(audited::note)")]
pub(super) async fn delete(
    managed: Managed,
    state: web::Data<State>,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, ApiError> {
    state.reply_rules.delete(&managed.app, &id(&path)?).await?;
    Ok(HttpResponse::NoContent().finish())
}

fn answer(rule: &ReplyRule) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((CACHE_CONTROL, NO_STORE))
        .json(RuleBody::from(rule))
}

fn id(path: &web::Path<(String, String)>) -> Result<RuleId, ApiError> {
    let no_rule = |_| ApiError::NotFound("there is no such rule".to_owned());
    path.1.parse().map_err(no_rule)
}

/// A rule and its position. Unlike other bodies this one must have no members but those of a rule, as in the configuration:
/// a member whose name is misspelt would make another rule of it.
fn read(state: &State, managed: &Managed, mut fields: Fields) -> Result<(Rule, i64), ApiError> {
    let position: i64 = fields.read("position").unwrap_or_default();
    if !(-LAST_POSITION..=LAST_POSITION).contains(&position) {
        fields.problem::<()>(format!(
            "position must lie between -{LAST_POSITION} and {LAST_POSITION}"
        ));
    }
    let rule: Option<Rule> = fields.rest();
    let app = state.config.apps.named(managed.app.as_str());
    let for_mini = app.is_some_and(|app| app.kind == AppKind::Mini);
    if let Some(Err(error)) = rule.as_ref().map(|rule| rule.check(for_mini)) {
        fields.problem::<()>(error.to_string());
    }
    Ok((fields.finish(rule)?, position))
}
