// Which `wx` the page talks to. This is the hook for device mode.
//
// Device mode (not in this cut): the server adds WeChat's own script to the page in front of main.js and lets that
// host through the page's CSP, which also drops Trusted Types. `window.wx` then exists when this module runs, and
// everything after this point works with it unchanged. Inside WeChat without device mode there is no `wx` at all:
// a simulated answer on a real phone would be a lie.
import { createStandIn } from '../lib/wxstub.js';

export const insideWeChat = /MicroMessenger/i.test(navigator.userAgent);

/** `page` is what a stand-in needs to verify: `{ url, ticket }`. Resolves to null when there is nothing to talk to. */
export function findWx(page) {
  if (window.wx && typeof window.wx.config === 'function') return window.wx;
  return insideWeChat ? null : createStandIn(page);
}
