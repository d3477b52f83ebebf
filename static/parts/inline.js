// The small pieces that stand inside lines: glyphs, statuses, texts with code in them.
import { html } from '../lib/ui.js';
import { t } from '../lib/i18n.js';

const SPRITE = new URL('../icons.svg', import.meta.url).href;
const ICONS = { ok: 'circle-check', bad: 'circle-x', kept: 'lock', warn: 'triangle-alert', wait: 'clock' };

/** One glyph of the sprite. Always beside a word or inside a named control, hence hidden from screen readers. */
export const Icon = ({ name, spin }) => html`
  <svg class=${spin ? 'icon spin' : 'icon'} aria-hidden="true" focusable="false"><use href=${`${SPRITE}#${name}`} /></svg>`;

/** An icon, a word and a colour, never the colour alone. */
export const Status = ({ kind, word }) => html`
  <span class="status ${kind}"><${Icon} name=${ICONS[kind]} /><span>${word || t(`status.${kind}`)}</span></span>`;

/** A text whose `backticked` words are code: the only markup translated texts may carry. */
export const Rich = ({ text }) => text.split('`').map((piece, at) => (at % 2 ? html`<code>${piece}</code>` : piece));

const words = (message) => (Array.isArray(message) ? message.join('; ') : message);

/** The hard facts of a failed request: status, the gateway's words, codes and the request id. */
export function Facts({ outcome }) {
  const { body, requestId, status } = outcome;
  const facts = [
    ['HTTP', status || null],
    [t('error.said'), body && words(body.msg)],
    [t('error.code'), body && body.error_code],
    [t('error.errcode'), body && body.errcode],
    [t('error.request'), requestId || t('error.none')],
  ];
  return html`<dl class="facts inline">${facts.map(([name, value]) => (
    value === null || value === undefined ? null : html`<dt key=${name}>${name}</dt><dd key=${`${name}:`}><code>${String(value)}</code></dd>`
  ))}</dl>`;
}
