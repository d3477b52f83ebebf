// The Me page: who is signed in, picture and nickname, and the life of the access token.
import { html, useRef, useState } from '../../lib/ui.js';
import { day, t } from '../../lib/i18n.js';
import { call, quit } from '../../lib/session.js';
import { draft, keepDraft } from '../../lib/store.js';
import { Field, FormError, inWords, toFirstMistake } from '../../parts/field.js';
import { Icon } from '../../parts/inline.js';
import { Loaded, say } from '../../parts/states.js';
import { Avatar } from '../account/avatar.js';
import { TokenCard } from '../account/calls.js';
import { me } from '../account/load.js';

const DRAFT = 'nickname';
const LONGEST = 64;

const known = (user, kind) => (user.identities || []).filter((one) => one.kind === kind);
const valueOf = (user, kind) => known(user, kind).map((one) => one.value).join(', ');

function nameOf(user) {
  return user.nickname || valueOf(user, 'username') || valueOf(user, 'email') || valueOf(user, 'phone') || t('me.nameless');
}

function Nickname({ user }) {
  const [text, setText] = useState(draft(DRAFT));
  const [wrong, setWrong] = useState(null);
  const [failure, setFailure] = useState(null);
  const [busy, setBusy] = useState(false);
  const form = useRef(null);
  const opener = useRef(null);
  const type = (typed) => {
    setText(typed);
    keepDraft(DRAFT, typed);
  };
  const close = () => {
    type(null);
    setWrong(null);
    setFailure(null);
    requestAnimationFrame(() => opener.current && opener.current.focus());
  };
  async function save(event) {
    event.preventDefault();
    if (busy) return;
    setBusy(true);
    const outcome = await call('PATCH', '/v1/user', { body: { nickname: text.trim() || null } });
    setBusy(false);
    if (outcome.ok) {
      me.put(outcome.body);
      close();
      say(t('me.renamed'));
      return;
    }
    if (outcome.status === 401) return;
    const beside = outcome.status === 400;
    setWrong(beside ? t('wrong.nickname', { most: LONGEST }) : null);
    setFailure(beside ? null : outcome);
    toFirstMistake(form.current);
  }
  if (text === null) {
    return html`<p class="name"><span data-name="nickname">${nameOf(user)}</span>
      <button ref=${opener} type="button" class="quiet" data-rename onClick=${() => type(user.nickname || '')}><${Icon} name="pencil" />${t('me.rename')}</button></p>`;
  }
  return html`
    <form ref=${form} class="rename" noValidate onSubmit=${save} data-form="nickname">
      <${Field} name="nickname" label=${t('field.nickname')} value=${text} onValue=${type} error=${wrong} autocomplete="nickname" maxlength=${LONGEST} />
      <${FormError} outcome=${failure} />
      <div class="buttons">
        <button type="submit" class="weui-btn weui-btn_primary weui-btn_medium" aria-disabled=${busy ? 'true' : null}>${t('save')}</button>
        <button type="button" class="weui-btn weui-btn_default weui-btn_medium" data-cancel onClick=${close}>${t('cancel')}</button>
      </div>
    </form>`;
}

function Profile({ user }) {
  const facts = [
    ['phone', valueOf(user, 'phone')], ['username', valueOf(user, 'username')], ['email', valueOf(user, 'email')],
    ['wechat', known(user, 'wechat').map((one) => one.app || 'WeChat').join(', ')],
  ];
  return html`
    <section class="card profile" aria-label=${t('me.profile')}>
      <div class="profile-head">
        <${Avatar} user=${user} name=${nameOf(user)} />
        <div class="profile-name"><${Nickname} user=${user} /></div>
      </div>
      <dl class="cells">
        ${facts.map(([kind, value]) => (value || kind === 'phone') && html`
          <div class="cell" key=${kind}><dt>${t(`me.${kind}`)}</dt><dd data-fact=${kind}>${value || t('me.none')}</dd></div>`)}
        <div class="cell"><dt>${t('me.since')}</dt><dd>${day(new Date(user.created_at * 1000))}</dd></div>
      </dl>
    </section>`;
}

async function logOut() {
  const outcome = await quit(false);
  if (!outcome.ok && outcome.status !== 401) say(inWords(outcome), 'bad');
}

export const MePage = () => html`
  <main class="narrow" data-page="me">
    <h1 tabindex="-1">${t('tab.me')}</h1>
    <div class="column">
      <${Loaded} from=${me} rows=${4}>${(user) => html`<${Profile} user=${user} />`}<//>
      <${TokenCard} />
      <button type="button" class="weui-btn weui-btn_warn wide" data-logout onClick=${logOut}><${Icon} name="log-out" />${t('me.logout')}</button>
    </div>
  </main>`;
