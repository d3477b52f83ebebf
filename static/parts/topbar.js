// The bar every H5 page carries: the name, the mark that this is a simulation, language and theme.
import { remember } from '../lib/store.js';
import { html, signal } from '../lib/ui.js';
import { language, speak, t } from '../lib/i18n.js';
import { Icon } from './inline.js';

const THEME_ICONS = { auto: 'monitor', light: 'sun', dark: 'moon' };
const THEMES = Object.keys(THEME_ICONS);
const theme = signal(document.documentElement.dataset.theme || 'auto');

/** Only chooses; applying a theme is theme.js at the root, which runs before the first paint. */
function nextTheme() {
  theme.value = THEMES[(THEMES.indexOf(theme.value) + 1) % THEMES.length];
  document.documentElement.dataset.choice = theme.value;
  remember('theme', theme.value);
  document.dispatchEvent(new Event('wxgate:theme'));
}

function LanguageButton() {
  const other = language.value === 'zh' ? 'en' : 'zh';
  return html`
    <button type="button" class="square" lang=${other} aria-label=${t('language.switch')} onClick=${() => speak(other)}>
      ${t('language.other')}
    </button>`;
}

function ThemeButton() {
  const name = t('theme.label', { theme: t(`theme.${theme.value}`) });
  return html`
    <button type="button" class="square" aria-label=${name} title=${name} onClick=${nextTheme}>
      <${Icon} name=${THEME_ICONS[theme.value]} />
    </button>`;
}

/** Our own mark, as in favicon.svg; drawn here to spare a request. */
const Gate = () => html`
  <svg class="gate" viewBox="0 0 32 32" aria-hidden="true" focusable="false">
    <rect width="32" height="32" rx="8" /><path d="M8 25V13a8 8 0 0 1 16 0v12M13 25v-9M19 25v-9" />
  </svg>`;

export const TopBar = ({ simulated }) => html`
  <header class="topbar">
    <div class="topbar-inner">
      <span class="brand"><${Gate} />wxgate</span>
      ${simulated && html`<span class="mark"><${Icon} name="flask-conical" />${t('simulated')}</span>`}
      <span class="grow"></span>
      <${LanguageButton} /><${ThemeButton} />
    </div>
  </header>`;
