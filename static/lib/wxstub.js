// A stand-in for WeChat's `wx`, for browsers that are not WeChat. It verifies the configuration as WeChat documents
// it and answers a few calls with made-up results. SIMULATED: nothing leaves the page. Pure, no DOM.
import { sign } from './jssign.js';

const CALLS = {
  chooseImage: () => ({ localIds: ['wxLocalResource://simulated/1'], sourceType: 'album' }),
  scanQRCode: () => ({ resultStr: 'SIMULATED,4006381333931' }),
  updateAppMessageShareData: () => ({}),
};

/** What is wrong with a configuration, in WeChat's words; `null` if nothing is. `ticket` null: cannot be told. */
function fault(config, { url, ticket }) {
  const { appId, timestamp, nonceStr, signature, jsApiList } = config;
  if (!appId || !timestamp || !nonceStr || !signature || !Array.isArray(jsApiList)) return 'config:fail';
  if (!/^[0-9a-f]{40}$/.test(signature)) return 'config:invalid signature';
  if (!ticket) return null;
  const right = signature === sign({ ticket, nonce: nonceStr, time: timestamp, url });
  return right ? null : 'config:invalid signature';
}

/**
 * `page`: `{ url, ticket }`, what WeChat knows by itself. With `ticket` null the stand-in believes the signature;
 * it then says so in `checked: false`.
 */
export function createStandIn(page) {
  let allowed = [];
  let settled = null;
  const waiting = { ready: [], error: [] };
  const settle = (kind, result) => {
    settled = { kind, result };
    waiting[kind].forEach((listener) => listener(result));
  };
  const listen = (kind) => (listener) => {
    if (settled && settled.kind === kind) listener(settled.result);
    else waiting[kind].push(listener);
  };
  const wx = {
    simulated: true,
    config(config) {
      const wrong = fault(config, page);
      allowed = wrong ? [] : config.jsApiList;
      // WeChat answers later, never during the call; code that relies on the contrary breaks on a device.
      Promise.resolve().then(() => (wrong
        ? settle('error', { errMsg: wrong })
        : settle('ready', { errMsg: 'config:ok', checked: Boolean(page.ticket) })));
    },
    ready: listen('ready'),
    error: listen('error'),
    checkJsApi({ jsApiList, success }) {
      const checkResult = {};
      jsApiList.forEach((name) => { checkResult[name] = allowed.includes(name); });
      success({ checkResult, errMsg: 'checkJsApi:ok' });
    },
  };
  Object.keys(CALLS).forEach((name) => {
    wx[name] = ({ success, fail, complete } = {}) => {
      const granted = allowed.includes(name);
      const result = granted ? { ...CALLS[name](), errMsg: `${name}:ok` } : { errMsg: `${name}:permission denied` };
      const then = granted ? success : fail;
      if (then) then(result);
      if (complete) complete(result);
    };
  });
  return wx;
}
