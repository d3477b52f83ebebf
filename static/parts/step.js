// One numbered step of an explanation: a row that opens to its text and its bytes.
import { html } from '../lib/ui.js';
import { t } from '../lib/i18n.js';
import { Icon, Rich, Status } from './inline.js';

/** `value` null draws a skeleton of the final height. */
export const Step = ({ number, name, status, value, open, onToggle, children }) => html`
  <li class="step ${status ? status.kind : ''}" data-step=${name}>
    <h3>
      <button type="button" class="step-head" id="step-${name}" aria-expanded=${String(open)} aria-controls="panel-${name}"
        onClick=${onToggle}>
        <span class="step-number" aria-hidden="true">${number}</span>
        <span class="step-text">
          <span class="step-title">${t(`step.${name}`)}</span>
          <span class="step-value">${value === null ? html`<span class="bone"></span>` : value}</span>
        </span>
        ${status && html`<${Status} ...${status} />`}
        <${Icon} name="chevron-down" />
      </button>
    </h3>
    <div class="step-panel" id="panel-${name}" role="region" aria-labelledby="step-${name}" hidden=${!open}>
      ${open && html`<p><${Rich} text=${t(`step.${name}.why`)} /></p>${children}`}
    </div>
  </li>`;
