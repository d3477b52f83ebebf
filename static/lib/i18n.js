// Texts in Chinese and English: the text of a key, and switching. The texts are in i18n/*.json.
import { firstLanguage, firstTexts, fetchTexts } from './language.js';
import { remember } from './store.js';
import { signal } from './ui.js';

const texts = signal({});
export const language = signal(firstLanguage);

async function use(name, coming) {
  texts.value = await coming;
  language.value = name;
  document.documentElement.lang = name === 'zh' ? 'zh-CN' : 'en';
}

export const start = () => use(firstLanguage, firstTexts);

/** Switches in place: the address stays as it is, because the address is what gets signed. */
export async function speak(name) {
  await use(name, fetchTexts(name));
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

export const day = (date) => new Intl.DateTimeFormat(language.value, { year: 'numeric', month: 'long', day: 'numeric' }).format(date);

/** To the minute, which is what people remember. */
export const minute = (date) => new Intl.DateTimeFormat(language.value, {
  year: 'numeric', month: 'short', day: 'numeric', hour: '2-digit', minute: '2-digit',
}).format(date);

const UNITS = [['day', 86400], ['hour', 3600], ['minute', 60], ['second', 1]];

/** How long ago, as one speaks of it. A clock that is ahead of this one's makes no future. */
export function ago(date) {
  const seconds = Math.max(0, Math.round((Date.now() - date.getTime()) / 1000));
  const [unit, size] = UNITS.find(([, length]) => seconds >= length) || ['second', 1];
  return new Intl.RelativeTimeFormat(language.value, { numeric: 'auto' }).format(-Math.floor(seconds / size), unit);
}
