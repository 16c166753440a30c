"""The stand-alone verifier finds every altered byte, names the leaf, and needs nothing of the node."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.evidence_log import KEY, LOG, ORIGIN, leaf_of, write_log
from xinqiao.evidence.notes import TreeHead, sign_note
from xinqiao.evidence.tiles import TileFolder, pack_bundle
from xinqiao.evidence.verify import main, verify_folder


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*")) if path.is_file())


def _codes(folder: Path) -> list[str]:
    return [finding.code for finding in verify_folder(folder, LOG.vkey).findings]


def _flip(path: Path, position: int) -> None:
    data = bytearray(path.read_bytes())
    data[position] ^= 0x01
    path.write_bytes(bytes(data))


@pytest.mark.parametrize("sizes", [[1], [5], [256], [300], [70, 513], [1100]])
def test_a_sound_log_has_no_findings(tmp_path: Path, sizes: list[int]) -> None:
    notes = write_log(tmp_path, sizes)
    verdict = verify_folder(tmp_path, LOG.vkey, earlier=notes)
    assert verdict.ok
    assert verdict.head is not None
    assert verdict.head.size == sizes[-1]
    assert str(sizes[-1]) in verdict.lines("zh")[0]
    assert str(sizes[-1]) in verdict.lines("en")[0]


def test_every_altered_byte_of_a_small_log_is_found(tmp_path: Path) -> None:
    write_log(tmp_path, [3, 5])
    for path in _files(tmp_path):
        data = path.read_bytes()
        for position in range(len(data)):
            _flip(path, position)
            assert not verify_folder(tmp_path, LOG.vkey).ok, f"{path.name} byte {position}"
            path.write_bytes(data)
    assert verify_folder(tmp_path, LOG.vkey).ok


def test_bytes_altered_anywhere_in_a_larger_log_are_found(tmp_path: Path) -> None:
    write_log(tmp_path, [70, 513])
    for path in _files(tmp_path):
        data = path.read_bytes()
        for position in range(0, len(data), max(1, len(data) // 12)):
            _flip(path, position)
            assert not verify_folder(tmp_path, LOG.vkey).ok, f"{path.name} byte {position}"
            path.write_bytes(data)


def test_an_altered_entry_is_one_finding_that_names_its_leaf(tmp_path: Path) -> None:
    write_log(tmp_path, [300])
    bundle = tmp_path / "tile/entries/001.p/44"
    leaves = [leaf_of(number) for number in range(256, 300)]
    leaves[4] = b'{"id":000}'[: len(leaves[4])]
    bundle.write_bytes(pack_bundle(leaves))
    (finding,) = verify_folder(tmp_path, LOG.vkey).findings
    assert finding.code == "entry_altered"
    assert "260" in finding.text("zh")
    assert "leaf 260" in finding.text("en")


def test_an_altered_hash_is_told_from_an_altered_entry(tmp_path: Path) -> None:
    write_log(tmp_path, [300])
    _flip(tmp_path / "tile/0/000", 32 * 17 + 3)
    assert [finding.text("en") for finding in verify_folder(tmp_path, LOG.vkey).findings] == [
        "leaf 17: its hash was altered (tile/0/000)"
    ]


def test_an_altered_upper_hash_names_the_leaves_below(tmp_path: Path) -> None:
    write_log(tmp_path, [600])
    _flip(tmp_path / "tile/1/000.p/2", 32)
    (finding,) = verify_folder(tmp_path, LOG.vkey).findings
    assert finding.text("en") == "above leaves 256 to 511: a hash was altered (tile/1/000.p/2)"


def test_swapped_and_dropped_entries_are_found(tmp_path: Path) -> None:
    write_log(tmp_path, [5])
    bundle = tmp_path / "tile/entries/000.p/5"
    leaves = [leaf_of(number) for number in range(5)]
    bundle.write_bytes(pack_bundle([leaves[1], leaves[0], *leaves[2:]]))
    assert _codes(tmp_path) == ["entry_altered", "entry_altered"]
    bundle.write_bytes(pack_bundle(leaves[:4]))
    assert _codes(tmp_path) == ["unreadable"]
    bundle.unlink()
    assert _codes(tmp_path) == ["missing"]


def test_a_log_rewritten_throughout_is_found_by_its_signature(tmp_path: Path) -> None:
    """A forger who rewrites entries and tiles alike cannot sign the new root."""
    write_log(tmp_path, [5])
    forged = [b'{"id":9}', *[leaf_of(number) for number in range(1, 5)]]
    TileFolder(tmp_path).extend(0, 5, lambda start, stop: forged[start:stop])
    assert _codes(tmp_path) == ["root"]


def test_a_log_rewritten_by_its_own_keeper_is_found_by_an_earlier_checkpoint(tmp_path: Path) -> None:
    (old,) = write_log(tmp_path / "real", [5])
    tiles = TileFolder(tmp_path / "forged")
    forged = [b'{"id":9}', *[leaf_of(number) for number in range(1, 8)]]
    tiles.extend(0, 8, lambda start, stop: forged[start:stop])
    tiles.write("checkpoint", sign_note(TreeHead(ORIGIN, 8, tiles.root(8)).text, name=ORIGIN, key=KEY).encode())
    assert verify_folder(tmp_path / "forged", LOG.vkey).ok
    (finding,) = verify_folder(tmp_path / "forged", LOG.vkey, earlier=[old]).findings
    assert finding.code == "forked"


def test_a_log_cut_back_is_found_by_an_earlier_checkpoint(tmp_path: Path) -> None:
    notes = write_log(tmp_path / "real", [5, 8])
    write_log(tmp_path / "cut", [5])
    (finding,) = verify_folder(tmp_path / "cut", LOG.vkey, earlier=notes).findings
    assert finding.code == "rolled_back"


def test_altered_older_tiles_and_strange_files_are_found(tmp_path: Path) -> None:
    write_log(tmp_path, [3, 5])
    _flip(tmp_path / "tile/0/000.p/3", 0)
    (tmp_path / "tile/0/readme").write_text("hello")
    assert sorted(_codes(tmp_path)) == ["stale_altered", "stray"]


def test_files_beyond_the_checkpoint_are_no_fault(tmp_path: Path) -> None:
    """A copy taken while the log grows may hold tiles that are not signed yet."""
    write_log(tmp_path, [5])
    leaves = [leaf_of(number) for number in range(300)]
    TileFolder(tmp_path).extend(5, 300, lambda start, stop: leaves[start:stop])
    assert _codes(tmp_path) == []


@pytest.mark.parametrize(
    ("lost", "code"), [("checkpoint", "no_checkpoint"), ("tile/0/000.p/5", "missing"), ("tile", "missing")]
)
def test_lost_files_are_named(tmp_path: Path, lost: str, code: str) -> None:
    write_log(tmp_path, [5])
    path = tmp_path / lost
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    assert code in _codes(tmp_path)


def test_the_key_must_be_the_expected_one(tmp_path: Path) -> None:
    write_log(tmp_path, [5])
    assert verify_folder(tmp_path).own_key
    (tmp_path / "vkey").unlink()
    assert [finding.code for finding in verify_folder(tmp_path).findings] == ["no_key"]
    (tmp_path / "vkey").write_text("another+00000000+AAAA\n")
    assert _codes(tmp_path) == ["key_differs"]
    assert [finding.code for finding in verify_folder(tmp_path).findings] == ["bad_note"]


def test_the_command_says_what_it_found_and_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_log(tmp_path, [5])
    assert main([str(tmp_path), "--vkey", LOG.vkey, "--lang", "en"]) == 0
    assert "verified: log.example/evidence, 5 leaves" in capsys.readouterr().out
    (tmp_path / "tile/0/000.p/5").unlink()
    assert main([str(tmp_path)]) == 1
    assert "缺少文件 tile/0/000.p/5" in capsys.readouterr().out


def test_the_verifier_runs_without_django_and_without_settings() -> None:
    program = (
        "import sys; import xinqiao.evidence.verify;"
        "unwanted = [m for m in sys.modules if m.split('.')[0] == 'django' or m.startswith('xinqiao.plumbing')];"
        "sys.exit(len(unwanted))"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
