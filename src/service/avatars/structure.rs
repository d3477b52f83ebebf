//! What an uploaded file says of itself before anything in it is decoded: format, size, orientation. Nothing is unpacked here.
//!
//! Metadata is left out on the way, so that a broken or hostile piece of it (a colour profile that unpacks to
//! gigabytes, an unreadable EXIF block) never reaches a decoder.

use image::ImageFormat;
use image::metadata::Orientation;

use super::{Refused, jpeg};

/// Larger pictures are refused, whatever they would unpack to.
const MAX_SIDE: u32 = 4096;

/// A file that looks like a picture.
#[derive(Debug)]
pub(super) struct Candidate {
    pub(super) format: ImageFormat,
    /// The file without what a decoder need not see.
    pub(super) bytes: Vec<u8>,
    pub(super) orientation: Orientation,
    /// Whether a decoder needs much more memory than the picture has: all its coefficients at once.
    pub(super) is_progressive: bool,
}

/// Reads a file's outline. Its name and declared type are not asked.
///
/// # Errors
/// If it is no JPEG, PNG, WebP or GIF, is cut short where that can be seen, or is larger than 4096 × 4096 pixels.
pub(super) fn examine(file: &[u8]) -> Result<Candidate, Refused> {
    if file.starts_with(&[0xff, 0xd8, 0xff]) {
        jpeg::examine(file)
    } else if file.starts_with(PNG) {
        png(file).ok_or(Refused::NotAPicture)?
    } else if file.starts_with(b"RIFF") && file.get(8..12) == Some(b"WEBP") {
        webp(file)
    } else if file.starts_with(b"GIF87a") || file.starts_with(b"GIF89a") {
        let side = |at: usize| Some(u16::from_le_bytes(file.get(at..at + 2)?.try_into().ok()?));
        let (width, height) = side(6).zip(side(8)).ok_or(Refused::NotAPicture)?;
        within(width.into(), height.into())?;
        Ok(Candidate::of(ImageFormat::Gif, file.to_vec()))
    } else {
        Err(Refused::NotAPicture)
    }
}

impl Candidate {
    fn of(format: ImageFormat, bytes: Vec<u8>) -> Self {
        Self {
            format,
            bytes,
            orientation: Orientation::NoTransforms,
            is_progressive: false,
        }
    }
}

/// Checks the size of a picture.
pub(super) fn within(width: u32, height: u32) -> Result<(), Refused> {
    if width == 0 || height == 0 {
        Err(Refused::NotAPicture)
    } else if width > MAX_SIDE || height > MAX_SIDE {
        Err(Refused::TooManyPixels)
    } else {
        Ok(())
    }
}

/// The orientation that an EXIF block asks for; a block that cannot be read asks for nothing.
pub(super) fn orientation(exif: &[u8]) -> Orientation {
    let block = exif.strip_prefix(b"Exif\0\0").unwrap_or(exif);
    Orientation::from_exif_chunk(block).unwrap_or(Orientation::NoTransforms)
}

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";

/// A PNG with its picture alone: no texts, no profiles, no further frames. (PNG Specification, 5 and 11.)
fn png(file: &[u8]) -> Option<Result<Candidate, Refused>> {
    let mut bytes = PNG.to_vec();
    let mut found = Orientation::NoTransforms;
    let mut rest = file.strip_prefix(PNG)?;
    if rest.get(4..8) != Some(b"IHDR") {
        return None;
    }
    loop {
        let length = usize::try_from(u32::from_be_bytes(*rest.first_chunk()?)).ok()?;
        let end = length.checked_add(12)?;
        let (kind, content) = (rest.get(4..8)?, rest.get(8..length.checked_add(8)?)?);
        let chunk = rest.get(..end)?;
        match kind {
            b"IHDR" => {
                let side = |at: usize| Some(u32::from_be_bytes(content.get(at..at + 4)?.try_into().ok()?));
                if let Err(refused) = within(side(0)?, side(4)?) {
                    return Some(Err(refused));
                }
                bytes.extend_from_slice(chunk);
            }
            b"PLTE" | b"tRNS" | b"IDAT" => bytes.extend_from_slice(chunk),
            b"eXIf" => found = orientation(content),
            b"IEND" => {
                bytes.extend_from_slice(chunk);
                let mut candidate = Candidate::of(ImageFormat::Png, bytes);
                candidate.orientation = found;
                return Some(Ok(candidate));
            }
            _ => {}
        }
        rest = &rest[end..];
    }
}

/// A WebP as it is: its decoder reads metadata only if asked. Sizes stand in several places, and a decoder may
/// believe any of them. (WebP Container Specification; RFC 6386, 9.1; WebP Lossless Bitstream Specification, 3.)
fn webp(file: &[u8]) -> Result<Candidate, Refused> {
    let mut candidate = Candidate::of(ImageFormat::WebP, file.to_vec());
    webp_chunks(&file[12..], &mut candidate.orientation)?;
    Ok(candidate)
}

fn webp_chunks(mut rest: &[u8], found: &mut Orientation) -> Result<(), Refused> {
    while let Some(head) = rest.first_chunk::<8>() {
        let length = u32::from_le_bytes([head[4], head[5], head[6], head[7]]) as usize;
        let content = rest.get(8..).unwrap_or_default();
        let content = &content[..length.min(content.len())];
        let size = match &head[..4] {
            b"VP8X" => triple(content, 4).zip(triple(content, 7)),
            b"VP8 " => short(content, 6).zip(short(content, 8)),
            b"VP8L" => content.get(1..5).map(|bits| {
                let bits = u32::from_le_bytes([bits[0], bits[1], bits[2], bits[3]]);
                ((bits & 0x3fff) + 1, (bits >> 14 & 0x3fff) + 1)
            }),
            b"ANMF" => {
                webp_chunks(content.get(16..).unwrap_or_default(), found)?;
                triple(content, 6).zip(triple(content, 9))
            }
            b"EXIF" => {
                *found = orientation(content);
                Some((1, 1))
            }
            _ => Some((1, 1)),
        };
        let (width, height) = size.ok_or(Refused::NotAPicture)?;
        within(width, height)?;
        // Chunks begin at even places.
        rest = rest.get(8 + length + length % 2..).unwrap_or_default();
    }
    Ok(())
}

/// A size less one, in three bytes.
fn triple(content: &[u8], at: usize) -> Option<u32> {
    let bytes = content.get(at..at + 3)?;
    Some(u32::from_le_bytes([bytes[0], bytes[1], bytes[2], 0]) + 1)
}

/// A size in fourteen bits.
fn short(content: &[u8], at: usize) -> Option<u32> {
    let bytes = content.get(at..at + 2)?;
    Some(u32::from(u16::from_le_bytes([bytes[0], bytes[1]]) & 0x3fff))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_wherever_a_webp_has_them() {
        let file = |kind: &[u8; 4], content: &[u8]| {
            let mut file = b"RIFF\0\0\0\0WEBP".to_vec();
            file.extend_from_slice(kind);
            file.extend_from_slice(&u32::try_from(content.len()).unwrap().to_le_bytes());
            file.extend_from_slice(content);
            examine(&file).map(|_| ())
        };
        let large = [0, 0, 0, 0x9d, 0x01, 0x2a, 0xff, 0x3f, 0xff, 0x3f];
        assert_eq!(file(b"VP8 ", &large), Err(Refused::TooManyPixels));
        assert_eq!(
            file(b"VP8L", &[0x2f, 0xff, 0xff, 0xff, 0x0f]),
            Err(Refused::TooManyPixels)
        );
        let canvas = [0, 0, 0, 0, 0xff, 0x0f, 0, 0, 0x10, 0];
        assert_eq!(file(b"VP8X", &canvas), Err(Refused::TooManyPixels));
        let mut frame = vec![0; 16];
        frame.extend_from_slice(b"VP8L\x05\0\0\0\x2f\xff\xff\xff\x0f");
        assert_eq!(file(b"ANMF", &frame), Err(Refused::TooManyPixels));
        assert_eq!(file(b"VP8L", &[0x2f, 0xff, 0xcf, 0xff, 0x03]), Ok(()));
        assert_eq!(file(b"VP8 ", &[]), Err(Refused::NotAPicture));
    }

    #[test]
    fn what_is_no_picture_is_refused_whatever_it_begins_with() {
        let beginnings: [&[u8]; 7] = [
            b"",
            b"<svg xmlns=\"http://www.w3.org/2000/svg\"/>",
            PNG,
            b"\x89PNG\r\n\x1a\n\xff\xff\xff\xffIHDR",
            b"\xff\xd8\xff",
            b"GIF89a\x01",
            b"GIF89a\x00\x00\x00\x00",
        ];
        for file in beginnings {
            assert_eq!(examine(file).map(|_| ()), Err(Refused::NotAPicture), "{file:?}");
        }
    }
}
