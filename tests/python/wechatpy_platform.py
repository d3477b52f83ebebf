"""Plays WeChat with wechatpy: what it encrypts is pushed, what is answered it decrypts and parses.

Reads one JSON object from standard input: {"url", "token", "aes_key", "app_id", "timestamp", "messages": [xml, ...]};
writes one JSON array: for each message the parsed reply, or the text of the answer.
"""

import json
import random
import re
import sys
import urllib.parse

import requests
from wechatpy.crypto import WeChatCrypto
from wechatpy.utils import WeChatSigner


def sign(*values):
    signer = WeChatSigner()
    signer.add_data(*values)
    return signer.signature


def push(task, crypto, message):
    nonce = str(random.randrange(10**9))
    timestamp = str(task["timestamp"])
    # The library encrypts replies; a push is encrypted the same way.
    envelope = crypto.encrypt_message(message, nonce, timestamp)
    encrypted = re.search(r"<Encrypt><!\[CDATA\[(.*?)\]\]></Encrypt>", envelope).group(1)
    query = urllib.parse.urlencode(
        {
            "signature": sign(task["token"], timestamp, nonce),
            "timestamp": timestamp,
            "nonce": nonce,
            "openid": "o1",
            "encrypt_type": "aes",
            "msg_signature": sign(task["token"], timestamp, nonce, encrypted),
        }
    )
    body = f"<xml><ToUserName><![CDATA[gh_1]]></ToUserName><Encrypt><![CDATA[{encrypted}]]></Encrypt></xml>"
    answer = requests.post(f"{task['url']}?{query}", data=body.encode(), timeout=10)
    text = answer.text
    if answer.status_code != 200 or text == "success":
        return {"status": answer.status_code, "text": text}
    field = lambda name: re.search(rf"<{name}>(?:<!\[CDATA\[)?(.*?)(?:\]\]>)?</{name}>", text).group(1)
    # It checks the signature, the padding and the AppID, and raises if one of them is wrong.
    opened = crypto.decrypt_message(text, field("MsgSignature"), field("TimeStamp"), field("Nonce"))
    import xmltodict

    return {"status": answer.status_code, "reply": xmltodict.parse(opened)["xml"]}


def main():
    task = json.load(sys.stdin)
    crypto = WeChatCrypto(task["token"], task["aes_key"], task["app_id"])
    json.dump([push(task, crypto, message) for message in task["messages"]], sys.stdout)


main()
