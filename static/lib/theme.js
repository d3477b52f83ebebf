// The theme switch: auto, light, dark. Applying it is theme.js at the root, which runs before the first paint.
import { signal } from './ui.js';
import { remember } from './store.js';

const ORDER = ['auto', 'light', 'dark'];
const root = document.documentElement;

export const theme = signal(root.dataset.theme || 'auto');

export function nextTheme() {
  theme.value = ORDER[(ORDER.indexOf(theme.value) + 1) % ORDER.length];
  root.dataset.choice = theme.value;
  remember('theme', theme.value);
  document.dispatchEvent(new Event('wxgate:theme'));
}
