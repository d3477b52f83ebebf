// Loading, every failure with its explanation, old data beside a new failure, and the way back by Retry.
import { check, json, open, overflow, own, signed, standing, text } from '../harness.mjs';

const envelope = (msg, code, extra) => ({ msg, error_code: code, request: 'GET /jsapi', ...extra });

const FAILURES = [
  ['error.400', json(400, envelope(['url is not complete', 'no host'], 10001))],
  ['error.403', json(403, envelope('this host is not in js_domains', 10020))],
  ['error.404', json(404, envelope('no such path', 10007))],
  ['error.429', json(429, envelope('too many requests', 10013), { 'retry-after': '7' })],
  ['error.502', json(502, envelope('WeChat refused', 10050, { errcode: 40164 }))],
  ['error.503', json(503, envelope('no ticket yet', 10051), { 'retry-after': '5' })],
  ['error.other', json(418, envelope('?', 1))],
  ['error.shape', (route) => route.fulfill({ status: 502, contentType: 'text/html', body: '<h1>Bad Gateway</h1>' })],
  ['error.shape', json(200, { hello: 'captive portal' })],
  ['error.offline', (route) => route.abort('connectionrefused')],
];

async function failures(browser) {
  for (const [key, answer] of FAILURES) {
    for (const lang of ['zh', 'en']) {
      let down = true;
      const jsapi = (route) => (down ? answer(route) : signed()(route));
      const { page, faults, close } = await open(browser, { lang, width: 320, jsapi });
      const box = page.locator(`[data-error="${key}"]`);
      await box.waitFor({ timeout: 5000 });
      const words = await box.innerText();
      const shown = /offline|shape/.test(key) || (words.includes('rid-test-1') && /\d{3}/.test(words));
      check(`${key} ${lang}: says what and why, with request id`, shown && words.length > 30, words);
      if (key === 'error.403') check(`${key} ${lang}: names the line to add`, (await text(page, 'config-line')) === `js_domains = ["${new URL(page.url()).hostname}"]`);
      if (key === 'error.502') check(`${key} ${lang}: shows WeChat's errcode`, words.includes('40164'));
      if (/429|503/.test(key)) check(`${key} ${lang}: says how long to wait`, /[75]\s?(s|秒)/.test(words), words);
      const wide = await overflow(page);
      check(`${key} ${lang}: fits 320 px`, wide <= 0, wide);
      down = false;
      await page.click('[data-retry]');
      await standing(page, 'ok');
      check(`${key} ${lang}: Retry leads back`, (await box.count()) === 0 && own(faults).length === 0, faults);
      await close();
    }
  }
}

async function oldData(browser) {
  let down = false;
  const jsapi = (route) => (down ? FAILURES[5][1](route) : signed()(route));
  const { page, close } = await open(browser, { jsapi });
  await standing(page, 'ok');
  await page.click('#step-hash');
  const before = await text(page, 'received');
  down = true;
  await page.click('.summary button.weui-btn');
  await page.waitForSelector('[data-error="error.503"]');
  check('old data stays beside a failure, with its age', (await text(page, 'received')) === before && /\d{2}/.test(await text(page, 'stale')));
  await close();
}

async function loading(browser) {
  let release;
  const held = new Promise((resolve) => { release = resolve; });
  const jsapi = async (route) => { await held; await signed()(route); };
  const { page, close } = await open(browser, { jsapi });
  await page.waitForSelector('.bone', { timeout: 2000 });
  const height = () => page.evaluate(() => document.querySelector('.steps').getBoundingClientRect().height);
  const before = await height();
  release();
  await standing(page, 'ok');
  const patience = await page.evaluate(() => window.seen.bone - window.seen.asked);
  check('no skeleton in the first 150 ms', patience >= 149, patience);
  check('the skeleton has the final height', before === await height(), [before, await height()]);
  const shift = await page.evaluate(() => window.seen.shift);
  check('nothing moves while loading', shift < 0.02, shift);
  await close();
}

async function reallyOffline(browser) {
  const { page, context, close } = await open(browser, { jsapi: signed() });
  await standing(page, 'ok');
  await context.unroute('**/jsapi?*');
  await context.unroute('**/*');
  await context.setOffline(true);
  await page.click('.summary button.weui-btn');
  await page.waitForSelector('[data-error="error.offline"]');
  await context.route('**/jsapi?*', signed());
  await context.setOffline(false);
  await standing(page, 'ok');
  check('coming back online asks again by itself', (await page.locator('[data-error]').count()) === 0);
  await close();
}

async function hostileWords(browser) {
  const words = `<img src=x onerror=alert(1)> "'&amp; \u202eevil\u202c\u200b ${'x'.repeat(10000)}`;
  const { page, faults, close } = await open(browser, { width: 320, jsapi: json(400, envelope(words, 10001)) });
  await page.waitForSelector('[data-error]');
  const wide = await overflow(page);
  check('hostile words of an error are text and fit', wide <= 0 && (await page.locator('main img').count()) === 0 && own(faults).length === 0, { wide, faults });
  await close();
}

export default async function run(browser) {
  await loading(browser);
  await failures(browser);
  await oldData(browser);
  await reallyOffline(browser);
  await hostileWords(browser);
}
