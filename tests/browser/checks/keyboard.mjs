// The page by keyboard alone: every stop has a visible ring and a target of decent size, everything opens and closes.
import { check, open, standing, text, walk } from '../harness.mjs';

const STOPS = 80;

export default async function run(browser) {
  const { page, faults, close } = await open(browser, { lang: 'en' });
  await standing(page, 'ok');
  const stops = await walk(page, STOPS);
  check('Tab reaches the whole page and leaves it', stops.length > 20 && stops.length < STOPS, stops.length);
  const bare = stops.filter((stop) => !stop.ring);
  check('every stop shows its ring', bare.length === 0, bare);
  const small = stops.filter((stop) => /BUTTON|SUMMARY/.test(stop.tag) && (stop.height < 44 || stop.width < 44));
  check('every control is 44 px', small.length === 0, small);

  await page.focus('#step-string');
  await page.keyboard.press('Enter');
  check('Enter opens a step', await page.locator('#panel-string').isVisible() && (await page.getAttribute('#step-string', 'aria-expanded')) === 'true');
  await page.keyboard.press('Space');
  check('Space closes it', !(await page.locator('#panel-string').isVisible()));
  await page.focus('#step-config');
  await page.keyboard.press('Enter');
  await page.focus('[data-break="time"]');
  await page.keyboard.press('Space');
  await page.waitForFunction(() => /invalid signature/.test(document.querySelector('[data-name="wx-answer"]').innerText));
  check('a mistake is chosen by key', (await page.getAttribute('[data-break="time"]', 'aria-pressed')) === 'true');
  await page.keyboard.press('Space');
  await page.waitForFunction(() => /config:ok/.test(document.querySelector('[data-name="wx-answer"]').innerText));
  check('and taken back', (await text(page, 'wx-answer')).includes('config:ok'));
  check('focus stays where it was', await page.evaluate(() => document.activeElement.dataset.break === 'time'));
  await page.focus('summary');
  await page.keyboard.press('Enter');
  check('causes open by key', await page.locator('.causes details[open]').count() === 1);
  check('no errors', faults.length === 0, faults);
  await close();
}
