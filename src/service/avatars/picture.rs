//! From an uploaded file to three small pictures: decoded within bounds, cut to a square, turned upright, encoded
//! anew. Pure work without I/O, and too slow for a thread that serves requests.

use std::io::Cursor;

use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::{CompressionType, FilterType as PngFilter, PngEncoder};
use image::imageops::{self, FilterType};
use image::{
    DynamicImage, ExtendedColorType, GenericImageView, ImageDecoder, ImageEncoder as _, ImageError,
    ImageReader, ImageResult, Limits, RgbImage, Rgba, RgbaImage,
};

use super::structure::Candidate;
use super::{Format, Refused, SIDES};

/// What a picture may take unpacked.
const MAX_DECODED: u64 = 64 * 1024 * 1024;
/// What a picture that is handed out may have.
const MAX_ENCODED: usize = 128 * 1024;
/// Good to look at first; then whatever makes it fit.
const QUALITIES: [u8; 5] = [85, 75, 65, 50, 35];
/// Smaller than this no picture becomes for the sake of its bytes.
const SMALLEST: u32 = 16;

/// The pictures of one upload, in the order of [`SIDES`].
pub(super) struct Rendered {
    pub(super) format: Format,
    pub(super) files: [Vec<u8>; SIDES.len()],
}

/// How many bytes a picture takes while it is worked on, at most.
///
/// # Errors
/// If the picture is too large, or is none.
pub(super) fn weigh(candidate: &Candidate) -> Result<u64, Refused> {
    let decoded = decoder(candidate)?.total_bytes();
    if decoded > MAX_DECODED {
        return Err(Refused::TooManyPixels);
    }
    Ok(decoded * if candidate.is_progressive { 3 } else { 2 })
}

/// Makes the pictures.
///
/// # Errors
/// If the file is broken.
pub(super) fn render(candidate: &Candidate) -> Result<Rendered, Refused> {
    let decoded = DynamicImage::from_decoder(decoder(candidate)?).map_err(|error| refused(&error))?;
    let square = square(&decoded);
    drop(decoded);
    let mut upright = DynamicImage::ImageRgba8(square);
    upright.apply_orientation(candidate.orientation);
    let picture = upright.into_rgba8();
    let format = if picture.pixels().all(|pixel| pixel[3] == u8::MAX) {
        Format::Jpeg
    } else {
        Format::Png
    };
    let files = SIDES.map(|side| encode(&picture, side.min(picture.width()), format));
    let [Ok(small), Ok(middle), Ok(large)] = files else {
        return Err(Refused::NotAPicture);
    };
    Ok(Rendered {
        format,
        files: [small, middle, large],
    })
}

fn decoder(candidate: &Candidate) -> Result<impl ImageDecoder + '_, Refused> {
    let mut reader = ImageReader::with_format(Cursor::new(candidate.bytes.as_slice()), candidate.format);
    let mut limits = Limits::no_limits();
    limits.max_alloc = Some(MAX_DECODED);
    reader.limits(limits);
    reader.into_decoder().map_err(|error| refused(&error))
}

fn refused(error: &ImageError) -> Refused {
    match error {
        ImageError::Limits(_) => Refused::TooManyPixels,
        _ => Refused::NotAPicture,
    }
}

/// The middle of a picture, with colours weighed by their opacity: otherwise the invisible colour of what is
/// transparent shows at its edges after scaling.
struct Middle<'a> {
    picture: &'a DynamicImage,
    left: u32,
    top: u32,
    side: u32,
}

impl<'a> Middle<'a> {
    fn of(picture: &'a DynamicImage) -> Self {
        let (width, height) = picture.dimensions();
        let side = width.min(height);
        Self {
            picture,
            left: (width - side) / 2,
            top: (height - side) / 2,
            side,
        }
    }
}

impl GenericImageView for Middle<'_> {
    type Pixel = Rgba<u8>;

    fn dimensions(&self) -> (u32, u32) {
        (self.side, self.side)
    }

    fn get_pixel(&self, x: u32, y: u32) -> Rgba<u8> {
        let Rgba([red, green, blue, alpha]) = self.picture.get_pixel(self.left + x, self.top + y);
        let weigh = |colour: u8| share(u16::from(colour) * u16::from(alpha) / 255);
        Rgba([weigh(red), weigh(green), weigh(blue), alpha])
    }
}

/// The middle of the picture, at most as large as needed. It is averaged down, because a finer filter over a large
/// picture would need several times its memory.
fn square(picture: &DynamicImage) -> RgbaImage {
    let middle = Middle::of(picture);
    let most = SIDES[SIDES.len() - 1];
    if middle.side > most {
        imageops::thumbnail(&middle, most, most)
    } else {
        RgbaImage::from_fn(middle.side, middle.side, |x, y| middle.get_pixel(x, y))
    }
}

fn encode(picture: &RgbaImage, side: u32, format: Format) -> ImageResult<Vec<u8>> {
    let mut side = side;
    loop {
        let scaled = if side == picture.width() {
            picture.clone()
        } else {
            imageops::resize(picture, side, side, FilterType::Lanczos3)
        };
        let file = match format {
            Format::Jpeg => jpeg(&DynamicImage::ImageRgba8(scaled).into_rgb8())?,
            Format::Png => png(scaled)?,
        };
        if file.len() <= MAX_ENCODED || side <= SMALLEST {
            return Ok(file);
        }
        side = (side * 4 / 5).max(SMALLEST);
    }
}

/// The best quality that fits, else the worst.
fn jpeg(picture: &RgbImage) -> ImageResult<Vec<u8>> {
    let mut file = Vec::new();
    for quality in QUALITIES {
        file.clear();
        JpegEncoder::new_with_quality(&mut file, quality).encode_image(picture)?;
        if file.len() <= MAX_ENCODED {
            break;
        }
    }
    Ok(file)
}

fn png(mut picture: RgbaImage) -> ImageResult<Vec<u8>> {
    unweigh(&mut picture);
    let mut file = Vec::new();
    let encoder = PngEncoder::new_with_quality(&mut file, CompressionType::Best, PngFilter::Adaptive);
    encoder.write_image(
        picture.as_raw(),
        picture.width(),
        picture.height(),
        ExtendedColorType::Rgba8,
    )?;
    Ok(file)
}

/// Takes the weight of their opacity from colours again.
fn unweigh(picture: &mut RgbaImage) {
    for pixel in picture.pixels_mut() {
        let alpha = u16::from(pixel[3]).max(1);
        for colour in &mut pixel.0[..3] {
            *colour = share(u16::from(*colour) * 255 / alpha);
        }
    }
}

fn share(colour: u16) -> u8 {
    u8::try_from(colour).unwrap_or(u8::MAX)
}
