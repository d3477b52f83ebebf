// What the checks of the account pages share: signing in, a picture, waiting for the wire.
import { randomBytes } from 'node:crypto';
import { deflateSync } from 'node:zlib';
import { base } from './harness.mjs';

export const PASSWORD = 'corn drum 73 lantern';

export const newName = () => `ann${randomBytes(5).toString('hex')}`;

async function fill(page, form, name) {
  await page.waitForSelector(`[data-form="${form}"]`);
  await page.fill('[name="account"]', name);
  await page.fill('[name="password"]', PASSWORD);
  await page.click('button[type="submit"]');
  await page.waitForSelector('[data-form="login"], [data-form="register"]', { state: 'detached' });
}

export async function register(page, name) {
  await fill(page, 'register', name);
  await page.waitForSelector('.profile');
}

export const signIn = (page, name) => fill(page, 'login', name);

/** Signs a fresh user in without the page's forms, before the page is opened. */
export async function signedIn(context) {
  const answer = await context.request.post(`${base}/v1/users`, { data: { username: newName(), password: PASSWORD, cookie: true } });
  if (answer.status() !== 201) throw new Error(`registering: ${answer.status()} ${await answer.text()}`);
  await context.addInitScript(() => localStorage.setItem('wxgate.signedin', '1'));
}

/** Waits until the wire has carried `line` so often since `from`. */
export async function settled(page, wire, from, line, times) {
  for (let step = 0; step < 200; step += 1) {
    if (wire.slice(from).filter((one) => one === line).length >= times) break;
    await page.waitForTimeout(25);
  }
  // One more turn, so that what should not come would be here.
  await page.waitForTimeout(100);
}

function crc(bytes) {
  let sum = 0xffffffff;
  for (const byte of bytes) {
    sum ^= byte;
    for (let bit = 0; bit < 8; bit += 1) sum = (sum >>> 1) ^ (sum & 1 ? 0xedb88320 : 0);
  }
  return (sum ^ 0xffffffff) >>> 0;
}

function chunk(type, data) {
  const body = Buffer.concat([Buffer.from(type), data]);
  const frame = Buffer.alloc(8);
  frame.writeUInt32BE(data.length, 0);
  frame.writeUInt32BE(crc(body), 4);
  return Buffer.concat([frame.subarray(0, 4), body, frame.subarray(4)]);
}

/** A PNG that is wider than high, as a file that is picked. */
export function picture(width = 300, height = 200) {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2, 0, 0, 0], 8);
  const rows = Buffer.alloc(height * (1 + width * 3));
  rows.forEach((_, at) => { if (at % (1 + width * 3)) rows[at] = (at * 7) % 251; });
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  const buffer = Buffer.concat([signature, chunk('IHDR', header), chunk('IDAT', deflateSync(rows)), chunk('IEND', Buffer.alloc(0))]);
  return { name: 'picture.png', mimeType: 'image/png', buffer };
}
