// Opens an encrypted reply with the library that the peer uses: node reply.js TOKEN AES_KEY APP_ID, the reply on stdin.
const { readFileSync } = require('node:fs');
const Crypt = require('wechat-crypto');

const [token, key, appId] = process.argv.slice(2);
const text = readFileSync(0, 'utf8');
const member = (name) => new RegExp(`<${name}>(?:<!\\[CDATA\\[)?([^\\]<]*)`).exec(text)[1];
const crypt = new Crypt(token, key, appId);
const signature = crypt.getSignature(member('TimeStamp'), member('Nonce'), member('Encrypt'));
if (signature !== member('MsgSignature')) throw new Error('the signature is wrong');
const { message, id } = crypt.decrypt(member('Encrypt'));
if (id !== appId) throw new Error(`it is for ${id}`);
console.log(message);
