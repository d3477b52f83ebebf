// SHA-1 of a text's UTF-8 bytes, in hex. Own arithmetic, because crypto.subtle is missing on plain-HTTP pages,
// which is how a gateway is first tried on a local network. For comparing signatures, never for keeping secrets.

const rotate = (word, by) => (word << by) | (word >>> (32 - by));

/** The message, the bit 1, zeros, and the length in bits, as 32-bit words in blocks of sixteen. */
function blocks(bytes) {
  const words = new Int32Array((((bytes.length + 8) >> 6) + 1) * 16);
  bytes.forEach((byte, at) => { words[at >> 2] |= byte << (24 - (at & 3) * 8); });
  words[bytes.length >> 2] |= 0x80 << (24 - (bytes.length & 3) * 8);
  words[words.length - 2] = Math.floor(bytes.length / 0x20000000);
  words[words.length - 1] = bytes.length << 3;
  return words;
}

function round(at, b, c, d) {
  if (at < 20) return ((b & c) | (~b & d)) + 0x5a827999;
  if (at < 40) return (b ^ c ^ d) + 0x6ed9eba1;
  if (at < 60) return ((b & c) | (b & d) | (c & d)) + 0x8f1bbcdc;
  return (b ^ c ^ d) + 0xca62c1d6;
}

export function sha1(text) {
  const words = blocks(new TextEncoder().encode(text));
  const state = [0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0];
  const w = new Int32Array(80);
  for (let start = 0; start < words.length; start += 16) {
    let [a, b, c, d, e] = state;
    for (let at = 0; at < 80; at += 1) {
      w[at] = at < 16 ? words[start + at] : rotate(w[at - 3] ^ w[at - 8] ^ w[at - 14] ^ w[at - 16], 1);
      [a, b, c, d, e] = [(rotate(a, 5) + round(at, b, c, d) + e + w[at]) | 0, a, rotate(b, 30), c, d];
    }
    [a, b, c, d, e].forEach((value, at) => { state[at] = (state[at] + value) | 0; });
  }
  return state.map((word) => (word >>> 0).toString(16).padStart(8, '0')).join('');
}
