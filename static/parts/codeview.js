// A labelled box of bytes: scrolls inside itself, can be focused for that, and can be copied.
import { html, useEffect, useState } from '../lib/ui.js';
import { copy } from '../lib/copy.js';
import { t } from '../lib/i18n.js';
import { Icon } from './inline.js';

/** `children` is what is shown (it may mark or mask), `text` what is copied; without `text` nothing can be. */
export const CodeView = ({ label, text, children, wrap, name }) => html`
  <figure class="well">
    <figcaption><span>${label}</span>${text !== undefined && html`<${CopyButton} text=${text} what=${label} />`}</figcaption>
    <pre class=${wrap ? 'wrap' : ''} tabindex="0" role="region" aria-label=${label} data-name=${name}>${children ?? text}</pre>
  </figure>`;

const SHOWN_MS = 2000;

/** Says whether copying worked; the word changes, so screen readers hear it, too. */
function CopyButton({ text, what }) {
  const [done, setDone] = useState(null);
  useEffect(() => {
    if (done === null) return undefined;
    const timer = setTimeout(() => setDone(null), SHOWN_MS);
    return () => clearTimeout(timer);
  }, [done]);
  const word = done === null ? t('copy') : t(done ? 'copy.done' : 'copy.failed');
  return html`
    <button type="button" class="quiet" onClick=${async () => setDone(await copy(text))}>
      <${Icon} name=${done ? 'check' : 'copy'} /><span aria-live="polite">${word}</span>
      <span class="offscreen">${what}</span>
    </button>`;
}
