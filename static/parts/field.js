// A labelled field with its error beside it, and the button of a form.
import { html } from '../lib/ui.js';
import { t } from '../lib/i18n.js';
import { Icon } from './inline.js';

/** `error` is read out when it appears and belongs to the field; `children` stand beside the field. */
export const Field = ({ name, label, error, hint, value, onValue, children, ...input }) => html`
  <div class="field ${error ? 'wrong' : ''}">
    <label for=${`field-${name}`}>${label}</label>
    <div class="field-row">
      <input id=${`field-${name}`} name=${name} value=${value} onInput=${(event) => onValue(event.currentTarget.value)}
        aria-invalid=${error ? 'true' : null} aria-describedby=${`${name}-error${hint ? ` ${name}-hint` : ''}`}
        autocapitalize="none" spellcheck=${false} ...${input} />
      ${children}
    </div>
    ${hint && html`<p class="note" id=${`${name}-hint`}>${hint}</p>`}
    <p class="field-error" id=${`${name}-error`} role="alert">${error && html`<${Icon} name="circle-x" />${error}`}</p>
  </div>`;

/** Stays in the order of Tab while the form is under way, so that nobody is thrown out of it. */
export const Submit = ({ busy, children, ...rest }) => html`
  <button type="submit" class="weui-btn weui-btn_primary wide" aria-disabled=${busy ? 'true' : null} ...${rest}>
    ${busy && html`<${Icon} name="refresh-cw" spin />`}${children}
  </button>`;

export function toFirstMistake(form) {
  requestAnimationFrame(() => {
    const field = form.querySelector('[aria-invalid="true"]');
    if (field) field.focus();
  });
}

/** An error of a whole form: one line with what to do, for what belongs to no field. */
export const FormError = ({ outcome }) => html`
  <p class="form-error" role="alert">${outcome && html`<${Icon} name="triangle-alert" /><span>${inWords(outcome)}</span>`}</p>`;

/** A failed request as one sentence; the gateway's own words where ours do not know better. */
export function inWords({ kind, status, retryAfter, body, requestId }) {
  if (kind === 'offline' || kind === 'timeout') return t(`error.${kind}`);
  if (status === 429) return t('wrong.often', { seconds: retryAfter || '60' });
  if (status === 503) return t('wrong.busy');
  const said = body && body.msg ? [].concat(body.msg).join('; ') : t('error.shape');
  return t('wrong.other', { status, said, id: requestId || t('error.none') });
}
