// What stands where data will stand: a skeleton, an error with the way back, nothing yet. And the line that says what
// just happened.
import { html, signal, useEffect } from '../lib/ui.js';
import { clock, t } from '../lib/i18n.js';
import { Facts, Icon } from './inline.js';

const EXPLAINED = [429, 503];

function keyOf({ kind, status }) {
  if (kind !== 'http') return `error.${kind}`;
  return EXPLAINED.includes(status) ? `trouble.${status}` : 'error.other';
}

/** A request that failed, in full, with the way back. */
export function Trouble({ outcome, onRetry }) {
  const key = keyOf(outcome);
  const values = { status: outcome.status };
  return html`
    <section class="card padded failure" role="alert" data-error=${key}>
      <h2><${Icon} name=${outcome.kind === 'offline' ? 'wifi-off' : 'triangle-alert'} />${t(key, values)}</h2>
      <p>${t(`${key}.why`, values)}</p>
      ${/^\d+$/.test(outcome.retryAfter || '') && html`<p>${t('error.wait', { seconds: outcome.retryAfter })}</p>`}
      <${Facts} outcome=${outcome} />
      <button type="button" class="weui-btn weui-btn_primary" data-retry onClick=${onRetry}><${Icon} name="refresh-cw" />${t('error.retry')}</button>
    </section>`;
}

const Bones = ({ rows }) => html`
  <div class="card" aria-hidden="true">${Array.from({ length: rows }, (_, row) => html`
    <div class="cell" key=${row}><span class="cell-text"><span class="bone"></span><br /><span class="bone short"></span></span></div>`)}</div>`;

/**
 * The data of a resource, or what stands for it. What came before stays beside an error, greyed and with its age.
 * Comes back by itself when the network does.
 */
export function Loaded({ from, rows = 3, children }) {
  const { phase, slow, value, at, outcome } = from.state.value;
  useEffect(() => {
    if (from.state.value.phase !== 'loading') from.load();
    window.addEventListener('online', from.load);
    return () => window.removeEventListener('online', from.load);
  }, [from]);
  const failed = phase === 'error';
  return html`
    <div aria-busy=${String(phase === 'loading')} data-phase=${phase}>
      ${failed && html`<${Trouble} outcome=${outcome} onRetry=${from.load} />`}
      ${failed && value && html`<p class="note stale" data-name="stale">${t('stale', { time: clock(at) })}</p>`}
      ${!value && phase === 'loading' && slow && html`<${Bones} rows=${rows} />`}
      ${value && html`<div class=${failed ? 'old' : ''}>${children(value)}</div>`}
    </div>`;
}

/** One sentence, and at most one thing to do. */
export const Empty = ({ icon, text, children }) => html`
  <div class="card empty"><${Icon} name=${icon} /><p>${text}</p>${children}</div>`;

const said = signal({ text: '', kind: 'ok' });
const SHOWN_MS = 4000;
let hiding = null;

/** Says what was done: `kind` ok or bad. One place for the whole page, read out politely. */
export function say(text, kind = 'ok') {
  clearTimeout(hiding);
  said.value = { text, kind };
  hiding = setTimeout(() => { said.value = { text: '', kind: 'ok' }; }, SHOWN_MS);
}

export const Said = () => html`
  <div class="said ${said.value.kind} ${said.value.text ? 'shown' : ''}" role="status">${said.value.text && html`
    <${Icon} name=${said.value.kind === 'ok' ? 'circle-check' : 'triangle-alert'} /><span>${said.value.text}</span>`}</div>`;
