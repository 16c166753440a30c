"""The log on disk follows the C2SP layout, gives any proof from few files, and repairs itself."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.evidence_log import leaf_of, write_log
from xinqiao.evidence import merkle
from xinqiao.evidence.merkle import (
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    node_hash,
    root_of,
    subtree_hash_of,
    verify_consistency,
    verify_inclusion,
)
from xinqiao.evidence.tiles import DamagedLog, TileFolder, pack_bundle, tile_path, tiles_of, unpack_bundle

HASHES = [leaf_hash(leaf_of(number)) for number in range(1100)]


@pytest.mark.parametrize(
    ("arguments", "path"),
    [
        ((0, 0), "tile/0/000"),
        ((1, 67, 3), "tile/1/067.p/3"),
        ((0, 1234067), "tile/0/x001/x234/067"),
        (("entries", 1000, 255), "tile/entries/x001/000.p/255"),
    ],
)
def test_paths_are_those_of_the_format(arguments: tuple[int, int], path: str) -> None:
    assert tile_path(*arguments) == path


def test_the_tiles_of_the_formats_example() -> None:
    """A log of 70,000 entries has 273 full and one partial tile, then 1 full and 1 partial, then 1 partial."""
    tiles = list(tiles_of(70_000))
    assert [sum(tile[0] == level for tile in tiles) for level in range(4)] == [274, 2, 1, 0]
    assert [tile for tile in tiles if tile[2] != 256] == [(0, 273, 112), (1, 1, 17), (2, 0, 1)]
    assert list(tiles_of(256)) == [(0, 0, 256), (1, 0, 1)]
    assert list(tiles_of(0)) == []


@given(st.integers(0, 3000), st.integers(0, 3000))
def test_growth_writes_exactly_what_changed(one: int, other: int) -> None:
    start, stop = sorted((one, other))
    assert set(tiles_of(stop, start=start)) == set(tiles_of(stop)) - set(tiles_of(start))


@given(st.lists(st.binary(max_size=300), max_size=20))
def test_bundles_go_both_ways(leaves: list[bytes]) -> None:
    assert unpack_bundle(pack_bundle(leaves)) == leaves


def test_bundles_that_do_not_add_up_are_refused() -> None:
    data = pack_bundle([b"abc", b"de"])
    for broken in (data[:-1], data[:6], data + b"\x00"):
        with pytest.raises(ValueError, match="the bundle ends"):
            unpack_bundle(broken)
    with pytest.raises(ValueError, match="65535"):
        pack_bundle([b"x" * 65536])


@pytest.mark.parametrize("sizes", [[1], [256], [257], [3, 200, 256, 300, 1100], [1100]])
def test_the_root_on_disk_is_the_root_of_the_leaves(tmp_path: Path, sizes: list[int]) -> None:
    write_log(tmp_path, sizes)
    assert TileFolder(tmp_path).root(sizes[-1]) == root_of(HASHES[: sizes[-1]])
    assert TileFolder(tmp_path).missing(sizes[-1]) == []


def test_a_log_written_at_once_or_in_steps_is_the_same(tmp_path: Path) -> None:
    write_log(tmp_path / "steps", [5, 255, 256, 600, 1100], keep_partials=False)
    write_log(tmp_path / "once", [1100])
    steps, once = ({p.relative_to(f).as_posix(): p.read_bytes() for p in f.rglob("*") if p.is_file()}
                   for f in (tmp_path / "steps", tmp_path / "once"))  # fmt: skip
    assert once.items() <= steps.items()
    assert {path.split(".p/")[0] for path in steps} == {path.split(".p/")[0] for path in once}


@pytest.fixture(scope="module")
def long_log(tmp_path_factory: pytest.TempPathFactory) -> TileFolder:
    folder = tmp_path_factory.mktemp("log")
    write_log(folder, [70, 513, 1100])
    return TileFolder(folder)


@settings(max_examples=200)
@given(data=st.data())
def test_proofs_from_tiles_hold(long_log: TileFolder, data: st.DataObject) -> None:
    size = data.draw(st.sampled_from([70, 513, 1100]))
    index = data.draw(st.integers(0, size - 1))
    old = data.draw(st.integers(1, size))

    def from_disk(start: int, stop: int) -> bytes:
        return long_log.subtree_hash(start, stop, size=size)

    root = root_of(HASHES[:size])
    verify_inclusion(index, size, HASHES[index], root, inclusion_proof(index, size, from_disk))
    proof = consistency_proof(old, size, from_disk)
    assert proof == consistency_proof(old, size, subtree_hash_of(HASHES))
    verify_consistency(old, size, root_of(HASHES[:old]), root, proof)


def test_the_proofs_of_a_run_hash_each_subtree_once(long_log: TileFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each proof by itself hashed its whole tile again, some hundreds of nodes: a million took longer than they may."""
    hashed = 0

    def count(left: bytes, right: bytes) -> bytes:
        nonlocal hashed
        hashed += 1
        return node_hash(left, right)

    monkeypatch.setattr(merkle, "node_hash", count)
    hash_of = long_log.hash_of(1100)
    proofs = [inclusion_proof(index, 1100, hash_of) for index in range(1100)]
    assert 0 < hashed < 10 * 1100
    assert proofs == [inclusion_proof(index, 1100, subtree_hash_of(HASHES)) for index in range(1100)]


def test_a_missing_tile_is_named_and_comes_back_the_same(tmp_path: Path) -> None:
    write_log(tmp_path, [600])
    before = (tmp_path / "tile/1/000.p/2").read_bytes()
    (tmp_path / "tile/1/000.p/2").unlink()
    tiles = TileFolder(tmp_path)
    assert tiles.missing(600) == ["tile/1/000.p/2"]
    with pytest.raises(DamagedLog, match="tile/1/000"):
        tiles.root(600)
    leaves = [leaf_of(number) for number in range(600)]
    assert tiles.extend(0, 600, lambda start, stop: leaves[start:stop]) == ["tile/1/000.p/2"]
    assert (tmp_path / "tile/1/000.p/2").read_bytes() == before


def test_partial_tiles_go_when_the_full_one_is_there(tmp_path: Path) -> None:
    write_log(tmp_path, [100, 300], keep_partials=False)
    assert not (tmp_path / "tile/0/000.p").exists()
    assert not (tmp_path / "tile/entries/000.p").exists()
    assert TileFolder(tmp_path).hashes(0, 0, 100) == HASHES[:100]


def test_nothing_half_written_is_left_behind(tmp_path: Path) -> None:
    write_log(tmp_path, [300])
    assert not list(tmp_path.rglob(".*"))
