// What the seven steps show when they are open: explanations have been given, here come the bytes.
import { html } from '../../lib/ui.js';
import { t } from '../../lib/i18n.js';
import { mask } from '../../lib/jssign.js';
import { CodeView } from '../../parts/codeview.js';
import { Rich, Status } from '../../parts/inline.js';
import { insideWeChat } from '../device.js';
import { attempt, configured, granted, request, revealed, tried } from './model.js';
import { Parts, plain } from './strings.js';

const json = (value) => JSON.stringify(value, null, 2);

/** The answer as received, but for the ticket. */
function safe(answer) {
  const { jsapi_ticket: ticket, ...rest } = answer;
  return json(ticket ? { ...rest, jsapi_ticket: revealed.value ? ticket : mask(ticket) } : rest);
}

const Reveal = () => html`
  <button type="button" class="quiet" aria-pressed=${String(revealed.value)} onClick=${() => { revealed.value = !revealed.value; }}>
    ${t(revealed.value ? 'step.ticket.hide' : 'step.ticket.reveal')}
  </button>`;

export const Token = ({ scene }) => html`
  <${CodeView} label=${t('step.token.bytes')} text=${`POST /cgi-bin/stable_token\n${json({
    grant_type: 'client_credential', appid: scene.answer.appId, secret: '****',
  })}\n\n200\n${json({ access_token: '****', expires_in: 7200 })}`} />`;

export const Ticket = ({ scene }) => html`
  <${CodeView} label=${t('step.ticket.bytes')} text=${`GET /cgi-bin/ticket/getticket?access_token=****&type=jsapi\n\n200\n${json({
    errcode: 0, errmsg: 'ok', ticket: scene.real ? (revealed.value ? scene.real : mask(scene.real)) : '****', expires_in: 7200,
  })}`} />
  <p class="note"><${Rich} text=${t(scene.real ? 'step.ticket.shown' : 'step.ticket.kept')} /></p>
  ${scene.real && html`<${Reveal} />`}`;

export function Inputs({ scene }) {
  const skew = Math.round(Math.abs(granted.value.at / 1000 - scene.answer.timestamp));
  return html`
    <${CodeView} label=${t('step.inputs.request')} text=${`GET ${request.value.path}`} wrap name="request" />
    <${CodeView} label=${t('step.inputs.answer')} text=${safe(scene.answer)} name="answer" />
    <p class="verdict"><${Status} kind=${scene.echoed ? 'ok' : 'bad'} />
      <span>${t(scene.echoed ? 'step.inputs.same' : 'step.inputs.other')}</span></p>
    <p class="note">${t('step.inputs.skew', { seconds: skew })}</p>`;
}

export const StringToSign = ({ scene }) => html`
  ${scene.ticket
    ? html`<${CodeView} label=${t('step.string.bytes')} text=${plain(scene.signed)} wrap name="string1">
        <${Parts} list=${scene.signed} other=${scene.broken ? scene.checked : null} /><//>`
    : html`<${CodeView} label=${t('step.string.bytes')} wrap name="string1">
        <${Parts} list=${[{ key: 'jsapi_ticket', value: '' }, ...scene.signed.slice(1)]} /><//>`}
  ${scene.practice && html`<p class="note">${t('step.string.practice')}</p>`}
  ${scene.real ? html`<${Reveal} />` : html`<p class="note"><${Rich} text=${t('step.ticket.kept')} /></p>`}`;

export function Hash({ scene }) {
  const { verdict } = scene;
  return html`
    <${CodeView} label=${t('step.hash.received')} text=${scene.signature} name="received" />
    ${verdict !== 'unknown' && html`<${CodeView} name="computed" text=${scene.expected}
      label=${t(scene.broken ? 'step.hash.expected' : 'step.hash.computed')} />`}
    <p class="verdict" data-verdict=${verdict}>${verdict === 'unknown'
      ? html`<${Status} kind="warn" /><span>${t('step.hash.unknown')}</span>`
      : html`<${Status} kind=${verdict === 'match' ? 'ok' : 'bad'} word=${t(`step.hash.${verdict}`)} />`}</p>`;
}

export function Config({ scene }) {
  const said = configured.value;
  const answer = said && said.errMsg ? json({ errMsg: said.errMsg }) : t('step.config.wait');
  if (said && said.kind === 'absent') {
    return html`<${CodeView} label=${t('step.config.bytes')} text=${json(scene.config)} />
      <p class="note">${t('step.config.absent')}</p>`;
  }
  return html`
    <${CodeView} label=${t('step.config.bytes')} text=${json(scene.config)} />
    <${CodeView} label=${t('step.config.result')} text=${answer} name="wx-answer" />
    ${!insideWeChat && html`<p class="note">${t('step.config.simulated')}</p>`}
    ${said && said.checked === false && html`<p class="note">${t('step.config.believed')}</p>`}`;
}

const CALLS = [
  { name: 'chooseImage', key: 'step.try.image', options: { count: 1 } },
  { name: 'scanQRCode', key: 'step.try.scan', options: { needResult: 1 } },
  { name: 'updateAppMessageShareData', key: 'step.try.share', options: {} },
];

export function Try({ scene }) {
  const share = { title: document.title, desc: '', link: scene.url, imgUrl: '' };
  const absent = configured.value && configured.value.kind === 'absent';
  if (absent) return html`<p class="note">${t('step.config.absent')}</p>`;
  return html`
    <div class="buttons">${CALLS.map(({ name, key, options }) => html`
      <button type="button" key=${name} class="weui-btn weui-btn_default" data-call=${name}
        onClick=${() => attempt(name, { ...share, ...options })}>${t(key)}</button>`)}</div>
    <div aria-live="polite">${tried.value
      ? html`<${CodeView} label=${t('step.try.result', { name: tried.value.name })} text=${json(tried.value.result)} name="tried" />`
      : html`<p class="note">${t('step.try.none')}</p>`}</div>`;
}

