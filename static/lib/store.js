// What outlives the page: choices (language, theme) for good, typed input until the tab is closed. Never a token.
// Storage may be forbidden or full: then it all lives as long as the page.

const PREFIX = 'wxgate.';
const kept = new Map();

function attempt(kind, action) {
  try {
    return action(window[kind]);
  } catch (blocked) {
    return null;
  }
}

export const recall = (key) => attempt('localStorage', (storage) => storage.getItem(PREFIX + key));

export const remember = (key, value) => attempt('localStorage', (storage) => storage.setItem(PREFIX + key, value));

export const forget = (key) => attempt('localStorage', (storage) => storage.removeItem(PREFIX + key));

const DRAFT = `${PREFIX}draft.`;

/** What was typed into a field and not sent yet. Passwords and codes are never handed to this. */
export function draft(name) {
  if (!kept.has(name)) kept.set(name, attempt('sessionStorage', (storage) => storage.getItem(DRAFT + name)));
  return kept.get(name);
}

/** `null` once it was sent or given up. */
export function keepDraft(name, text) {
  kept.set(name, text);
  attempt('sessionStorage', (storage) => (text === null ? storage.removeItem(DRAFT + name) : storage.setItem(DRAFT + name, text)));
}

/** Another user must not find them. */
export function dropDrafts() {
  const names = attempt('sessionStorage', (storage) => Object.keys(storage).filter((key) => key.startsWith(DRAFT))) || [];
  names.forEach((key) => attempt('sessionStorage', (storage) => storage.removeItem(key)));
  kept.clear();
}
