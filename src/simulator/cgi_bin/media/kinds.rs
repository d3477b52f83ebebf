//! Which files may be uploaded as what: their names, their first bytes, their lengths (上传素材). No picture is decoded
//! and no voice listened to, so a voice message may be longer than sixty seconds.

use serde::{Deserialize, Serialize};

use crate::simulator::errcode;
use crate::simulator::intake::Part;
use crate::simulator::reply::{Refusal, refuse};

/// Bytes of any file.
const MOST_OF_ANY: u64 = 20 * MIB;
const MIB: u64 = 1_024 * 1_024;

/// What a file is uploaded as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    /// A picture.
    Image,
    /// A voice message.
    Voice,
    /// A video.
    Video,
    /// A preview picture.
    Thumb,
}

/// What the bytes of a file are.
pub(crate) struct Format {
    /// The content type.
    pub(crate) content_type: &'static str,
    /// The end of a file's name.
    pub(crate) extension: &'static str,
    kind: Kind,
    /// Whether only permanent media may have it.
    permanent: bool,
}

const fn format(content_type: &'static str, extension: &'static str, kind: Kind, permanent: bool) -> Format {
    Format {
        content_type,
        extension,
        kind,
        permanent,
    }
}

static FORMATS: [Format; 9] = [
    format("image/jpeg", "jpg", Kind::Image, false),
    format("image/png", "png", Kind::Image, false),
    format("image/gif", "gif", Kind::Image, false),
    format("image/bmp", "bmp", Kind::Image, true),
    format("audio/amr", "amr", Kind::Voice, false),
    format("audio/mpeg", "mp3", Kind::Voice, false),
    format("audio/wav", "wav", Kind::Voice, true),
    format("audio/x-ms-wma", "wma", Kind::Voice, true),
    format("video/mp4", "mp4", Kind::Video, false),
];

impl Kind {
    /// The kind of this name.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        match name {
            "image" => Some(Self::Image),
            "voice" => Some(Self::Voice),
            "video" => Some(Self::Video),
            "thumb" => Some(Self::Thumb),
            _ => None,
        }
    }

    /// Its name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::Voice => "voice",
            Self::Video => "video",
            Self::Thumb => "thumb",
        }
    }

    fn most(self) -> u64 {
        match self {
            Self::Image | Self::Video => 10 * MIB,
            Self::Voice => 2 * MIB,
            Self::Thumb => 64 * 1_024,
        }
    }

    fn too_large(self) -> i32 {
        match self {
            Self::Image => errcode::INVALID_IMAGE_SIZE,
            Self::Voice => errcode::INVALID_VOICE_SIZE,
            Self::Video => errcode::INVALID_VIDEO_SIZE,
            Self::Thumb => errcode::INVALID_THUMB_SIZE,
        }
    }

    fn takes(self, format: &Format, permanent: bool) -> bool {
        let kind_fits = match self {
            Self::Thumb => format.extension == "jpg",
            other => format.kind == other,
        };
        kind_fits && (permanent || !format.permanent)
    }
}

/// What a file is, if it may be uploaded as this kind; `most` stands in the place of WeChat's own bounds.
///
/// WeChat: 44001 for an empty one, 45001 and 40009 to 40012 for a large one, 40005 for another kind of file.
pub(crate) fn check(
    kind: Kind,
    permanent: bool,
    part: &Part,
    most: Option<u64>,
) -> Result<&'static Format, Refusal> {
    let length = part.content.len();
    if length == 0 {
        return refuse(errcode::EMPTY_MEDIA);
    }
    if length > most.unwrap_or(MOST_OF_ANY) {
        return refuse(errcode::MEDIA_SIZE);
    }
    if length > most.unwrap_or(kind.most()) {
        return refuse(kind.too_large());
    }
    let format = sniffed(part.content.head());
    let format = format.filter(|format| kind.takes(format, permanent) && named_so(part, kind, permanent));
    format.ok_or_else(|| Refusal::of(errcode::INVALID_FILE_TYPE))
}

/// A picture for an article. WeChat: JPEG or PNG, less than 1 MiB.
pub(super) fn check_inline(part: &Part, most: Option<u64>) -> Result<&'static Format, Refusal> {
    let format = check(Kind::Image, true, part, most)?;
    if part.content.len() >= most.unwrap_or(MIB) {
        return refuse(errcode::INVALID_IMAGE_SIZE);
    }
    if !matches!(format.extension, "jpg" | "png") {
        return refuse(errcode::INVALID_FILE_TYPE);
    }
    Ok(format)
}

/// Whether the file's name has an end that the kind may have, or none.
fn named_so(part: &Part, kind: Kind, permanent: bool) -> bool {
    let name = part.filename.as_deref().unwrap_or_default();
    let Some((_, end)) = name.rsplit_once('.') else {
        return true;
    };
    let end = end.to_ascii_lowercase();
    let end = if end == "jpeg" { "jpg" } else { end.as_str() };
    let mut formats = FORMATS.iter().filter(|format| kind.takes(format, permanent));
    formats.any(|format| format.extension == end)
}

/// What the first bytes say.
fn sniffed(head: &[u8]) -> Option<&'static Format> {
    let at = |place: usize, bytes: &[u8]| head.get(place..).is_some_and(|rest| rest.starts_with(bytes));
    let extension = match head {
        _ if at(0, b"\xff\xd8\xff") => "jpg",
        _ if at(0, b"\x89PNG") => "png",
        _ if at(0, b"GIF8") => "gif",
        _ if at(0, b"BM") => "bmp",
        _ if at(0, b"#!AMR") => "amr",
        _ if at(0, b"RIFF") && at(8, b"WAVE") => "wav",
        _ if at(0, b"\x30\x26\xb2\x75") => "wma",
        _ if at(4, b"ftyp") => "mp4",
        [0xff, second, ..] if second & 0xe0 == 0xe0 => "mp3",
        _ if at(0, b"ID3") => "mp3",
        _ => return None,
    };
    FORMATS.iter().find(|format| format.extension == extension)
}

/// The kind and the end of the name that a file of this content type has, as far as they are known.
pub(crate) fn of_content_type(content_type: &str) -> (Kind, &'static str) {
    let known = FORMATS.iter().find(|format| format.content_type == content_type);
    known.map_or((Kind::Image, "bin"), |format| (format.kind, format.extension))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_known_by_their_first_bytes() {
        let extension = |head: &[u8]| sniffed(head).map(|format| format.extension);
        assert_eq!(extension(b"\xff\xd8\xff\xe0"), Some("jpg"));
        assert_eq!(extension(b"\xff\xfb\x90"), Some("mp3"));
        assert_eq!(extension(b"\0\0\0\x18ftypmp42"), Some("mp4"));
        assert_eq!(extension(b"RIFF\0\0\0\0WAVE"), Some("wav"));
        assert_eq!(extension(b"RIFF\0\0\0\0WEBP"), None);
        assert_eq!(extension(b"hello"), None);
        assert_eq!(extension(b""), None);
    }
}
