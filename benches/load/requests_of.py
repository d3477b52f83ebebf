"""Path by path: the floor, the gateway and, where they have the path, the Express peers."""
import contextlib
import hashlib
import os
import signal
import statistics
import subprocess
import sys
import time
import urllib.parse

import common
from common import APP_ID, EXPRESS, MINI, PORTS, RELEASE, RUNNING, SECRET, TOKEN, call, url

PAGE = "https://h5.example.com/shop/item?id=1234&from=timeline"


def ready_times(config, count):
    """From exec to the first 200 of /readyz."""
    times = []
    for _ in range(count):
        began = time.perf_counter()
        process = subprocess.Popen([RELEASE / "wxgate", "--config", config], stdout=subprocess.DEVNULL)
        while True:
            with contextlib.suppress(OSError):
                call(url("wxgate", "/readyz"))
                break
            time.sleep(0.001)
        times.append((time.perf_counter() - began) * 1000)
        process.send_signal(signal.SIGTERM)
        process.wait(10)
    return times


def paths(folder, key):
    """Every path, as (the address, the script for wrk if it is more than a GET, whether Express has it)."""
    signature = hashlib.sha1("".join(sorted([TOKEN, "1714036504", "1514711492"])).encode()).hexdigest()
    auth = f"/auth?signature={signature}&timestamp=1714036504&nonce=1514711492&echostr=4375120948345356249"
    code = call(url("simulator", "/_sim/codes"), {"app_id": MINI, "user": "ann"})["code"]
    token = call(url("wxgate", "/v1/token"), {"type": 100, "account": code})["token"]
    bearer = {"Authorization": f"Bearer {token}"}
    for _ in range(10):
        call(url("wxgate", "/v1/rooms"), {"name": "茶室"}, headers=bearer)
    verify, get, caller = folder / "verify.lua", folder / "get.lua", folder / "caller.lua"
    caller.write_text(f'wrk.headers["Authorization"] = "Bearer {key}"\n')
    verify.write_text(f"""
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.body = '{{"token":"{token}"}}'
""")
    get.write_text(f'wrk.headers["Authorization"] = "Bearer {token}"\n')
    return {
        "/auth": (auth, None, True),
        "/jsapi": ("/jsapi?url=" + urllib.parse.quote(PAGE, safe=""), None, True),
        "access_token": ("/v1/apps/shop/access_token", caller, False),
        "/v1/token/verify": ("/v1/token/verify", verify, False),
        # Refused with 400, but only after the token was found good: authentication and no store.
        "/v1/rooms?limit=": ("/v1/rooms?limit=none", get, False),
        "/getAllRoomInfo": ("/getAllRoomInfo", get, False),
        "/v1/user/sessions": ("/v1/user/sessions", get, False),
    }


def run(options, folder):
    config = common.write_config(folder)
    common.start_simulator(config)
    # The classic token call has a daily quota, which the peer that fetches for every request would spend.
    limits = {path: {"daily": 10**9, "minute": 10**9} for path in ("/cgi-bin/token", "/cgi-bin/ticket/getticket")}
    call(url("simulator", f"/_sim/apps/{APP_ID}"), {"switches": {"limits": limits}}, "PATCH")
    fresh = ready_times(config, 1)
    again = ready_times(config, 9)
    gateway = common.start_gateway(config)
    [signing] = call(url("wxgate", "/.well-known/jwks.json"))["keys"]
    caller = common.create_caller(config, "--raw-token")
    common.start("floor", [RELEASE / "examples" / "floor", str(PORTS["floor"]), str(folder / "floor.db"), signing["x"], caller])
    peers = []
    if (EXPRESS / "node_modules").exists():
        for name, cache in (("express", ""), ("express-cached", "1")):
            common.start(name, ["node", "server.js"], {"PORT": str(PORTS[name]), "API": url("simulator"),
                                                       "APP_ID": APP_ID, "APP_SECRET": SECRET, "CACHE": cache,
                                                       "NODE_ENV": "production"}, EXPRESS)
            peers.append(name)
    else:
        print("express is left out: run npm install in benches/load/express", file=sys.stderr)

    wanted = paths(folder, caller)
    if options.paths:
        wanted = {path: wanted[path] for path in options.paths.split(",")}
    figures = {}
    for _ in range(options.rounds):
        for path, (target, lua, everywhere) in wanted.items():
            for peer in ["floor", "wxgate", *(peers if everywhere else [])]:
                common.wrk(url(peer, target), 1, options.connections, lua)
                before = common.cpu_seconds(RUNNING[peer])
                figure = common.wrk(url(peer, target), options.seconds, options.connections, lua)
                figure["cpu"] = (common.cpu_seconds(RUNNING[peer]) - before) / figure["total"] * 1e6
                figures.setdefault((path, peer), []).append(figure)

    print(f"{options.rounds} rounds of {options.seconds} s, {options.connections} connections, wrk -t1, {os.cpu_count()} cores")
    for (path, peer), measured in figures.items():
        floor = figures[path, "floor"]

        def median(name, of=measured):
            return statistics.median(figure[name] for figure in of)
        pairs = statistics.median(ours["rate"] / base["rate"] for ours, base in zip(measured, floor))
        print(f"{path:17} {peer:15} {median('rate'):9.0f}/s  {median('rate') / median('rate', floor):5.2f} of the floor"
              f"  (median of pairs {pairs:5.2f})  p99 {median('p99'):7.2f} ms  cpu {median('cpu'):6.1f} us"
              f" (floor's / own {median('cpu', floor) / median('cpu'):4.2f})"
              f"  failed {median('failed'):.0%}")
    print(f"ready: {fresh[0]:.0f} ms with a new store; {statistics.median(again):.0f} ms median, {max(again):.0f} ms worst of {len(again)} with an existing one")
    print(f"resident after the load: {common.memory_mib(gateway):.1f} MiB; binary: {(RELEASE / 'wxgate').stat().st_size / 2**20:.1f} MiB")
