// Signing in and registering by name and password.
import { html, useRef, useState } from '../../lib/ui.js';
import { t } from '../../lib/i18n.js';
import { enter } from '../../lib/session.js';
import { draft, keepDraft } from '../../lib/store.js';
import { Field, FormError, Submit, toFirstMistake } from '../../parts/field.js';

/** The gateway's rule. */
const SHORTEST_PASSWORD = 8;

export const isEmail = (account) => account.includes('@');

const REGISTER = {
  name: 'register', path: '/v1/users', autocomplete: 'new-password',
  body: (account, password) => ({ [isEmail(account) ? 'email' : 'username']: account, password }),
};
const LOGIN = {
  name: 'login', path: '/v1/token', autocomplete: 'current-password',
  body: (account, password) => ({ type: 101, account, secret: password }),
};

function missing(kind, account, password) {
  const wrong = {};
  if (!account) wrong.account = t('wrong.account.empty');
  if (!password) wrong.password = t('wrong.password.empty');
  else if (kind === REGISTER && [...password].length < SHORTEST_PASSWORD) wrong.password = t('wrong.password.short', { least: SHORTEST_PASSWORD });
  return wrong;
}

/** What the gateway refused, by the field; null if it speaks of none. */
function refused(kind, { status, body }) {
  const texts = body && body.msg ? [].concat(body.msg) : [];
  if (status === 401 && kind === LOGIN) return { password: t('wrong.login') };
  if (status === 409) return { account: t('wrong.account.taken') };
  if (status !== 400 && status !== 422) return null;
  if (texts.some((text) => text.includes('most common'))) return { password: t('wrong.password.common') };
  const wrong = {};
  texts.forEach((text) => { wrong[/password|secret/i.test(text) ? 'password' : 'account'] = text; });
  return Object.keys(wrong).length > 0 ? wrong : null;
}

function PasswordForm({ kind }) {
  const [account, setAccount] = useState(draft('account') || '');
  const [password, setPassword] = useState('');
  const [shown, setShown] = useState(false);
  const [wrong, setWrong] = useState({});
  const [failure, setFailure] = useState(null);
  const [busy, setBusy] = useState(false);
  const form = useRef(null);

  async function submit(event) {
    event.preventDefault();
    if (busy) return;
    setFailure(null);
    const lacking = missing(kind, account.trim(), password);
    setWrong(lacking);
    if (Object.keys(lacking).length > 0) {
      toFirstMistake(form.current);
      return;
    }
    setBusy(true);
    const outcome = await enter(kind.path, kind.body(account.trim(), password));
    setBusy(false);
    if (outcome.ok) {
      keepDraft('account', null);
      return;
    }
    const beside = refused(kind, outcome);
    setWrong(beside || {});
    setFailure(beside ? null : outcome);
    toFirstMistake(form.current);
  }

  const type = (text) => {
    setAccount(text);
    keepDraft('account', text);
  };
  return html`
    <form ref=${form} class="card padded" noValidate onSubmit=${submit} data-form=${kind.name} aria-label=${t(`enter.${kind.name}`)}>
      <${Field} name="account" label=${t('field.account')} value=${account} onValue=${type} error=${wrong.account} autocomplete="username" maxlength="254" />
      <${Field} name="password" label=${t('field.password')} value=${password} onValue=${setPassword} error=${wrong.password}
        type=${shown ? 'text' : 'password'} autocomplete=${kind.autocomplete} maxlength="128"
        hint=${kind === REGISTER && t('field.password.hint', { least: SHORTEST_PASSWORD })}>
        <button type="button" class="quiet" aria-pressed=${String(shown)} onClick=${() => setShown(!shown)}>${t('field.password.show')}</button>
      <//>
      <${FormError} outcome=${failure} />
      <${Submit} busy=${busy}>${t(`enter.${kind.name}`)}<//>
    </form>`;
}

export const LoginForm = () => html`<${PasswordForm} key="login" kind=${LOGIN} />`;
export const RegisterForm = () => html`<${PasswordForm} key="register" kind=${REGISTER} />`;
