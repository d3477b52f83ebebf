// The Sign page: the page's own address signed, step by step.
import { html, useEffect } from '../../lib/ui.js';
import { clock, t } from '../../lib/i18n.js';
import { CodeView } from '../../parts/codeview.js';
import { Icon, Status } from '../../parts/inline.js';
import { BreakIt } from '../sign/breakit.js';
import { Causes } from '../sign/causes.js';
import { Failure } from '../sign/failure.js';
import { address, ask, configured, granted, mistake, request, scene } from '../sign/model.js';
import { Steps } from '../sign/steps.js';

/** One line that says where the page stands: `{ kind, text }`. */
function standing() {
  const said = configured.value;
  if (request.value.phase === 'error') return { kind: 'bad', text: t('sum.failed') };
  if (!scene.value || !said) return { kind: 'wait', text: t('sum.wait') };
  if (mistake.value) return { kind: 'bad', text: t('sum.broken', { mistake: t(`break.${mistake.value}`) }) };
  if (said.kind === 'absent') return { kind: 'warn', text: t('sum.absent') };
  if (said.kind === 'error') return { kind: 'bad', text: t('sum.error', { message: said.errMsg }) };
  return said.checked ? { kind: 'ok', text: t('sum.ready') } : { kind: 'warn', text: t('sum.unchecked') };
}

function Address() {
  const [url, ...rest] = address.value.split('#');
  return html`
    <${CodeView} label=${t('sign.address')} text=${url} wrap name="address">
      ${url}${rest.length > 0 && html`<del>#${rest.join('#')}</del><span class="aside"> ${t('sign.cut')}</span>`}
    <//>`;
}

function Summary() {
  const { kind, text } = standing();
  const { outcome, phase } = request.value;
  const busy = phase === 'idle' || phase === 'loading';
  const id = (outcome && outcome.requestId) || t('sum.noid');
  return html`
    <section class="card padded summary" data-standing=${kind} aria-busy=${String(busy)}>
      <p class="headline" role="status"><${Status} kind=${kind} word=${text} /></p>
      <${Address} />
      <div class="row">
        <span class="note" data-name="meta">${outcome && outcome.status ? t('sum.meta', { status: outcome.status, ms: outcome.ms, id }) : '\u00a0'}</span>
        <button type="button" class="weui-btn weui-btn_primary weui-btn_medium" onClick=${ask} aria-disabled=${String(busy)}>
          <${Icon} name="refresh-cw" spin=${phase === 'loading'} />${t('sign.again')}
        </button>
      </div>
    </section>`;
}

/** What a script would do instead of this page: the same call, ready to paste. */
function Footer() {
  const call = `curl '${window.location.origin}/jsapi?url=${encodeURIComponent(address.value).replace(/'/g, '%27')}'`;
  return html`
    <footer><h2>${t('footer.api')}</h2><${CodeView} label=${t('footer.curl')} text=${call} wrap />
      <p><a href="/licenses/index.txt">${t('footer.licences')}</a></p></footer>`;
}

export function SignPage() {
  const title = t('title');
  useEffect(() => { document.title = title; }, [title]);
  const failed = request.value.phase === 'error';
  const stale = failed && granted.value;
  return html`
    <main class="sign">
      <div class="intro"><h1>${t('sign.heading')}</h1><p class="lead">${t('sign.lead')}</p></div>
      <div class="columns">
        <div class="column">
          <${Summary} />
          ${failed && html`<${Failure} outcome=${request.value.outcome} />`}
          ${stale && html`<p class="note" data-name="stale">${t('sum.stale', { time: clock(granted.value.at) })}</p>`}
          <div class=${stale ? 'old' : ''}><${Steps} /></div>
        </div>
        <div class="column"><${BreakIt} /><${Causes} /></div>
      </div>
      <${Footer} />
    </main>`;
}
