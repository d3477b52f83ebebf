// Signing in by a code that is sent to a phone. In a demo nobody brings it, so the page shows it.
import { html, useEffect, useRef, useState } from '../../lib/ui.js';
import { get, send } from '../../lib/api.js';
import { t } from '../../lib/i18n.js';
import { enter } from '../../lib/session.js';
import { draft, keepDraft } from '../../lib/store.js';
import { Icon } from '../../parts/inline.js';
import { Field, FormError, Submit, inWords, toFirstMistake } from '../../parts/field.js';

/** The gateway sends one code a minute to a phone. */
const PAUSE_S = 60;

/** Seconds that are left of a wait, counted down. */
function useCountdown() {
  const [ends, setEnds] = useState(0);
  const [, redraw] = useState(0);
  const left = Math.max(0, Math.ceil((ends - performance.now()) / 1000));
  useEffect(() => {
    if (left === 0) return undefined;
    const timer = setTimeout(() => redraw((count) => count + 1), 1000);
    return () => clearTimeout(timer);
  });
  return [left, (seconds) => setEnds(performance.now() + seconds * 1000)];
}

/** The latest code that a demo keeps for this phone; null elsewhere. */
async function demoCode(phone) {
  const outcome = await get('/demo/codes');
  if (!outcome.ok || !Array.isArray(outcome.body)) return null;
  const digits = phone.replace(/\D/g, '');
  const mine = outcome.body.filter(({ target, purpose }) => purpose === 'login' && target.replace(/\D/g, '').endsWith(digits));
  return mine.length > 0 ? mine[mine.length - 1].code : null;
}

export function PhoneForm() {
  const [phone, setPhone] = useState(draft('phone') || '');
  const [code, setCode] = useState('');
  const [shown, setShown] = useState(null);
  const [sent, setSent] = useState(false);
  const [wrong, setWrong] = useState({});
  const [failure, setFailure] = useState(null);
  const [busy, setBusy] = useState(null);
  const [left, wait] = useCountdown();
  const form = useRef(null);

  const stop = (mistakes, outcome = null) => {
    setWrong(mistakes);
    setFailure(outcome);
    toFirstMistake(form.current);
  };

  async function ask() {
    if (busy || left > 0) return;
    if (!phone.trim()) return void stop({ phone: t('wrong.phone.empty') });
    setBusy('code');
    const outcome = await send('POST', '/v1/codes', { body: { phone: phone.trim(), purpose: 'login' }, credentials: 'omit' });
    setBusy(null);
    if (outcome.ok || outcome.status === 429) wait(Number(outcome.retryAfter) || PAUSE_S);
    if (outcome.status === 400) return void stop({ phone: t('wrong.phone') });
    if (outcome.status === 429) return void stop({ code: inWords(outcome) });
    if (!outcome.ok) return void stop({}, outcome);
    stop({});
    setSent(true);
    form.current.elements.code.focus();
    setShown(await demoCode(phone));
  }

  async function submit(event) {
    event.preventDefault();
    if (busy) return;
    const lacking = {};
    if (!phone.trim()) lacking.phone = t('wrong.phone.empty');
    if (!code.trim()) lacking.code = t('wrong.code.empty');
    if (Object.keys(lacking).length > 0) return void stop(lacking);
    setBusy('enter');
    const outcome = await enter('/v1/token', { type: 102, account: phone.trim(), secret: code.trim() });
    setBusy(null);
    if (outcome.ok) keepDraft('phone', null);
    else if (outcome.status === 401) stop({ code: t('wrong.code') });
    else if (outcome.status === 400) stop({ code: [].concat(outcome.body.msg).join('; ') });
    else stop({}, outcome);
  }

  const typePhone = (text) => {
    setPhone(text);
    keepDraft('phone', text);
  };
  const waiting = left > 0;
  return html`
    <form ref=${form} class="card padded" noValidate onSubmit=${submit} data-form="phone" aria-label=${t('enter.phone')}>
      <${Field} name="phone" label=${t('field.phone')} value=${phone} onValue=${typePhone} error=${wrong.phone} type="tel" autocomplete="tel" maxlength="32" />
      <${Field} name="code" label=${t('field.code')} value=${code} onValue=${setCode} error=${wrong.code}
        inputmode="numeric" autocomplete="one-time-code" maxlength="12">
        <button type="button" class="quiet send" data-send aria-disabled=${waiting || busy ? 'true' : null} onClick=${ask}>
          ${waiting ? t('code.again', { seconds: left }) : t('code.send')}</button>
      <//>
      <div role="status">
        ${sent && !shown && html`<p class="note">${t('code.sent')}</p>`}
        ${shown && html`
          <p class="demo-code"><${Icon} name="flask-conical" /><span>${t('code.demo')} <code data-name="demo-code">${shown}</code></span>
            <button type="button" class="quiet" data-fill onClick=${() => setCode(shown)}>${t('code.fill')}</button></p>`}
      </div>
      <${FormError} outcome=${failure} />
      <${Submit} busy=${busy === 'enter'}>${t('enter.login')}<//>
    </form>`;
}
