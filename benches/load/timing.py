"""Whether the time of a refusal tells why somebody is refused: logins with a password, of several classes in random
order, compared by the Mann-Whitney U test and by their medians."""
import collections
import http.client
import http.server
import json
import math
import random
import statistics
import subprocess
import threading
import time

import common
from common import MINI, PORTS, RELEASE, call, url

ACCOUNTS = 20
PASSWORD = "correct horse 42"
CONFIG = f"""
[auth.limits]
account_failures = 1000000
address_failures = 1000000
[codes]
url = "http://127.0.0.1:{PORTS['hook']}/"
secret = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
"""
BROUGHT = {}


class Hook(http.server.BaseHTTPRequestHandler):
    """Takes the codes that the gateway sends."""

    def do_POST(self):
        told = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        BROUGHT[told["email"]] = told["code"]
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        pass


def administrator(config, command, email):
    subprocess.run([RELEASE / "wxgate", "--config", config, "admin", command, "--email", email], check=True, text=True,
                   input=PASSWORD + "\n" if command == "create" else "", stdout=subprocess.DEVNULL)


def without_password(number):
    """Somebody known by WeChat and by an e-mail address, who has no password."""
    code = call(url("simulator", "/_sim/codes"), {"app_id": MINI})["code"]
    bearer = {"Authorization": "Bearer " + call(url("wxgate", "/v1/token"), {"type": 100, "account": code})["token"]}
    email = f"silent{number}@example.com"
    # A client may ask for few codes in an hour.
    client = {"X-Forwarded-For": f"192.0.2.{number + 1}"}
    call(url("wxgate", "/v1/codes"), {"email": email, "purpose": "link"}, headers=client)
    call(url("wxgate", "/v1/user/identities"), {"email": email, "code": BROUGHT[email]}, headers=bearer)
    return email


def classes(config):
    """Every class, as (its type of login, its accounts)."""
    for number in range(ACCOUNTS):
        call(url("wxgate", "/v1/users"), {"email": f"person{number}@example.com", "password": PASSWORD})
    return {
        "unknown user": (101, [f"nobody{number}@example.com" for number in range(ACCOUNTS)]),
        "wrong password": (101, [f"person{number}@example.com" for number in range(ACCOUNTS)]),
        "user without password": (101, [without_password(number) for number in range(ACCOUNTS)]),
        "unknown administrator": (200, [f"absent{number}@example.com" for number in range(ACCOUNTS)]),
        "disabled administrator": (200, [f"former{number}@example.com" for number in range(ACCOUNTS)]),
    }


def mann_whitney(first, second):
    """The two-sided p by the normal approximation, which holds for hundreds of samples; ties do not occur in practice."""
    ranked = sorted([(value, 0) for value in first] + [(value, 1) for value in second])
    ranks = sum(rank for rank, (_, group) in enumerate(ranked, 1) if group == 0)
    n, m = len(first), len(second)
    u = ranks - n * (n + 1) / 2
    z = (u - n * m / 2) / math.sqrt(n * m * (n + m + 1) / 12)
    return math.erfc(abs(z) / math.sqrt(2))


def run(options, folder):
    hook = http.server.ThreadingHTTPServer(("127.0.0.1", PORTS["hook"]), Hook)
    threading.Thread(target=hook.serve_forever, daemon=True).start()
    config = common.write_config(folder, more=CONFIG)
    config.write_text(config.read_text().replace("[server]\n", '[server]\ntrusted_proxies = ["127.0.0.1"]\n'))
    for number in range(ACCOUNTS):
        for command in ("create", "disable"):
            administrator(config, command, f"former{number}@example.com")
    common.start_simulator(config)
    common.start_gateway(config)
    tries = {name: [(kind, account) for account in accounts] for name, (kind, accounts) in classes(config).items()
             if options.classes in name}
    connection = http.client.HTTPConnection("127.0.0.1", PORTS["wxgate"])

    def attempt(kind, account):
        # The disabled administrator is the one who knows the password: otherwise being disabled is not looked at.
        secret = PASSWORD if account.startswith("former") else "not the one"
        body = json.dumps({"type": kind, "account": account, "secret": secret})
        began = time.perf_counter_ns()
        connection.request("POST", "/v1/token", body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        text = answer.read()
        took = (time.perf_counter_ns() - began) / 1e6
        return took, (answer.status, text)

    answers = collections.defaultdict(set)
    # The first failure of an account makes the record that the others count in.
    order = [(name, one) for name, all_of in tries.items() for one in all_of]
    for name, one in order:
        attempt(*one)
    times = collections.defaultdict(list)
    order = [(name, tries[name][number % ACCOUNTS]) for name in tries for number in range(options.samples)]
    random.shuffle(order)
    for name, one in order:
        took, answer = attempt(*one)
        times[name].append(took)
        answers[name].add(answer)
    print(f"{options.samples} samples of each class, one at a time, {ACCOUNTS} accounts of each class")
    for name, took in times.items():
        cuts = statistics.quantiles(took, n=100)
        seen = ", ".join(f"{status} {text.decode()}" for status, text in answers[name])
        print(f"{name:23} median {statistics.median(took):7.3f} ms  p5 {cuts[4]:7.3f}  p95 {cuts[94]:7.3f}  {seen}")
    pairs = [("unknown user", "wrong password"), ("unknown user", "user without password"),
             ("wrong password", "user without password"), ("unknown administrator", "disabled administrator")]
    for first, second in pairs:
        if first not in times or second not in times:
            continue
        a, b = statistics.median(times[first]), statistics.median(times[second])
        print(f"{first} / {second}: medians differ by {b - a:+.3f} ms ({(b - a) / a:+.2%}),"
              f" Mann-Whitney p = {mann_whitney(times[first], times[second]):.3f}")
