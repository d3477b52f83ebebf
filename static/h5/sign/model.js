// The state of the Sign page: the gateway's answer, the chosen mistake, what `wx` said. No markup.
import { computed, effect, signal } from '../../lib/ui.js';
import { get } from '../../lib/api.js';
import { MISTAKES, SAMPLE_TICKET, join, mistaken, withoutHash } from '../../lib/jssign.js';
import { sha1 } from '../../lib/sha1.js';
import { findWx } from '../device.js';
import { firstAnswer, question } from '../early.js';

export const JS_API_LIST = ['chooseImage', 'scanQRCode', 'updateAppMessageShareData'];

const SKELETON_AFTER_MS = 150;

export const address = signal(window.location.href);
/** `phase`: idle, loading (once it took long enough to show), ready, error. Old answers stay beside an error. */
export const request = signal({ phase: 'idle', outcome: null });
/** The last good answer with the moment it came. */
export const granted = signal(null);
export const mistake = signal(null);
export const revealed = signal(false);
/** What `wx.config` led to: null while waiting, else `{ kind: ready|error|absent, errMsg, checked }`. */
export const configured = signal(null);

let wx = null;
let running = 0;

/** Something between us and the gateway may answer 200 with JSON of its own. */
const isGrant = (body) => ['appId', 'nonceStr', 'signature', 'url'].every((key) => typeof body[key] === 'string');

/** Follows one question until its answer; a newer question makes an older answer worthless. */
async function follow(coming) {
  const run = running += 1;
  const path = question();
  request.value = { phase: 'idle', outcome: null, path };
  const slow = setTimeout(() => {
    if (run === running) request.value = { ...request.value, phase: 'loading' };
  }, SKELETON_AFTER_MS);
  const outcome = await coming;
  clearTimeout(slow);
  if (run !== running) return;
  if (outcome.ok && !isGrant(outcome.body)) Object.assign(outcome, { ok: false, kind: 'shape' });
  if (outcome.ok) granted.value = { ...outcome, answer: outcome.body, at: new Date() };
  request.value = { phase: outcome.ok ? 'ready' : 'error', outcome, path };
}

export const ask = () => follow(get(question()));

/** Everything the steps show, derived from the answer and the chosen mistake. Null before the first answer. */
export const scene = computed(() => {
  if (!granted.value) return null;
  const { answer } = granted.value;
  const real = answer.jsapi_ticket || null;
  const url = withoutHash(address.value);
  const practice = !real && mistake.value !== null;
  const ticket = real || (practice ? SAMPLE_TICKET : null);
  const facts = { ticket: ticket || '', nonce: answer.nonceStr, time: answer.timestamp, url };
  const hash = address.value.slice(url.length);
  const { signed, checked, at } = mistaken(mistake.value, facts, hash);
  const broken = mistake.value !== null;
  const signature = broken ? sha1(join(signed)) : answer.signature;
  const expected = ticket ? sha1(join(checked)) : null;
  return {
    answer, url, hash, real, ticket, practice, broken, signed, checked, at, signature, expected,
    verdict: expected === null ? 'unknown' : expected === signature ? 'match' : 'differs',
    echoed: answer.url === url,
    config: {
      debug: false,
      appId: answer.appId,
      timestamp: Number(checked[2].value),
      nonceStr: answer.nonceStr,
      signature,
      jsApiList: JS_API_LIST,
    },
  };
});

/** Choosing the same mistake again takes it back. */
export function choose(name) {
  mistake.value = MISTAKES.includes(name) && name !== mistake.value ? name : null;
}

export const tried = signal(null);

/** Calls one API of `wx`; the result is shown as it came. */
export function attempt(name, options) {
  if (!wx) return;
  wx[name]({ ...options, complete: (result) => { tried.value = { name, result }; } });
}

/** A new `wx` for every scene: a real page is loaded anew after a changed configuration, too. */
function configure(now) {
  configured.value = null;
  tried.value = null;
  if (!now) return;
  const mine = findWx({ url: now.url, ticket: now.ticket });
  wx = mine;
  if (!mine) {
    configured.value = { kind: 'absent' };
    return;
  }
  const settle = (kind) => (result) => {
    if (wx === mine) configured.value = { kind, errMsg: 'config:ok', checked: true, ...result };
  };
  mine.ready(settle('ready'));
  mine.error(settle('error'));
  mine.config(now.config);
}

export function start() {
  window.addEventListener('hashchange', () => { address.value = window.location.href; });
  window.addEventListener('online', ask);
  effect(() => configure(scene.value));
  return follow(firstAnswer);
}
