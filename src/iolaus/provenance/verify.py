#!/usr/bin/env python3
"""Verify an Iolaus case file with nothing but Python's standard library: ``python verify.py case.json``.

This one file is all that is needed; it imports nothing of Iolaus. It answers five questions:

1. Is the file what its author signed?                              (signature)
2. Was every exchange, coin included, in the sealed vault?          (Merkle proofs against the published root)
3. Was the plan of the test fixed before its result could be known? (the plan is a later line of the same vault)
4. Do the points follow from the scores by the plan's rule alone?   (no coin enters there)
5. Do the chances that the case states follow from the points?      (recomputed here)

It cannot know whether the suspect model gives these scores (score a few exchanges anew), nor when the root was
published (compare the root it prints with the timestamped one).
"""

# ruff: noqa: T201 - this is a program for a terminal

import argparse
import bisect
import hashlib
import json
import math
import statistics
import sys
from collections.abc import Mapping
from typing import Any

__all__ = ["Refuted", "campaigns_digest", "canonical", "check_case", "commitment", "leaf_hash", "selection"]

Json = dict[str, Any]


class Refuted(Exception):
    """The case file does not hold; the text says where."""


def check(holds: bool, otherwise: str) -> None:
    """Go on if it holds."""
    if not holds:
        raise Refuted(otherwise)


def canonical(value: object) -> bytes:
    """The one way in which an object is written: sorted keys, no spaces, ASCII."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False).encode("ascii")


def sha256(content: bytes) -> bytes:
    """SHA-256."""
    return hashlib.sha256(content).digest()


def salted(nonce: str, field: str, text: str) -> str:
    """What the vault commits to instead of a text: without the exchange's nonce nobody can guess it."""
    return sha256(bytes.fromhex(nonce) + field.encode() + b"\x00" + text.encode("utf-8", "surrogatepass")).hex()


def campaigns_digest(of: Mapping[str, str], salt: str) -> str:
    """What a plan says of the campaigns that accounts belong to."""
    return sha256(canonical({"of": dict(of), "salt": salt})).hex() if of else ""


def commitment(entry: Json, coin: int | None) -> Json:
    """What a leaf of the tree says: for an exchange the salted hashes of its parts, and its coin.

    An entry that is already redacted holds these hashes in place of the texts, and its nonce's hash.
    """
    if entry["kind"] != "twin":
        return entry
    if entry.get("redacted"):
        return {key: value for key, value in entry.items() if key != "redacted"} | {"coin": coin}
    nonce = entry["nonce"]
    hidden = {
        "nonce": salted(nonce, "nonce", ""),
        "account": salted(nonce, "account", entry["account"]),
        "prompt": salted(nonce, "prompt", entry["prompt"]),
        "details": salted(nonce, "details", canonical(entry["details"]).decode()),
        "candidates": [salted(nonce, f"candidate {i}", text) for i, text in enumerate(entry["candidates"])],
    }
    return {key: entry[key] for key in ("kind", "seq", "prev", "time")} | hidden | {"coin": coin}


def leaf_hash(entry: Json, coin: int | None) -> bytes:
    """A leaf of the Merkle tree (RFC 6962, section 2.1: a zero byte before a leaf, a one before a node)."""
    return sha256(b"\x00" + canonical(commitment(entry, coin)))


def node_hash(left: bytes, right: bytes) -> bytes:
    """An inner node of the Merkle tree."""
    return sha256(b"\x01" + left + right)


def root_from_leaf(leaf: bytes, index: int, size: int, proof: list[str]) -> bytes:
    """The root that a leaf and the hashes beside its path lead to (RFC 6962, section 2.1.1)."""
    check(0 <= index < size, f"line {index} is outside a tree of {size}")
    found, last, rest = leaf, size - 1, [bytes.fromhex(h) for h in proof]
    while last > 0:
        if index % 2 == 1 or index < last:
            check(bool(rest), "a proof is too short")
            beside = rest.pop(0)
            found = node_hash(beside, found) if index % 2 == 1 else node_hash(found, beside)
        index, last = index // 2, last // 2
    check(not rest, "a proof is too long")
    return found


def roots_from_consistency(earlier: int, size: int, earlier_root: bytes, proof: list[str]) -> tuple[bytes, bytes]:
    """The earlier and the later root that a consistency proof leads to (RFC 6962, section 2.1.2)."""
    if earlier == size:
        return earlier_root, earlier_root
    rest, index, last = [bytes.fromhex(h) for h in proof], earlier - 1, size - 1
    while index % 2 == 1:
        index, last = index // 2, last // 2
    check(bool(rest) or index == 0, "the consistency proof is too short")
    old = new = rest.pop(0) if index > 0 else earlier_root
    while last > 0:
        if index % 2 == 1 or index < last:
            check(bool(rest), "the consistency proof is too short")
            beside = rest.pop(0)
            if index % 2 == 1:
                old, new = node_hash(beside, old), node_hash(beside, new)
            else:
                new = node_hash(new, beside)
        index, last = index // 2, last // 2
    check(not rest, "the consistency proof is too long")
    return old, new


# Ed25519 (RFC 8032, section 5.1)
PRIME = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
CURVE = -121665 * pow(121666, -1, PRIME) % PRIME
Point = tuple[int, int]


def add_points(a: Point, b: Point) -> Point:
    """The curve's addition."""
    product = CURVE * a[0] * b[0] * a[1] * b[1] % PRIME
    x, y = a[0] * b[1] + b[0] * a[1], a[1] * b[1] + a[0] * b[0]
    return x * pow(1 + product, -1, PRIME) % PRIME, y * pow(1 - product, -1, PRIME) % PRIME


def times(factor: int, point: Point) -> Point:
    """A point added to itself a number of times."""
    total = (0, 1)
    while factor:
        if factor % 2 == 1:
            total = add_points(total, point)
        point, factor = add_points(point, point), factor // 2
    return total


def decode_point(code: bytes) -> Point:
    """A point from its y and the parity of its x."""
    number = int.from_bytes(code, "little")
    y, odd = number % 2**255, number >> 255
    square = (y * y - 1) * pow(CURVE * y * y + 1, -1, PRIME) % PRIME
    x = pow(square, (PRIME + 3) // 8, PRIME)
    if x * x % PRIME != square:
        x = x * pow(2, (PRIME - 1) // 4, PRIME) % PRIME
    check(y < PRIME and x * x % PRIME == square, "the signature or its key is no point of the curve")
    return (PRIME - x if x % 2 != odd else x), y


def signature_holds(public_key: bytes, message: bytes, signature: bytes) -> bool:
    """Whether a signature is the key's: S times the base point equals R plus the hash times the key."""
    if len(public_key) != 32 or len(signature) != 64:
        return False
    s = int.from_bytes(signature[32:], "little")
    hashed = int.from_bytes(hashlib.sha512(signature[:32] + public_key + message).digest(), "little") % ORDER
    base = decode_point((4 * pow(5, -1, PRIME) % PRIME).to_bytes(32, "little"))
    expected = add_points(decode_point(signature[:32]), times(hashed, decode_point(public_key)))
    return s < ORDER and times(s, base) == expected


def selection(root: str, eligible: list[int], count: int) -> list[int]:
    """Which exchanges are tested, and in which order: the root decides, so that nobody can pick them."""
    return sorted(eligible, key=lambda seq: sha256(f"{root} {seq}".encode()))[:count]


def residuals(scores: Json, plan: Json) -> list[list[float]]:
    """The suspect's scores, each less its exchange's mean, less what the references predict of them.

    Ridge regression through the origin. No coin is used, or could be: none is among the arguments.
    """

    def centre(rows: list[list[float]]) -> list[float]:
        return [value - sum(row) / len(row) for row in rows for value in row]

    target = centre(scores["suspect"])
    features = [centre(scores[str(name)]) for name in plan["references"]]
    sizes = [math.sqrt(sum(v * v for v in f) / len(f)) or 1.0 for f in features]
    features = [[v / size for v in f] for f, size in zip(features, sizes, strict=True)]
    left = [[sum(a * b for a, b in zip(f, g, strict=True)) / len(target) for g in features] for f in features]
    right = [sum(a * b for a, b in zip(f, target, strict=True)) / len(target) for f in features]
    for i in range(len(features)):
        left[i][i] += plan["ridge"]
    fitted, wide = solve(left, right), len(scores["suspect"][0])
    rest = [t - sum(c * f[i] for c, f in zip(fitted, features, strict=True)) for i, t in enumerate(target)]
    return [rest[i : i + wide] for i in range(0, len(rest), wide)]


def solve(left: list[list[float]], right: list[float]) -> list[float]:
    """Linear equations, by elimination with pivots."""
    rows = [[*row, value] for row, value in zip(left, right, strict=True)]
    for i in range(len(rows)):
        pivot = max(range(i, len(rows)), key=lambda r: abs(rows[r][i]))
        rows[i], rows[pivot] = rows[pivot], rows[i]
        for r in range(len(rows)):
            if r != i:
                rows[r] = [a - rows[r][i] / rows[i][i] * b for a, b in zip(rows[r], rows[i], strict=True)]
    return [row[-1] / row[i] for i, row in enumerate(rows)]


def check_points(scores: Json, points: list[list[int]], ends: list[int], plan: Json) -> None:
    """Points are residuals in units of their robust spread, cut, and rounded to whole numbers.

    A test that may stop early works in batches: the points of a batch come from all exchanges up to its end.
    """
    for low, high in zip([0, *ends], ends, strict=False):
        rows = residuals({name: table[:high] for name, table in scores.items()}, plan)
        plain = [abs(v) for row in rows for v in row]
        spread = 1.4826 * statistics.median(plain) or math.sqrt(sum(v * v for v in plain) / len(plain)) or 1.0
        for row, given in zip(rows[low:], points[low:high], strict=True):
            for value, point in zip(row, given, strict=True):
                exact = plan["full"] * max(-1.0, min(1.0, value / (plan["cut"] * spread)))
                check(abs(exact - point) < 0.5 + 1e-6, f"a candidate has {point} points and should have {exact:.3f}")


def exact_chance(points: list[list[int]], served: list[int]) -> tuple[int, float, float]:
    """The total of the served candidates' points, and the exact chance that fair coins give so much or more.

    Third comes a bound on it that can be checked by hand: exp(-2 T^2 / sum of squared ranges) (Hoeffding, 1963).
    """
    total = sum(row[coin] for row, coin in zip(points, served, strict=True))
    law, start = [1.0], sum(map(min, points))
    for row in points:
        grown = [0.0] * (len(law) + max(row) - min(row))
        for point in row:
            for i, chance in enumerate(law, point - min(row)):
                grown[i] += chance / len(row)
        law = grown
    excess = total - sum(sum(row) / len(row) for row in points)
    ranges = sum((max(row) - min(row)) ** 2 for row in points)
    bound = math.exp(-2 * excess**2 / ranges) if excess > 0 and ranges else 1.0
    return total, min(1.0, math.fsum(law[max(0, total - start) :])), bound


def log_e_value(points: list[list[int]], served: list[int], plan: Json) -> float:
    """Logarithm of the fortune of a gambler who bets on every coin in turn (mean of several boldnesses)."""
    fortunes = []
    for kappa in plan["kappas"]:
        bets = [[math.exp(2 * kappa * point / plan["full"]) for point in row] for row in points]
        shares = [len(row) * row[coin] / sum(row) for row, coin in zip(bets, served, strict=True)]
        fortunes.append(sum(math.log1p(plan["stake"] * (share - 1)) for share in shares))
    best = max(fortunes)
    return best + math.log(sum(math.exp(f - best) for f in fortunes) / len(fortunes))


def check_signature(case: Json) -> str:
    """Question 1."""
    content = {key: value for key, value in case.items() if key != "signature"}
    key, value = str(case["signature"]["public_key"]), bytes.fromhex(case["signature"]["value"])
    check(signature_holds(bytes.fromhex(key), canonical(content), value), "the signature does not fit the file")
    return key


def check_vault(case: Json) -> None:
    """Questions 2 and 3."""
    seal, final = case["vault"]["seal"], case["vault"]["final"]
    root, final_root = bytes.fromhex(seal["root"]), bytes.fromhex(final["root"])
    told = case["campaigns"] or {"of": {}, "salt": ""}
    for row in case["exchanges"]:
        entry = row["entry"]
        seq, sides = entry["seq"], len(entry["candidates"])
        check(row["coin"] in range(sides), f"exchange {seq}: its coin names no candidate")
        if not entry.get("redacted"):
            by_hash = sorted(entry["candidates"], key=lambda t: sha256(t.encode("utf-8", "surrogatepass")))
            check(entry["candidates"] == by_hash, f"exchange {seq}: its candidates are not in coin-blind order")
            named = row["groups"].get("account", "") == entry["account"]
            check(named, f"exchange {seq}: it is counted under another account than the one that was sealed")
            named = row["groups"].get("campaign") == told["of"].get(entry["account"])
            check(named, f"exchange {seq}: it is counted under another campaign than the plan's")
        found = root_from_leaf(leaf_hash(entry, row["coin"]), seq, seal["size"], row["proof"])
        check(found == root, f"exchange {seq} (prompt, candidates, coin) is not what was sealed")
    both = roots_from_consistency(seal["size"], final["size"], root, case["vault"]["consistency"])
    check(both == (root, final_root), "the vault that holds the plan is no continuation of the sealed one")
    line = case["plan"]["entry"]
    check(line["seq"] >= seal["size"] and line["kind"] == "plan", "the plan is no later line of the vault")
    found = root_from_leaf(leaf_hash(line, None), line["seq"], final["size"], case["plan"]["proof"])
    check(found == final_root, "the plan is not what was registered")
    check(line["plan"]["root"] == seal["root"], "the plan speaks of another root")
    hidden = all(row["entry"].get("redacted") for row in case["exchanges"])
    same = hidden or campaigns_digest(told["of"], told["salt"]) == line["plan"]["campaigns"]
    check(same, "these are not the campaigns of the plan")


def check_result(case: Json) -> None:
    """Questions 4 and 5."""
    plan, result, rows = case["plan"]["entry"]["plan"], case["result"], case["exchanges"]
    check(len(set(plan["eligible"])) == len(plan["eligible"]), "the plan names an exchange twice")
    chosen = selection(plan["root"], plan["eligible"], plan["exchanges"])
    wanted = [seq for seq in chosen if str(seq) not in case["left_out"]]
    seqs = [row["entry"]["seq"] for row in rows]
    early = plan["decide"] == "e_value" and seqs == wanted[: len(seqs)]
    check(seqs == wanted or early, "these are not the exchanges that the plan names, in its order")
    scores = {name: [row["scores"][name] for row in rows] for name in ["suspect", *plan["references"]]}
    points, served = [row["points"] for row in rows], [row["coin"] for row in rows]
    place = {seq: index // plan["batch"] for index, seq in enumerate(chosen)}
    ends = [i + 1 for i, seq in enumerate(seqs) if seqs[i + 1 :] == [] or place[seqs[i + 1]] != place[seq]]
    check_points(scores, points, ends, plan)
    convicts = judge(points, served, plan, result, plan["alpha"], "the suspect")
    check(result["accused"] == (convicts and not result["refused"]), "the verdict does not follow from the plan")
    for family, groups in case["groups"].items():
        members: dict[str, list[int]] = {}
        for i, row in enumerate(rows):
            if row["groups"].get(family):
                members.setdefault(row["groups"][family], []).append(i)
        check(members.keys() == groups.keys(), f"not every {family} of the exchanges is judged")
        levels = levels_of(family, members, rows, plan)
        for name, stated in groups.items():
            mine, level, whom = members[name], levels[name], f"{family} {name}"
            check(math.isclose(level, stated["level"]), f"{whom}: its level is {level}, not {stated['level']}")
            convicts = judge([points[i] for i in mine], [served[i] for i in mine], plan, stated, level, whom)
            agrees = stated["learnt_from"] == (convicts and not result["refused"])
            check(agrees, f"{whom}: its verdict does not follow from the plan")


def levels_of(family: str, members: dict[str, list[int]], rows: list[Json], plan: Json) -> dict[str, float]:
    """Each account's or campaign's share of alpha. Coins have no part in it.

    Accounts of campaigns share half of it, others the other half. Each of k has a k-th; k leaves out those that could
    not be convicted even if every coin agreed (Tarone, 1990).
    """
    halves: list[dict[str, float]] = [{}, {}]
    for name, mine in members.items():
        other = family == "account" and "campaign" not in rows[mine[0]]["groups"]
        points = [rows[i]["points"] for i in mine]
        halves[other][name] = math.prod(row.count(max(row)) / len(row) for row in points)
    early = plan["decide"] == "e_value"
    planned: list[int] = plan["counts"][:2] if family == "account" else [plan["counts"][2], 0]
    sizes, levels = planned if early else [len(half) for half in halves], dict[str, float]()
    for half, size in zip(halves, sizes, strict=True):
        share, least = float(plan["alpha"]) / max(sum(n > 0 for n in sizes), 1), sorted(half.values())
        fits = (k for k in range(1, size + 1) if bisect.bisect_right(least, share / k) <= k)
        levels |= dict.fromkeys(half, share / (size if early else next(fits, 1)) if size else 0.0)
    return levels


def judge(points: list[list[int]], served: list[int], plan: Json, stated: Json, level: float, whom: str) -> bool:
    """Recompute what is stated of some exchanges, and say whether it convicts by the plan's own rule."""
    log_e = log_e_value(points, served, plan)
    if plan["decide"] == "e_value":
        # A test that may stop at any time has no fixed-size chance; the e-value bounds it (Ville, 1939).
        total = sum(row[coin] for row, coin in zip(points, served, strict=True))
        chance = bound = min(1.0, math.exp(-log_e))
    else:
        total, chance, bound = exact_chance(points, served)
    check(total == stated["total"], f"{whom}: the total is {total} points, not {stated['total']}")
    for name, found in (("p_value", chance), ("bound", bound), ("log_e_value", log_e)):
        agrees = math.isclose(found, stated[name], rel_tol=1e-6, abs_tol=1e-12 if name == "log_e_value" else 1e-200)
        check(agrees, f"{whom}: {name} is {found}, not {stated[name]}")
    return log_e >= -math.log(level) if plan["decide"] == "e_value" else chance <= level


def check_case(case: Json, root: str | None = None, public_key: str | None = None) -> list[str]:
    """Ask all five questions of a case, and compare root and key where they are given; sentences, or `Refuted`."""
    check(case.get("schema") == "iolaus.case/2", "this is no case file that this program knows")
    signed_by, seal, result = check_signature(case), case["vault"]["seal"], case["result"]
    check(public_key in (None, signed_by), f"the file is signed by {signed_by}, not by the key you gave")
    check(root in (None, seal["root"]), f"the case rests on the root {seal['root']}, not on the one you gave")
    check_vault(case)
    check_result(case)
    plan = case["plan"]["entry"]
    return [
        f"The file is signed by the key {signed_by}.",
        f"All {len(case['exchanges'])} exchanges and their coins were sealed under the root {seal['root']}.",
        f"The plan is line {plan['seq']} of that vault, behind its seal. The points follow by it without the coins.",
        f"If the suspect learnt nothing from what was served, fair coins give this or more with a chance of "
        f"{result['p_value']:.3g} (simple bound: {result['bound']:.3g}; e-value: exp({result['log_e_value']:.4g})).",
        f"{len(case['left_out'])} of the exchanges that the plan names were left out, for reasons stated in the file.",
        f"By the plan's rule, at {plan['plan']['alpha']:g}: "
        + ("the suspect learnt from served answers." if result["accused"] else "no accusation."),
    ]


def main() -> int:
    """Read a case file and say what holds; the exit status is 1 where something does not."""
    parser = argparse.ArgumentParser(description="Verify an Iolaus case file.")
    parser.add_argument("case", help="the case file (JSON)")
    parser.add_argument("--root", help="the published root, hexadecimal")
    parser.add_argument("--key", help="the author's public key, hexadecimal")
    asked = parser.parse_args()
    try:
        with open(asked.case, encoding="utf-8") as file:
            found = check_case(json.load(file), asked.root, asked.key)
    except (Refuted, OSError, ValueError, LookupError, TypeError, AttributeError, ArithmeticError) as error:
        print("DOES NOT HOLD:", f"{error}." if isinstance(error, Refuted) else f"damaged or no case file: {error}.")
        return 1
    print("HOLDS.", *found, sep="\n  ")
    return 0


if __name__ == "__main__":
    sys.exit(main())
