// The usual back end in Express: /auth, and /jsapi with a token and a ticket fetched for every request, or, with
// CACHE=1, fetched once and kept; with MONGO, login of mini programs with users in MongoDB; and, with AES_KEY, replies to
// encrypted pushes by the library `wechat`, of which nothing is kept. One process, as such servers are usually started.
const crypto = require('node:crypto');
const axios = require('axios');
const express = require('express');
const jwt = require('jsonwebtoken');
const mongoose = require('mongoose');
const wechat = require('wechat');

const { PORT, API, APP_ID, APP_SECRET, CACHE, MONGO, AES_KEY, REPLY } = process.env;
const sha1 = (text) => crypto.createHash('sha1').update(text).digest('hex');

async function fetchTicket() {
  const token = await axios.get(`${API}/cgi-bin/token?grant_type=client_credential&appid=${APP_ID}&secret=${APP_SECRET}`);
  const ticket = await axios.get(`${API}/cgi-bin/ticket/getticket?access_token=${token.data.access_token}&type=jsapi`);
  if (!ticket.data.ticket) throw new Error(JSON.stringify(ticket.data));
  return ticket.data.ticket;
}

let kept;
const ticket = () => (CACHE ? (kept ??= fetchTicket()) : fetchTicket());

const app = express();
app.get('/auth', (request, response) => {
  const { signature, timestamp, nonce, echostr } = request.query;
  if (sha1(['benchtoken', timestamp, nonce].sort().join('')) !== signature) return response.send('Error! No Auth');
  response.type('text/plain').send(echostr);
});
app.get('/jsapi', async (request, response) => {
  try {
    const noncestr = crypto.randomBytes(8).toString('hex');
    const timestamp = Math.floor(Date.now() / 1000);
    const url = request.query.url;
    const signature = sha1(`jsapi_ticket=${await ticket()}&noncestr=${noncestr}&timestamp=${timestamp}&url=${url}`);
    response.json({ appId: APP_ID, timestamp, nonceStr: noncestr, noncestr, signature, url });
  } catch (error) {
    response.status(503).json({ error: String(error) });
  }
});

const User = mongoose.model('User', new mongoose.Schema(
  { openid: { type: String, unique: true }, session_key: String }, { timestamps: true },
));
app.post('/v1/token', express.json(), async (request, response) => {
  try {
    const { type, account } = request.body;
    if (type !== 100 || !account) return response.status(400).json({ error_code: 10001, msg: 'type or account' });
    const params = { appid: APP_ID, secret: APP_SECRET, js_code: account, grant_type: 'authorization_code' };
    const { data } = await axios.get(`${API}/sns/jscode2session`, { params });
    if (!data.openid) return response.status(401).json({ error_code: 10004, msg: `errcode:${data.errcode}` });
    const user = await User.findOneAndUpdate(
      { openid: data.openid }, { session_key: data.session_key }, { upsert: true, returnDocument: 'after' },
    );
    response.json({ token: jwt.sign({ uid: user.id, scope: 8 }, 'benchsecret', { expiresIn: '2h' }) });
  } catch (error) {
    response.status(503).json({ error: String(error) });
  }
});

if (AES_KEY) {
  const account = { token: 'benchtoken', appid: APP_ID, encodingAESKey: AES_KEY };
  app.use('/auth', wechat(account, (request, response) => response.reply(REPLY)));
}

async function main() {
  if (MONGO) {
    await mongoose.connect(MONGO);
    await User.init();
  }
  app.listen(Number(PORT), '127.0.0.1');
}
main();
