// Which language, and its texts on their way: importing this starts the download. Needs nothing but store.js, so that
// it can run before the libraries have arrived.
import { recall } from './store.js';

const LANGUAGES = ['zh', 'en'];

/** `?lang=` first (links and tests), then the stored choice, then the browser. */
function chosen() {
  const asked = new URLSearchParams(window.location.search).get('lang');
  const known = [asked, recall('lang')].find((one) => LANGUAGES.includes(one));
  return known || (/^zh\b/i.test(navigator.language || '') ? 'zh' : 'en');
}

export async function fetchTexts(name) {
  const response = await fetch(new URL(`../i18n/${name}.json`, import.meta.url));
  if (!response.ok) throw new Error(`i18n/${name}.json: ${response.status}`);
  return response.json();
}

export const firstLanguage = chosen();
export const firstTexts = fetchTexts(firstLanguage);
