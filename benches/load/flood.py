"""How /jsapi fares while hundreds of clients try passwords, and what memory that takes."""
import os
import pathlib
import statistics
import threading
import time
import urllib.parse

import common
from common import HERE, url

PAGE = "/jsapi?url=" + urllib.parse.quote("https://h5.example.com/shop/item?id=1234", safe="")
ATTACKERS = 500
# Counting is part of the work; refusing because of the count would be none.
LIMITS = """
[auth.limits]
account_failures = 1000000
address_failures = 1000000
"""


def hashing(process):
    """How many threads for passwords there are, and how many of them are at work."""
    at_work = [(task / "stat").read_text().rsplit(")", 1)[1].split()[0] == "R"
               for task in pathlib.Path(f"/proc/{process.pid}/task").iterdir()
               if (task / "comm").read_text().strip() == "passwords"]
    return len(at_work), sum(at_work)


def run(options, folder):
    config = common.write_config(folder, more=LIMITS)
    common.start_simulator(config)
    gateway = common.start_gateway(config)
    page = url("wxgate", PAGE)
    common.wrk(page, 2, 16)
    base, figures = common.memory_mib(gateway), {}
    for _ in range(options.rounds):
        figures.setdefault("alone", []).append(common.wrk(page, options.seconds, 16))
        for name, pause in (("relentless", 0), ("once a second", 1000)):
            lasting = options.seconds + 3
            attack = common.wrk(url("wxgate", "/v1/token"), lasting, ATTACKERS, HERE / "flood.lua",
                                {"PAUSE": str(pause)}, wait=False)
            resident, threads, most, ended = [], 0, 0, threading.Event()

            def watch():
                nonlocal threads, most
                while not ended.wait(0.05):
                    resident.append(common.memory_mib(gateway))
                    threads, working = hashing(gateway)
                    most = max(most, working)
            watching = threading.Thread(target=watch)
            watching.start()
            time.sleep(2)
            figure = common.wrk(page, options.seconds, 16)
            attack = common.measured(attack, "the flood")
            ended.set()
            watching.join()
            own = {name: int(count) for name, count in attack["own"].items()}
            figure |= {"peak": max(resident), "threads": threads, "working": most, "attack p99": attack["p99"],
                       "attempts": attack["rate"], "compared": own["wrong"] / lasting, "other": own["other"],
                       "busy": own["busy"] / max(attack["total"], 1)}
            figures.setdefault(name, []).append(figure)
            time.sleep(3)
    print(f"{options.rounds} rounds of {options.seconds} s; /jsapi over 16 connections, passwords over {ATTACKERS}; {os.cpu_count()} cores")
    for name, measured in figures.items():
        def median(what):
            return statistics.median(figure[what] for figure in measured)
        p99 = ", ".join(f"{figure['p99']:.1f}" for figure in measured)
        print(f"{name:14} /jsapi {median('rate'):8.0f}/s  p50 {median('p50'):6.2f} ms  p99 {median('p99'):6.2f} ms ({p99})"
              f"  failed {median('failed'):.0%}")
        if name != "alone":
            print(f"{'':14} attempts {median('attempts'):.0f}/s, compared {median('compared'):.0f}/s, 503 {median('busy'):.1%},"
                  f" other answers {sum(figure['other'] for figure in measured)}, p99 of an attempt {median('attack p99'):.0f} ms;"
                  f" threads that hash {median('threads'):.0f}, at work at once {max(f['working'] for f in measured)};"
                  f" resident at most {max(f['peak'] for f in measured):.1f} MiB")
    print(f"resident before {base:.1f} MiB, after {common.memory_mib(gateway):.1f} MiB")
