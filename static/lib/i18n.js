// Texts in Chinese and English: which language, and the text of a key. The texts are in i18n/*.json.
import { signal } from './ui.js';
import { recall, remember } from './store.js';

const LANGUAGES = ['zh', 'en'];

const texts = signal({});
export const language = signal(chosen());

/** `?lang=` first (links and tests), then the stored choice, then the browser. */
function chosen() {
  const asked = new URLSearchParams(window.location.search).get('lang');
  const known = [asked, recall('lang')].find((one) => LANGUAGES.includes(one));
  return known || (/^zh\b/i.test(navigator.language || '') ? 'zh' : 'en');
}

async function load(name) {
  const response = await fetch(new URL(`../i18n/${name}.json`, import.meta.url));
  if (!response.ok) throw new Error(`i18n/${name}.json: ${response.status}`);
  const loaded = await response.json();
  texts.value = loaded;
  language.value = name;
  document.documentElement.lang = name === 'zh' ? 'zh-CN' : 'en';
}

export const start = () => load(language.value);

/** Switches in place: the address stays as it is, because the address is what gets signed. */
export async function speak(name) {
  await load(name);
  remember('lang', name);
}

/** The text of `key` with `{name}` filled in. A missing key is an error in the console, and tests read that. */
export function t(key, values = {}) {
  const text = texts.value[key];
  if (text === undefined) {
    console.error(`no text for ${key}`);
    return key;
  }
  return text.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole));
}

/** A moment as the reader's language writes it. */
export const clock = (date) => new Intl.DateTimeFormat(language.value, {
  year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit', second: '2-digit',
}).format(date);
