// A failed request in full: what failed, the likely cause, the codes and the request id, and a way to try again.
import { html } from '../../lib/ui.js';
import { t } from '../../lib/i18n.js';
import { CodeView } from '../../parts/codeview.js';
import { Facts, Icon, Rich } from '../../parts/inline.js';
import { ask } from './model.js';

const EXPLAINED = [400, 403, 404, 429, 502, 503];

function keyOf({ kind, status }) {
  if (kind !== 'http') return `error.${kind}`;
  return EXPLAINED.includes(status) ? `error.${status}` : 'error.other';
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
