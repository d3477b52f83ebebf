// string1 as people read it: four underlined parts, the ticket masked, the differing part marked.
import { Fragment, html } from '../../lib/ui.js';
import { difference, mask } from '../../lib/jssign.js';
import { revealed } from './model.js';

const shown = ({ key, value }) => (key === 'jsapi_ticket' && !revealed.value ? mask(value) : value);

/** Where the part and its counterpart differ, with what surrounds it. */
function Marked({ text, other }) {
  const { head, left, tail } = difference(text, other);
  return html`${head}<mark>${left || '∅'}</mark>${tail}`;
}

function Part({ part, other, first }) {
  const text = `${part.key}=${shown(part)}`;
  const counter = other && `${other.key}=${shown(other)}`;
  return html`${!first && '&'}<span class="part" data-key=${part.key}>${
    counter && counter !== text ? html`<${Marked} text=${text} other=${counter} />` : text
  }</span>`;
}

/** `other`: the list to mark differences against, if any. */
export const Parts = ({ list, other }) => html`<${Fragment}>${list.map((part, at) => html`
  <${Part} key=${at} part=${part} other=${other && other[at]} first=${at === 0} />`)}<//>`;

/** The same as plain text, for the clipboard: masked as long as the screen is. */
export const plain = (list) => list.map((part) => `${part.key}=${shown(part)}`).join('&');
