//! `/v1/user/avatar` and `/avatars/…`: users' pictures, uploaded and shown.

use std::collections::BTreeMap;

use actix_web::http::header::{self, EntityTag, Header as _, HeaderValue, IfNoneMatch};
use actix_web::{HttpRequest, HttpResponse, get, post, web};
use serde::Serialize;
use utoipa::ToSchema;

use crate::http::error::{ApiError, ErrorBody};
use crate::http::signed_in::SignedIn;
use crate::http::upload;
use crate::service::avatars::{FileName, MAX_UPLOAD};
use crate::state::State;

/// A user's picture.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AvatarBody {
    /// The path of the largest.
    #[schema(example = "/avatars/5a105e8b9d40e1329780d62ea2265d8a.jpg")]
    url: String,
    /// The paths of all, by the sides they have at most: 96, 240 and 640 pixels.
    sizes: BTreeMap<u32, String>,
}

/// The upload.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "it describes a form that is read piece by piece")]
pub(super) struct AvatarForm {
    /// A JPEG, PNG, WebP or GIF of at most 2 MiB and 4096 × 4096 pixels.
    #[schema(value_type = String, format = Binary, content_media_type = "application/octet-stream")]
    avatar: Vec<u8>,
}

/// Upload one's picture
///
/// The middle square is kept, in three sizes and without metadata. The picture before is removed. The file's name and
/// declared type are not looked at.
#[utoipa::path(
    tag = "Users",
    request_body(content = AvatarForm, content_type = "multipart/form-data"),
    responses(
        (status = 200, description = "it is the user's picture now", body = AvatarBody),
        (status = 400, description = "the form has no file `avatar`, or two", body = ErrorBody),
        (status = 401, description = "not signed in", body = ErrorBody),
        (status = 413, description = "the file is larger than 2 MiB", body = ErrorBody),
        (status = 415, description = "it is no picture, a broken one, or no form", body = ErrorBody),
        (status = 422, description = "it has too many pixels", body = ErrorBody),
        (status = 503, description = "too many uploads, or the store is away", body = ErrorBody),
    )
)]
#[post("/v1/user/avatar")]
pub(super) async fn set(
    state: web::Data<State>,
    caller: SignedIn,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, ApiError> {
    let file = upload::file(&request, payload, "avatar", MAX_UPLOAD).await?;
    let stored = state.avatars.set(&caller.user, file).await?;
    Ok(HttpResponse::Ok().json(AvatarBody {
        url: stored.url,
        sizes: stored.sizes,
    }))
}

/// A user's picture
///
/// What a path shows never changes, so it may be kept for ever.
#[utoipa::path(
    tag = "Users",
    params(("file" = String, Path)),
    responses(
        (status = 200, description = "the picture", content_type = "image/jpeg"),
        (status = 304, description = "the client has it"),
        (status = 404, description = "there is none, or not any more", body = ErrorBody),
    )
)]
#[get("/avatars/{file}")]
pub(super) async fn show(
    state: web::Data<State>,
    file: web::Path<String>,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    // Whatever is no name of ours is never looked for.
    let name: FileName = file.parse().map_err(|_| no_picture())?;
    let blob = state.avatars.read(&name).await?.ok_or_else(no_picture)?;
    // A name stands for one content, so it is a validator too.
    let tag = EntityTag::new_strong(name.to_string());
    let is_known = IfNoneMatch::parse(&request).is_ok_and(|known| match known {
        IfNoneMatch::Any => true,
        IfNoneMatch::Items(tags) => tags.iter().any(|known| known.weak_eq(&tag)),
    });
    let mut response = if is_known {
        HttpResponse::NotModified()
    } else {
        HttpResponse::Ok()
    };
    response
        .insert_header((header::CACHE_CONTROL, "public, max-age=31536000, immutable"))
        .insert_header((header::ETAG, tag.to_string()))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .insert_header((header::CONTENT_SECURITY_POLICY, CONFINED))
        .insert_header((header::CONTENT_DISPOSITION, "inline"))
        .insert_header((header::CONTENT_TYPE, blob.format.content_type()));
    Ok(if is_known {
        response.finish()
    } else {
        response.body(web::Bytes::from_owner(blob.bytes))
    })
}

/// Opened by itself, a picture is a document of no origin that may do nothing.
const CONFINED: HeaderValue = HeaderValue::from_static("default-src 'none'; sandbox; frame-ancestors 'none'");

fn no_picture() -> ApiError {
    ApiError::NotFound("there is no such picture".to_owned())
}
