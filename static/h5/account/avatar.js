// The user's picture: picked, cut to a square, held back five seconds in case it was a mistake, then sent.
// Held back before it is sent, because the gateway removes the picture before at once: there would be no way back.
import { html, signal, useRef, useState } from '../../lib/ui.js';
import { t } from '../../lib/i18n.js';
import { call } from '../../lib/session.js';
import { inWords } from '../../parts/field.js';
import { Icon } from '../../parts/inline.js';
import { say } from '../../parts/states.js';
import { Crop } from './crop.js';
import { me } from './load.js';

const HOLD_S = 5;
const LARGEST_BYTES = 20 * 1024 * 1024;

/** A picture on its way: `{ url, blob, left, share, error }`, whatever page is shown meanwhile. */
const coming = signal(null);
let timer = null;

function drop() {
  clearInterval(timer);
  if (coming.value) URL.revokeObjectURL(coming.value.url);
  coming.value = null;
}

function hold(blob) {
  drop();
  coming.value = { url: URL.createObjectURL(blob), blob, left: HOLD_S, share: null, error: null };
  timer = setInterval(() => {
    const left = coming.value.left - 1;
    coming.value = { ...coming.value, left };
    if (left === 0) send();
  }, 1000);
}

async function send() {
  clearInterval(timer);
  const mine = coming.value;
  const update = (change) => { if (coming.value && coming.value.url === mine.url) coming.value = { ...coming.value, ...change }; };
  update({ left: 0, share: 0, error: null });
  const form = new FormData();
  form.append('avatar', mine.blob, 'avatar.jpg');
  const outcome = await call('POST', '/v1/user/avatar', { form, progress: (share) => update({ share }) });
  if (!outcome.ok) return update({ share: null, error: outcome });
  if (me.state.value.value) me.put({ ...me.state.value.value, avatar: outcome.body.url });
  drop();
  return say(t('avatar.done'));
}

/** The picture, or the first letter of a name where there is none. */
export const Picture = ({ url, name }) => (url
  ? html`<img class="avatar" src=${url} alt="" width="72" height="72" />`
  : html`<span class="avatar letter" aria-hidden="true">${[...(name || '?')][0].toUpperCase()}</span>`);

function Under({ state }) {
  if (state.error) {
    return html`<div class="coming" role="alert"><span class="field-error"><${Icon} name="circle-x" />${inWords(state.error)}</span>
      <button type="button" class="quiet" onClick=${send}>${t('error.retry')}</button>
      <button type="button" class="quiet" onClick=${drop}>${t('avatar.undo')}</button></div>`;
  }
  if (state.share !== null) {
    const percent = Math.round(state.share * 100);
    return html`<div class="coming"><label for="avatar-bar">${t('avatar.sending')}</label>
      <progress id="avatar-bar" max="100" value=${percent}></progress><span class="note">${percent} %</span></div>`;
  }
  return html`<div class="coming"><span data-name="hold">${t('avatar.hold', { seconds: state.left })}</span>
    <button type="button" class="quiet" data-undo onClick=${drop}><${Icon} name="undo-2" />${t('avatar.undo')}</button></div>`;
}

export function Avatar({ user, name }) {
  const [file, setFile] = useState(null);
  const [wrong, setWrong] = useState(null);
  const input = useRef(null);
  const state = coming.value;
  function pick(event) {
    const [picked] = event.currentTarget.files;
    event.currentTarget.value = '';
    if (!picked) return;
    setWrong(picked.size > LARGEST_BYTES ? t('avatar.large') : null);
    if (picked.size <= LARGEST_BYTES) setFile(picked);
  }
  return html`
    <div class="avatar-block">
      <div class="avatar-frame">
        <${Picture} url=${state ? state.url : user.avatar} name=${name} />
        <button type="button" class="avatar-change" aria-label=${t('avatar.change')} title=${t('avatar.change')} data-pick onClick=${() => input.current.click()}>
          <${Icon} name="camera" /></button>
      </div>
      <input ref=${input} type="file" accept="image/*" hidden aria-label=${t('avatar.change')} onChange=${pick} />
    </div>
    <div class="avatar-below">
      ${wrong && html`<p class="field-error" role="alert"><${Icon} name="circle-x" />${wrong}</p>`}
      ${state && html`<${Under} state=${state} />`}
    </div>
    ${file && html`<${Crop} file=${file} onCancel=${() => setFile(null)}
      onBroken=${() => { setFile(null); setWrong(t('avatar.broken')); }}
      onDone=${(blob) => { setFile(null); hold(blob); }} />`}`;
}
