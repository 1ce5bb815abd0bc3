"""Programs of the Debian root file system (guests/rootfs.py) and what to have them do: small but real work, the same output each time.

Each runs in a folder of its own that `inputs` has filled. The work takes a second or less under QEMU. Nothing here starts
another program: QEMU's user mode cannot do that without help of the host's kernel.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path

CC1 = "usr/lib/gcc/powerpc64le-linux-gnu/12/cc1"
#: All there is of the environment, the same under QEMU and here.
ENVIRONMENT = {"LC_ALL": "C", "PATH": "/usr/bin:/bin", "HOME": "/", "TZ": "UTC", "PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1"}


@dataclass(frozen=True)
class Program:
    """A program and its arguments. `path` is below the root; `output`: whether it is the same each time; `quick`: for a first look."""

    name: str
    path: str
    arguments: tuple[str, ...]
    stdin: str | None = None  # a file of `inputs`
    output: bool = True
    quick: bool = False


def words(count: int, seed: int) -> str:
    """Lines of numbers and words."""
    rng = random.Random(seed)
    syllables = [a + b for a in "bdfgklmnprst" for b in "aeiou"]
    names = ["".join(rng.choices(syllables, k=rng.randint(1, 4))) for _ in range(600)]
    return "".join(f"{rng.randrange(10**6)} {rng.choice(names)} {' '.join(rng.choices(names, k=rng.randint(2, 9)))}\n" for _ in range(count))


def inputs(folder: Path) -> None:
    """Writes the files that programs work on."""
    import json

    rng = random.Random(2)
    (folder / "text").write_text(words(8000, 1))
    (folder / "short").write_text(words(300, 3))
    (folder / "other").write_text("".join(line for n, line in enumerate(words(300, 3).splitlines(True)) if n % 7))
    (folder / "noise").write_bytes(rng.randbytes(1 << 20))
    people = [{"id": n, "name": f"n{n % 97}", "score": rng.randrange(1000) / 8, "tags": rng.sample("abcdefgh", 3)} for n in range(3000)]
    (folder / "data.json").write_text(json.dumps(people))
    (folder / "program.c").write_text(C)
    (folder / "sums").write_text("scale=60; 4*a(1); e(1); s(2); sqrt(2); for (i = 0; i < 60; ++i) x += 1/(i*i+1); x; 3^700 % 1000007\n")
    (folder / "query.sql").write_text(SQL)
    (folder / "library.py").write_text(LIBRARY)


C = r"""
typedef unsigned long size;
struct node { struct node *left, *right; int key; double weight; };
static struct node pool[4096];
static size used;
static struct node *insert(struct node *n, int key) {
    if (!n) { n = &pool[used++]; n->key = key; n->weight = key * 0.5; return n; }
    if (key < n->key) n->left = insert(n->left, key); else n->right = insert(n->right, key);
    return n;
}
static double sum(const struct node *n) { return n ? n->weight + sum(n->left) + sum(n->right) : 0; }
void multiply(int n, const double *restrict a, const double *restrict b, double *restrict c) {
    for (int i = 0; i < n; i++) for (int j = 0; j < n; j++) {
        double s = 0; for (int k = 0; k < n; k++) s += a[i * n + k] * b[k * n + j];
        c[i * n + j] = s; }
}
unsigned crc(const unsigned char *p, size n) {
    unsigned r = ~0u;
    while (n--) { r ^= *p++; for (int k = 0; k < 8; k++) r = r >> 1 ^ (0xEDB88320u & -(r & 1)); }
    return ~r;
}
void sort(int *v, int n) {
    for (int gap = n / 2; gap; gap /= 2) for (int i = gap; i < n; i++) {
        int t = v[i], j = i; for (; j >= gap && v[j - gap] > t; j -= gap) v[j] = v[j - gap]; v[j] = t; }
}
int parse(const char *s) {
    int v = 0, sign = 1;
    for (;; s++) switch (*s) {
        case ' ': case '\t': continue;
        case '-': sign = -sign; continue;
        case '0': case '1': case '2': case '3': case '4': case '5': case '6': case '7': case '8': case '9': v = v * 10 + *s - '0'; continue;
        default: return sign * v; }
}
int main(int argc, char **argv) {
    struct node *root = 0; int v[64];
    for (int i = 0; i < 64; i++) { root = insert(root, v[i] = parse(argv[i % argc])); }
    sort(v, 64);
    return (int)sum(root) ^ crc((const unsigned char *)v, sizeof v);
}
"""

SQL = """
create table t(a integer primary key, b integer, c text);
with recursive n(i) as (select 1 union all select i + 1 from n where i < 20000)
  insert into t select i, (i * 7919) % 1009, printf('row %d of %x', i, i * 31) from n;
create index tb on t(b);
select b, count(*), sum(a), min(c), round(avg(a), 3) from t group by b having b % 50 = 0 order by 2 desc, 1;
select count(*) from t x join t y on x.b = y.a where y.c like '%of 1%';
update t set c = upper(c) where b between 100 and 200;
delete from t where a % 3 = 0;
select count(*), total(length(c)), group_concat(distinct substr(c, 1, 5)) from t;
"""

LIBRARY = '''
import sys

def digests():
    import hashlib, hmac, zlib
    data = open("noise", "rb").read()
    for name in ("md5", "sha1", "sha256", "sha512", "sha3_256", "blake2b"):
        print(name, hashlib.new(name, data[: 1 << 18]).hexdigest())
    print(hmac.new(b"key", data, "sha256").hexdigest(), zlib.crc32(data), zlib.adler32(data))
    print(hashlib.pbkdf2_hmac("sha256", b"password", b"salt", 2000).hex())

def json_():
    import json
    people = json.load(open("data.json"))
    best = {}
    for p in people:
        best.setdefault(p["name"], []).append(p["score"])
    print(json.dumps({k: sum(v) / len(v) for k, v in sorted(best.items())}, indent=1)[:600])
    print(len(json.dumps(people, sort_keys=True)))

def re_():
    import re, collections
    text = open("text").read()
    count = collections.Counter(re.findall(r"\\b[bdk]\\w+?a\\b", text))
    print(count.most_common(8), len(re.sub(r"(\\w)\\1", r"<\\1>", text)), len(re.split(r"[aeiou]+\\s", text)))
    print([m.group("n") for m in re.finditer(r"^(?P<n>\\d+) (?:ba|ke)", text, re.M)][:12])

def decimal_():
    from decimal import Decimal, getcontext, ROUND_HALF_EVEN, localcontext
    getcontext().prec = 300
    a, b, t, p = Decimal(1), 1 / Decimal(2).sqrt(), Decimal("0.25"), Decimal(1)
    for _ in range(9):
        a, b, t, p = (a + b) / 2, (a * b).sqrt(), t - p * (a - (a + b) / 2) ** 2, 2 * p
    print((a + b) ** 2 / (4 * t))
    print(Decimal(2).ln(), Decimal("1.1").exp(), Decimal("7.325").quantize(Decimal("0.01"), ROUND_HALF_EVEN))
    print(sum((Decimal(n) / 7 for n in range(3000)), Decimal()))

def math_():
    import math, statistics, fractions
    total = [math.sin(n / 7) * math.exp(-n / 999) + math.atan2(n, 3) + math.lgamma(n + 0.5) + math.sqrt(n) for n in range(20000)]
    print(math.fsum(total).hex(), statistics.stdev(total), math.factorial(200), math.comb(300, 150), math.erf(0.5).hex())
    print(sum(fractions.Fraction(1, n) for n in range(1, 150)), [x.hex() for x in map(math.gamma, (0.1, 3.7, 50.2))], 10**400 // 7**300, round(2.675, 2))
    print("%.17g %r %e" % (1 / 3, 0.1 + 0.2, 1e308), float("1e-310"), int(1e22), divmod(-7.5, 2), 2**0.5, math.nextafter(1, 2))

def concurrent():
    import hashlib, zlib
    from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor, as_completed
    data = [bytes([n]) * 50000 for n in range(16)]
    with ThreadPoolExecutor(4) as pool:
        print(list(pool.map(lambda d: hashlib.sha256(d).hexdigest()[:8], data)))
        print(sorted(f.result() for f in as_completed(pool.submit(zlib.crc32, d) for d in data))[:4])
        try:
            pool.submit(lambda: 1 // 0).result(60)
        except ZeroDivisionError as e:
            print(e)
    with ProcessPoolExecutor(2) as pool:
        print(list(pool.map(zlib.adler32, data)))
def threading_():
    import threading, queue
    work, done, lock, total = queue.Queue(), queue.Queue(), threading.Lock(), [0]
    def worker():
        while (n := work.get()) is not None:
            s = sum(i * i % 7 for i in range(n))
            with lock:
                total[0] += s
            done.put((n, s))
    threads = [threading.Thread(target=worker) for _ in range(4)]
    for t in threads: t.start()
    for n in range(0, 4000, 40): work.put(n)
    for t in threads: work.put(None)
    for t in threads: t.join(60)
    print(total[0], sorted(done.queue)[-3:], threading.active_count())
    e, b, out = threading.Event(), threading.Barrier(3, timeout=30), []
    def meet(n):
        e.wait(30); out.append(n); b.wait()
    ts = [threading.Thread(target=meet, args=(n,)) for n in range(2)]
    for t in ts: t.start()
    e.set(); b.wait()
    for t in ts: t.join()
    print(sorted(out))

def objects():
    import random, heapq, bisect, struct, pickle, copy, datetime, itertools, functools, textwrap, collections, string
    r = random.Random(5)
    v = [r.gauss(0, 1) for _ in range(5000)]
    print(sum(sorted(v)[:100]).hex(), heapq.nsmallest(3, v), bisect.bisect(sorted(v), 0))
    @functools.lru_cache(None)
    def f(n): return n if n < 2 else f(n - 1) + f(n - 2)
    print(f(150), len(pickle.dumps({n: (n, str(n)) for n in range(2000)})), struct.pack(">dIh", 1.5, 7, -3).hex())
    print(datetime.date(2024, 2, 29) + datetime.timedelta(365), sum(1 for _ in itertools.permutations(range(7))), textwrap.fill("word " * 40, 33))

name = sys.argv[1]
globals()[name if name in globals() else name + "_"]()
'''

BASH = r"""
declare -A seen; primes=(); for ((n = 2; n < 900; n++)); do ok=1
for p in "${primes[@]}"; do ((p * p > n)) && break; ((n % p)) || { ok=0; break; }; done; ((ok)) && primes+=($n); done
echo ${#primes[@]} ${primes[-1]}; while read -r a b rest; do seen[$b]=$((${seen[$b]:-0} + a % 10)); done < short
for k in "${!seen[@]}"; do [[ $k =~ ^[bk] ]] && echo "$k ${seen[$k]}"; done | while read x; do printf '%s;' "$x"; done; echo
s=abc; for i in {1..200}; do s=${s//b/bx}; s=${s:0:40}; done; echo $s ${s^^} ${#s}; (exit 3); echo $?; trap 'echo bye' EXIT; exit 4
"""
DASH = r"""
n=0; i=0; while [ $i -lt 12000 ]; do i=$((i + 1)); n=$(((n * 31 + i) % 65521)); done; echo $n
f() { [ $1 -lt 2 ] && echo $1 || echo $(( $(f $(($1 - 1))) + $(f $(($1 - 2))) )); }; f 9; while read a b c; do case $b in ba*) echo "$a:$b";; esac; done < short; exit 9
"""
AWK = r"""
{ n[$2] += $1; w += NF; for (i = 3; i <= NF; i++) c[substr($i, 1, 2)]++ }
END { for (k in n) if (n[k] > m) { m = n[k]; b = k }; print w, b, m; l = asorti(c, o); for (i = 1; i <= 6; i++) printf "%s %d %.6f\n", o[i], c[o[i]], log(c[o[i]])
for (i = 0; i < 30000; i++) x = x * 0.99 + sin(i); print x; gsub(/[aeiou]/, "<&>", b); print b }
"""
PERL = r"""
use strict; my (%h, @v); open my $f, '<', 'text' or die; while (<$f>) { my ($n, @w) = split; $h{$_} += $n for @w; push @v, $n if /(\w)\1/ }
my @k = sort { $h{$b} <=> $h{$a} || $a cmp $b } keys %h; print join(',', @k[0..7]), " ", scalar(@v), "\n"; my $s = ''; $s .= pack('N', $_ ^ 0x5a5a) for @v[0..99];
print unpack('%32C*', $s), " ", join(' ', map { sprintf '%.10g', atan2($_, 3) * exp(-$_ / 9) } 1..8), "\n"; my $t = join ' ', @k; my $c = () = $t =~ /\b(?:ba|ke)\w*?[ou]\b/g; print "$c\n";
my ($x, $p) = (0, 1); for my $i (1..60000) { $x = ($x * 31 + $i) % 65521 } print "$x\n"; exit 5;
"""
LUA = r"""
local t = {} for line in io.lines("text") do for w in line:gmatch("%a+") do t[w] = (t[w] or 0) + 1 end end
local k = {} for w in pairs(t) do k[#k + 1] = w end table.sort(k, function(a, b) return t[a] > t[b] or t[a] == t[b] and a < b end)
for i = 1, 6 do io.write(k[i], " ", t[k[i]], "\n") end
local x, y, vx, vy = 1.0, 0.0, 0.0, 1.0 for i = 1, 60000 do local r = (x * x + y * y) ^ 1.5 vx, vy = vx - x / r * 1e-3, vy - y / r * 1e-3 x, y = x + vx * 1e-3, y + vy * 1e-3 end
print(string.format("%.12f %.12f", x, y), ("x"):rep(5), 7 // 2, 2^53, math.maxinteger, string.pack(">I4", 77):byte(1, 4))
local s = {} for i = 1, 3000 do s[i] = tostring(i * 0.37) end print(#table.concat(s), (table.concat(s):gsub("%d%.", "")):len()) os.exit(6)
"""
JQ = "[.[] | select(.score > 60) | {name, s: (.score * 2 + 1), t: (.tags | sort | join(\"-\"))}] | group_by(.name) | map({n: .[0].name, m: (map(.s) | add / length), t: (map(.t) | unique | length)}) | sort_by(.m) | .[0:12]"

PROGRAMS = (
    Program("busybox sha256sum", "bin/busybox", ("sha256sum", "noise"), quick=True),
    Program("busybox awk", "bin/busybox", ("awk", '{ n += $1; s[$2]++ } END { print n; for (k in s) if (s[k] > 25) print k, s[k] }', "text")),
    Program("busybox sort", "bin/busybox", ("sort", "-k2", "text")),
    Program("busybox sh", "bin/busybox", ("sh", "-c", DASH), quick=True),
    Program("bash", "bin/bash", ("-c", BASH), quick=True),
    Program("dash", "bin/dash", ("-c", DASH)),
    Program("sort", "usr/bin/sort", ("-k2,2", "-k1n", "text")),
    Program("sort -R | seeded", "usr/bin/shuf", ("--random-source=noise", "text")),
    Program("sha512sum", "usr/bin/sha512sum", ("noise", "text"), quick=True),
    Program("b2sum", "usr/bin/b2sum", ("noise",)),
    Program("md5sum", "usr/bin/md5sum", ("noise",)),
    Program("cksum", "usr/bin/cksum", ("noise", "text")),
    Program("factor", "usr/bin/factor", ("1000000007", "123456789012345678", "18446744073709551557", "340282366920938463463374607431768211297")),
    Program("seq", "usr/bin/seq", ("-f", "%.3g", "1", "0.25", "3000")),
    Program("base64", "usr/bin/base64", ("noise",)),
    Program("wc", "usr/bin/wc", ("text", "noise")),
    Program("tr", "usr/bin/tr", ("a-m", "N-Z"), stdin="text"),
    Program("od", "usr/bin/od", ("-A", "x", "-t", "fDx4", "text")),
    Program("ls", "bin/ls", ("-l", "--time-style=+", "-o", "-g", ".")),
    Program("sed", "bin/sed", ("-E", "s/([aeiou])([a-z])/\\2\\1/g; /ba/d; y/k/K/", "text")),
    Program("grep", "bin/grep", ("-nE", "^[0-9]+ (ba|ke)[a-z]*a .*(tu|fo)\\b", "text")),
    Program("diff", "usr/bin/diff", ("-u", "--label", "a", "--label", "b", "short", "other")),
    Program("find", "usr/bin/find", (".", "-type", "f", "-size", "+1k", "-name", "[a-n]*")),
    Program("tar", "bin/tar", ("--sort=name", "--mtime=@0", "--owner=0", "--group=0", "-cf", "-", "text", "short")),
    Program("bc", "usr/bin/bc", ("-lq",), stdin="sums"),
    Program("gawk", "usr/bin/gawk", (AWK, "text"), quick=True),
    Program("jq", "usr/bin/jq", ("-c", JQ, "data.json")),
    Program("file", "usr/bin/file", ("-m", "{root}/usr/share/misc/magic.mgc", "text", "noise", "data.json", "program.c", "library.py")),
    Program("perl", "usr/bin/perl", ("-e", PERL), quick=True),
    Program("lua5.4", "usr/bin/lua5.4", ("-e", LUA), quick=True),
    Program("sqlite3", "usr/bin/sqlite3", (":memory:",), stdin="query.sql", quick=True),
    Program("openssl sha512", "usr/bin/openssl", ("dgst", "-sha512", "noise")),
    Program("openssl aes", "usr/bin/openssl", ("enc", "-aes-256-cbc", "-K", "00112233" * 8, "-iv", "42" * 16, "-in", "noise")),
    Program("openssl prime", "usr/bin/openssl", ("prime", "170141183460469231731687303715884105727", "1000000016000000063")),
    Program("openssl speed", "usr/bin/openssl", ("speed", "-seconds", "1", "-bytes", "1024", "sha256"), output=False),
    Program("gzip", "bin/gzip", ("-9cn", "text")),
    Program("bzip2", "bin/bzip2", ("-c", "text")),
    Program("xz", "usr/bin/xz", ("-c", "-T1", "-3", "text")),
    Program("zstd", "usr/bin/zstd", ("-c", "-q", "-9", "--single-thread", "text")),
    *(Program(f"python3 {name}", "usr/bin/python3", ("library.py", name), quick=name in ("json", "math"))
      for name in ("digests", "json", "re", "decimal", "math", "threading", "objects")),
    Program("cc1 -O2", CC1, ("-quiet", "-O2", "-fno-ident", "program.c", "-o", "-")),
)  # fmt: skip
# Programs that compute in several threads (or, the last, processes).
THREADED = (
    Program("xz -T2", "usr/bin/xz", ("-c", "-T2", "-3", "--block-size=65536", "text")),
    Program("zstd -T2", "usr/bin/zstd", ("-c", "-q", "-9", "-T2", "-B65536", "text")),
    Program("sort --parallel", "usr/bin/sort", ("--parallel=2", "-S", "256K", "-k2,2", "-k1n", "text", "text")),
    Program("python3 threading", "usr/bin/python3", ("library.py", "threading")),
    Program("python3 concurrent", "usr/bin/python3", ("library.py", "concurrent")),
    Program("openssl speed -multi", "usr/bin/openssl", ("speed", "-multi", "2", "-seconds", "1", "-bytes", "1024", "sha256"), output=False),
)
