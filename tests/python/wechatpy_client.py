"""wechatpy against the gateway.

Reads the task from standard input and writes what each step gave, as tests/sdk/steps.mjs says. Before each call WeChat
forgets the access_token that the gateway holds, and does not tell.
"""

import base64
import json
import sys

import requests
from requests.adapters import HTTPAdapter
from wechatpy import WeChatClient

WECHAT = "https://api.weixin.qq.com/"


class Gateway(HTTPAdapter):
    """Sends to the gateway what is meant for WeChat."""

    def __init__(self, url):
        super().__init__()
        self.url = url

    def send(self, request, **options):
        request.url = self.url + request.url.removeprefix(WECHAT)
        return super().send(request, **options)


def client(task, app):
    made = WeChatClient(app["app_id"], task["key"])
    made._http.mount(WECHAT, Gateway(task["gateway"] + "/"))
    return made


def main():
    task = json.load(sys.stdin)
    told = {}

    def step(name, app, call):
        kill = requests.post(task["simulator"] + "/_sim/tokens/kill", json={"app_id": app["app_id"]})
        kill.raise_for_status()
        told[name] = call()
        return told[name]

    official, mini = task["official"], task["mini"]
    shop = client(task, official)
    picture = base64.b64decode(task["picture"])
    menu = {"button": [{"type": "click", "name": "今日歌曲", "key": "SONG"}]}
    values = {"first": {"value": "您好"}, "keyword1": {"value": '茶 "A"'}}
    openid = official["openid"]
    step("menu_created", official, lambda: shop.menu.create(menu)["errcode"])
    step("menu", official, lambda: shop.menu.get()["menu"]["button"][0]["name"])
    step("user", official, lambda: shop.user.get(openid)["openid"])
    template = step("template", official, lambda: shop.template.add("TM00015"))
    step("template_message", official, lambda: shop.message.send_template(openid, template, values)["errcode"])
    code = {
        "expire_seconds": 600,
        "action_name": "QR_STR_SCENE",
        "action_info": {"scene": {"scene_str": "wxgate"}},
    }
    step("ticket", official, lambda: shop.qrcode.create(code)["ticket"])
    media = step("media", official, lambda: shop.media.upload("image", ("a.png", picture, "image/png"))["media_id"])
    step("downloaded", official, lambda: base64.b64encode(shop.media.download(media).content).decode())
    step("customer_service", official, lambda: shop.message.send_text(openid, "茶 🍵")["errcode"])
    game = client(task, mini)
    place = {"thing1": {"value": "会议室"}}
    step(
        "subscribe",
        mini,
        lambda: game.wxa.send_subscribe_message(mini["openid"], mini["template"], place, "index")["errcode"],
    )
    json.dump(told, sys.stdout)


main()
