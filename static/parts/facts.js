// The hard facts of a failed request: status, the gateway's words, codes and the request id.
import { html } from '../lib/ui.js';
import { t } from '../lib/i18n.js';

const words = (message) => (Array.isArray(message) ? message.join('; ') : message);

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
