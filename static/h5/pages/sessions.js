// The Sessions page: where the user is signed in, and ending it.
import { html, signal } from '../../lib/ui.js';
import { ago, day, minute, t } from '../../lib/i18n.js';
import { call, quit } from '../../lib/session.js';
import { Confirm } from '../../parts/dialog.js';
import { inWords } from '../../parts/field.js';
import { Icon } from '../../parts/inline.js';
import { Loaded, say } from '../../parts/states.js';
import { sessions } from '../account/load.js';

/** What is to be confirmed: `{ kind: one|others|everywhere, session }`. */
const asked = signal(null);
const busy = signal(false);

/** The first that matches counts: browsers name their ancestors, too. */
const PROGRAMS = [
  [/miniProgram/i, 'WeChat mini program'], [/MicroMessenger/i, 'WeChat'], [/\bEdg(?:e|A|iOS)?\//, 'Edge'],
  [/Firefox\/|FxiOS/, 'Firefox'], [/HeadlessChrome\/|\bChrom(?:e|ium)\/|CriOS/, 'Chrome'], [/Safari\//, 'Safari'],
  [/^curl\//i, 'curl'], [/^([\w.-]{2,30})\//, null],
];
const SYSTEMS = [
  [/iPhone/, 'iPhone'], [/iPad/, 'iPad'], [/HarmonyOS|OpenHarmony/, 'HarmonyOS'], [/Android/, 'Android'], [/Windows/, 'Windows'],
  [/Macintosh|Mac OS X/, 'macOS'], [/Linux/, 'Linux'],
];

function first(table, text) {
  for (const [pattern, name] of table) {
    const match = pattern.exec(text);
    if (match) return name || match[1];
  }
  return null;
}

/** What a client calls itself, in words a person recognises: a guess for the eye, null where there is none. */
function readAgent(text) {
  const system = first(SYSTEMS, text || '');
  return { program: first(PROGRAMS, text || ''), system, handheld: /iPhone|iPad|Android|HarmonyOS/.test(system || '') };
}

const moment = (seconds) => new Date(seconds * 1000);

function nameOf({ device }) {
  const { program, system } = readAgent(device);
  if (program && system) return t('session.device', { program, system });
  return program || system || t('session.unknown');
}

async function end() {
  const { kind, session } = asked.value;
  busy.value = true;
  const outcome = kind === 'everywhere' ? await quit(true)
    : await call('DELETE', kind === 'one' ? `/v1/user/sessions/${encodeURIComponent(session.id)}` : '/v1/user/sessions');
  busy.value = false;
  asked.value = null;
  if (kind === 'everywhere' || outcome.status === 401) return;
  // Ended already is ended, too.
  if (outcome.ok || outcome.status === 404) say(t(kind === 'one' ? 'session.ended' : 'session.others.ended'));
  else say(inWords(outcome), 'bad');
  sessions.load();
}

function Question() {
  const { kind, session } = asked.value;
  return html`<${Confirm} title=${t(`session.${kind}.title`)} busy=${busy.value}
    text=${t(`session.${kind}.text`, { device: session ? nameOf(session) : '' })} action=${t(`session.${kind}.yes`)}
    onYes=${end} onCancel=${() => { asked.value = null; }} />`;
}

const Session = ({ session }) => html`
  <li class="cell session ${session.current ? 'current' : ''}" data-session=${session.id} data-current=${String(session.current)}>
    <${Icon} name=${readAgent(session.device).handheld ? 'smartphone' : 'laptop'} />
    <div class="cell-text">
      <p class="cell-title">${nameOf(session)}${session.current && html`<span class="tag here">${t('session.here')}</span>`}</p>
      <p class="note" title=${session.device}>${session.app && `${session.app} · `}${t('session.used', { ago: ago(moment(session.used_at)) })}</p>
      <p class="note">${t('session.times', { from: minute(moment(session.created_at)), until: day(moment(session.expires_at)) })}</p>
    </div>
    ${!session.current && html`<button type="button" class="quiet danger" data-end onClick=${() => { asked.value = { kind: 'one', session }; }}>
      ${t('session.end')}<span class="offscreen">${nameOf(session)}</span></button>`}
  </li>`;

function List({ list }) {
  const others = list.filter((session) => !session.current).length;
  const sorted = [...list].sort((left, right) => Number(right.current) - Number(left.current) || right.used_at - left.used_at);
  return html`
    <ul class="card cells" data-name="sessions">${sorted.map((session) => html`<${Session} key=${session.id} session=${session} />`)}</ul>
    <div class="stack">
      ${others > 0
        ? html`<button type="button" class="weui-btn weui-btn_default wide" data-others onClick=${() => { asked.value = { kind: 'others' }; }}>${t('session.others', { count: others })}</button>`
        : html`<p class="note" data-name="alone">${t('session.alone')}</p>`}
      <button type="button" class="weui-btn weui-btn_warn wide" data-everywhere onClick=${() => { asked.value = { kind: 'everywhere' }; }}>
        <${Icon} name="log-out" />${t('session.everywhere')}</button>
    </div>`;
}

export const SessionsPage = () => html`
  <main class="narrow" data-page="sessions">
    <div class="page-head"><h1 tabindex="-1">${t('tab.sessions')}</h1>
      <button type="button" class="quiet" data-reload onClick=${sessions.load}><${Icon} name="refresh-cw" />${t('reload')}</button></div>
    <p class="lead">${t('session.lead')}</p>
    <${Loaded} from=${sessions}>${(list) => html`<${List} list=${list} />`}<//>
    ${asked.value && html`<${Question} />`}
  </main>`;
