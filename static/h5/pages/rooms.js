// The Rooms page: the list that only those who are signed in may see, and making one.
import { html, useEffect, useRef, useState } from '../../lib/ui.js';
import { ago, t } from '../../lib/i18n.js';
import { call } from '../../lib/session.js';
import { draft, keepDraft } from '../../lib/store.js';
import { Field, FormError, Submit, toFirstMistake } from '../../parts/field.js';
import { Icon } from '../../parts/inline.js';
import { Empty, Loaded, say } from '../../parts/states.js';
import { rooms } from '../account/load.js';

const DRAFT = 'room';
const LONGEST = 64;

function NewRoom() {
  const [name, setName] = useState(draft(DRAFT) || '');
  const [wrong, setWrong] = useState(null);
  const [failure, setFailure] = useState(null);
  const [busy, setBusy] = useState(false);
  const form = useRef(null);
  const type = (text) => {
    setName(text);
    keepDraft(DRAFT, text || null);
  };
  const stop = (mistake, outcome) => {
    setWrong(mistake);
    setFailure(outcome);
    toFirstMistake(form.current);
  };
  async function submit(event) {
    event.preventDefault();
    if (busy) return;
    if (!name.trim()) return void stop(t('wrong.room.empty'), null);
    setBusy(true);
    const outcome = await call('POST', '/v1/rooms', { body: { name: name.trim() } });
    setBusy(false);
    if (outcome.status === 401) return;
    if (outcome.ok) {
      type('');
      stop(null, null);
      say(t('room.made', { name: outcome.body.name }));
      rooms.load();
    } else if (outcome.status === 422) stop(t('wrong.room.many'), null);
    else if (outcome.status === 400) stop(t('wrong.room', { most: LONGEST }), null);
    else stop(null, outcome);
  }
  return html`
    <form ref=${form} class="card padded" noValidate onSubmit=${submit} data-form="room" aria-label=${t('room.new')}>
      <${Field} name="room" label=${t('field.room')} value=${name} onValue=${type} error=${wrong} autocomplete="off" maxlength=${LONGEST} />
      <${FormError} outcome=${failure} />
      <${Submit} busy=${busy}><${Icon} name="plus" />${t('room.create')}<//>
    </form>`;
}

const ownerOf = ({ owner }) => (owner && typeof owner === 'object' ? owner.nickname : null) || t('room.someone');

const Room = ({ room }) => html`
  <li class="cell" data-room=${room.id}>
    <${Icon} name="messages-square" />
    <div class="cell-text">
      <p class="cell-title">${room.name}</p>
      <p class="note">${t('room.by', { owner: ownerOf(room), ago: ago(new Date(room.created_at * 1000)) })}</p>
    </div>
  </li>`;

const List = ({ list }) => (list.length === 0
  ? html`<${Empty} icon="messages-square" text=${t('room.none')} />`
  : html`<ul class="card cells" data-name="rooms">${list.map((room) => html`<${Room} key=${room.id} room=${room} />`)}</ul>`);

export function RoomsPage() {
  // Others make rooms meanwhile: whoever comes back to the tab sees them.
  useEffect(() => {
    const seen = () => { if (!document.hidden) rooms.load(); };
    document.addEventListener('visibilitychange', seen);
    return () => document.removeEventListener('visibilitychange', seen);
  }, []);
  return html`
    <main class="narrow" data-page="rooms">
      <div class="page-head"><h1 tabindex="-1">${t('tab.rooms')}</h1>
        <button type="button" class="quiet" data-reload onClick=${rooms.load}><${Icon} name="refresh-cw" />${t('reload')}</button></div>
      <div class="column">
        <${NewRoom} />
        <${Loaded} from=${rooms}>${(list) => html`<${List} list=${list} />`}<//>
      </div>
    </main>`;
}
