// The pure modules with fixed vectors, run in the same browser the page runs in.
import { check, open, sha1, standing } from '../harness.mjs';

const SAMPLE = 'sM4AOVdWfPE4DxkXGEs8VMCPGGVi4C3VM0P37wVUCFvkVAy_90u5h9nbSlYy3-Sl-HhTdfl2fzFy1AOcHKP7qg';
/** Ticket, nonce, time, URL, signature: WeChat's documentation (new and old text) and one from an open-source SDK's tests. */
const VECTORS = [
  [SAMPLE, 'Wm3WZYTPz0wzccnW', 1414587457, 'http://mp.weixin.qq.com?params=value', '0f9de62fce790f9a083d5c99e95740ceb90c27ed'],
  [SAMPLE, 'Wm3WZYTPz0wzccnW', 1414587457, 'http://mp.weixin.qq.com?params=value#xxxx', '0f9de62fce790f9a083d5c99e95740ceb90c27ed'],
  [SAMPLE, 'Wm3WZYTPz0wzccnW', 1414587457, 'http://mp.weixin.qq.com', 'f4d90daf4b3bca3078ab155816175ba34c443a7b'],
  ['HoagFKDcsGMVCIY2vOjf9nGrZ3eaM0qXs5ROFN_3k_HrGc0VocemA6wMXkvrL-Ei4IitXxwKF62CJWR8mWXZ3Q', 'e7b435f73835402da44f16640ddc8696',
    1621348162, 'https://mp.weixin.qq.com/debug/cgi-bin/sandbox?t=jsapisign', 'b214ea1f8ae019c207f8c6ffb843c8474cbab28c'],
];

const call = (page, file, name, ...args) => page.evaluate(
  async ([path, exported, given]) => (await import(path))[exported](...given), [`/static/HASH/lib/${file}.js`, name, args],
);

export default async function run(browser) {
  const { page, faults, close } = await open(browser);
  await standing(page, 'ok');
  for (const [ticket, nonce, time, address, signature] of VECTORS) {
    const url = await call(page, 'jssign', 'withoutHash', address);
    check(`signature of ${address}`, (await call(page, 'jssign', 'sign', { ticket, nonce, time, url })) === signature);
  }
  const texts = ['', 'abc', '张三\u{1f600}', ...[55, 56, 63, 64, 65, 119, 120, 1000].map((length) => 'a'.repeat(length))];
  for (const given of texts) check(`SHA-1 of ${given.length} characters`, (await call(page, 'sha1', 'sha1', given)) === sha1(given));
  for (const [left, right, expected] of [
    ['abc', 'abc', ['', '']], ['url=a#x', 'url=a', ['#x', '']], ['nonceStr=1', 'noncestr=1', ['S', 's']], ['aa', 'aaa', ['', 'a']],
  ]) {
    const found = await call(page, 'jssign', 'difference', left, right);
    const whole = found.head + found.left + found.tail === left && found.head + found.right + found.tail === right;
    check(`difference of ${left} and ${right}`, whole && found.left === expected[0] && found.right === expected[1], found);
  }
  const facts = { ticket: SAMPLE, nonce: 'n', time: 1, url: 'http://a.example/' };
  for (const mistake of ['hash', 'query', 'spelling', 'ticket', 'time']) {
    const { signed, checked, at } = await call(page, 'jssign', 'mistaken', mistake, facts, '');
    const differing = signed.map((part, index) => (JSON.stringify(part) === JSON.stringify(checked[index]) ? -1 : index)).filter((index) => index >= 0);
    check(`mistake ${mistake} changes one part`, differing.length === 1 && differing[0] === at, { signed, checked, at });
  }
  const masked = await call(page, 'jssign', 'mask', SAMPLE);
  check('a masked ticket has six of its characters', masked === 'sM4A****qg', masked);
  check('no errors', faults.length === 0, faults);
  await close();
}
