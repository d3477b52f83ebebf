// The JS-SDK signature as arithmetic: the string, its hash, the usual mistakes. Pure; knows no page and no server.
import { sha1 } from './sha1.js';

/** WeChat's published sample ticket: what the page practises on while the server keeps the real one. */
export const SAMPLE_TICKET = 'sM4AOVdWfPE4DxkXGEs8VMCPGGVi4C3VM0P37wVUCFvkVAy_90u5h9nbSlYy3-Sl-HhTdfl2fzFy1AOcHKP7qg';

/** A page's address without the fragment: browsers never send it, so WeChat never signs it. */
export const withoutHash = (address) => address.split('#')[0];

/** The four parts in the order the platform fixes: keys lower case and sorted, values raw. */
export function parts({ ticket, nonce, time, url }) {
  return [
    { key: 'jsapi_ticket', value: ticket },
    { key: 'noncestr', value: nonce },
    { key: 'timestamp', value: String(time) },
    { key: 'url', value: url },
  ];
}

export const join = (list) => list.map(({ key, value }) => `${key}=${value}`).join('&');
export const sign = (facts) => sha1(join(parts(facts)));

/** A secret as it may be shown: enough to tell two apart, not enough to use. */
export const mask = (secret) => `${secret.slice(0, 4)}****${secret.slice(-2)}`;

/** Cuts two texts into what they share at both ends and what differs between. */
export function difference(left, right) {
  const most = Math.min(left.length, right.length);
  let head = 0;
  while (head < most && left[head] === right[head]) head += 1;
  let tail = 0;
  while (tail < most - head && left[left.length - 1 - tail] === right[right.length - 1 - tail]) tail += 1;
  const cut = (text) => text.slice(head, text.length - tail);
  return { head: left.slice(0, head), left: cut(left), right: cut(right), tail: tail ? left.slice(-tail) : '' };
}

/** Another ticket of the same shape: an expired one, or another app's. */
const otherTicket = (ticket) => ticket.split('').reverse().join('');

/** The query as it was before somebody shared the page: WeChat appends its own parameters to shared links. */
const otherQuery = (url) => (url.includes('?') ? url.split('?')[0] : `${url}?from=singlemessage`);

/**
 * Five ways to get `invalid signature`. Each says what the server would have hashed (`signed`) and what WeChat
 * hashes from the page it sees (`checked`); `at` is the index of the part that differs.
 */
export const MISTAKES = ['hash', 'query', 'spelling', 'ticket', 'time'];

export function mistaken(mistake, facts, hash) {
  const checked = parts(facts);
  const signed = parts(facts);
  const put = (at, change) => Object.assign(signed[at], change) && { signed, checked, at };
  switch (mistake) {
    case 'hash': return put(3, { value: facts.url + (hash || '#home') });
    case 'query': return put(3, { value: otherQuery(facts.url) });
    case 'spelling': return put(1, { key: 'nonceStr' });
    case 'ticket': return put(0, { value: otherTicket(facts.ticket) });
    case 'time': {
      // The configuration carries another second than the string: WeChat hashes what the configuration says.
      checked[2].value = String(Number(facts.time) + 1);
      return { signed, checked, at: 2 };
    }
    default: return { signed, checked, at: -1 };
  }
}
