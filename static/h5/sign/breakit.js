// "Break it": five usual mistakes, the part they change, what WeChat says to that, and the way out.
import { html } from '../../lib/ui.js';
import { t } from '../../lib/i18n.js';
import { MISTAKES } from '../../lib/jssign.js';
import { CodeView } from '../../parts/codeview.js';
import { Icon, Rich, Status } from '../../parts/inline.js';
import { choose, configured, mistake, scene } from './model.js';
import { Parts, plain } from './strings.js';

function Outcome({ now }) {
  const said = configured.value;
  const part = now.checked[now.at].key;
  return html`
    <div class="outcome" data-mistake=${mistake.value}>
      <p class="verdict" role="status">
        <${Status} kind="bad" word=${(said && said.errMsg) || t('step.config.wait')} />
        <span class="note">${t('break.part', { part })}</span>
      </p>
      <${CodeView} label=${t('break.signed')} text=${plain(now.signed)} wrap name="signed">
        <${Parts} list=${now.signed} other=${now.checked} /><//>
      <${CodeView} label=${t('break.checked')} text=${plain(now.checked)} wrap name="checked">
        <${Parts} list=${now.checked} other=${now.signed} /><//>
      ${now.practice && html`<p class="note">${t('step.string.practice')}</p>`}
      <dl class="facts">
        <dt>${t('break.cause')}</dt><dd>${t(`break.${mistake.value}.cause`)}</dd>
        <dt>${t('break.fix')}</dt><dd><${Rich} text=${t(`break.${mistake.value}.fix`)} /></dd>
      </dl>
      <button type="button" class="weui-btn weui-btn_primary" onClick=${() => choose(null)}>
        <${Icon} name="undo-2" />${t('break.undo')}
      </button>
    </div>`;
}

export function BreakIt() {
  const now = scene.value;
  return html`
    <section class="card padded" aria-labelledby="break-heading">
      <h2 id="break-heading"><${Icon} name="wrench" />${t('break.heading')}</h2>
      <p>${t('break.lead')}</p>
      <div class="chips" role="group" aria-labelledby="break-heading">${MISTAKES.map((name) => html`
        <button type="button" key=${name} class="chip" data-break=${name} disabled=${!now}
          aria-pressed=${String(mistake.value === name)} onClick=${() => choose(name)}>${t(`break.${name}`)}</button>`)}</div>
      ${now && now.broken && html`<${Outcome} now=${now} />`}
    </section>`;
}
