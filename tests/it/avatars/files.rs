//! Picture files for the tests: good ones, with metadata, and hostile ones made by hand.

use std::io::{Cursor, Write as _};

use flate2::{Compression, Crc, write::ZlibEncoder};
use image::codecs::gif::GifEncoder;
use image::{DynamicImage, Frame, ImageFormat, Rgb, RgbImage, Rgba, RgbaImage};

pub(crate) const RED: [u8; 3] = [220, 20, 20];
pub(crate) const GREEN: [u8; 3] = [20, 180, 20];
pub(crate) const BLUE: [u8; 3] = [20, 20, 220];
pub(crate) const WHITE: [u8; 3] = [250, 250, 250];
/// What must not be in any file that is handed out.
pub(crate) const SECRET_PLACE: &str = "31.2304N-121.4737E";

/// Red and green above, blue and white below.
pub(crate) fn quadrants(width: u32, height: u32) -> DynamicImage {
    RgbImage::from_fn(width, height, |x, y| {
        Rgb(match (x < width / 2, y < height / 2) {
            (true, true) => RED,
            (false, true) => GREEN,
            (true, false) => BLUE,
            (false, false) => WHITE,
        })
    })
    .into()
}

/// Something that no encoder can make small.
pub(crate) fn noise(side: u32) -> RgbaImage {
    let mut state = 1_u32;
    RgbaImage::from_fn(side, side, |_, _| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        Rgba(state.to_be_bytes())
    })
}

pub(crate) fn encode(picture: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut file = Cursor::new(Vec::new());
    picture.write_to(&mut file, format).unwrap();
    file.into_inner()
}

/// An EXIF block with an orientation, and a text that says where the picture was taken.
fn exif(orientation: u8) -> Vec<u8> {
    let mut block = b"Exif\0\0MM\0\x2a\0\0\0\x08\0\x01".to_vec();
    block.extend_from_slice(&[0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, orientation, 0, 0, 0, 0, 0, 0]);
    block.extend_from_slice(SECRET_PLACE.as_bytes());
    block
}

/// A JPEG with one more segment at its beginning.
fn with_segment(jpeg: &[u8], marker: u8, content: &[u8]) -> Vec<u8> {
    let mut file = jpeg[..2].to_vec();
    file.extend_from_slice(&[0xff, marker]);
    file.extend_from_slice(&u16::try_from(content.len() + 2).unwrap().to_be_bytes());
    file.extend_from_slice(content);
    file.extend_from_slice(&jpeg[2..]);
    file
}

pub(crate) fn jpeg_turned(picture: &DynamicImage, orientation: u8) -> Vec<u8> {
    with_segment(&encode(picture, ImageFormat::Jpeg), 0xe1, &exif(orientation))
}

/// Metadata that makes no sense at all.
pub(crate) fn jpeg_with_broken_metadata(picture: &DynamicImage) -> Vec<u8> {
    let plain = encode(picture, ImageFormat::Jpeg);
    let broken = with_segment(&plain, 0xe1, b"Exif\0\0MM\0\x2a\xff\xff\xff\xff");
    let broken = with_segment(&broken, 0xe2, b"ICC_PROFILE\0\x07\x02nonsense");
    with_segment(&broken, 0xfe, SECRET_PLACE.as_bytes())
}

pub(crate) fn chunk(kind: [u8; 4], content: &[u8]) -> Vec<u8> {
    let mut crc = Crc::new();
    crc.update(&kind);
    crc.update(content);
    let mut all = u32::try_from(content.len()).unwrap().to_be_bytes().to_vec();
    all.extend_from_slice(&kind);
    all.extend_from_slice(content);
    all.extend_from_slice(&crc.sum().to_be_bytes());
    all
}

/// A PNG with these chunks behind its head.
pub(crate) fn png_with(picture: &DynamicImage, chunks: &[Vec<u8>]) -> Vec<u8> {
    const HEAD: usize = 8 + 25;
    let plain = encode(picture, ImageFormat::Png);
    [&plain[..HEAD], &chunks.concat(), &plain[HEAD..]].concat()
}

pub(crate) fn png_turned(picture: &DynamicImage, orientation: u8) -> Vec<u8> {
    let place = [b"Comment\0", SECRET_PLACE.as_bytes()].concat();
    png_with(
        picture,
        &[chunk(*b"eXIf", &exif(orientation)[6..]), chunk(*b"tEXt", &place)],
    )
}

/// A profile that unpacks to a hundred times the file, a wrong checksum, and a text that is none.
pub(crate) fn png_with_broken_metadata(picture: &DynamicImage) -> Vec<u8> {
    let profile = [b"name\0\0".as_slice(), &zeros(64 * 1024 * 1024)].concat();
    let mut wrong = chunk(*b"gAMA", &[1, 2, 3, 4]);
    *wrong.last_mut().unwrap() ^= 1;
    png_with(
        picture,
        &[chunk(*b"iCCP", &profile), wrong, chunk(*b"zTXt", b"\xff\xff")],
    )
}

/// An animated PNG whose further frames are nonsense.
pub(crate) fn apng(picture: &DynamicImage) -> Vec<u8> {
    let mut control = vec![0; 26];
    control[4..8].copy_from_slice(&60_000_u32.to_be_bytes());
    control[8..12].copy_from_slice(&60_000_u32.to_be_bytes());
    let chunks = [
        chunk(*b"acTL", &[0, 0, 0xff, 0xff, 0, 0, 0, 0]),
        chunk(*b"fcTL", &control),
        chunk(*b"fdAT", &[0, 0, 0, 1, 9, 9, 9]),
    ];
    png_with(picture, &chunks)
}

fn zeros(size: usize) -> Vec<u8> {
    let mut packed = ZlibEncoder::new(Vec::new(), Compression::best());
    let zeros = vec![0; 64 * 1024];
    for _ in 0..size / zeros.len() {
        packed.write_all(&zeros).unwrap();
    }
    packed.finish().unwrap()
}

/// A PNG that says it has this size, with (some of) its zeros.
pub(crate) fn png_of_zeros(width: u32, height: u32) -> Vec<u8> {
    let head = [&width.to_be_bytes()[..], &height.to_be_bytes(), &[8, 6, 0, 0, 0]].concat();
    let size = (width as usize * 4 + 1) * height as usize;
    let data = zeros(size.next_multiple_of(64 * 1024));
    let chunks = [
        chunk(*b"IHDR", &head),
        chunk(*b"IDAT", &data),
        chunk(*b"IEND", b""),
    ];
    [b"\x89PNG\r\n\x1a\n".as_slice(), &chunks.concat()].concat()
}

pub(crate) fn animated_gif(first: &DynamicImage) -> Vec<u8> {
    let mut file = Vec::new();
    let (width, height) = (first.width(), first.height());
    let black = RgbaImage::from_pixel(width, height, Rgba([0, 0, 0, 255]));
    let frames = [first.to_rgba8(), black.clone(), black].map(Frame::new);
    GifEncoder::new(&mut file).encode_frames(frames).unwrap();
    file
}

/// A GIF whose screen and whose only frame have these sizes.
pub(crate) fn gif_that_says(screen: u16, frame: u16) -> Vec<u8> {
    let mut file = encode(&quadrants(4, 4), ImageFormat::Gif);
    file[6..8].copy_from_slice(&screen.to_le_bytes());
    file[8..10].copy_from_slice(&screen.to_le_bytes());
    let descriptor = [0x2c, 0, 0, 0, 0, 4, 0, 4, 0];
    let at = file.windows(9).position(|nine| nine == descriptor).unwrap();
    file[at + 5..at + 7].copy_from_slice(&frame.to_le_bytes());
    file[at + 7..at + 9].copy_from_slice(&frame.to_le_bytes());
    file
}

fn riff(chunks: &[(&[u8; 4], Vec<u8>)]) -> Vec<u8> {
    let mut content = b"WEBP".to_vec();
    for (kind, data) in chunks {
        content.extend_from_slice(&riff_chunk(**kind, data));
    }
    riff_chunk(*b"RIFF", &content)
}

fn riff_chunk(kind: [u8; 4], data: &[u8]) -> Vec<u8> {
    let mut all = kind.to_vec();
    all.extend_from_slice(&u32::try_from(data.len()).unwrap().to_le_bytes());
    all.extend_from_slice(data);
    if data.len() % 2 == 1 {
        all.push(0);
    }
    all
}

fn webp_canvas(flags: u8, side: u32) -> Vec<u8> {
    let side = (side - 1).to_le_bytes();
    [&[flags, 0, 0, 0][..], &side[..3], &side[..3]].concat()
}

/// The picture's data as the encoder of lossless WebP makes it.
fn webp_data(picture: &DynamicImage) -> Vec<u8> {
    let file = encode(picture, ImageFormat::WebP);
    assert_eq!(&file[12..16], b"VP8L");
    let length = u32::from_le_bytes(file[16..20].try_into().unwrap()) as usize;
    file[20..20 + length].to_vec()
}

pub(crate) fn webp_turned(picture: &DynamicImage, orientation: u8) -> Vec<u8> {
    riff(&[
        (b"VP8X", webp_canvas(0x08, picture.width())),
        (b"VP8L", webp_data(picture)),
        (b"EXIF", exif(orientation)),
    ])
}

pub(crate) fn animated_webp(first: &DynamicImage) -> Vec<u8> {
    let side = (first.width() - 1).to_le_bytes();
    let head = [&[0; 6][..], &side[..3], &side[..3], &[100, 0, 0, 0]].concat();
    let frame = |picture: &DynamicImage| [head.clone(), riff_chunk(*b"VP8L", &webp_data(picture))].concat();
    riff(&[
        (b"VP8X", webp_canvas(0x02, first.width())),
        (b"ANIM", vec![0; 6]),
        (b"ANMF", frame(first)),
        (
            b"ANMF",
            frame(&DynamicImage::new_rgb8(first.width(), first.height())),
        ),
    ])
}

/// WebP files that say, in one place or another, that they are very large.
pub(crate) fn webps_that_are_huge() -> Vec<Vec<u8>> {
    let small = webp_data(&quadrants(4, 4));
    let mut lossless = small.clone();
    lossless[1..5].copy_from_slice(&[0xff, 0xff, 0xff, 0x0f]);
    let lossy = [
        &[0x10, 0, 0, 0x9d, 0x01, 0x2a, 0xff, 0x3f, 0xff, 0x3f][..],
        &[0; 64],
    ]
    .concat();
    vec![
        riff(&[(b"VP8L", lossless.clone())]),
        riff(&[(b"VP8 ", lossy.clone())]),
        riff(&[(b"VP8X", webp_canvas(0, 1 << 24)), (b"VP8L", small)]),
        riff(&[(b"VP8X", webp_canvas(0, 4)), (b"VP8 ", lossy)]),
        riff(&[(b"VP8X", webp_canvas(0, 4)), (b"VP8L", lossless)]),
    ]
}
