// Who is signed in here, and the one door for requests in the user's name. No texts, no markup.
//
// Where the tokens are: the access token in a variable of this module, the refresh token in an HttpOnly cookie that
// scripts cannot read and that the browser sends to /v1/token only. Nothing that signs anybody in is ever in storage,
// so a script that gets in finds nothing there to carry away. A page that is loaded anew begins with a refresh.
//
// A request that is answered 401 gets a new token and is sent again. However many fail at the same time, one refresh
// serves them all; tabs take turns by a lock and hand each other what they got. Where there are no locks, the gateway's
// auth.refresh_grace forgives twins.
import { send, upload } from './api.js';
import { dropDrafts, forget, recall, remember } from './store.js';
import { signal } from './ui.js';

const REFRESH = '/v1/token/refresh';
const LOCK = 'wxgate.refresh';
/** That there probably is a cookie; strangers need not ask. */
const HINT = 'signedin';
const REMEMBERED_CALLS = 40;
/** Twice, because on a slow network a short-lived token can end under way. The session itself is not given up for it. */
const ROUNDS = 2;
/** So long a tab whose turn comes after another's waits for what that one got. */
const HEAR_MS = 300;

/** `state`: unknown, in, out. `user`: its id. `reason`, when out: null, `ended` (by the gateway), `left` (by the user). */
export const session = signal({ state: 'unknown', user: null, reason: null });
/** When the access token ends by this page's own clock, and how long it lasted: both in ms. Null without a token. */
export const life = signal(null);
/** What went over the wire, latest last: `{ id, method, path, status, note }`. */
export const calls = signal([]);

let token = null;
let flight = null;
let counted = 0;
let heard = () => {};
const tabs = typeof BroadcastChannel === 'function' ? new BroadcastChannel('wxgate.session') : null;

/** A request in the user's name. `form` and `progress` make it an upload. Resolves as `send` does. */
export async function call(method, path, options = {}) {
  // A picture is not sent in vain: if its token must have ended, the next one is fetched first.
  if (options.form && life.value && performance.now() > life.value.ends) await refresh(token);
  let used = token;
  let outcome = await wire(method, path, options, used, null);
  for (let round = 0; outcome.status === 401 && round < ROUNDS; round += 1) {
    const renewed = await refresh(used);
    // Refused: the request's own 401 says it, and `leave` has told everybody. Otherwise the refresh is what failed.
    if (!renewed.ok) return renewed.status === 401 ? outcome : renewed;
    used = token;
    outcome = await wire(method, path, options, used, 'retried');
  }
  return outcome;
}

async function wire(method, path, options, bearer, note) {
  const headers = bearer ? { authorization: `Bearer ${bearer}` } : {};
  const outcome = options.form
    ? await upload(path, options.form, { headers, progress: options.progress })
    : await send(method, path, { headers, body: options.body, credentials: options.credentials || 'omit' });
  record({ method, path, status: outcome.status, note });
  return outcome;
}

function record(line) {
  counted += 1;
  calls.value = [...calls.value, { id: counted, ...line }].slice(-REMEMBERED_CALLS);
}

/** One refresh for all who found `used` to be over; those who come after it need none. */
function refresh(used) {
  if (token !== null && token !== used) return Promise.resolve({ ok: true });
  if (!flight) flight = inTurn(used).finally(() => { flight = null; });
  return flight;
}

async function inTurn(used) {
  if (!navigator.locks) return rotate(used);
  const { held, pending } = await navigator.locks.query();
  const behind = [...held, ...pending].some(({ name }) => name === LOCK);
  return navigator.locks.request(LOCK, async () => {
    if (behind && token === used) {
      await new Promise((go) => {
        heard = go;
        setTimeout(go, HEAR_MS);
      });
    }
    return rotate(used);
  });
}

async function rotate(used) {
  if (token !== null && token !== used) return { ok: true };
  const outcome = await wire('POST', REFRESH, { body: {}, credentials: 'same-origin' }, null, 'single');
  if (outcome.ok) adopt(outcome.body);
  else if (outcome.status === 401 || outcome.status === 403) leave('ended');
  return outcome;
}

function adopt(answer) {
  const lasts = answer.expires_in * 1000;
  hold({ token: answer.token, ends: Date.now() + lasts, lasts, user: answer.user ? answer.user.id : session.value.user });
  remember(HINT, '1');
  if (tabs) tabs.postMessage({ kind: 'in', token, ends: Date.now() + lasts, lasts, user: session.value.user });
}

function hold(given) {
  token = given.token;
  heard();
  life.value = { ends: performance.now() + given.ends - Date.now(), lasts: given.lasts };
  const known = session.value;
  if (known.state !== 'in' || known.user !== given.user) session.value = { state: 'in', user: given.user, reason: null };
}

/** Signed out, here and in all tabs. What was typed stays if it was not the user's will. */
function leave(reason, silently) {
  token = null;
  life.value = null;
  forget(HINT);
  if (reason === 'left') dropDrafts();
  session.value = { state: 'out', user: session.value.user, reason };
  if (tabs && !silently) tabs.postMessage({ kind: 'out', reason });
}

if (tabs) {
  tabs.onmessage = ({ data }) => {
    if (data.kind === 'in') hold(data);
    else if (session.value.state === 'in') leave(data.reason, true);
  };
}

/** Finds out whether somebody is signed in. A failure is told, not taken for a no. */
export async function start() {
  if (token !== null) return { ok: true };
  if (recall(HINT) === null) {
    session.value = { state: 'out', user: null, reason: null };
    return { ok: true };
  }
  const outcome = await refresh(null);
  if (outcome.status === 401) session.value = { ...session.value, reason: null };
  return outcome;
}

/** Logs in or registers: `path` is the route, `body` who it is. */
export async function enter(path, body) {
  const before = session.value.user;
  const outcome = await wire('POST', path, { body: { ...body, cookie: true }, credentials: 'same-origin' }, null, null);
  if (outcome.ok) {
    if (before !== null && outcome.body.user && outcome.body.user.id !== before) dropDrafts();
    adopt(outcome.body);
  }
  return outcome;
}

/** Logs out, here or everywhere. Nobody is told to be out who is not. */
export async function quit(everywhere) {
  const path = `/v1/token/revoke${everywhere ? '?all=true' : ''}`;
  const outcome = await wire('POST', path, { credentials: 'same-origin' }, token, null);
  if (outcome.ok || outcome.status === 401) leave('left');
  return outcome;
}

/** Forgets the access token, so that the next request is answered 401. */
export function discard() {
  token = null;
  if (life.value) life.value = { ...life.value, ends: performance.now() };
}
