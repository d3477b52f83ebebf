// The page as such: no errors, no foreign requests, the policy word for word, axe, every width, language and theme.
import { axe, check, open, overflow, own, standing, withAxe } from '../harness.mjs';

const CSP = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'self'; require-trusted-types-for 'script'; trusted-types 'none'";

const WIDTHS = [320, 375, 768, 1024, 1440];

async function everyWidth(page, look) {
  for (const width of WIDTHS) {
    await page.setViewportSize({ width, height: 720 });
    const found = await axe(page);
    const wide = await overflow(page);
    check(`${look} ${width}: axe finds nothing, nothing sticks out`, found.length === 0 && wide <= 0, [found, wide]);
  }
}

async function everyLook(browser) {
  for (const lang of ['zh', 'en']) {
    for (const scheme of ['light', 'dark']) {
      const { page, faults, close } = await open(browser, { lang, scheme, path: '/?a=1#top', prepare: withAxe });
      await standing(page, 'ok');
      await everyWidth(page, `${lang} ${scheme}`);
      await page.click('.section-head button');
      await page.click('[data-break="query"]');
      await page.waitForSelector('[data-mistake]');
      for (const summary of await page.locator('summary').all()) await summary.click();
      await everyWidth(page, `${lang} ${scheme} with everything open`);
      const violations = await page.evaluate(() => window.seen.violations);
      check(`${lang} ${scheme}: no error, no policy violation, no other origin`, faults.length + violations.length === 0, [...faults, ...violations]);
      await close();
    }
  }
}

async function axeNotices(browser) {
  const { page, close } = await open(browser, { prepare: withAxe });
  await standing(page, 'ok');
  await page.evaluate(() => {
    const bad = document.createElement('div');
    bad.append(document.createElement('button'), document.createElement('input'));
    document.querySelector('main').append(bad);
    document.querySelector('.lead').setAttribute('class', 'lead broken');
    document.styleSheets[document.styleSheets.length - 1].insertRule('.broken { color: #ccc !important; background: #fff; }');
  });
  const found = (await axe(page)).map((one) => one.split(':')[0]);
  check('axe fails a page that was broken on purpose', ['button-name', 'label', 'color-contrast'].every((id) => found.includes(id)), found);
  await close();
}

async function policy(browser) {
  const { page, response, close } = await open(browser);
  const headers = response.headers();
  check('the policy is word for word ours', headers['content-security-policy'] === CSP, headers['content-security-policy']);
  check('nosniff', headers['x-content-type-options'] === 'nosniff');
  check('the page is revalidated', headers['cache-control'] === 'no-cache' && Boolean(headers.etag), headers);
  const source = await response.text();
  check('no inline script or style in the page', !/<script(?![^>]*\ssrc=)|<style|\sstyle=|\son\w+=/i.test(source));
  const first = source.match(/\/static\/[^"]+\/h5\/main\.js/)[0];
  const again = await page.request.get(new URL(first, response.url()).href);
  check('its script is JavaScript', /^text\/javascript/.test(again.headers()['content-type']), again.headers());
  await close();
}

async function settings(browser) {
  const { page, faults, close } = await open(browser, { lang: 'zh', scheme: 'dark' });
  await standing(page, 'ok');
  const root = () => page.evaluate(() => ({ ...document.documentElement.dataset, lang: document.documentElement.lang, title: document.title }));
  check('the first theme is the system\'s', (await root()).scheme === 'dark', await root());
  await page.click('#step-string');
  await page.click('[data-break="hash"]');
  const before = page.url();
  await page.click('button[lang="en"]');
  await page.waitForFunction(() => document.documentElement.lang === 'en');
  check('switching the language keeps address, open step and mistake', page.url() === before
    && await page.locator('#panel-string').isVisible() && await page.locator('[data-mistake="hash"]').isVisible());
  check('the title follows', /JS-SDK signature/.test((await root()).title), await root());
  await page.click('button[title^="Theme"]');
  check('the theme button goes to light', (await root()).theme === 'light' && (await root()).scheme === 'light', await root());
  await page.reload();
  await standing(page, 'ok');
  const kept = await root();
  check('language and theme are remembered', kept.lang === 'en' && kept.scheme === 'light', kept);
  await page.goto(`${page.url().split('?')[0]}?lang=zh&theme=dark`);
  await standing(page, 'ok');
  const asked = await root();
  check('the address outranks what was remembered', asked.lang === 'zh-CN' && asked.scheme === 'dark', asked);
  check('no error meanwhile', own(faults).length === 0, faults);
  await close();
}

async function longTexts(browser) {
  const lengthen = (page, context) => context.route('**/i18n/en.json', async (route) => {
    const response = await route.fetch();
    const texts = await response.json();
    Object.keys(texts).forEach((key) => { texts[key] += ' llengthened'.repeat(Math.ceil(texts[key].length * 0.4 / 12)); });
    await route.fulfill({ response, json: texts });
  });
  const { page, close } = await open(browser, { lang: 'en', width: 320, prepare: lengthen });
  await standing(page, 'ok');
  await page.click('.section-head button');
  const wide = await overflow(page);
  check('texts 40 % longer still fit 320 px', wide <= 0, wide);
  await close();
}

async function zoomAndMotion(browser) {
  const { page, close } = await open(browser, { width: 320, height: 256, reduced: true });
  await standing(page, 'ok');
  await page.click('.section-head button');
  const wide = await overflow(page);
  check('1280 px at 400 % zoom scrolls one way only', wide <= 0, wide);
  const moving = await page.evaluate(() => [...document.querySelectorAll('*')]
    .filter((one) => getComputedStyle(one).transitionDuration.split(', ').some((time) => time !== '0s')).length);
  check('reduced motion stops every transition', moving === 0, moving);
  await close();
}

export default async function run(browser) {
  await policy(browser);
  await settings(browser);
  await axeNotices(browser);
  await longTexts(browser);
  await zoomAndMotion(browser);
  await everyLook(browser);
}
