"""Text messages in safe mode, each with a MsgId of its own: verified, decrypted, stored and answered by a rule, on both
stores; and answered by Express with the library `wechat`, which stores nothing. Beside them the rate at which the stores
themselves insert a record of the size and with the indexes of an event."""
import contextlib
import os
import re
import sqlite3
import statistics
import subprocess
import sys
import time
import urllib.request

import common
from common import APP_ID, EXPRESS, HERE, PORTS, RELEASE, RUNNING, TOKEN, url
from logins import inserts, start_mongod

AES_KEY = "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C"
REPLY = "我们很快回复您。"
SHOP = f"""
encryption = "safe"
aes_key = "{AES_KEY}"
[[apps.replies]]
when = "default"
reply = {{ type = "text", content = "{REPLY}" }}
"""
STORES = {"wxgate": "sqlite", "wxgate-mongodb": "mongodb"}
NEXT = [23_456_789_000_000_000]


def make(folder, count):
    """A file with so many pushes that nobody has seen."""
    path = folder / "pushes"
    command = [RELEASE / "examples" / "pushes", str(count), str(NEXT[0]), TOKEN, AES_KEY, APP_ID]
    with path.open("wb") as file:
        subprocess.run(command, stdout=file, check=True)
    NEXT[0] += count
    return path


def check_reply(folder, peer):
    """A reply is what the person is to hear, opened by another library."""
    query, body = make(folder, 1).read_text().rstrip("\n").split("\t")
    request = urllib.request.Request(url(peer, f"/auth?{query}"), body.encode(), {"Content-Type": "text/xml"})
    with urllib.request.urlopen(request, timeout=15) as answer:
        reply = answer.read()
    opened = subprocess.run(["node", "reply.js", TOKEN, AES_KEY, APP_ID], input=reply, stdout=subprocess.PIPE,
                            cwd=EXPRESS, check=True).stdout.decode()
    said = re.search(r"<Content><!\[CDATA\[(.*?)\]\]></Content>", opened)
    if not said or said[1] != REPLY or "<ToUserName><![CDATA[oia2TjuEGTNoeX76QEj" not in opened:
        sys.exit(f"{peer} answers {opened!r}")


def push(folder, peer, seconds, connections, rate, pause=None):
    """Pushes for so long; `rate` is how many a second are enough."""
    path = make(folder, int(rate * seconds) + 1000)
    watched = {"own_cpu": peer} | ({"mongod": "mongod"} if peer.endswith("mongodb") else {})
    before = {name: common.cpu_seconds(RUNNING[program]) for name, program in watched.items()}
    more = {"DELAY": str(pause)} if pause else {}
    began = time.time()
    figure = common.wrk(url(peer), seconds, connections, HERE / "pushes.lua", {"PUSHES": str(path), **more})
    for name, program in watched.items():
        figure[name] = (common.cpu_seconds(RUNNING[program]) - before[name]) / max(figure["total"], 1) * 1e6
    if int(figure["own"]["empty"]):
        sys.exit(f"{peer}: there were too few pushes")
    figure["began"] = began
    figure["odd"] = int(figure["own"]["odd"])
    return figure


def stored(folder, peer, mongo):
    """How many events the peer has stored, asked of the store itself."""
    if peer == "wxgate":
        with contextlib.closing(sqlite3.connect(f"file:{folder}/bench.db?mode=ro", uri=True)) as store:
            return store.execute("SELECT count(*) FROM events").fetchone()[0]
    counted = subprocess.run(["node", "count.js", mongo.format("wxgate"), "events"], stdout=subprocess.PIPE, cwd=EXPRESS,
                             check=True)
    return int(counted.stdout)


def run(options, folder):
    common.on_disk(folder, lambda folder: measure(options, folder))


def measure(options, folder):
    start_mongod(folder)
    mongo = f"mongodb://127.0.0.1:{PORTS['mongod']}/{{}}?replicaSet=rs"
    common.start_simulator(common.write_config(folder))
    common.start_gateway(common.write_config(folder, shop=SHOP))
    config = common.write_config(folder, "wxgate-mongodb", mongo.format("wxgate"), shop=SHOP)
    common.start_gateway(config, "wxgate-mongodb")
    common.start("express", ["node", "server.js"], {"PORT": str(PORTS["express"]), "APP_ID": APP_ID, "AES_KEY": AES_KEY,
                                                    "REPLY": REPLY, "NODE_ENV": "production"}, EXPRESS)
    peers, figures, raw, enough, sent = ["express", *STORES], {}, [], {}, dict.fromkeys(STORES, 0)

    def counted(peer, *arguments, **more):
        figure = push(folder, peer, *arguments, **more)
        if peer in sent:
            now = stored(folder, peer, mongo)
            # What was on its way when the time was over is stored as well, and not counted by wrk.
            if not figure["total"] <= now - sent[peer] <= figure["total"] + 2 * options.connections:
                sys.exit(f"{peer}: {figure['total']} were acknowledged and {now - sent[peer]} are stored")
            sent[peer] = now
        return figure
    for peer in peers:
        check_reply(folder, peer)
        if peer in sent:
            sent[peer] = stored(folder, peer, mongo)
        enough[peer] = 4 * counted(peer, 1, options.connections, 60_000)["rate"]
    for number in range(options.rounds):
        for peer in peers:
            figure = counted(peer, options.seconds, options.connections, enough[peer])
            figures.setdefault(peer, []).append(figure)
            enough[peer] = max(enough[peer], 2 * figure["rate"])
        file = inserts("event", options.seconds, options.connections, f"sqlite:{folder}/raw-{number}.db")
        server = inserts("event", options.seconds, options.connections, mongo.format("inserts"))
        raw.append({"one": file["one"], "grouped": file["grouped"], "mongodb": server["one"]})
        for path in folder.glob("raw-*"):
            path.unlink()
    print(f"{options.rounds} rounds of {options.seconds} s, {options.connections} connections, load average {os.getloadavg()[0]:.1f}")
    for peer in peers:
        show(peer, figures[peer], figures["express"])
    for name in ("one", "grouped", "mongodb"):
        print(f"inserts {name:8} {statistics.median(rates[name] for rates in raw):7.0f}/s")
    for peer, base in (("wxgate", "one"), ("wxgate", "grouped"), ("wxgate-mongodb", "mongodb")):
        ratios = sorted(figure["rate"] / rates[base] for figure, rates in zip(figures[peer], raw))
        print(f"{peer}: {statistics.median(ratios):.2f} of inserts, {base} (median of pairs; {ratios[0]:.2f} to {ratios[-1]:.2f})")
    if options.paced:
        pause = options.connections * 3 // 4
        for peer in STORES:
            show(f"{peer}, paced", [counted(peer, options.paced, options.connections, 1200, pause=pause)])


def show(name, measured, base=None):
    def median(of):
        return statistics.median(figure.get(of, 0) for figure in measured)
    against = ""
    if base:
        pairs = statistics.median(ours["rate"] / theirs["rate"] for ours, theirs in zip(measured, base))
        against = f"  {pairs:5.2f} of express (median of pairs)"
    print(f"{name:22} {median('rate'):7.0f}/s{against}  p50 {median('p50'):6.1f} ms  p99 {median('p99'):6.1f} ms"
          f"  max {max(figure['max'] for figure in measured):6.1f} ms  failed {median('failed'):.1%}"
          f"  odd {sum(figure['odd'] for figure in measured)}  cpu per push: own {median('own_cpu'):.0f} us,"
          f" mongod {median('mongod'):.0f} us")
