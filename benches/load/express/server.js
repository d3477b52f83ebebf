// The usual back end in Express: /auth, and /jsapi with a token and a ticket fetched for every request, or, with
// CACHE=1, fetched once and kept. One process, as such servers are usually started.
const crypto = require('node:crypto');
const axios = require('axios');
const express = require('express');

const { PORT, API, APP_ID, APP_SECRET, CACHE } = process.env;
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
app.listen(Number(PORT), '127.0.0.1');
