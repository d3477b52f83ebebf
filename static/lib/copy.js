// Copies text, also on plain-HTTP pages, where navigator.clipboard does not exist.

function byCommand(text) {
  const before = document.activeElement;
  const field = document.createElement('textarea');
  field.value = text;
  field.className = 'offscreen';
  field.setAttribute('aria-hidden', 'true');
  document.body.append(field);
  field.select();
  const done = document.execCommand('copy');
  field.remove();
  if (before) before.focus();
  return done;
}

/** Resolves to whether the text is on the clipboard. */
export async function copy(text) {
  if (navigator.clipboard && window.isSecureContext) {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch (refused) {
      // Some embedded browsers have the object and refuse the call; the old way may still work.
    }
  }
  return byCommand(text);
}
