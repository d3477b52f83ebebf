//! Calls of our own making: JSON in, and a JSON object or a file out.

use bytes::Bytes;
use reqwest::Method;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use serde_json::{Map, Value};

use super::{Answer, Behalf, Body, Call, Error, Payload, Relay};
use crate::domain::api_path::ApiTarget;
use crate::domain::ids::AppId;
use crate::wechat;

/// JSON that is asked for is smaller.
const MOST_JSON: usize = 1024 * 1024;
/// Pictures of codes are smaller.
const MOST_FILE: usize = 4 * 1024 * 1024;

impl Relay {
    /// A `POST` with the app's access_token, a JSON body, and a JSON object for an answer.
    ///
    /// # Errors
    /// See [`Error`]; an errcode other than 0 is [`Error::Refused`].
    pub async fn ask(
        &self,
        app: &AppId,
        behalf: &Behalf,
        path: &'static str,
        body: &Value,
    ) -> Result<Map<String, Value>, Error> {
        let answer = self.post(app, behalf, path, body).await?;
        let (_, bytes) = taken(answer, MOST_JSON).await?;
        let unusable = |_| wechat::Error::Unusable("it is no JSON object");
        Ok(serde_json::from_slice(&bytes).map_err(unusable)?)
    }

    /// A `POST` with the app's access_token and a JSON body, for a file: its content type, and the file.
    ///
    /// # Errors
    /// As [`Self::ask`].
    pub async fn fetch(
        &self,
        app: &AppId,
        behalf: &Behalf,
        path: &'static str,
        body: &Value,
    ) -> Result<(String, Bytes), Error> {
        let answer = self.post(app, behalf, path, body).await?;
        taken(answer, MOST_FILE).await
    }

    async fn post(
        &self,
        app: &AppId,
        behalf: &Behalf,
        path: &'static str,
        body: &Value,
    ) -> Result<Answer, Error> {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let answer = self
            .send(Call {
                app: app.clone(),
                party: behalf.party.clone(),
                method: Method::POST,
                target: ApiTarget::fixed(path),
                headers,
                body: Payload::Whole(body.to_string().into()),
                request_id: behalf.request_id.clone(),
            })
            .await?;
        match answer.errcode {
            None | Some(0) => Ok(answer),
            Some(errcode) => Err(Error::Refused(errcode)),
        }
    }
}

/// The whole of an answer, if it is not too long.
async fn taken(answer: Answer, most: usize) -> Result<(String, Bytes), Error> {
    if !(200..300).contains(&answer.status) {
        return Err(wechat::Error::Unusable("its HTTP status is not 200").into());
    }
    let kind = answer
        .headers
        .get(CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok());
    let kind = kind.unwrap_or("application/octet-stream").to_owned();
    let bytes = match answer.body {
        Body::Whole(bytes) => bytes,
        Body::Stream(rest) => rest.all(most).await?,
    };
    Ok((kind, bytes))
}
