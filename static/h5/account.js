// Starts the pages of an account: who is signed in and the texts side by side, then the page.
import { html, render, signal, useEffect, useRef } from '../lib/ui.js';
import { start as loadTexts, t } from '../lib/i18n.js';
import { session, start as startSession } from '../lib/session.js';
import { Said, Trouble } from '../parts/states.js';
import { TabBar } from '../parts/tabbar.js';
import { TopBar } from '../parts/topbar.js';
import { route, start as startRoute } from './account/route.js';
import { redeem } from './account/wechat.js';
import { EnterPage } from './pages/enter.js';
import { MePage } from './pages/me.js';
import { RoomsPage } from './pages/rooms.js';
import { SessionsPage } from './pages/sessions.js';

const PAGES = { me: MePage, sessions: SessionsPage, rooms: RoomsPage };

/** Why it could not be found out who is signed in. */
const blocked = signal(null);

async function begin() {
  blocked.value = null;
  await redeem();
  const outcome = await startSession();
  if (!outcome.ok && session.value.state === 'unknown') blocked.value = outcome;
}

function Page() {
  const { name, entrance } = route.value;
  const { state } = session.value;
  const first = useRef(true);
  const title = t(`title.${entrance ? 'enter' : name}`);
  useEffect(() => { document.title = title; }, [title]);
  // Reading goes on at the page that was gone to; the first one is left to the browser.
  useEffect(() => {
    const heading = !first.current && document.querySelector('h1');
    if (heading) heading.focus();
    if (state !== 'unknown') first.current = false;
  }, [name, state]);
  const Inner = entrance ? EnterPage : PAGES[name];
  return html`
    <${TopBar} simulated=${false} />
    <${TabBar} current=${entrance ? route.value.next : name} />
    ${blocked.value && html`<main class="narrow"><h1>${t(`tab.${name}`)}</h1><${Trouble} outcome=${blocked.value} onRetry=${begin} /></main>`}
    ${!blocked.value && state === 'unknown' && html`<main class="narrow" aria-busy="true"><h1>${t(`tab.${entrance ? 'me' : name}`)}</h1></main>`}
    ${!blocked.value && state !== 'unknown' && html`<${Inner} key=${name} />`}
    <${Said} />`;
}

startRoute();
begin();
loadTexts().then(() => render(html`<${Page} />`, document.getElementById('app')));
