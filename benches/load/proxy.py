"""Calls of WeChat's API handed on by the gateway, beside nginx with proxy_pass to the same upstream, and beside asking the
upstream itself. The upstream is an nginx of its own that answers from memory, so that it is never what is measured."""
import json
import os
import pathlib
import shutil
import statistics
import sys

import common
from common import RUNNING, url

SMALL = json.dumps({"subscribe": 1, "openid": "o" * 28, "language": "zh_CN", "subscribe_time": 1763690000, "remark": "",
                    "groupid": 0, "tagid_list": [128, 2], "subscribe_scene": "ADD_SCENE_QR_CODE"})
TOKEN = json.dumps({"access_token": "T" * 136, "expires_in": 7200})
TICKET = json.dumps({"errcode": 0, "errmsg": "ok", "ticket": "t" * 86, "expires_in": 7200})
PICTURE = 64 * 1024

COMMON = """
daemon off; worker_processes auto; error_log stderr crit; pid {folder}/{name}.pid;
events {{ worker_connections 4096; }}
http {{
  access_log off; keepalive_requests 1000000000; client_body_temp_path {folder}; proxy_temp_path {folder};
  fastcgi_temp_path {folder}; uwsgi_temp_path {folder}; scgi_temp_path {folder};
"""
UPSTREAM = COMMON + """
  server {{
    listen 127.0.0.1:{port} backlog=4096; root {folder}; default_type "application/json; encoding=utf-8";
    location = /cgi-bin/stable_token {{ return 200 '{token}'; }}
    location = /cgi-bin/ticket/getticket {{ return 200 '{ticket}'; }}
    location = /cgi-bin/media/get {{ default_type image/jpeg; try_files /picture =404; }}
    location / {{ return 200 '{small}'; }}
  }}
}}
"""
PROXY = COMMON + """
  upstream wechat {{ server 127.0.0.1:{upstream}; keepalive 256; keepalive_requests 1000000000; }}
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    location / {{ proxy_pass http://wechat; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_buffering off; }}
  }}
}}
"""


def start_nginx(name, text, folder, **more):
    home = folder / name
    home.mkdir()
    (home / "picture").write_bytes(os.urandom(PICTURE))
    config = home / "nginx.conf"
    config.write_text(text.format(name=name, folder=home, port=common.PORTS[name], **more))
    common.start(name, ["nginx", "-p", home, "-c", config, "-e", "stderr"])


def cpu_of_all(process):
    """nginx works in children of its own."""
    children = pathlib.Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    ticks = 0
    for pid in [process.pid, *children]:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def run(options, folder):
    if not shutil.which("nginx"):
        sys.exit("nginx is missing (Debian: apt-get install nginx-light)")
    folder.chmod(0o755)
    start_nginx("upstream", UPSTREAM, folder, token=TOKEN, ticket=TICKET, small=SMALL)
    start_nginx("nginx", PROXY, folder, upstream=common.PORTS["upstream"])
    config = common.write_config(folder)
    config.write_text(config.read_text().replace(url("simulator"), url("upstream")))
    key = common.create_caller(config, "--allow", "* /cgi-bin/**")
    gateway = common.start_gateway(config)
    get, post = folder / "get.lua", folder / "post.lua"
    get.write_text(f'wrk.headers["Authorization"] = "Bearer {key}"\n')
    body = json.dumps({"touser": "o" * 28, "msgtype": "text", "text": {"content": "x" * 900}})
    post.write_text(get.read_text() + f"""
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.body = '{body}'
""")
    cases = {
        "GET 200 B": ("/cgi-bin/user/info?openid=o1&lang=zh_CN", get),
        "POST 1 KiB": ("/cgi-bin/message/custom/send", post),
        "GET 64 KiB": ("/cgi-bin/media/get?media_id=m1", get),
    }
    peers = {"direct": ("upstream", ""), "nginx": ("nginx", ""), "wxgate": ("wxgate", "/v1/apps/shop/api")}
    figures = {}
    for _ in range(options.rounds):
        for case, (path, lua) in cases.items():
            for peer, (server, prefix) in peers.items():
                where = url(server, prefix + path)
                common.wrk(where, 1, options.connections, lua)
                before = cpu_of_all(RUNNING[server])
                figure = common.wrk(where, options.seconds, options.connections, lua)
                figure["cpu"] = (cpu_of_all(RUNNING[server]) - before) / figure["total"] * 1e6
                # What the way adds, where nobody waits for anybody.
                figure["one"] = common.wrk(where, 1, 1, lua)
                figures.setdefault((case, peer), []).append(figure)
    print(f"{options.rounds} rounds of {options.seconds} s, {options.connections} connections, wrk -t1, {os.cpu_count()} cores")
    for (case, peer), measured in figures.items():
        def median(of, pick):
            return statistics.median(pick(figure) for figure in of)
        nginx = figures[case, "nginx"]
        rate = median(measured, lambda figure: figure["rate"])
        pairs = statistics.median(ours["rate"] / base["rate"] for ours, base in zip(measured, nginx))
        print(f"{case:11} {peer:7} {rate:9.0f}/s  {pairs:5.2f} of nginx  p50 {median(measured, lambda f: f['p50']):6.2f}"
              f" p99 {median(measured, lambda f: f['p99']):7.2f} ms  cpu {median(measured, lambda f: f['cpu']):6.1f} us"
              f"  alone p50 {median(measured, lambda f: f['one']['p50']):6.3f} p99 {median(measured, lambda f: f['one']['p99']):6.3f} ms"
              f"  failed {median(measured, lambda f: f['failed']):.0%}")
    print(f"resident after the load: {common.memory_mib(gateway):.1f} MiB, at most {common.memory_mib(gateway, 'VmHWM'):.1f} MiB")
