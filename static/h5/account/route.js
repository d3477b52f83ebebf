// Which page is shown: the part of the address after #. Pages that need somebody signed in lead to the login page,
// and from there back to where the reader was.
import { computed, effect, signal } from '../../lib/ui.js';
import { session } from '../../lib/session.js';

const ENTRANCES = ['login', 'phone', 'register'];
const INNER = ['me', 'sessions', 'rooms'];
const HOME = 'me';

const hash = signal(window.location.hash);

export const route = computed(() => {
  const [name, query] = hash.value.replace(/^#\/?/, '').split('?');
  const next = new URLSearchParams(query || '').get('next');
  return {
    name: [...ENTRANCES, ...INNER].includes(name) ? name : HOME,
    entrance: ENTRANCES.includes(name),
    next: INNER.includes(next) ? next : HOME,
  };
});

/** The address of an entrance that leads back to where the reader is or was going. */
export const entrance = (name) => `#/${name}?next=${route.value.entrance ? route.value.next : route.value.name}`;

/** Changes the page without a step in the history: the back button is for the reader's own steps. */
export function go(to) {
  window.history.replaceState(null, '', to);
  hash.value = window.location.hash;
}

export function start() {
  window.addEventListener('hashchange', () => { hash.value = window.location.hash; });
  effect(() => {
    const { state } = session.value;
    const { entrance: outside, next } = route.value;
    if (state === 'out' && !outside) go(entrance('login'));
    if (state === 'in' && outside) go(`#/${next}`);
  });
}
