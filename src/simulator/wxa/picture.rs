//! Pictures of mini-program codes: a pattern made from the content, of the requested width and colour. What a code is
//! for is decided by the endpoints.

use std::io::Cursor;

use image::codecs::jpeg::JpegEncoder;
use image::{DynamicImage, ImageFormat, Rgb, RgbImage, Rgba, RgbaImage};
use serde_json::{Map, Value};
use sha1::{Digest as _, Sha1};

use crate::simulator::errcode;
use crate::simulator::reply::Refusal;

/// WeChat: pixels of the width.
const WIDTHS: std::ops::RangeInclusive<u64> = 280..=1_280;
const USUAL_WIDTH: u64 = 430;
/// Dots in a row, and those of the margin.
const DOTS: u32 = 37;
const MARGIN: u32 = 4;

/// How a code looks.
pub(super) struct Picture {
    width: u32,
    colour: [u8; 3],
    transparent: bool,
}

impl Picture {
    /// What a call asks for. WeChat: 40097 for a width or colour that there is not.
    pub(super) fn of(body: &Map<String, Value>) -> Result<Self, Refusal> {
        let invalid = || Refusal::of(errcode::INVALID_ARGUMENTS);
        let width = match body.get("width") {
            None => Some(USUAL_WIDTH),
            Some(width) => number(width).filter(|width| WIDTHS.contains(width)),
        };
        let width = width.and_then(|width| u32::try_from(width).ok());
        let mut colour = [0; 3];
        if let Some(given) = body.get("line_color") {
            for (place, name) in colour.iter_mut().zip(["r", "g", "b"]) {
                let part = given.get(name).and_then(number);
                *place = part
                    .and_then(|part| u8::try_from(part).ok())
                    .ok_or_else(invalid)?;
            }
        }
        Ok(Self {
            width: width.ok_or_else(invalid)?,
            colour,
            transparent: body.get("is_hyaline") == Some(&Value::Bool(true)),
        })
    }

    /// The content type and the file.
    pub(super) fn draw(&self, content: &str) -> (&'static str, Vec<u8>) {
        let rows: Vec<_> = (0..DOTS)
            .map(|row| Sha1::digest(format!("{row} {content}")))
            .collect();
        let dark = |x: u32, y: u32| {
            let (column, row) = (x * DOTS / self.width, y * DOTS / self.width);
            let inside = |place| (MARGIN..DOTS - MARGIN).contains(&place);
            let byte = rows[row as usize][(column / 8) as usize];
            inside(column) && inside(row) && byte >> (column % 8) & 1 == 1
        };
        let [r, g, b] = self.colour;
        let mut file = Vec::new();
        // A picture of bounded size that is written into memory cannot fail.
        if self.transparent {
            let colour = |x, y| Rgba([r, g, b, if dark(x, y) { 255 } else { 0 }]);
            let image = DynamicImage::from(RgbaImage::from_fn(self.width, self.width, colour));
            let _ = image.write_to(&mut Cursor::new(&mut file), ImageFormat::Png);
            return ("image/png", file);
        }
        let colour = |x, y| Rgb(if dark(x, y) { self.colour } else { [255; 3] });
        let image = RgbImage::from_fn(self.width, self.width, colour);
        let _ = JpegEncoder::new_with_quality(&mut file, 80).encode_image(&image);
        ("image/jpeg", file)
    }
}

/// WeChat: its own samples have texts and numbers.
fn number(value: &Value) -> Option<u64> {
    match value {
        Value::String(text) => text.parse().ok(),
        value => value.as_u64(),
    }
}
