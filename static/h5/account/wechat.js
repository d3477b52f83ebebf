// Signing in by WeChat: off to WeChat's page, and back with a code that is good once (login type 103).
import { signal } from '../../lib/ui.js';
import { t } from '../../lib/i18n.js';
import { enter } from '../../lib/session.js';
import { inWords } from '../../parts/field.js';
import { OAUTH_APP } from '../settings.js';
import { go } from './route.js';

/** Why it came to nothing: a function, because texts may not be here yet. */
export const refusal = signal(null);

const insideWeChat = /MicroMessenger/i.test(navigator.userAgent);

/** WeChat's page works in WeChat only; a demo on this machine has a made-up one that works everywhere. */
export const offered = OAUTH_APP !== '' && (insideWeChat || /^(localhost|127\.0\.0\.1|\[::1\])$/.test(window.location.hostname));

export function address(next) {
  const back = `${window.location.origin}/h5/?next=${next}`;
  return `/v1/oauth/${encodeURIComponent(OAUTH_APP)}/authorize?redirect=${encodeURIComponent(back)}`;
}

/** Leaves only if the gateway can send the user on; else the reason is shown here. */
export async function setOff(event, next) {
  event.preventDefault();
  refusal.value = null;
  const href = address(next);
  try {
    const answer = await fetch(href, { redirect: 'manual', cache: 'no-store' });
    if (answer.type === 'opaqueredirect') window.location.assign(href);
    else refusal.value = () => t('wrong.wechat', { status: answer.status });
  } catch (unreachable) {
    refusal.value = () => t('error.offline');
  }
}

/** Back from WeChat: the code becomes a session, and leaves the address. */
export async function redeem() {
  const query = new URLSearchParams(window.location.search);
  const [code, error] = [query.get('code'), query.get('error')];
  if (!code && !error) return;
  go(`/h5/#/${query.get('next') || 'me'}`);
  const outcome = code && await enter('/v1/token', { type: 103, account: code });
  if (!code) refusal.value = () => t('wrong.wechat.refused', { error });
  else if (outcome.status === 401) refusal.value = () => t('wrong.wechat.code');
  else if (!outcome.ok) refusal.value = () => inWords(outcome);
}
