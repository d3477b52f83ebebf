// Small choices that outlive the page (language, theme). Storage may be forbidden or full: then they just do not.

const PREFIX = 'wxgate.';

export function recall(key) {
  try {
    return window.localStorage.getItem(PREFIX + key);
  } catch (blocked) {
    return null;
  }
}

export function remember(key, value) {
  try {
    window.localStorage.setItem(PREFIX + key, value);
  } catch (blocked) {
    // The choice holds until the page is left; that is what the browser was told to allow.
  }
}
