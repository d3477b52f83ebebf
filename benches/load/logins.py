"""Logins of type 100, each with a code of its own, by users who come back: on both stores, and by Express on MongoDB.
Beside them the rate at which the stores themselves insert a record of the size of a session."""
import json
import os
import shutil
import statistics
import subprocess
import sys

import common
from common import EXPRESS, HERE, MINI, PORTS, RELEASE, ROOT, RUNNING, SECRET, call, url

USERS = 1000


def start_mongod(folder):
    found = ROOT / "target" / "mongod" / "mongod"
    program = shutil.which("mongod") or (found if found.exists() else None)
    if program is None:
        sys.exit("there is no mongod: scripts/fetch-mongod.sh brings one")
    data = folder / "mongod"
    data.mkdir()
    common.start("mongod", [program, "--dbpath", str(data), "--port", str(PORTS["mongod"]), "--bind_ip", "127.0.0.1",
                            "--replSet", "rs", "--wiredTigerCacheSizeGB", "0.5", "--quiet"])
    subprocess.run(["node", "replica.js", f"127.0.0.1:{PORTS['mongod']}"], cwd=EXPRESS, check=True)


def make_codes(folder, peer, each):
    """A file with `each` codes of every user of this peer; no user's codes stand together."""
    made = [call(url("simulator", "/_sim/codes"), {"app_id": MINI, "user": f"{peer}-{number}", "count": each})["codes"]
            for number in range(USERS)]
    path = folder / "codes"
    path.write_text("".join(f"{code}\n" for row in zip(*made) for code in row))
    return path


def log_in(folder, peer, each, seconds, connections):
    codes = make_codes(folder, peer, each)
    watched = {"own": peer, "simulator": "simulator", "mongod": "mongod"}
    before = {name: common.cpu_seconds(RUNNING[program]) for name, program in watched.items()}
    figure = common.wrk(url(peer), seconds, connections, HERE / "logins.lua", {"CODES": str(codes)})
    for name, program in watched.items():
        figure[name] = (common.cpu_seconds(RUNNING[program]) - before[name]) / figure["total"] * 1e6
    return figure


def inserts(kind, seconds, connections, store):
    command = [RELEASE / "examples" / "inserts", kind, str(seconds), str(connections), store]
    return json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)


def run(options, folder):
    common.on_disk(folder, lambda folder: measure(options, folder))


def measure(options, folder):
    start_mongod(folder)
    mongo = f"mongodb://127.0.0.1:{PORTS['mongod']}/{{}}?replicaSet=rs"
    common.start_simulator(common.write_config(folder))
    common.start_gateway(common.write_config(folder))
    common.start_gateway(common.write_config(folder, "wxgate-mongodb", mongo.format("wxgate")), "wxgate-mongodb")
    common.start("express", ["node", "server.js"], {"PORT": str(PORTS["express"]), "API": url("simulator"),
                                                    "APP_ID": MINI, "APP_SECRET": SECRET, "NODE_ENV": "production",
                                                    "MONGO": mongo.format("express")}, EXPRESS)
    peers, figures, raw = ["express", "wxgate", "wxgate-mongodb"], {}, []
    for peer in peers:
        log_in(folder, peer, 1, 30, options.connections)
    for number in range(options.rounds):
        for peer in peers:
            figure = log_in(folder, peer, 4 * options.seconds, options.seconds, options.connections)
            figures.setdefault(peer, []).append(figure)
        file = inserts("session", options.seconds, options.connections, f"sqlite:{folder}/raw-{number}.db")
        server = inserts("session", options.seconds, options.connections, mongo.format("inserts"))
        raw.append({"one": file["one"], "grouped": file["grouped"], "mongodb": server["one"]})

    print(f"{options.rounds} rounds of {options.seconds} s, {options.connections} connections, {USERS} users each, {os.cpu_count()} cores")
    for peer in peers:
        measured = figures[peer]

        def median(name, of=measured):
            return statistics.median(figure[name] for figure in of)
        pairs = statistics.median(ours["rate"] / base["rate"] for ours, base in zip(measured, figures["express"]))
        print(f"{peer:15} {median('rate'):7.0f}/s  {pairs:5.2f} of express (median of pairs)  p50 {median('p50'):6.1f} ms"
              f"  p99 {median('p99'):6.1f} ms  failed {median('failed'):.1%}  cpu per login: own {median('own'):.0f} us,"
              f" simulator {median('simulator'):.0f} us, mongod {median('mongod'):.0f} us;"
              f" simulator's share of a core {median('simulator') * median('rate') / 1e6:.0%}")
    for name in ("one", "grouped", "mongodb"):
        print(f"inserts {name:8} {statistics.median(rates[name] for rates in raw):7.0f}/s")
    for name in ("wxgate", "wxgate-mongodb"):
        base = "mongodb" if name.endswith("mongodb") else "one"
        print(f"{name}: {statistics.median(f['rate'] / r[base] for f, r in zip(figures[name], raw)):.2f} of inserts, {base} (median of pairs)")
