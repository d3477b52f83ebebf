// A failed request in full: what failed, the likely cause, the codes and the request id, and a way to try again.
import { html } from '../../lib/ui.js';
import { t } from '../../lib/i18n.js';
import { CodeView } from '../../parts/codeview.js';
import { Icon, Rich } from '../../parts/inline.js';
import { ask } from './model.js';

const EXPLAINED = [400, 403, 404, 429, 502, 503];

function keyOf({ kind, status }) {
  if (kind !== 'http') return `error.${kind}`;
  return EXPLAINED.includes(status) ? `error.${status}` : 'error.other';
}

const words = (message) => (Array.isArray(message) ? message.join('; ') : message);

function Facts({ outcome }) {
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

export function Failure({ outcome }) {
  const key = keyOf(outcome);
  const values = { host: window.location.hostname, status: outcome.status };
  return html`
    <section class="card padded failure" role="alert" data-error=${key}>
      <h2><${Icon} name=${outcome.kind === 'offline' ? 'wifi-off' : 'triangle-alert'} />${t(key, values)}</h2>
      <p><${Rich} text=${t(`${key}.why`, values)} /></p>
      ${key === 'error.403' && html`
        <${CodeView} label=${t('error.403.line')} text=${`js_domains = ["${window.location.hostname}"]`} name="config-line" />`}
      ${/^\d+$/.test(outcome.retryAfter || '') && html`<p>${t('error.wait', { seconds: outcome.retryAfter })}</p>`}
      <${Facts} outcome=${outcome} />
      <button type="button" class="weui-btn weui-btn_primary" data-retry onClick=${ask}><${Icon} name="refresh-cw" />${t('error.retry')}</button>
    </section>`;
}
