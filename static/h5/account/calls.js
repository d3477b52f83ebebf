// What goes over the wire in the user's name, and how long the access token lives: refresh made visible.
import { html, useEffect, useState } from '../../lib/ui.js';
import { t } from '../../lib/i18n.js';
import { call, calls, discard, life } from '../../lib/session.js';
import { Icon, Rich } from '../../parts/inline.js';
import { me } from './load.js';

const AT_ONCE = 10;
const SHOWN = 9;

const twoDigits = (number) => String(number).padStart(2, '0');

/** By this page's own clock, counted from when the token came: a device whose clock is wrong counts right, too. */
function Countdown() {
  const [, redraw] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => redraw((count) => count + 1), 500);
    return () => clearInterval(timer);
  }, []);
  const left = life.value ? Math.max(0, Math.ceil((life.value.ends - performance.now()) / 1000)) : 0;
  const text = left > 0 ? `${Math.floor(left / 60)}:${twoDigits(left % 60)}` : t('token.over');
  return html`<span class="countdown ${left > 0 ? '' : 'over'}" role="timer" data-name="countdown"><${Icon} name="clock" />${text}</span>`;
}

/** Equal lines that follow each other become one with a number. */
function grouped(lines) {
  const groups = [];
  lines.forEach((line) => {
    const last = groups[groups.length - 1];
    const same = last && ['method', 'path', 'status', 'note'].every((key) => last[key] === line[key]);
    if (same) last.times += 1;
    else groups.push({ ...line, times: 1 });
  });
  return groups.slice(-SHOWN);
}

const Calls = () => html`
  <ol class="calls" data-name="calls" aria-label=${t('calls.heading')}>${grouped(calls.value).map(({ id, method, path, status, note, times }) => html`
    <li key=${id} class=${status >= 200 && status < 300 ? 'fine' : 'refused'}>
      <code>${method} ${path}</code>
      <span class="answer">${times > 1 && html`<span class="times">${`×${times}`}</span>`}${' '}<b>${status || t('calls.none')}</b>${note && html`${' '}<span class="tag">${t(`calls.${note}`)}</span>`}</span>
    </li>`)}</ol>`;

async function expire() {
  discard();
  await me.load();
}

async function many() {
  discard();
  await Promise.all(Array.from({ length: AT_ONCE }, () => call('GET', '/v1/user')));
}

export const TokenCard = () => html`
  <section class="card padded" aria-labelledby="token-heading">
    <div class="section-head"><h2 id="token-heading">${t('token.heading')}</h2><${Countdown} /></div>
    <p class="note"><${Rich} text=${t('token.text')} /></p>
    <div class="buttons">
      <button type="button" class="weui-btn weui-btn_default weui-btn_medium" data-expire onClick=${expire}>${t('token.expire')}</button>
      <button type="button" class="weui-btn weui-btn_default weui-btn_medium" data-many onClick=${many}>${t('token.many', { count: AT_ONCE })}</button>
    </div>
    <h3>${t('calls.heading')}</h3>
    <${Calls} />
  </section>`;
