//! The body of every answer: what the handler made or what replaced it, and what ends with it.

use std::pin::Pin;
use std::task::{Context, Poll};

use actix_web::body::{BodySize, BoxBody, EitherBody, MessageBody};
use actix_web::web::Bytes;

use super::body::Unread;
use super::connections::InProgress;

/// The body of an answer. Dropping it, which the server does once it has sent it all, ends the request.
pub struct Answer<B> {
    body: EitherBody<B, BoxBody>,
    _request: Option<InProgress>,
    _unread: Option<Unread>,
}

impl<B> Answer<B> {
    pub(super) fn new(body: EitherBody<B, BoxBody>, request: Option<InProgress>, unread: Option<Unread>) -> Self {
        Self { body, _request: request, _unread: unread }
    }
}

impl<B: MessageBody + Unpin + 'static> MessageBody for Answer<B> {
    type Error = actix_web::Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        Pin::new(&mut self.body).poll_next(cx).map_err(Into::into)
    }
}
