//! The outline of a JPEG file: its segments, without what is metadata, up to its end. Nothing is decoded here.
//!
//! Decoders fill in what is missing of a file that was cut short, and repeat their work for each scan that a file
//! says it has; so both are looked at first.

use image::ImageFormat;
use image::metadata::Orientation;

use super::Refused;
use super::structure::{Candidate, orientation, within};

/// Usual progressive files have ten.
const MAX_SCANS: usize = 40;

// Markers. (ITU-T T.81, table B.1.)
const END: u8 = 0xd9;
const SCAN: u8 = 0xda;
const EXIF: u8 = 0xe1;
const ADOBE: u8 = 0xee;
const COMMENT: u8 = 0xfe;

/// See [`super::structure::examine`].
pub(super) fn examine(file: &[u8]) -> Result<Candidate, Refused> {
    let mut outline = Outline::default();
    outline.read(file).ok_or(Refused::NotAPicture)?;
    let (width, height) = outline.size.ok_or(Refused::NotAPicture)?;
    within(width.into(), height.into())?;
    if outline.scans == 0 || outline.scans > MAX_SCANS {
        return Err(Refused::NotAPicture);
    }
    Ok(Candidate {
        format: ImageFormat::Jpeg,
        bytes: outline.kept,
        orientation: outline.orientation.unwrap_or(Orientation::NoTransforms),
        is_progressive: outline.is_progressive,
    })
}

#[derive(Default)]
struct Outline {
    kept: Vec<u8>,
    size: Option<(u16, u16)>,
    orientation: Option<Orientation>,
    is_progressive: bool,
    scans: usize,
}

impl Outline {
    /// Nothing if the file ends before its end marker, or has no proper segments. What follows the end is ignored,
    /// as telephones append films there.
    fn read(&mut self, file: &[u8]) -> Option<()> {
        self.kept.extend_from_slice(file.get(..2)?);
        let mut at = 2;
        loop {
            // Any number of fill bytes may stand before a marker.
            let marker = match *file.get(at..at + 2)? {
                [0xff, 0xff] => {
                    at += 1;
                    continue;
                }
                [0xff, marker] => marker,
                _ => return None,
            };
            if marker == END {
                self.kept.extend_from_slice(&[0xff, END]);
                return Some(());
            }
            // Markers without a segment: none belongs here, and nothing is lost with them.
            if matches!(marker, 0x01 | 0xd0..=0xd7) {
                at += 2;
                continue;
            }
            let length = usize::from(u16::from_be_bytes([*file.get(at + 2)?, *file.get(at + 3)?]));
            let end = at + 2 + length;
            let content = file.get(at + 4..end)?;
            self.segment(marker, content, file.get(at..end)?)?;
            at = end;
            if marker == SCAN {
                let entropy = entropy_coded(file.get(at..)?)?;
                self.kept.extend_from_slice(file.get(at..at + entropy)?);
                at += entropy;
            }
        }
    }

    fn segment(&mut self, marker: u8, content: &[u8], whole: &[u8]) -> Option<()> {
        match marker {
            EXIF if content.starts_with(b"Exif\0\0") => {
                self.orientation.get_or_insert_with(|| orientation(content));
                return Some(());
            }
            // How the colours are coded stands in Adobe's segment; the others are metadata.
            0xe0..=0xef if marker != ADOBE => return Some(()),
            COMMENT => return Some(()),
            SCAN => self.scans += 1,
            0xc0..=0xcf if !matches!(marker, 0xc4 | 0xc8 | 0xcc) => {
                // A second picture's head: what a decoder makes of it is nobody's guess.
                if self.size.is_some() {
                    return None;
                }
                self.is_progressive = marker == 0xc2;
                let side = |at: usize| Some(u16::from_be_bytes([*content.get(at)?, *content.get(at + 1)?]));
                self.size = Some((side(3)?, side(1)?));
            }
            _ => {}
        }
        self.kept.extend_from_slice(whole);
        Some(())
    }
}

/// How long the data of a scan is: up to the next marker that is neither an escaped byte nor a restart.
fn entropy_coded(data: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        at += data.get(at..)?.iter().position(|byte| *byte == 0xff)?;
        match *data.get(at + 1)? {
            0x00 | 0xd0..=0xd7 => at += 2,
            0xff => at += 1,
            _ => return Some(at),
        }
    }
}
