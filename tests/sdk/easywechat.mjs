// node-easywechat against the gateway: see steps.mjs. The official account has its token by GET /cgi-bin/token, the mini
// program by POST /cgi-bin/stable_token.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MiniApp, OfficialAccount } from 'node-easywechat';
import { end, menu, picture, place, step, task, values } from './steps.mjs';

const folder = mkdtempSync(join(tmpdir(), 'wxgate-'));

function config(app, more) {
  return {
    app_id: app.app_id,
    secret: task.key,
    http: { baseURL: `${task.gateway}/` },
    // Where it keeps tokens; without it they are in the working directory.
    file_cache: { path: folder },
    ...more,
  };
}

async function said(call) {
  const answer = (await call).toObject();
  if (answer.errcode) throw new Error(`errcode ${answer.errcode}: ${answer.errmsg}`);
  return answer;
}

const { official, mini } = task;
const shop = new OfficialAccount(config(official)).getClient();
await step('menu_created', official, async () => (await said(shop.postJson('cgi-bin/menu/create', menu))).errcode);
await step('menu', official, async () => (await said(shop.get('cgi-bin/menu/get'))).menu.button[0].name);
await step('user', official, async () =>
  (await said(shop.get('cgi-bin/user/info', { params: { openid: official.openid } }))).openid,
);
const template = await step('template', official, async () =>
  (await said(shop.postJson('cgi-bin/template/api_add_template', { template_id_short: 'TM00015' }))).template_id,
);
await step('template_message', official, async () => {
  const message = { touser: official.openid, template_id: template, data: values };
  return (await said(shop.postJson('cgi-bin/message/template/send', message))).errcode;
});
await step('ticket', official, async () => {
  const code = { expire_seconds: 600, action_name: 'QR_STR_SCENE', action_info: { scene: { scene_str: 'wxgate' } } };
  return (await said(shop.postJson('cgi-bin/qrcode/create', code))).ticket;
});
const media = await step('media', official, async () => {
  const file = join(folder, 'a.png');
  writeFileSync(file, picture);
  const upload = shop.withFile(file, 'media').post('cgi-bin/media/upload', { params: { type: 'image' } });
  return (await said(upload)).media_id;
});
await step('downloaded', official, async () => {
  const answer = await shop.get('cgi-bin/media/get', { params: { media_id: media }, responseType: 'arraybuffer' });
  return Buffer.from(answer.getContent()).toString('base64');
});
await step('customer_service', official, async () => {
  const message = { touser: official.openid, msgtype: 'text', text: { content: '茶 🍵' } };
  return (await said(shop.postJson('cgi-bin/message/custom/send', message))).errcode;
});
const game = new MiniApp(config(mini, { use_stable_access_token: true })).getClient();
await step('subscribe', mini, async () => {
  const message = { touser: mini.openid, template_id: mini.template, page: 'index', data: place };
  return (await said(game.postJson('cgi-bin/message/subscribe/send', message))).errcode;
});
rmSync(folder, { recursive: true });
end();
