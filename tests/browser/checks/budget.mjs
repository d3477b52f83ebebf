// Weight and speed: brotli sizes, number of requests, time until the page is usable. Times are the best of several
// runs, because a busy machine says nothing about the page; WXGATE_SLOW=3 allows a known busy one three times as long.
import { brotliCompressSync } from 'node:zlib';
import { base, check, note, open, standing } from '../harness.mjs';

const RUNS = 5;
const ALLOWANCE = Number(process.env.WXGATE_SLOW || 1);

const kilobytes = (bodies) => bodies.reduce((sum, body) => sum + brotliCompressSync(body).length, 0) / 1024;

async function weights(browser, path, ready) {
  const bodies = new Map();
  const collect = (page) => page.on('response', async (response) => {
    const url = response.url();
    if (response.ok() && !url.includes('/jsapi?')) bodies.set(url.slice(base.length).replace(/^\/static\/[^/]+\//, ''), await response.body());
  });
  const { page, requests, close } = await open(browser, { path, prepare: collect });
  await page.waitForSelector(ready);
  await page.waitForLoadState('networkidle');
  check(`${path}: at most 40 requests`, requests.length <= 40, requests.length);
  note(`${path}: ${requests.length} requests`);
  const select = (test) => [...bodies].filter(([name]) => test(name)).map(([, body]) => body);
  const limits = [
    ['vendor JS', 11, (name) => /^vendor\/.*\.js$/.test(name)],
    ['own JS', 25, (name) => /\.js$/.test(name) && !name.startsWith('vendor/')],
    ['CSS with WeUI', 23, (name) => /\.css$/.test(name)],
    ['icons', 4, (name) => name === 'icons.svg'],
    ['texts', 8, (name) => /^i18n\//.test(name)],
  ];
  for (const [what, limit, test] of limits) {
    const size = kilobytes(select(test));
    note(`${path}: ${what}: ${size.toFixed(1)} KB brotli`);
    check(`${path}: ${what} within ${limit} KB`, size > 0 && size <= limit, size);
  }
  await close();
}

async function usable(browser, label, limit, conditions) {
  const times = [];
  for (let run = 0; run < RUNS; run += 1) {
    const slow = async (page, context) => {
      // Routing every request through the test would be most of what is measured.
      await context.unroute('**/*');
      if (!conditions) return;
      const session = await context.newCDPSession(page);
      await session.send('Network.enable');
      await session.send('Network.emulateNetworkConditions', { offline: false, uploadThroughput: -1, ...conditions });
    };
    const { page, close } = await open(browser, { prepare: slow });
    await standing(page, 'ok');
    times.push(Math.round(await page.evaluate(() => window.seen.usable)));
    const shift = await page.evaluate(() => window.seen.shift);
    if (run === 0) check(`${label}: layout shift under 0.02`, shift < 0.02, shift);
    await close();
  }
  note(`${label}: usable after ${times.join(', ')} ms`);
  check(`${label}: usable within ${limit} ms`, Math.min(...times) <= limit * ALLOWANCE, times);
}

export default async function run(browser) {
  await weights(browser, '/', '[data-standing="ok"]');
  await weights(browser, '/h5/', '[data-form]');
  await usable(browser, 'local', 150);
  await usable(browser, '40 ms delay, 10 MB/s', 400, { latency: 40, downloadThroughput: 10 * 1024 * 1024 });
}
