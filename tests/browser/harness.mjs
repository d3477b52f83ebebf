// What every check uses: the browser, pages that report their own faults, made-up answers of /jsapi, the tally.
import { AsyncLocalStorage } from 'node:async_hooks';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { chromium } from 'playwright-core';

export const base = (process.env.WXGATE_URL || '').replace(/\/$/, '');
export const LAN_HOST = 'lan.test';
export const TICKET = 'HoagFKDcsGMVCIY2vOjf9nGrZ3eaM0qXs5ROFN_3k_HrGc0VocemA6wMXkvrL-Ei4IitXxwKF62CJWR8mWXZ3Q';

const place = new AsyncLocalStorage();

/** Runs the checks of one file; its name stands before their lines, because files run side by side. */
export const within = (name, action) => place.run(name, action);
const line = (text) => process.stdout.write(`${`${place.getStore()}`.padEnd(14)} ${text}\n`);

let failures = 0;
let passed = 0;

/** One line per check; a failing one is printed with what was found and makes the run fail in the end. */
export function check(name, good, found) {
  if (good) passed += 1;
  else failures += 1;
  const detail = good || found === undefined ? '' : `\n       found: ${typeof found === 'string' ? found : JSON.stringify(found)}`;
  line(`${good ? 'ok    ' : 'FAILED'} ${name}${detail}`);
}

export const note = (text) => line(`       ${text}`);
export const tally = () => ({ passed, failures });

export const launch = () => chromium.launch({
  executablePath: process.env.CHROMIUM || '/usr/bin/chromium',
  args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
    '--disable-component-update', '--disable-sync', `--host-resolver-rules=MAP ${LAN_HOST} 127.0.0.1`],
});

export const sha1 = (text) => createHash('sha1').update(text).digest('hex');

/** What the gateway would answer for this request URL, signed with our own ticket. */
export function answerFor(requestUrl, { ticket = TICKET, expose = true } = {}) {
  const url = decodeURIComponent(requestUrl.split('?url=')[1]).split('#')[0];
  const [nonce, time] = ['a1b2c3d4e5f60718', Math.floor(Date.now() / 1000)];
  const signature = sha1(`jsapi_ticket=${ticket}&noncestr=${nonce}&timestamp=${time}&url=${url}`);
  const answer = { appId: 'wx0123456789abcdef', timestamp: time, nonceStr: nonce, noncestr: nonce, signature, url };
  return expose ? { ...answer, jsapi_ticket: ticket } : answer;
}

export const json = (status, body, headers = {}) => (route) => route.fulfill({
  status, headers: { 'content-type': 'application/json', 'x-request-id': 'rid-test-1', ...headers }, body: JSON.stringify(body),
});

export const signed = (options) => (route) => json(200, answerFor(route.request().url(), options))(route);

/** Runs in the page before anything else: policy violations, layout shifts, and when things happened. */
function instrument() {
  const seen = { violations: [], shift: 0, asked: null, bone: null, usable: null };
  window.seen = seen;
  const { fetch } = window;
  window.fetch = (...given) => {
    if (String(given[0]).startsWith('/jsapi')) seen.asked = performance.now();
    return fetch(...given);
  };
  document.addEventListener('securitypolicyviolation', (event) => {
    seen.violations.push(`${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}:${event.lineNumber}`);
  });
  new PerformanceObserver((list) => list.getEntries().forEach((entry) => {
    if (!entry.hadRecentInput) seen.shift += entry.value;
  })).observe({ type: 'layout-shift', buffered: true });
  new MutationObserver(() => {
    if (seen.bone === null && document.querySelector('.bone')) seen.bone = performance.now();
    if (seen.usable === null && document.querySelector('[data-standing="ok"]')) seen.usable = performance.now();
  }).observe(document, { subtree: true, childList: true, attributes: true });
}

/**
 * Opens a page of the site in a context of its own. `jsapi` is a route handler that stands in for the gateway's
 * answer; `faults` collects console errors, exceptions and requests to other origins (which are not let through);
 * `wire` the answers of the API. `context` opens it as a further tab of the same browser.
 */
export async function open(browser, options = {}) {
  const { path = '/', context: given, lang = 'zh', scheme = 'light', width = 375, height = 720, jsapi, agent, host, init, reduced, prepare } = options;
  const origin = host ? base.replace(/\/\/[^:/]+/, `//${host}`) : base;
  const context = given || await browser.newContext({
    viewport: { width, height }, colorScheme: scheme, locale: lang === 'zh' ? 'zh-CN' : 'en-US', userAgent: agent,
    reducedMotion: reduced ? 'reduce' : 'no-preference',
  });
  const page = await context.newPage();
  const faults = [];
  const requests = [];
  const wire = [];
  page.on('console', (message) => {
    if (message.type() === 'error') faults.push(message.text());
  });
  page.on('pageerror', (error) => faults.push(`exception: ${error.message}`));
  page.on('response', (answer) => {
    const { pathname } = new URL(answer.url());
    if (pathname.startsWith('/v1/')) wire.push(`${answer.request().method()} ${pathname} ${answer.status()}`);
  });
  await context.route('**/*', (route) => {
    const url = route.request().url();
    requests.push(url);
    if (url.startsWith(`${origin}/`)) return route.fallback();
    faults.push(`request to ${url}`);
    return route.abort();
  });
  if (jsapi) await context.route('**/jsapi?*', (route) => { requests.push(route.request().url()); return jsapi(route); });
  await page.addInitScript(instrument);
  if (init) await page.addInitScript(init);
  if (prepare) await prepare(page, context);
  const response = await page.goto(origin + path);
  return { page, context, faults, requests, wire, response, close: () => context.close() };
}

/** Waits until the page stands as said: ok, warn or bad. */
export const standing = (page, kind) => page.waitForSelector(`[data-standing="${kind}"]`, { timeout: 5000 });

export const text = (page, name) => page.locator(`[data-name="${name}"]`).first().innerText();

/** Faults but for the lines Chromium itself writes about answers with an error status. */
export const own = (faults) => faults.filter((fault) => !/^Failed to load resource/.test(fault));

export const overflow = (page) => page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

/** What axe finds; the page must have been opened with `prepare: withAxe`. */
export async function axe(page) {
  const { violations } = await page.evaluate((tags) => window.axe.run(document, { runOnly: tags }), RULES);
  return violations.map(({ id, nodes }) => `${id}: ${nodes.slice(0, 3).map((node) => node.target.join(' ')).join(', ')}`);
}

export const withAxe = (page) => page.addInitScript(AXE);

/** Presses Tab until the page is left; tells of each stop whether its ring shows and how large it is. */
export async function walk(page, most = 80) {
  const stops = [];
  for (let count = 0; count < most; count += 1) {
    await page.keyboard.press('Tab');
    const stop = await page.evaluate(() => {
      const at = document.activeElement;
      if (!at || at === document.body) return null;
      const style = getComputedStyle(at);
      const box = at.getBoundingClientRect();
      return {
        name: `${at.tagName.toLowerCase()} ${at.id || at.className || ''} ${(at.textContent || '').trim().slice(0, 20)}`,
        tag: at.tagName, ring: style.outlineStyle === 'solid' && parseFloat(style.outlineWidth) >= 3,
        width: Math.round(box.width), height: Math.round(box.height),
      };
    });
    if (!stop) break;
    stops.push(stop);
  }
  return stops;
}
