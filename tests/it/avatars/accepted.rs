//! Pictures that are taken, and what they look like afterwards.

use image::{DynamicImage, ImageFormat, Rgba, RgbaImage};

use super::files::{self, BLUE, GREEN, RED, SECRET_PLACE, WHITE, encode, quadrants};
use super::{log_in, paths, show, upload};
use crate::support::app::{Builder, TestApp};
use crate::support::on_both_stores;

on_both_stores!(every_format_is_taken, orientation_is_applied_and_metadata_is_gone);

const FORMATS: [ImageFormat; 4] = [
    ImageFormat::Jpeg,
    ImageFormat::Png,
    ImageFormat::WebP,
    ImageFormat::Gif,
];

/// The colours of a picture's corners: above, then below.
fn corners(picture: &DynamicImage) -> [[u8; 3]; 4] {
    let picture = picture.to_rgb8();
    let (near, far) = (picture.width() / 5, picture.width() * 4 / 5);
    [(near, near), (far, near), (near, far), (far, far)].map(|(x, y)| picture.get_pixel(x, y).0)
}

#[track_caller]
fn looks_like(picture: &DynamicImage, expected: [[u8; 3]; 4], what: &str) {
    for (found, expected) in corners(picture).iter().zip(expected) {
        let far = found
            .iter()
            .zip(expected)
            .any(|(one, other)| one.abs_diff(other) > 16);
        assert!(!far, "{what}: {found:?} instead of {expected:?}");
    }
}

/// Uploads a file and looks at all that becomes of it.
async fn pictures(app: &TestApp, token: &str, file: &[u8], what: &str) -> Vec<DynamicImage> {
    let reply = upload(app, token, file).await;
    assert_eq!(reply.status, 200, "{what}: {}", reply.text);
    let mut pictures = Vec::new();
    for path in paths(&reply.json()) {
        let shown = show(app, &path).await;
        assert_eq!(shown.status, 200, "{what}");
        assert!(shown.bytes.len() <= 128 * 1024, "{what}: {}", shown.bytes.len());
        let text = String::from_utf8_lossy(&shown.bytes);
        for secret in [SECRET_PLACE, "Exif", "tEXt", "ICC"] {
            assert!(!text.contains(secret), "{what}: {secret}");
        }
        let extension = path.rsplit('.').next().unwrap();
        let kind = if extension == "jpg" {
            "image/jpeg"
        } else {
            "image/png"
        };
        assert_eq!(shown.header("content-type"), kind);
        pictures.push(shown.picture());
    }
    pictures
}

fn sides(pictures: &[DynamicImage]) -> Vec<(u32, u32)> {
    pictures
        .iter()
        .map(|picture| (picture.width(), picture.height()))
        .collect()
}

const SQUARE: [[u8; 3]; 4] = [RED, GREEN, BLUE, WHITE];

async fn every_format_is_taken(app: Builder) {
    let app = app.spawn().await;
    let token = log_in(&app, "ann").await;
    for format in FORMATS {
        let file = encode(&quadrants(1000, 800), format);
        let made = pictures(&app, &token, &file, &format!("{format:?}")).await;
        assert_eq!(sides(&made), [(96, 96), (240, 240), (640, 640)]);
        for picture in &made {
            looks_like(picture, SQUARE, &format!("{format:?}"));
        }
    }
    assert_eq!(app.stored().count("media").await, 3);
}

async fn orientation_is_applied_and_metadata_is_gone(app: Builder) {
    let app = app.spawn().await;
    let token = log_in(&app, "ann").await;
    // What the file shows, by what has to be done to it. (EXIF 2.32, tag 0x0112.)
    let expected = [
        (1, SQUARE),
        (2, [GREEN, RED, WHITE, BLUE]),
        (3, [WHITE, BLUE, GREEN, RED]),
        (4, [BLUE, WHITE, RED, GREEN]),
        (5, [RED, BLUE, GREEN, WHITE]),
        (6, [BLUE, RED, WHITE, GREEN]),
        (7, [WHITE, GREEN, BLUE, RED]),
        (8, [GREEN, WHITE, RED, BLUE]),
        (9, SQUARE),
    ];
    for (orientation, expected) in expected {
        let picture = quadrants(300, 300);
        let made = [
            ("jpeg", files::jpeg_turned(&picture, orientation)),
            ("png", files::png_turned(&picture, orientation)),
            ("webp", files::webp_turned(&picture, orientation)),
        ];
        for (kind, file) in made {
            let what = format!("{kind} {orientation}");
            assert!(String::from_utf8_lossy(&file).contains(SECRET_PLACE));
            for picture in pictures(&app, &token, &file, &what).await {
                looks_like(&picture, expected, &what);
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn broken_metadata_is_ignored() {
    let app = TestApp::builder().spawn().await;
    let token = log_in(&app, "ann").await;
    let picture = quadrants(200, 200);
    let files = [
        ("jpeg", files::jpeg_with_broken_metadata(&picture)),
        ("png", files::png_with_broken_metadata(&picture)),
    ];
    for (kind, file) in files {
        for picture in pictures(&app, &token, &file, kind).await {
            looks_like(&picture, SQUARE, kind);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_what_moves_the_first_picture_is_taken() {
    let app = TestApp::builder().spawn().await;
    let token = log_in(&app, "ann").await;
    let picture = quadrants(200, 200);
    let files = [
        ("gif", files::animated_gif(&picture)),
        ("webp", files::animated_webp(&picture)),
        ("png", files::apng(&picture)),
    ];
    for (kind, file) in files {
        for picture in pictures(&app, &token, &file, kind).await {
            looks_like(&picture, SQUARE, kind);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_small_picture_is_not_enlarged() {
    let app = TestApp::builder().spawn().await;
    let token = log_in(&app, "ann").await;
    let cases = [
        ((1, 1), [1, 1, 1]),
        ((50, 200), [50, 50, 50]),
        ((300, 150), [96, 150, 150]),
        ((640, 4096), [96, 240, 640]),
    ];
    for ((width, height), expected) in cases {
        let file = encode(&quadrants(width, height), ImageFormat::Png);
        let made = pictures(&app, &token, &file, &format!("{width}x{height}")).await;
        assert_eq!(sides(&made), expected.map(|side| (side, side)));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn transparency_is_kept_and_does_not_bleed() {
    let app = TestApp::builder().spawn().await;
    let token = log_in(&app, "ann").await;
    // White, in the middle of invisible black.
    let picture = RgbaImage::from_fn(500, 500, |x, y| {
        let inside = (100..400).contains(&x) && (100..400).contains(&y);
        Rgba(if inside { [255; 4] } else { [0; 4] })
    });
    for format in [ImageFormat::Png, ImageFormat::WebP, ImageFormat::Gif] {
        let file = encode(&picture.clone().into(), format);
        for picture in pictures(&app, &token, &file, &format!("{format:?}")).await {
            let picture = picture.to_rgba8();
            let middle = picture.width() / 2;
            assert_eq!(picture.get_pixel(0, 0)[3], 0, "{format:?}");
            assert_eq!(picture.get_pixel(middle, middle).0, [255; 4], "{format:?}");
            let dark = picture.pixels().any(|pixel| pixel[3] > 16 && pixel[0] < 200);
            assert!(!dark, "{format:?}: something shines through");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_packed_well_is_still_small() {
    let app = TestApp::builder().spawn().await;
    let token = log_in(&app, "ann").await;
    // Without transparency it becomes a JPEG, with it a PNG.
    let noise = files::noise(700);
    let opaque = DynamicImage::ImageRgba8(noise.clone()).to_rgb8();
    let mut file = Vec::new();
    image::codecs::jpeg::JpegEncoder::new_with_quality(&mut file, 90)
        .encode_image(&opaque)
        .unwrap();
    assert_eq!(pictures(&app, &token, &file, "opaque").await.len(), 3);
    let file = encode(&noise.into(), ImageFormat::Png);
    assert!(file.len() < 2 * 1024 * 1024);
    assert_eq!(pictures(&app, &token, &file, "transparent").await.len(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_largest_picture_that_is_allowed_is_taken() {
    let app = TestApp::builder().spawn().await;
    let token = log_in(&app, "ann").await;
    let picture = quadrants(4096, 4096);
    for format in FORMATS {
        let file = encode(&picture, format);
        assert!(file.len() < 2 * 1024 * 1024, "{format:?} {}", file.len());
        let made = pictures(&app, &token, &file, &format!("{format:?}")).await;
        looks_like(&made[2], SQUARE, &format!("{format:?}"));
    }
}
