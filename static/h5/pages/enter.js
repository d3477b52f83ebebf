// Where nobody is signed in: login by password, by phone, by WeChat, and registration.
import { html } from '../../lib/ui.js';
import { t } from '../../lib/i18n.js';
import { session } from '../../lib/session.js';
import { Icon } from '../../parts/inline.js';
import { LoginForm, RegisterForm } from '../account/forms.js';
import { PhoneForm } from '../account/phone.js';
import { entrance, route } from '../account/route.js';
import { address, offered, refusal, setOff } from '../account/wechat.js';

const FORMS = { login: LoginForm, phone: PhoneForm, register: RegisterForm };

const Wechat = () => offered && html`
  <a class="weui-btn weui-btn_default wide" data-wechat href=${address(route.value.next)}
    onClick=${(event) => setOff(event, route.value.next)}>${t('enter.wechat')}</a>`;

export function EnterPage() {
  const { name } = route.value;
  const Form = FORMS[name];
  const ended = session.value.reason === 'ended';
  return html`
    <main class="narrow" data-page=${name}>
      <h1 tabindex="-1">${t(name === 'register' ? 'enter.register' : 'enter.heading')}</h1>
      ${ended && html`<p class="notice" role="status" data-name="ended"><${Icon} name="info" /><span>${t('enter.ended')}</span></p>`}
      <nav class="ways" aria-label=${t('enter.ways')}>${Object.keys(FORMS).map((way) => html`
        <a key=${way} href=${entrance(way)} aria-current=${way === name ? 'page' : null}>${t(`way.${way}`)}</a>`)}</nav>
      <p class="form-error" role="alert">${refusal.value && html`<${Icon} name="triangle-alert" /><span>${refusal.value()}</span>`}</p>
      <${Form} />
      <${Wechat} />
      <p class="note">${t('enter.kept')}</p>
    </main>`;
}
