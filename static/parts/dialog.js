// A window over the page that must be answered: Esc and the grey button leave everything as it was.
import { html, useEffect, useRef } from '../lib/ui.js';
import { t } from '../lib/i18n.js';

/** Focus goes in, stays in, and returns to where it came from: the browser's own `dialog` sees to that. */
export function Dialog({ title, onCancel, actions, children, wide }) {
  const at = useRef(null);
  useEffect(() => {
    const opener = document.activeElement;
    // Safari before 15.4 has no modal dialogs; there it is a box at the end of the page.
    if (at.current.showModal) at.current.showModal();
    else at.current.setAttribute('open', '');
    return () => { if (opener && document.contains(opener)) opener.focus(); };
  }, []);
  return html`
    <dialog ref=${at} class=${wide ? 'sheet wide' : 'sheet'} aria-labelledby="dialog-title"
      onCancel=${(event) => { event.preventDefault(); onCancel(); }}>
      <h2 id="dialog-title">${title}</h2>
      <div class="sheet-body">${children}</div>
      <div class="sheet-foot">
        <button type="button" class="weui-btn weui-btn_default" data-cancel onClick=${onCancel}>${t('cancel')}</button>
        ${actions}
      </div>
    </dialog>`;
}

/** A question before something that cannot be undone. */
export const Confirm = ({ title, text, action, onYes, onCancel, busy }) => html`
  <${Dialog} title=${title} onCancel=${onCancel} actions=${html`
    <button type="button" class="weui-btn weui-btn_warn" data-yes aria-disabled=${busy ? 'true' : null} onClick=${() => busy || onYes()}>${action}</button>`}>
    <p>${text}</p>
  <//>`;
