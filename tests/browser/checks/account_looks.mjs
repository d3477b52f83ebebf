// Every page of an account in every language, theme and narrow width: axe, nothing that sticks out, no error. And what
// stands there while data comes, fails or is hostile.
import {
  axe, check, json, open, overflow, own, text, withAxe,
} from '../harness.mjs';
import { picture, signedIn } from '../account.mjs';

async function entrances(page, look) {
  for (const way of ['login', 'phone', 'register']) {
    await page.evaluate((hash) => { window.location.hash = hash; }, `#/${way}`);
    await page.waitForSelector(`[data-form="${way}"]`);
    await page.click('button[type="submit"]');
    await page.waitForSelector('.field.wrong');
    await passes(page, `${look} ${way} with errors`);
  }
}

async function passes(page, what) {
  for (const width of [320, 375]) {
    await page.setViewportSize({ width, height: 720 });
    const found = await axe(page);
    const wide = await overflow(page);
    check(`${what} ${width}: axe finds nothing, nothing sticks out`, found.length === 0 && wide <= 0, [found, wide]);
  }
}

async function inside(page, look) {
  await page.waitForSelector('.profile');
  await page.click('[data-expire]');
  await page.waitForFunction(() => document.querySelectorAll('.calls li').length > 2);
  await page.click('[data-rename]');
  await passes(page, `${look} me`);
  await page.click('[data-form="nickname"] [data-cancel]');
  await page.setInputFiles('input[type="file"]', picture());
  await page.waitForSelector('.crop img[style]');
  await passes(page, `${look} crop`);
  await page.click('[data-use]');
  await page.waitForSelector('[data-undo]');
  await passes(page, `${look} picture held back`);
  await page.click('[data-undo]');
  await page.click('[data-tab="sessions"]');
  await page.waitForSelector('[data-session]');
  await passes(page, `${look} sessions`);
  await page.click('[data-everywhere]');
  await page.waitForSelector('dialog[open]');
  await passes(page, `${look} question`);
  await page.click('dialog [data-cancel]');
  await page.click('[data-tab="rooms"]');
  await page.waitForSelector('[data-page="rooms"] [data-phase="ready"]');
  await passes(page, `${look} rooms`);
}

async function everyLook(browser) {
  for (const lang of ['zh', 'en']) {
    for (const scheme of ['light', 'dark']) {
      const look = `${lang} ${scheme}`;
      const stranger = await open(browser, { path: '/h5/', lang, scheme, prepare: withAxe });
      await entrances(stranger.page, look);
      const user = await open(browser, { path: '/h5/', lang, scheme, prepare: async (page, context) => { await withAxe(page); await signedIn(context); } });
      await inside(user.page, look);
      for (const { page, faults, close } of [stranger, user]) {
        const bad = [...own(faults), ...await page.evaluate(() => window.seen.violations)];
        check(`${look}: no error, no policy violation, no other origin`, bad.length === 0, bad);
        await close();
      }
    }
  }
}

const rooms = (list) => json(200, { rooms: list });
const room = (name, nickname) => ({ id: name.slice(0, 8), name, owner: { nickname }, created_at: Math.floor(Date.now() / 1000) - 90 });

async function states(browser) {
  let answer = null;
  let release = null;
  const prepare = async (page, context) => {
    await signedIn(context);
    await context.route('**/v1/rooms', (route) => answer(route));
  };
  answer = async (route) => {
    await new Promise((resolve) => { release = resolve; });
    await rooms([])(route);
  };
  const { page, context, faults, close } = await open(browser, { path: '/h5/#/rooms', lang: 'en', width: 320, prepare });
  await page.waitForSelector('.cell .bone');
  check('while it takes long, a skeleton and no spinner', (await page.locator('main .spin').count()) === 0 && (await page.getAttribute('[data-phase]', 'aria-busy')) === 'true');
  release();
  await page.waitForSelector('.empty');
  check('nothing yet: one sentence', (await page.innerText('.empty')).length > 10);

  const hostile = `<img src=x onerror=alert(1)> "'&amp; \u202eevil\u200b ${'x'.repeat(300)}`;
  answer = rooms([room('Tea', 'Ann'), room(hostile, hostile)]);
  await page.click('[data-reload]');
  await page.waitForSelector('[data-room]');
  check('hostile names are text and fit', (await page.locator('[data-room] img').count()) === 0 && (await overflow(page)) <= 0, await overflow(page));

  answer = json(503, { msg: 'the store does not answer', error_code: 10052, request: 'GET /v1/rooms' }, { 'retry-after': '7' });
  await page.click('[data-reload]');
  await page.waitForSelector('[data-error="trouble.503"]');
  const words = await page.innerText('[data-error]');
  check('a failure says what, why, how long and the request id', /rid-test-1/.test(words) && /10052/.test(words) && /7 s/.test(words), words);
  check('the old list stays, with its age', (await page.locator('.old [data-room]').count()) === 2 && /\d{2}/.test(await text(page, 'stale')));
  await page.fill('[name="room"]', 'kept');
  await page.click('button[type="submit"]');
  await page.waitForFunction(() => document.querySelector('.form-error').innerText.length > 0);
  check('a form that fails keeps its input and says so', (await page.inputValue('[name="room"]')) === 'kept');
  answer = (route) => route.abort('connectionrefused');
  await page.click('[data-retry]');
  await page.waitForSelector('[data-error="error.offline"]');
  answer = rooms([room('Tea', 'Ann')]);
  await page.evaluate(() => window.dispatchEvent(new Event('online')));
  await page.waitForFunction(() => document.querySelectorAll('[data-room]').length === 1);
  check('coming back online asks again by itself', (await page.locator('[data-error]').count()) === 0);

  await context.route('**/v1/token/refresh', json(503, { msg: 'the store does not answer', error_code: 10052, request: 'POST /v1/token/refresh' }));
  await page.reload();
  await page.waitForSelector('[data-error="trouble.503"]');
  check('a refresh that fails is told and signs nobody out', page.url().endsWith('#/rooms'), page.url());
  await context.unroute('**/v1/token/refresh');
  await page.click('[data-retry]');
  await page.waitForSelector('[data-room]');
  check('and Retry goes on from there, with what was typed', (await page.inputValue('[name="room"]')) === 'kept');
  check('no errors of its own', own(faults).length === 0, faults);
  await close();
}

async function lastsAndFits(browser) {
  const lengthen = async (page, context) => {
    await signedIn(context);
    await context.route('**/i18n/en.json', async (route) => {
      const response = await route.fetch();
      const texts = await response.json();
      Object.keys(texts).forEach((key) => { texts[key] += ' llengthened'.repeat(Math.ceil(texts[key].length * 0.4 / 12)); });
      await route.fulfill({ response, json: texts });
    });
  };
  const { page, close } = await open(browser, { path: '/h5/', lang: 'en', width: 320, height: 256, reduced: true, prepare: lengthen });
  for (const tab of ['me', 'sessions', 'rooms']) {
    await page.evaluate((hash) => { window.location.hash = hash; }, `#/${tab}`);
    await page.waitForSelector(`[data-page="${tab}"] [data-phase="ready"]`);
    check(`${tab}: texts 40 % longer fit 320 px`, (await overflow(page)) <= 0, await overflow(page));
  }
  const moving = await page.evaluate(() => [...document.querySelectorAll('*')]
    .filter((one) => getComputedStyle(one).transitionDuration.split(', ').some((time) => time !== '0s')).length);
  check('reduced motion stops every transition', moving === 0, moving);
  await close();
}

export default async function run(browser) {
  await states(browser);
  await lastsAndFits(browser);
  await everyLook(browser);
}
