// The pages of an account against a gateway whose access tokens live two seconds: whoever uses them must not notice.
import {
  base, check, json, note, open, overflow, own, text, walk,
} from '../harness.mjs';
import { PASSWORD, picture, register, signIn, newName, settled } from '../account.mjs';

const OVER_MS = 2300;
const count = (wire, line) => wire.filter((one) => one === line).length;
const REFRESHED = 'POST /v1/token/refresh 200';

/** What the page's wire carried since the mark, with the lines of one step. */
const since = (wire, from) => wire.slice(from);

async function violations(page) {
  return page.evaluate(() => window.seen.violations);
}

async function journey(browser) {
  const { page, context, faults, wire, response, close } = await open(browser, { path: '/h5/', lang: 'en' });
  check('the page of accounts has the policy of the others', response.headers()['content-security-policy'].includes("script-src 'self'; style-src 'self'"));
  await page.waitForSelector('[data-form="login"]');
  check('a stranger costs no request', wire.length === 0, wire);

  const name = newName();
  const secrets = [];
  page.on('response', async (answer) => {
    if (!/\/v1\/(users|token)/.test(answer.url()) || !answer.ok() || answer.status() === 204) return;
    const body = await answer.json().catch(() => ({}));
    if (body.token) secrets.push(body.token, body.refresh_token);
  });
  await page.click('.ways a[href*="register"]');
  await page.fill('[name="account"]', name);
  await page.fill('[name="password"]', 'short');
  await page.click('button[type="submit"]');
  check('a short password is refused beside its field', /8/.test(await page.innerText('#password-error')) && await focused(page, 'password'));
  await page.fill('[name="password"]', 'password1');
  await page.click('button[type="submit"]');
  await page.waitForFunction(() => /common/.test(document.querySelector('#password-error').innerText));
  check('so is a common one, by the gateway', await focused(page, 'password'));
  await page.fill('[name="password"]', PASSWORD);
  await page.click('button[type="submit"]');
  await page.waitForSelector('.profile');
  check('registering signs in', (await page.innerText('[data-fact="username"]')) === name && page.url().endsWith('#/me'), page.url());

  await page.waitForTimeout(OVER_MS);
  check('the countdown says that the token has ended', /ended/.test(await text(page, 'countdown')), await text(page, 'countdown'));
  let from = wire.length;
  await page.click('[data-rename]');
  await page.fill('[name="nickname"]', 'Lin <b>林</b>');
  await page.click('[data-form="nickname"] button[type="submit"]');
  await page.waitForFunction(() => document.querySelector('[data-name="nickname"]'));
  check('renamed, and shown as text', (await text(page, 'nickname')) === 'Lin <b>林</b>', await text(page, 'nickname'));
  check('on the wire: refused, refreshed once, repeated', same(since(wire, from), ['PATCH /v1/user 401', REFRESHED, 'PATCH /v1/user 200']), since(wire, from));

  from = wire.length;
  await page.click('[data-expire]');
  await settled(page, wire, from, 'GET /v1/user 200', 1);
  check('expire now: the same for a read', same(since(wire, from), ['GET /v1/user 401', REFRESHED, 'GET /v1/user 200']), since(wire, from));
  const lines = (await page.locator('[data-name="calls"] li').allInnerTexts()).slice(-3).map((line) => line.replace(/\s+/g, ' '));
  check('and the page shows it', same(lines, ['GET /v1/user 401', 'POST /v1/token/refresh 200 1 only', 'GET /v1/user 200 retried']), lines);

  from = wire.length;
  await page.click('[data-many]');
  await settled(page, wire, from, 'GET /v1/user 200', 10);
  const many = since(wire, from);
  check('ten requests at once share exactly one refresh', count(many, REFRESHED) === 1 && count(many, 'GET /v1/user 200') === 10 && many.length <= 21, many);

  await upload(page, wire);

  await page.waitForTimeout(OVER_MS);
  await page.click('[data-tab="rooms"]');
  await page.waitForSelector('[data-phase="ready"]');
  check('another tab of the site moves the focus to its heading', await page.evaluate(() => document.activeElement.tagName === 'H1'));
  await page.click('button[type="submit"]');
  check('a room without a name is refused beside its field', (await page.innerText('#room-error')).length > 5 && await focused(page, 'room'));
  const room = `茶室 ${name}`;
  await page.fill('[name="room"]', room);
  await page.waitForTimeout(OVER_MS);
  await page.click('button[type="submit"]');
  await page.waitForFunction((room) => /Lin <b>林<\/b>/.test([...document.querySelectorAll('[data-room]')].map((row) => row.innerText).filter((row) => row.includes(room)).join()), room);
  check('a room is made and listed, with its owner', true);
  check('the field is empty again', (await page.inputValue('[name="room"]')) === '');

  const stored = await page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie, window.location.href, document.documentElement.outerHTML]));
  check('no token in storage, scripts\' cookies, address or page', secrets.length > 4 && secrets.every((secret) => !stored.includes(secret)), secrets.length);
  const cookies = await context.cookies(`${base}/v1/token/refresh`);
  check('the cookies are HttpOnly', cookies.some(({ name: one }) => /refresh/.test(one)) && cookies.every(({ httpOnly }) => httpOnly), cookies.map(({ name: one }) => one));

  await page.reload();
  await page.waitForSelector('[data-phase="ready"]');
  check('a reload keeps the sign-in and the page', page.url().endsWith('#/rooms'), page.url());
  await page.click('[data-tab="me"]');
  await page.click('[data-logout]');
  await page.waitForSelector('[data-form="login"]');
  check('log out leads to the login page', !(await page.locator('[data-name="ended"]').count()));
  const after = await context.cookies(base);
  check('and takes the cookies away', after.length === 0, after.map(({ name: one }) => one));
  await page.reload();
  await page.waitForSelector('[data-form="login"]');

  await page.fill('[name="account"]', name);
  await page.fill('[name="password"]', 'not my password');
  await page.click('button[type="submit"]');
  await page.waitForSelector('.field.wrong');
  const wrong = await page.evaluate(() => {
    const field = document.querySelector('[name="password"]');
    const error = document.getElementById(field.getAttribute('aria-describedby').split(' ')[0]);
    return { says: error.innerText, role: error.getAttribute('role'), invalid: field.getAttribute('aria-invalid') };
  });
  check('a wrong password is told beside the field and read out', /wrong password/.test(wrong.says) && wrong.role === 'alert' && wrong.invalid === 'true', wrong);
  await page.fill('[name="password"]', PASSWORD);
  await page.keyboard.press('Enter');
  await page.waitForSelector('.profile');
  check('logged in again, with name and picture', (await text(page, 'nickname')) === 'Lin <b>林</b>' && (await page.getAttribute('img.avatar', 'src')).startsWith('/avatars/'));
  check('no errors, no violations, no other origin', own(faults).length === 0 && (await violations(page)).length === 0, [...own(faults), ...await violations(page)]);
  await close();
}

const same = (left, right) => JSON.stringify(left) === JSON.stringify(right);
const focused = async (page, name) => {
  await page.waitForFunction((wanted) => document.activeElement.name === wanted, name, { timeout: 2000 }).catch(() => {});
  return page.evaluate((wanted) => document.activeElement.name === wanted, name);
};

async function upload(page, wire) {
  await page.setInputFiles('input[type="file"]', { name: 'notes.png', mimeType: 'image/png', buffer: Buffer.from('no picture') });
  await page.waitForFunction(() => document.querySelector('.avatar-below .field-error'));
  check('a file that is no picture is refused in words', (await page.innerText('.avatar-below .field-error')).length > 20);
  await page.setInputFiles('input[type="file"]', picture());
  await page.waitForSelector('.crop img[style]');
  const place = () => page.evaluate(() => document.querySelector('.crop img').style.transform);
  const first = await place();
  await page.keyboard.press('ArrowRight');
  check('the crop moves by key', (await place()) !== first, await place());
  await page.click('[data-use]');
  await page.click('[data-undo]');
  let from = wire.length;
  check('undo takes the picture back', (await page.locator('img.avatar').count()) === 0 && (await page.locator('[data-undo]').count()) === 0);
  await page.setInputFiles('input[type="file"]', picture());
  await page.waitForSelector('.crop img[style]');
  await page.click('[data-use]');
  check('the picture is held back, and says for how long', /[45] s/.test(await text(page, 'hold')), await text(page, 'hold'));
  check('nothing was sent yet', since(wire, from).length === 0, since(wire, from));
  from = wire.length;
  await page.waitForSelector('img.avatar[src^="/avatars/"]', { timeout: 15000 });
  const sent = since(wire, from);
  check('then it is sent, with a fresh token', sent.includes(REFRESHED) && count(sent, 'POST /v1/user/avatar 200') === 1, sent);
  const size = await page.waitForFunction(() => { const image = document.querySelector('img.avatar'); return image.complete && image.naturalWidth > 0 && [image.naturalWidth, image.naturalHeight]; });
  check('and comes back square', same(await size.jsonValue(), [640, 640]), await size.jsonValue());
}

/** Ended from another browser in the middle of typing. */
async function endedElsewhere(browser) {
  const first = await open(browser, { path: '/h5/#/register', lang: 'en' });
  const name = newName();
  await register(first.page, name);
  const second = await open(browser, { path: '/h5/#/rooms', lang: 'en', agent: 'Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Mobile MicroMessenger/8.0.50' });
  await signIn(second.page, name);
  await second.page.waitForSelector('[data-form="room"]');
  check('after signing in one is where one wanted to go', second.page.url().endsWith('#/rooms'), second.page.url());
  await second.page.fill('[name="room"]', 'Half a na');

  await first.page.click('[data-tab="sessions"]');
  await first.page.waitForSelector('[data-session]');
  const rows = await first.page.locator('[data-session]').evaluateAll((all) => all.map((row) => [row.dataset.current, row.innerText]));
  check('both sessions are listed, this one first and marked', rows.length === 2 && rows[0][0] === 'true' && /this device/.test(rows[0][1]) && /WeChat on iPhone/.test(rows[1][1]), rows);
  await first.page.click('[data-end]');
  await first.page.waitForSelector('dialog[open]');
  await first.page.keyboard.press('Escape');
  await first.page.waitForFunction(() => document.activeElement.hasAttribute('data-end'));
  check('Esc ends nothing and gives the focus back', (await first.page.locator('[data-session]').count()) === 2);
  await first.page.waitForTimeout(OVER_MS);
  await first.page.click('[data-end]');
  await first.page.click('[data-yes]');
  await first.page.waitForFunction(() => document.querySelectorAll('[data-session]').length === 1);
  check('ended, after a question', true);

  await second.page.click('button[type="submit"]');
  await second.page.waitForSelector('[data-name="ended"]');
  check('the other browser is on its login page, and knows the way back', /next=rooms/.test(second.page.url()), second.page.url());
  await signIn(second.page, name);
  await second.page.waitForSelector('[data-form="room"]');
  check('what was typed is still there', (await second.page.inputValue('[name="room"]')) === 'Half a na');
  await second.page.click('button[type="submit"]');
  await second.page.waitForFunction(() => /Half a na/.test((document.querySelector('[data-name="rooms"]') || {}).innerText));
  check('and can be sent', true);

  await first.page.click('[data-reload]');
  await first.page.waitForSelector('[data-others]');
  await first.page.click('[data-others]');
  await first.page.click('[data-yes]');
  await first.page.waitForSelector('[data-name="alone"]');
  check('all others are ended at once', (await first.page.locator('[data-session]').count()) === 1);
  await first.page.click('[data-everywhere]');
  await first.page.click('[data-yes]');
  await first.page.waitForSelector('[data-form="login"]');
  check('log out everywhere includes this device', true);
  const faults = [...own(first.faults), ...own(second.faults)];
  check('no errors meanwhile', faults.length === 0, faults);
  await first.close();
  await second.close();
}

/** A tab in the background draws seldom, and a real click waits for that. */
const tap = (page, selector) => page.evaluate((wanted) => document.querySelector(wanted).click(), selector);

async function twoTabs(browser) {
  const one = await open(browser, { path: '/h5/#/register', lang: 'en' });
  await register(one.page, newName());
  const other = await open(browser, { path: '/h5/#/sessions', lang: 'en', context: one.context });
  await other.page.waitForSelector('[data-session]');
  await tap(one.page, '[data-tab="sessions"]');
  await one.page.waitForSelector('[data-session]');
  for (let round = 0; round < 2; round += 1) {
    await one.page.waitForTimeout(OVER_MS);
    const [from, otherFrom] = [one.wire.length, other.wire.length];
    await Promise.all([one, other].map(({ page }) => tap(page, '[data-reload]')));
    await Promise.all([settled(one.page, one.wire, from, 'GET /v1/user/sessions 200', 1), settled(other.page, other.wire, otherFrom, 'GET /v1/user/sessions 200', 1)]);
    const refreshes = count([...since(one.wire, from), ...since(other.wire, otherFrom)], REFRESHED);
    check(`round ${round + 1}: two tabs whose token ended refresh once`, refreshes === 1, [since(one.wire, from), since(other.wire, otherFrom)]);
  }
  await tap(one.page, '[data-tab="me"]');
  await one.page.waitForSelector('[data-logout]', { state: 'attached' });
  await tap(one.page, '[data-logout]');
  await other.page.waitForSelector('[data-form="login"]');
  check('logging out in one tab is logging out in the other', true);
  check('no errors in either', own([...one.faults, ...other.faults]).length === 0, own([...one.faults, ...other.faults]));
  await one.close();
}

async function byPhone(browser) {
  const { page, faults, close } = await open(browser, { path: '/h5/#/phone', lang: 'en', width: 320 });
  const number = `139${String(Date.now()).slice(-8)}`;
  await page.click('[data-send]');
  check('no number: told beside the field', (await page.innerText('#phone-error')).length > 5 && await focused(page, 'phone'));
  await page.fill('[name="phone"]', '12');
  await page.click('[data-send]');
  await page.waitForFunction(() => /country/.test(document.querySelector('#phone-error').innerText));
  await page.fill('[name="phone"]', number);
  await page.click('[data-send]');
  await page.waitForSelector('[data-fill]');
  check('a demo shows the code', /^\d{6}$/.test(await text(page, 'demo-code')), await text(page, 'demo-code'));
  check('the next code has to wait, counted down', /\b(60|5\d) s/.test(await page.innerText('[data-send]')), await page.innerText('[data-send]'));
  check('the field for it has the focus', await focused(page, 'code'));
  const right = await text(page, 'demo-code');
  await page.fill('[name="code"]', right === '111111' ? '222222' : '111111');
  await page.click('button[type="submit"]');
  await page.waitForFunction(() => document.querySelector('#code-error').innerText.length > 0);
  check('a wrong code is told beside the field', await focused(page, 'code'));
  await page.click('[data-fill]');
  await page.click('button[type="submit"]');
  await page.waitForSelector('.profile');
  const shown = await page.innerText('[data-fact="phone"]');
  check('signed in by phone, which is shown with its middle hidden', /\*{4}/.test(shown) && !shown.includes(number) && shown.endsWith(number.slice(-4)), shown);
  check('fits 320 px', (await overflow(page)) <= 0);
  check('no errors', own(faults).length === 0, faults);
  await close();
}

/** To WeChat's page and back, for real but for WeChat: that is the demo's simulated one, on an origin of its own. */
async function byWechat(browser) {
  const { page, context, faults, wire, close } = await open(browser, { path: '/h5/#/rooms', lang: 'en' });
  await page.waitForSelector('[data-wechat]');
  const href = new URL(await page.getAttribute('[data-wechat]', 'href'), base);
  check('the link names the page to come back to', href.pathname === '/v1/oauth/demo-official/authorize' && href.searchParams.get('redirect') === `${base}/h5/?next=rooms`, href.href);
  await context.unroute('**/*');
  await page.click('[data-wechat]');
  await page.waitForSelector('[data-form="room"]');
  check('signed in by WeChat, back at the page one wanted, no code in the address', page.url() === `${base}/h5/#/rooms`, page.url());
  check('by one login, without a refresh', same(wire.filter((one) => one.includes('/v1/token')), ['POST /v1/token 200']), wire);
  await page.click('[data-tab="me"]');
  await page.waitForSelector('[data-fact="wechat"]');
  check('the profile names the account', (await page.innerText('[data-fact="wechat"]')) === 'demo-official', await page.innerText('[data-fact="wechat"]'));
  await page.click('[data-logout]');
  await page.waitForSelector('[data-wechat]');
  await page.route('**/v1/oauth/**', json(503, { msg: 'server.public_url is not set', error_code: 10052, request: 'GET /v1/oauth/demo-official/authorize' }));
  await page.click('[data-wechat]');
  await page.waitForFunction(() => /503/.test(document.querySelector('.form-error').innerText));
  check('a gateway that cannot do it says so on the page', page.url().includes('/h5/#/login'), page.url());
  for (const [query, words] of [['error=access_denied', /access_denied/], ['code=no-such-code', /./]]) {
    await page.goto(`${base}/h5/?next=rooms&${query}`);
    await page.waitForSelector('.form-error .icon');
    const said = await page.innerText('.form-error');
    check(`back with ${query}: told, and gone from the address`, words.test(said) && page.url() === `${base}/h5/#/login?next=rooms`, [said, page.url()]);
  }
  check('no errors', own(faults).length === 0, faults);
  await close();
}

/** Everything without a mouse: only keys are pressed. */
async function byKeyboard(browser) {
  const { page, faults, close } = await open(browser, { path: '/h5/#/register', lang: 'en' });
  await page.waitForSelector('[data-form="register"]');
  const press = async (selector, key) => {
    for (let step = 0; step < 60; step += 1) {
      if (await page.evaluate((wanted) => document.activeElement.matches(wanted), selector)) break;
      await page.keyboard.press('Tab');
    }
    check(`Tab reaches ${selector}`, await page.evaluate((wanted) => document.activeElement.matches(wanted), selector));
    if (key) await page.keyboard.press(key);
  };
  await press('[name="account"]');
  await page.keyboard.type(newName());
  await press('[name="password"]');
  await page.keyboard.type(PASSWORD);
  await page.keyboard.press('Enter');
  await page.waitForSelector('.profile');
  await press('[data-rename]', 'Enter');
  await page.waitForSelector('[name="nickname"]');
  await press('[name="nickname"]');
  await page.keyboard.type('Keys only');
  await page.keyboard.press('Enter');
  await page.waitForFunction(() => /Keys only/.test((document.querySelector('[data-name="nickname"]') || {}).innerText));
  await page.waitForFunction(() => document.activeElement.hasAttribute('data-rename'));
  check('after saving the focus is where the form was opened', true);
  await press('[data-tab="sessions"]', 'Enter');
  await page.waitForSelector('[data-everywhere]');
  await press('[data-everywhere]', 'Enter');
  await page.waitForSelector('dialog[open]');
  const inside = await page.evaluate(() => document.querySelector('dialog').contains(document.activeElement));
  await page.keyboard.press('Escape');
  await page.waitForFunction(() => document.activeElement.hasAttribute('data-everywhere'));
  check('a dialog takes the focus and Esc gives it back', inside);
  for (const tab of ['me', 'sessions', 'rooms']) {
    await page.evaluate((hash) => { window.location.hash = hash; }, `#/${tab}`);
    await page.waitForSelector(`[data-page="${tab}"] [data-phase="ready"]`);
    await page.focus('.topbar button');
    const stops = await walk(page);
    const bare = stops.filter((stop) => !stop.ring);
    check(`${tab}: every stop shows its ring`, stops.length > 6 && bare.length === 0, bare);
    const small = stops.filter((stop) => /BUTTON|INPUT|^A$/.test(stop.tag) && (stop.height < 44 || stop.width < 44));
    check(`${tab}: every control is 44 px`, small.length === 0, small);
  }
  check('no errors', own(faults).length === 0, faults);
  await close();
}

export default async function run(browser) {
  const timed = async (name, part) => {
    const started = Date.now();
    await part(browser);
    note(`${name}: ${((Date.now() - started) / 1000).toFixed(1)} s`);
  };
  await timed('journey', journey);
  await timed('ended elsewhere', endedElsewhere);
  await timed('two tabs', twoTabs);
  await timed('by phone', byPhone);
  await timed('by WeChat', byWechat);
  await timed('by keyboard', byKeyboard);
}
