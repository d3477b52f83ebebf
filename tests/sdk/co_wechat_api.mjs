// co-wechat-api against the gateway: see steps.mjs.
import WechatAPI from 'co-wechat-api';
import { end, menu, picture, place, step, task, values } from './steps.mjs';

function api(app) {
  const api = new WechatAPI(app.app_id, task.key);
  api.prefix = `${task.gateway}/cgi-bin/`;
  api.snsPrefix = `${task.gateway}/sns/`;
  api.fileServerPrefix = `${task.gateway}/cgi-bin/`;
  api.customservicePrefix = `${task.gateway}/customservice/`;
  api.wxaPrefix = `${task.gateway}/wxa/`;
  // Its own limit is 3 seconds.
  api.setOpts({ timeout: 15000 });
  return api;
}

const { official, mini } = task;
const shop = api(official);
await step('menu_created', official, async () => (await shop.createMenu(menu)).errcode);
await step('menu', official, async () => (await shop.getMenu()).menu.button[0].name);
await step('user', official, async () => (await shop.getUser(official.openid)).openid);
const template = await step('template', official, async () => (await shop.addTemplate('TM00015')).template_id);
await step('template_message', official, async () =>
  (await shop.sendTemplate(official.openid, template, 'https://a.example/', '#000000', values)).errcode,
);
await step('ticket', official, async () => (await shop.createTmpQRCode('wxgate', 600)).ticket);
const media = await step('media', official, async () =>
  (await shop.uploadMedia(picture, 'image', 'a.png', 'image/png')).media_id,
);
await step('downloaded', official, async () => (await shop.getMedia(media)).toString('base64'));
await step('customer_service', official, async () => (await shop.sendText(official.openid, '茶 🍵')).errcode);
const game = api(mini);
await step('subscribe', mini, async () =>
  (await game.sendSubscribeMessage(mini.openid, mini.template, 'index', place)).errcode,
);
end();
