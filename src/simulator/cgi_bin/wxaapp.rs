//! `POST /cgi-bin/wxaapp/createwxaqrcode`: the older, square mini-program code (小程序二维码).

use crate::simulator::reply::Answer;
use crate::simulator::world::Desk;
use crate::simulator::wxa::getwxacode;

/// WeChat: characters of a path.
const MOST_PATH: usize = 128;

/// Makes a code, out of the same number as `/wxa/getwxacode`.
pub(crate) fn serve(desk: &mut Desk<'_>) -> Answer {
    getwxacode::of_path(desk, MOST_PATH)
}
