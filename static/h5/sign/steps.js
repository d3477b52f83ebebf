// The list of seven: which status and which short value each step has, and which ones are open.
import { html, useState } from '../../lib/ui.js';
import { t } from '../../lib/i18n.js';
import { join, mask } from '../../lib/jssign.js';
import { Step } from '../../parts/step.js';
import { configured, request, scene } from './model.js';
import { Config, Hash, Inputs, StringToSign, Ticket, Token, Try } from './panels.js';

const bytes = (text) => new TextEncoder().encode(text).length;
const when = (condition, kind, otherwise) => ({ kind: condition ? kind : otherwise });

function verdictOf({ verdict }) {
  if (verdict === 'unknown') return { kind: 'warn' };
  return { kind: verdict === 'match' ? 'ok' : 'bad', word: t(`status.${verdict}`) };
}

function configStatus() {
  const said = configured.value;
  if (!said) return { kind: 'wait' };
  if (said.kind === 'absent' || said.checked === false) return { kind: 'warn' };
  return when(said.kind === 'ready', 'ok', 'bad');
}

const configValue = () => (configured.value && configured.value.errMsg) || t('step.config.wait');

/** `status` and `value` are asked only once there is a scene. */
const STEPS = [
  { name: 'token', Panel: Token, status: () => ({ kind: 'kept' }), value: () => t('step.token.value') },
  {
    name: 'ticket', Panel: Ticket,
    status: (now) => when(now.real, 'ok', 'kept'),
    value: (now) => (now.real ? mask(now.real) : '****'),
  },
  {
    name: 'inputs', Panel: Inputs,
    status: (now) => when(now.echoed, 'ok', 'bad'),
    value: (now) => `${now.answer.nonceStr} · ${now.answer.timestamp}`,
  },
  {
    name: 'string', Panel: StringToSign,
    status: (now) => when(now.broken, 'bad', 'ok'),
    value: (now) => (now.ticket ? t('step.string.value', { bytes: bytes(join(now.signed)) }) : 'jsapi_ticket=****&noncestr=…'),
  },
  { name: 'hash', Panel: Hash, status: verdictOf, value: (now) => `${now.signature.slice(0, 16)}…` },
  { name: 'config', Panel: Config, status: configStatus, value: configValue },
  {
    name: 'try', Panel: Try,
    status: () => (configured.value && configured.value.kind === 'ready' ? { kind: 'ok' } : { kind: 'wait' }),
    value: () => t('step.try.value'),
  },
];

export function Steps() {
  const [open, setOpen] = useState([]);
  const now = scene.value;
  const waiting = request.value.phase === 'loading';
  const all = open.length === STEPS.length;
  const toggle = (name) => setOpen(open.includes(name) ? open.filter((one) => one !== name) : [...open, name]);
  return html`
    <section aria-labelledby="steps-heading">
      <div class="section-head">
        <h2 id="steps-heading">${t('sign.steps')}</h2>
        <button type="button" class="quiet" disabled=${!now} onClick=${() => setOpen(all ? [] : STEPS.map(({ name }) => name))}>
          ${t(all ? 'sign.closeall' : 'sign.openall')}
        </button>
      </div>
      <ol class="steps card">${STEPS.map(({ name, Panel, status, value }, at) => html`
        <${Step} key=${name} number=${at + 1} name=${name} status=${now && status(now)}
          value=${now ? value(now) : waiting ? null : ''} open=${Boolean(now) && open.includes(name)} onToggle=${() => now && toggle(name)}>
          ${now && html`<${Panel} scene=${now} />`}
        <//>`)}</ol>
    </section>`;
}
