"""Events on their way to webhooks, on both stores: how many reach a receiver that answers at once, what a receiver that
never answers does to the others, how much memory many take that nobody takes, and how soon those are gone afterwards."""
import json
import os
import statistics
import subprocess
import time

import common
from common import PORTS, RELEASE, RUNNING, call, url
from logins import start_mongod
from pushes import SHOP, STORES, push, stored

PRIVATE = "[push]\nwebhook_private_networks = true"
# So many events a second leave room on two cores, on which the receiver and what makes the pushes run as well.
PACE = 300
CONNECTIONS = 16


class Gateway:
    """A gateway on a store of its own."""

    def __init__(self, folder, peer, number, mongo):
        self.folder, self.peer, self.mongo = folder / f"{peer}-{number}", peer, mongo.replace("{}", f"{{}}-{number}")
        self.folder.mkdir()
        store = "sqlite:bench.db" if peer == "wxgate" else self.mongo.format("wxgate")
        self.config = common.write_config(self.folder, peer, store, PRIVATE, SHOP)
        self.process = common.start_gateway(self.config, peer)
        made = subprocess.run([RELEASE / "wxgate", "--config", self.config, "caller", "create", "--name", "load", "--app",
                               "shop", "--webhooks", "--json"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True)
        self.headers = {"Authorization": f"Bearer {json.loads(made.stdout)['key']}"}
        # Gateways hear of callers within two seconds.
        time.sleep(2.5)

    def hook(self, path, disabled=False):
        where = url(self.peer, "/v1/apps/shop/webhooks")
        return call(where, {"url": url("receiver", path), "disabled": disabled}, headers=self.headers)["id"]

    def change(self, webhook, **changes):
        where = url(self.peer, f"/v1/apps/shop/webhooks/{webhook}")
        call(where, changes, "PATCH", self.headers)
        time.sleep(1.5)

    def push(self, seconds, connections, rate=40_000, pause=None):
        return push(self.folder, self.peer, seconds, connections, rate, pause)

    def stored(self):
        return stored(self.folder, self.peer, self.mongo)

    def stop(self):
        common.stop(self.peer)


def received(count, patience=180):
    """What the receiver has, as soon as that are so many events."""
    until = time.monotonic() + patience
    while True:
        figures = call(url("receiver", "/figures"))
        if figures["count"] >= count or time.monotonic() > until:
            return figures
        time.sleep(0.2)


def run(options, folder):
    common.on_disk(folder, lambda folder: measure(options, folder))


def measure(options, folder):
    start_mongod(folder)
    mongo = f"mongodb://127.0.0.1:{PORTS['mongod']}/{{}}?replicaSet=rs"
    common.start_simulator(common.write_config(folder))
    for peer, store in STORES.items():
        if options.store not in (None, store):
            continue
        print(f"{store}, load average {os.getloadavg()[0]:.1f}", flush=True)
        start_receiver()
        for webhooks in (1, 3):
            live(options, Gateway(folder, peer, f"live{webhooks}", mongo), webhooks)
        hung(options, Gateway(folder, peer, "hung", mongo))
        common.stop("receiver")
        dead(options, Gateway(folder, peer, "dead", mongo))
        common.stop("receiver")


def start_receiver():
    common.start("receiver", [RELEASE / "examples" / "receiver", str(PORTS["receiver"])])


def live(options, gateway, webhooks):
    """As many pushes as are taken, each owed to so many webhooks; with the time until the last one has come."""
    for _ in range(webhooks):
        gateway.hook("/fast")
    gateway.push(1, options.connections)
    received(gateway.stored() * webhooks)
    for _ in range(options.rounds):
        before = gateway.stored()
        call(url("receiver", "/reset"))
        cpu = common.cpu_seconds(gateway.process)
        figure = gateway.push(options.seconds, options.connections)
        events = gateway.stored() - before
        came = received(events * webhooks)
        spent = came["last"] / 1000 - figure["began"]
        cpu = (common.cpu_seconds(gateway.process) - cpu) / events * 1e6
        print(f"  {webhooks} webhooks: {events} events pushed at {figure['rate']:.0f}/s (p99 {figure['p99']:.0f} ms), "
              f"{came['count']} deliveries of {came['different']} events within {spent:.1f} s: {events / spent:.0f} events/s,"
              f" {came['count'] / spent:.0f} deliveries/s; CPU per event {cpu:.0f} us; p99 of what waited {came['p99']} ms",
              flush=True)
    gateway.stop()


def hung(options, gateway):
    """Two receivers that answer, at a steady pace: without and with a third that does not."""
    gateway.hook("/fast")
    gateway.hook("/fast")
    third = gateway.hook("/hung", disabled=True)
    found = {False: [], True: []}
    gateway.push(2, CONNECTIONS, 2 * PACE, CONNECTIONS * 1000 // PACE)
    for _ in range(options.rounds):
        for is_hung in found:
            gateway.change(third, disabled=not is_hung)
            before = gateway.stored()
            call(url("receiver", "/reset"))
            figure = gateway.push(options.seconds, CONNECTIONS, 2 * PACE, CONNECTIONS * 1000 // PACE)
            found[is_hung].append(received(2 * (gateway.stored() - before)) | {"rate": figure["rate"]})
    for is_hung, came in found.items():
        print(f"  two that answer, {'a third that hangs' if is_hung else 'alone'}: {statistics.median(f['rate'] for f in came):.0f}"
              f" events/s, p50 {statistics.median(f['p50'] for f in came):.0f} ms, p99 {statistics.median(f['p99'] for f in came):.0f}"
              f" ms (rounds: {[f['p99'] for f in came]}), max {max(f['max'] for f in came)} ms", flush=True)
    ratio = statistics.median(bad["p99"] / max(good["p99"], 1) for bad, good in zip(found[True], found[False]))
    print(f"  p99 of the others: {ratio:.2f} times as long (median of pairs)", flush=True)
    gateway.stop()


def dead(options, gateway):
    """Many events for an endpoint that is not there, and what becomes of them when it is."""
    gateway.hook("/fast")
    gateway.push(1, options.connections)
    time.sleep(1)
    sizes = [(gateway.stored(), common.memory_mib(gateway.process))]
    while sizes[-1][0] < options.dead:
        gateway.push(2, options.connections)
        sizes.append((gateway.stored(), common.memory_mib(gateway.process)))
    steps = [size for index, size in enumerate(sizes) if index in {0, len(sizes) // 4, len(sizes) // 2, len(sizes) - 1}]
    print("  nobody takes them, resident memory: " + ", ".join(f"{count} events {size:.1f} MiB" for count, size in steps)
          + f"; at most {common.memory_mib(gateway.process, 'VmHWM'):.1f} MiB", flush=True)
    time.sleep(10)
    print(f"  ten seconds later: {common.memory_mib(gateway.process):.1f} MiB")
    events = gateway.stored()
    start_receiver()
    came = received(events, 600)
    spent = max(came["last"] - came["first"], 1) / 1000
    print(f"  the receiver is there: {came['count']} deliveries of {came['different']} events, of {events}, in {spent:.1f} s:"
          f" {came['count'] / spent:.0f}/s; resident memory {common.memory_mib(gateway.process):.1f} MiB, at most"
          f" {common.memory_mib(gateway.process, 'VmHWM'):.1f} MiB", flush=True)
    gateway.stop()
