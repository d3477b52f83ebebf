#!/usr/bin/env python3
"""Load runs on this machine: what one part does is compared with what another does in the same minute.

Needs wrk, node and npm, and a release build:

    cargo build --release --bin wxgate --example floor --example inserts --example pushes --example receiver
    (cd benches/load/express && npm install)
    python3 benches/load/run.py [requests|proxy|logins|pushes|fanout|flood|timing] [--seconds 4] [--rounds 5] [--connections 64]

`requests` (the default): the floor, the gateway and the Express peers, path by path. `proxy`: calls of
WeChat's API handed on, beside nginx and beside the upstream itself; it needs nginx. `logins`: logins with fresh codes
on both stores, beside Express and what the stores themselves can do; it needs a mongod (scripts/fetch-mongod.sh).
`pushes`: text messages in safe mode that are stored and answered by a rule, on both stores, beside Express with `wechat` and
what the stores themselves can do. `fanout`: how fast events reach webhooks, and the memory of many that nobody takes.
`flood`: how others fare while passwords are tried by hundreds. `timing`: whether the time of a refusal tells why.

Everything listens on loopback and ends with the run. Ratios are of medians over the rounds; the servers take turns
within each round, so that what else the machine does hits all of them alike.
"""
import argparse
import os
import pathlib
import shutil
import sys
import tempfile

import common
import fanout
import flood
import logins
import proxy
import pushes
import requests_of
import timing

KINDS = {"requests": requests_of.run, "logins": logins.run, "pushes": pushes.run, "fanout": fanout.run,
         "flood": flood.run, "timing": timing.run, "proxy": proxy.run}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("kind", nargs="?", choices=KINDS, default="requests")
    parser.add_argument("--seconds", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--paths", help="requests: only these, separated by commas")
    parser.add_argument("--samples", type=int, default=1000, help="timing: so many of each class")
    parser.add_argument("--classes", default="", help="timing: only those whose name contains this")
    parser.add_argument("--paced", type=int, default=60, help="pushes: so many seconds of a thousand a second")
    parser.add_argument("--dead", type=int, default=100_000, help="fanout: so many that nobody takes")
    parser.add_argument("--store", choices=["sqlite", "mongodb"], help="fanout: on this one only")
    options = parser.parse_args()
    if not shutil.which("wrk"):
        sys.exit("wrk is missing (Debian: apt-get install wrk)")
    with tempfile.TemporaryDirectory() as folder:
        try:
            print(f"{options.kind}: {os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f} before")
            KINDS[options.kind](options, pathlib.Path(folder))
        finally:
            common.stop_all()


if __name__ == "__main__":
    main()
