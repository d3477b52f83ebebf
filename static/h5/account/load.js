// Things the gateway is asked for: what is shown while they come, when they came, and what went wrong. No markup.
import { effect, signal } from '../../lib/ui.js';
import { call, session } from '../../lib/session.js';

const SKELETON_AFTER_MS = 150;
const NOTHING = { phase: 'idle', slow: false, value: null, at: null, outcome: null };

/**
 * `state` holds `{ phase: idle|loading|ready|error, slow, value, at, outcome }`. `slow` is when a skeleton may be
 * drawn. What came last stays beside an error and while it is asked for again; another user begins with nothing.
 */
export function resource(path, pick) {
  const state = signal(NOTHING);
  let owner = session.value.user;
  let running = 0;
  effect(() => {
    const { user } = session.value;
    if (user === owner) return;
    owner = user;
    running += 1;
    state.value = NOTHING;
  });

  async function load() {
    const run = running += 1;
    const mine = () => run === running;
    state.value = { ...state.value, phase: 'loading', slow: false };
    const timer = setTimeout(() => { if (mine()) state.value = { ...state.value, slow: true }; }, SKELETON_AFTER_MS);
    const outcome = await call('GET', path);
    clearTimeout(timer);
    if (!mine()) return outcome;
    const value = outcome.ok ? pick(outcome.body) : null;
    if (outcome.ok && value === undefined) Object.assign(outcome, { ok: false, kind: 'shape' });
    if (outcome.ok) state.value = { phase: 'ready', slow: false, value, at: new Date(), outcome };
    else state.value = { ...state.value, phase: 'error', slow: false, outcome };
    return outcome;
  }

  return { state, load, put: (value) => { state.value = { phase: 'ready', slow: false, value, at: new Date(), outcome: null }; } };
}

const list = (key) => (body) => (Array.isArray(body[key]) ? body[key] : undefined);

export const me = resource('/v1/user', (body) => (typeof body.id === 'string' ? body : undefined));
export const sessions = resource('/v1/user/sessions', list('sessions'));
export const rooms = resource('/v1/rooms', list('rooms'));
