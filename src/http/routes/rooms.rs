//! `/v1/rooms`: the list of rooms that founding document 002 protects.

use actix_web::http::header::{CACHE_CONTROL, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, get, post, web};
use serde::Serialize;
use utoipa::ToSchema;

use crate::http::error::{ApiError, ErrorBody};
use crate::http::extract::{Fields, Query};
use crate::http::signed_in::SignedIn;
use crate::service::rooms::{LONGEST_NAME, Listed, PAGE, Position, RoomName};
use crate::state::State;

/// Users make rooms all the time.
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");

/// A room to be made.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct NewRoomBody {
    /// 1 to 64 characters.
    #[schema(example = "茶室")]
    name: String,
}

/// A room.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RoomBody<'a> {
    /// Our id of the room.
    id: &'a str,
    /// What its owner calls it.
    name: &'a str,
    /// Who made it.
    owner: OwnerBody<'a>,
    /// When it was made, in seconds.
    created_at: i64,
}

/// Who made a room, as others may know it.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct OwnerBody<'a> {
    /// What the owner wants to be called, if the owner has said so.
    #[serde(skip_serializing_if = "Option::is_none")]
    nickname: Option<&'a str>,
}

/// A part of the list.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RoomsBody<'a> {
    /// Newest first.
    rooms: Vec<RoomBody<'a>>,
    /// The `after` of the next part; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

impl<'a> From<&'a Listed> for RoomBody<'a> {
    fn from(listed: &'a Listed) -> Self {
        Self {
            id: &listed.room.id,
            name: &listed.room.name,
            owner: OwnerBody {
                nickname: listed.nickname.as_deref(),
            },
            created_at: listed.room.created_at.secs(),
        }
    }
}

/// List rooms
#[utoipa::path(
    tag = "Rooms",
    params(
        ("limit" = Option<usize>, Query, description = "1 to 100; 100 if absent"),
        ("after" = Option<String>, Query, description = "`next` of the part before"),
    ),
    responses(
        (status = 200, description = "newest first", body = RoomsBody),
        (status = 400, description = "wrong parameters", body = ErrorBody),
        (status = 401, description = "not signed in", body = ErrorBody),
        (status = 503, description = "the store is away", body = ErrorBody),
    )
)]
#[get("/v1/rooms")]
pub(super) async fn list(
    state: web::Data<State>,
    _caller: SignedIn,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    let query = Query::read(&request)?;
    let limit = query.limit(PAGE)?;
    let after: Option<Position> = match query.at_most_once("after", 64)? {
        None => None,
        Some(text) => {
            let wrong = |_| ApiError::Invalid(vec!["after must be the next of an answer".to_owned()]);
            Some(text.parse().map_err(wrong)?)
        }
    };
    let page = state.rooms.list(limit, after).await?;
    Ok(HttpResponse::Ok()
        .insert_header((CACHE_CONTROL, NO_STORE))
        .json(RoomsBody {
            rooms: page.rooms.iter().map(RoomBody::from).collect(),
            next: page.next.as_ref().map(Position::to_string),
        }))
}

/// Make a room
#[utoipa::path(
    tag = "Rooms",
    request_body = NewRoomBody,
    responses(
        (status = 201, description = "made", body = RoomBody),
        (status = 400, description = "the name is missing or wrong", body = ErrorBody),
        (status = 401, description = "not signed in", body = ErrorBody),
        (status = 422, description = "the user has 100 rooms", body = ErrorBody),
        (status = 503, description = "the store is away", body = ErrorBody),
    )
)]
#[post("/v1/rooms")]
pub(super) async fn create(
    state: web::Data<State>,
    caller: SignedIn,
    mut fields: Fields,
) -> Result<HttpResponse, ApiError> {
    // A character has up to four bytes, and blanks around the name are cut off.
    let name: Option<RoomName> = fields.parse("name", 8 * LONGEST_NAME);
    let name = fields.finish(name)?;
    let made = state.rooms.create(&caller.user, name).await?;
    Ok(HttpResponse::Created().json(RoomBody::from(&made)))
}
