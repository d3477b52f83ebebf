"""What the load runs share: starting programs, loading them with wrk, and reading what they use."""
import contextlib
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
HERE = ROOT / "benches" / "load"
RELEASE = ROOT / "target" / "release"
EXPRESS = HERE / "express"
APP_ID, SECRET, TOKEN = "wx0123456789abcdef", "0123456789abcdef0123456789abcdef", "benchtoken"
MINI = "wxfedcba9876543210"
PORTS = {"simulator": 3190, "floor": 3191, "wxgate": 3192, "express": 3193, "express-cached": 3194,
         "wxgate-mongodb": 3195, "mongod": 3196, "hook": 3197, "receiver": 3198, "upstream": 3199, "nginx": 3189}
STARTED = []
RUNNING = {}


def url(name, path=""):
    return f"http://127.0.0.1:{PORTS[name]}{path}"


def start(name, command, env=None, cwd=None, quiet=False):
    process = subprocess.Popen(command, env={**os.environ, **(env or {})}, cwd=cwd, stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL if quiet else None)
    STARTED.append(process)
    RUNNING[name] = process
    began = time.perf_counter()
    while time.perf_counter() - began < 15:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", PORTS[name]), 0.2):
            return process
        if process.poll() is not None:
            sys.exit(f"{name} ended with {process.returncode}")
        time.sleep(0.002)
    sys.exit(f"{name} does not listen")


def stop(name):
    process = RUNNING.pop(name)
    STARTED.remove(process)
    process.send_signal(signal.SIGTERM)
    process.wait(15)


def stop_all():
    for process in STARTED:
        process.terminate()
    for process in STARTED:
        process.wait(15)


def on_disk(folder, work):
    """Has `work` done in a copy of the folder in the build's folder: /tmp may be in memory, where a sync costs nothing."""
    folder = pathlib.Path(shutil.copytree(folder, ROOT / "target" / f"load-{os.getpid()}"))
    try:
        work(folder)
    finally:
        stop_all()
        STARTED.clear()
        shutil.rmtree(folder)


def call(where, body=None, method=None, headers=None):
    """The JSON that a request is answered with; a body makes it a POST."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(where, data, {"Content-Type": "application/json", **(headers or {})}, method=method)
    with urllib.request.urlopen(request, timeout=15) as answer:
        text = answer.read()
    return json.loads(text) if text else None


def write_config(folder, name="wxgate", store="sqlite:bench.db", more="", shop=""):
    """A configuration with one official account and one mini program of the simulated WeChat."""
    path = folder / f"{name}.toml"
    path.write_text(f"""
[server]
listen = "127.0.0.1:{PORTS[name]}"
[store]
url = "{store}"
[platform]
api_url = "{url('simulator')}"
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
{shop}
[[apps]]
name = "mini"
kind = "mini"
app_id = "{MINI}"
app_secret = "{SECRET}"
{more}
""")
    return path


def create_caller(config, *rights):
    """The key of a caller for the official account. A running gateway knows it soon."""
    command = [RELEASE / "wxgate", "--config", config, "caller", "create", "--name", "load", "--app", "shop", "--json", *rights]
    made = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True)
    time.sleep(2)
    return json.loads(made.stdout)["key"]


def start_simulator(config):
    start("simulator", [RELEASE / "wxgate", "--config", config, "simulate"])


def start_gateway(config, name="wxgate"):
    process = start(name, [RELEASE / "wxgate", "--config", config], {"WXGATE__LOG__LEVEL": "warn"})
    while True:
        with contextlib.suppress(OSError):
            call(url(name, "/readyz"))
            return process
        time.sleep(0.005)


MILLISECONDS = {"us": 0.001, "ms": 1, "s": 1000, "m": 60_000}


def wrk(where, seconds, connections, lua=None, env=None, wait=True):
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s", "--latency"]
    command += ["-s", str(lua)] if lua else []
    running = subprocess.Popen([*command, where], env={**os.environ, **(env or {})}, stdout=subprocess.PIPE, text=True)
    return measured(running, where) if wait else running


def measured(running, where):
    """What wrk prints: requests a second, p50 and p99 in ms, the share of answers that are errors, and its own lines."""
    text = running.communicate()[0]
    if running.returncode:
        sys.exit(f"wrk failed for {where}")
    if "Socket errors" in text:
        print(f"{where}:\n{text}", file=sys.stderr)
    total = int(re.search(r"(\d+) requests in", text)[1])
    refused = re.search(r"Non-2xx or 3xx responses: (\d+)", text)

    worst = re.search(r"Latency(?:\s+[\d.]+\w+){2}\s+([\d.]+)(us|ms|s|m)\b", text)

    def at(percent):
        found = re.search(rf"{percent}%\s+([\d.]+)(us|ms|s)", text)
        return float(found[1]) * MILLISECONDS[found[2]]
    return {
        "rate": float(re.search(r"Requests/sec:\s+([\d.]+)", text)[1]),
        "total": total,
        "p50": at(50),
        "p99": at(99),
        "max": float(worst[1]) * MILLISECONDS[worst[2]],
        "failed": int(refused[1]) / max(total, 1) if refused else 0.0,
        "own": dict(re.findall(r"^own (\w+) (\d+)$", text, re.M)),
    }


def memory_mib(process, field="VmRSS"):
    status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
    return int(re.search(rf"{field}:\s+(\d+)", status)[1]) / 1024


def cpu_seconds(process):
    fields = pathlib.Path(f"/proc/{process.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
