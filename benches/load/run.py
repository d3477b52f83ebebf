#!/usr/bin/env python3
"""One load run on this machine: the floor, the gateway and the Express peers, one after the other, several rounds.

Needs wrk, node and npm, and a release build:

    cargo build --release --bin wxgate --example floor
    (cd benches/load/express && npm install)
    python3 benches/load/run.py [--seconds 8] [--rounds 5] [--connections 64]

Everything listens on loopback and ends with the run. Ratios are of medians over the rounds; the servers take turns
within each round, so that what else the machine does hits all of them alike.
"""
import argparse
import contextlib
import hashlib
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
RELEASE = ROOT / "target" / "release"
APP_ID, SECRET, TOKEN = "wx0123456789abcdef", "0123456789abcdef0123456789abcdef", "benchtoken"
PAGE = "https://h5.example.com/shop/item?id=1234&from=timeline"
PORTS = {"simulator": 3190, "floor": 3191, "wxgate": 3192, "express": 3193, "express-cached": 3194}
STARTED = []
RUNNING = {}


def start(name, command, env=None, cwd=None):
    process = subprocess.Popen(command, env={**os.environ, **(env or {})}, cwd=cwd, stdout=subprocess.DEVNULL)
    STARTED.append(process)
    RUNNING[name] = process
    began = time.perf_counter()
    while time.perf_counter() - began < 15:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", PORTS[name]), 0.2):
            return process, time.perf_counter() - began
        if process.poll() is not None:
            sys.exit(f"{name} ended with {process.returncode}")
        time.sleep(0.002)
    sys.exit(f"{name} does not listen")


def get(url):
    with urllib.request.urlopen(url, timeout=10) as answer:
        return answer.read()


def load(url, seconds, connections):
    text = subprocess.run(["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", url],
                          capture_output=True, text=True, check=True).stdout
    if "Socket errors" in text:
        print(f"{url}:\n{text}", file=sys.stderr)
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", text)[1])
    total = int(re.search(r"(\d+) requests in", text)[1])
    refused = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
    failed = int(refused[1]) / max(total, 1) if refused else 0.0
    p99 = re.search(r"99%\s+([\d.]+)(us|ms|s)", text)
    return rate, float(p99[1]) * {"us": 0.001, "ms": 1, "s": 1000}[p99[2]], failed


def resident_mib(process):
    status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1024


def cpu_seconds(process):
    fields = pathlib.Path(f"/proc/{process.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def ready_times(config, env, count):
    """From exec to the first 200 of /readyz, on an existing and on a new embedded store."""
    times = []
    for _ in range(count):
        began = time.perf_counter()
        process = subprocess.Popen([RELEASE / "wxgate", "--config", config], env=env, stdout=subprocess.DEVNULL)
        while True:
            with contextlib.suppress(OSError):
                get(f"http://127.0.0.1:{PORTS['wxgate']}/readyz")
                break
            time.sleep(0.001)
        times.append((time.perf_counter() - began) * 1000)
        process.send_signal(signal.SIGTERM)
        process.wait(10)
    return times


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--connections", type=int, default=64)
    options = parser.parse_args()
    if not shutil.which("wrk"):
        sys.exit("wrk is missing (Debian: apt-get install wrk)")
    with tempfile.TemporaryDirectory() as folder:
        run(options, pathlib.Path(folder))


def run(options, folder):
    config = folder / "config.toml"
    config.write_text(f"""
[server]
listen = "127.0.0.1:{PORTS['wxgate']}"
[store]
url = "sqlite:bench.db"
[platform]
api_url = "http://127.0.0.1:{PORTS['simulator']}"
simulated = true
[simulator]
listen = "127.0.0.1:{PORTS['simulator']}"
[[apps]]
name = "shop"
kind = "official"
app_id = "{APP_ID}"
app_secret = "{SECRET}"
token = "{TOKEN}"
js_domains = ["example.com"]
""")
    api = f"http://127.0.0.1:{PORTS['simulator']}"
    start("simulator", [RELEASE / "wxgate", "--config", config, "simulate"])
    # The classic token call has a daily quota, which the peer that fetches for every request would spend.
    quota = {"switches": {"limits": {path: {"daily": 10**9, "minute": 10**9} for path in ("/cgi-bin/token", "/cgi-bin/ticket/getticket")}}}
    request = urllib.request.Request(f"{api}/_sim/apps/{APP_ID}", json.dumps(quota).encode(),
                                     {"Content-Type": "application/json"}, method="PATCH")
    urllib.request.urlopen(request, timeout=10).read()

    fresh = ready_times(config, os.environ, 1)
    again = ready_times(config, os.environ, 9)
    gateway, _ = start("wxgate", [RELEASE / "wxgate", "--config", config])
    start("floor", [RELEASE / "examples" / "floor", str(PORTS["floor"])])
    express = ROOT / "benches" / "load" / "express"
    peers = ["floor", "wxgate"]
    if (express / "node_modules").exists():
        for name, cache in (("express", ""), ("express-cached", "1")):
            start(name, ["node", "server.js"], {"PORT": str(PORTS[name]), "API": api, "APP_ID": APP_ID,
                                                "APP_SECRET": SECRET, "CACHE": cache, "NODE_ENV": "production"}, express)
            peers.append(name)
    else:
        print("express is left out: run npm install in benches/load/express", file=sys.stderr)

    signature = hashlib.sha1("".join(sorted([TOKEN, "1714036504", "1514711492"])).encode()).hexdigest()
    paths = {
        "/auth": f"/auth?signature={signature}&timestamp=1714036504&nonce=1514711492&echostr=4375120948345356249",
        "/jsapi": "/jsapi?url=" + urllib.parse.quote(PAGE, safe=""),
    }
    figures = {(path, peer): [] for path in paths for peer in peers}
    for _ in range(options.rounds):
        for path, target in paths.items():
            for peer in peers:
                url = f"http://127.0.0.1:{PORTS[peer]}{target}"
                get(url)
                load(url, 1, options.connections)
                before = cpu_seconds(RUNNING[peer])
                rate, p99, failed = load(url, options.seconds, options.connections)
                used = (cpu_seconds(RUNNING[peer]) - before) / (rate * options.seconds) * 1e6
                figures[path, peer].append((rate, p99, failed, used))

    print(f"{options.rounds} rounds of {options.seconds} s, {options.connections} connections, wrk -t1, {os.cpu_count()} cores")
    for path in paths:
        floor = statistics.median(rate for rate, *_ in figures[path, "floor"])
        for peer in peers:
            rates = [rate for rate, *_ in figures[path, peer]]
            p99 = statistics.median(p99 for _, p99, *_ in figures[path, peer])
            failed = statistics.median(failed for _, _, failed, _ in figures[path, peer])
            used = statistics.median(used for *_, used in figures[path, peer])
            pairs = statistics.median(ours[0] / base[0] for ours, base in zip(figures[path, peer], figures[path, "floor"]))
            rate = statistics.median(rates)
            print(f"{path:7} {peer:15} {rate:9.0f}/s  {rate / floor:5.2f} of the floor"
                  f"  (median of pairs {pairs:5.2f})  p99 {p99:7.2f} ms  cpu {used:6.1f} us  failed {failed:.0%}")
    print(f"ready: {fresh[0]:.0f} ms with a new store; {statistics.median(again):.0f} ms median, {max(again):.0f} ms worst of {len(again)} with an existing one")
    print(f"resident after the load: {resident_mib(gateway):.1f} MiB; binary: {(RELEASE / 'wxgate').stat().st_size / 2**20:.1f} MiB")


if __name__ == "__main__":
    try:
        main()
    finally:
        for process in STARTED:
            process.terminate()
