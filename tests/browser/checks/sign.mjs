// The sign flow against the real gateway, then with made-up answers: fragment, CJK query, mistakes, masks, devices.
import { LAN_HOST, TICKET, check, note, open, own, overflow, sha1, signed, standing, text } from '../harness.mjs';

const PATH = '/?a=1&name=张三&x=%2F+%26#frag';

async function realFlow(browser) {
  let arrived;
  const first = new Promise((resolve) => { arrived = resolve; });
  const watch = (page) => page.on('response', (response) => { if (/\/jsapi\?/.test(response.url())) arrived(response); });
  const { page, faults, requests, close } = await open(browser, { path: PATH, prepare: watch });
  const response = await first;
  const answer = await response.json();
  const href = await page.evaluate(() => window.location.href);
  const ticket = answer.jsapi_ticket;
  note(ticket ? 'the gateway exposes its ticket' : 'the gateway keeps its ticket: nothing is recomputed in this part');
  check('the page asks for its whole address, encoded once', response.url().endsWith(`/jsapi?url=${encodeURIComponent(href)}`), response.url());
  check('the gateway signs the address without its fragment, byte for byte', answer.url === href.split('#')[0] && !answer.url.includes('#'), answer.url);
  check('both spellings of the nonce', answer.nonceStr === answer.noncestr && answer.nonceStr.length > 0, answer);
  check('the gateway gives a request id', Boolean(response.headers()['x-request-id']), response.headers());
  await standing(page, ticket ? 'ok' : 'warn');
  await page.click('.section-head button');
  check('the request is shown', (await text(page, 'request')).includes(encodeURIComponent(href)));
  check('the address shows the cut', (await page.locator('[data-name="address"] del').innerText()) === '#frag');
  check('wx answers config:ok', (await text(page, 'wx-answer')).includes('config:ok'), await text(page, 'wx-answer'));
  if (ticket) {
    const string1 = `jsapi_ticket=${ticket}&noncestr=${answer.noncestr}&timestamp=${answer.timestamp}&url=${answer.url}`;
    check('the signature is the SHA-1 this test computes', sha1(string1) === answer.signature, answer);
    check('the page computes the same', (await text(page, 'computed')) === answer.signature, await text(page, 'computed'));
    check('and says so', /MATCH/.test(await page.locator('[data-verdict="match"]').innerText()));
  }
  const asked = requests.filter((url) => url.includes('/jsapi?')).length;
  await page.evaluate(() => { window.location.hash = '#other'; });
  await page.waitForFunction(() => document.querySelector('[data-name="address"] del').textContent === '#other');
  check('another fragment needs no other signature', requests.filter((url) => url.includes('/jsapi?')).length === asked);
  const before = await text(page, 'received');
  await page.click('.summary button.weui-btn');
  await page.waitForFunction((old) => document.querySelector('[data-name="received"]').innerText !== old, before);
  check('signing again gives another signature, verified as well', (await text(page, 'wx-answer')).includes('config:ok'));
  check('no errors', faults.length === 0, faults);
  await close();
}

const MARKED = { hash: 'url', query: 'url', spelling: 'noncestr', ticket: 'jsapi_ticket', time: 'timestamp' };

async function breakIt(browser, options, label) {
  const { page, faults, close } = await open(browser, { path: PATH, ...options });
  await page.waitForSelector('[data-break="hash"]:enabled');
  await page.click('.section-head button');
  for (const [mistake, key] of Object.entries(MARKED)) {
    await page.click(`[data-break="${mistake}"]`);
    await page.waitForSelector(`[data-mistake="${mistake}"]`);
    await page.waitForFunction(() => /invalid signature/.test(document.querySelector('[data-name="wx-answer"]').innerText));
    const marks = await page.$$eval('[data-name="checked"] .part', (parts) => parts.filter((part) => part.querySelector('mark')).map((part) => part.dataset.key));
    check(`${label} ${mistake}: ${key} is marked, and nothing else`, JSON.stringify(marks) === JSON.stringify([key]), marks);
    const [received, computed] = [await text(page, 'received'), await text(page, 'computed')];
    check(`${label} ${mistake}: another hash, shown as different`, received !== computed && await page.locator('[data-verdict="differs"]').isVisible(), { received, computed });
    await page.click('[data-call="chooseImage"]');
    check(`${label} ${mistake}: calls are refused`, (await text(page, 'tried')).includes('permission denied'));
  }
  await page.click('.outcome .weui-btn_primary');
  await page.waitForFunction(() => /config:ok/.test(document.querySelector('[data-name="wx-answer"]').innerText));
  for (const call of ['chooseImage', 'scanQRCode', 'updateAppMessageShareData']) {
    await page.click(`[data-call="${call}"]`);
    check(`${label} mended: ${call} answers`, (await text(page, 'tried')).includes(`${call}:ok`), await text(page, 'tried'));
  }
  check(`${label}: the mark SIMULATED stays visible`, await page.locator('.mark').isVisible());
  check(`${label}: no errors`, faults.length === 0, faults);
  await close();
}

async function masks(browser) {
  const { page, close } = await open(browser, { jsapi: signed() });
  await standing(page, 'ok');
  await page.click('.section-head button');
  const inside = () => page.evaluate((ticket) => document.documentElement.outerHTML.includes(ticket), TICKET);
  check('an exposed ticket is masked', !(await inside()));
  await page.click('#panel-ticket .quiet[aria-pressed]');
  check('shown on request', await inside());
  await page.click('#panel-ticket .quiet[aria-pressed]');
  check('and masked again', !(await inside()));
  const stored = await page.evaluate(() => JSON.stringify({ ...localStorage, ...sessionStorage }));
  check('never stored', !stored.includes(TICKET), stored);
  await close();
}

async function keptTicket(browser) {
  const { page, close } = await open(browser, { jsapi: signed({ expose: false }) });
  await standing(page, 'warn');
  await page.click('.section-head button');
  check('without the ticket nothing is claimed to be verified', await page.locator('[data-verdict="unknown"]').isVisible());
  check('the server\'s signature is shown', /^[0-9a-f]{40}$/.test(await text(page, 'received')), await text(page, 'received'));
  await close();
  await breakIt(browser, { jsapi: signed({ expose: false }) }, 'practice');
}

async function wrongAnswers(browser) {
  const lying = (change) => (route) => signed()({
    request: () => route.request(),
    fulfill: (answer) => route.fulfill({ ...answer, body: JSON.stringify({ ...JSON.parse(answer.body), ...change }) }),
  });
  const { page, close } = await open(browser, { jsapi: lying({ signature: 'f'.repeat(40) }) });
  await standing(page, 'bad');
  await page.click('#step-hash');
  check('a wrong signature is found out', await page.locator('[data-verdict="differs"]').isVisible());
  await close();
  const other = await open(browser, { jsapi: lying({ url: 'http://other.example/' }) });
  await other.page.waitForSelector('[data-step="inputs"].bad');
  check('an answer for another address is found out', true);
  await other.close();
}

async function devices(browser) {
  const agent = 'Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 Chrome/130.0 Mobile Safari/537.36 MicroMessenger/8.0.50';
  const inside = await open(browser, { agent, jsapi: signed() });
  await standing(inside.page, 'warn');
  await inside.page.click('.section-head button');
  check('inside WeChat there is no stand-in', (await inside.page.locator('[data-call]').count()) === 0
    && (await inside.page.locator('.mark').count()) === 0);
  await inside.close();
  const real = () => {
    window.wx = {
      config(config) { window.given = config; setTimeout(() => this.then(), 5); },
      ready(listener) { this.then = listener; },
      error() {},
    };
  };
  const device = await open(browser, { agent, init: real, jsapi: signed() });
  await standing(device.page, 'ok');
  const given = await device.page.evaluate(() => window.given);
  check('with WeChat\'s own wx the configuration goes there', given.nonceStr === 'a1b2c3d4e5f60718' && given.jsApiList.length === 3, given);
  await device.close();
}

async function plainHttp(browser) {
  const { page, faults, close } = await open(browser, { host: LAN_HOST, jsapi: signed() });
  await standing(page, 'ok');
  check('a plain-HTTP host is no secure context', !(await page.evaluate(() => window.isSecureContext)));
  await page.click('#step-hash');
  check('SHA-1 works there', await page.locator('[data-verdict="match"]').isVisible());
  await page.locator('#panel-hash .quiet').first().click();
  await page.waitForFunction(() => /已复制/.test(document.querySelector('#panel-hash .quiet').innerText));
  await page.evaluate(() => {
    const field = document.createElement('textarea');
    field.id = 'pasted';
    document.body.append(field);
    field.focus();
  });
  await page.keyboard.press('Control+V');
  const pasted = await page.inputValue('#pasted');
  check('copying works there', pasted === await text(page, 'received'), pasted);
  check('no errors there', own(faults).length === 0, faults);
  await close();
}

async function hostileAddress(browser) {
  const path = `/?q=${encodeURIComponent('"><img src=x onerror=alert(1)>\u202e\u200b')}&long=${'x'.repeat(1500)}#<b>`;
  const { page, faults, close } = await open(browser, { path, width: 320, jsapi: signed() });
  await standing(page, 'ok');
  await page.click('.section-head button');
  const wide = await overflow(page);
  check('a hostile address is text and fits', wide <= 0 && (await page.locator('main img, main b').count()) === 0 && faults.length === 0, { wide, faults });
  await close();
}

export default async function run(browser) {
  await realFlow(browser);
  await breakIt(browser, {}, 'real');
  await breakIt(browser, { path: '/', jsapi: signed() }, 'bare address');
  await masks(browser);
  await keptTicket(browser);
  await wrongAnswers(browser);
  await devices(browser);
  await plainHttp(browser);
  await hostileAddress(browser);
}
