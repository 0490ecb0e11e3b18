"""Files that appear whole or not at all, downloads and their cache, archives that try to break out."""

import hashlib
import io
import os
import stat
import tarfile
import zipfile

import pytest

from kerasish.utils import files
from kerasish.utils.archives import extract_archive
from kerasish.utils.files import atomic_write, get_file, hash_file

CONTENT = b"some bytes"
SHA256 = hashlib.sha256(CONTENT).hexdigest()
MD5 = hashlib.md5(CONTENT).hexdigest()


@pytest.fixture
def origin(tmp_path):
    source = tmp_path / "server" / "data.bin"
    source.parent.mkdir()
    source.write_bytes(CONTENT)
    return source.as_uri()


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "home"))
    return tmp_path / "home" / "datasets"


def test_a_write_puts_the_file_in_place(tmp_path):
    target = tmp_path / "model.keras"
    with atomic_write(target) as temporary:
        assert temporary.parent == tmp_path
        assert temporary.suffix == ".keras"
        temporary.write_bytes(b"new")
        assert not target.exists()
    assert target.read_bytes() == b"new"
    assert os.listdir(tmp_path) == ["model.keras"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_a_write_that_fails_leaves_the_old_file(tmp_path, error):
    target = tmp_path / "model.keras"
    target.write_bytes(b"old")
    with pytest.raises(error), atomic_write(target) as temporary:
        temporary.write_bytes(b"half")
        raise error
    assert target.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["model.keras"]


@pytest.mark.skipif(os.name != "posix", reason="POSIX file rights and links")
def test_a_write_keeps_rights_and_links(tmp_path):
    target, link, fresh = tmp_path / "a", tmp_path / "b", tmp_path / "c"
    target.write_bytes(b"old")
    target.chmod(0o640)
    link.symlink_to(target)
    with atomic_write(link) as temporary:
        temporary.write_bytes(b"new")
    assert link.is_symlink()
    assert target.read_bytes() == b"new"
    assert stat.S_IMODE(target.stat().st_mode) == 0o640
    umask = os.umask(0o027)
    try:
        with atomic_write(fresh) as temporary:
            temporary.write_bytes(b"")
    finally:
        os.umask(umask)
    assert stat.S_IMODE(fresh.stat().st_mode) == 0o640


def test_a_write_into_no_folder(tmp_path):
    with pytest.raises(FileNotFoundError), atomic_write(tmp_path / "none" / "a"):
        pass


@pytest.mark.parametrize(
    "check",
    [
        {},
        {"file_hash": SHA256},
        {"file_hash": MD5},
        {"md5_hash": MD5},
        {"file_hash": SHA256, "hash_algorithm": "sha256"},
    ],
)
def test_a_file_is_fetched_once(origin, cache, monkeypatch, capsys, check):
    path = get_file(origin=origin, **check)
    assert path == str(cache / "data.bin")
    assert os.listdir(cache) == ["data.bin"]
    assert capsys.readouterr().out == f"Downloading data from {origin}\n"
    monkeypatch.setattr(files, "_fetch", None)
    assert get_file("data.bin", origin=origin, **check) == path
    with open(path, "rb") as kept:
        assert kept.read() == CONTENT


@pytest.mark.parametrize("check", [{"file_hash": "0" * 64}, {"md5_hash": "0" * 32}])
def test_a_file_with_another_hash_is_not_kept(origin, cache, check):
    with pytest.raises(ValueError, match="expected 000.*was not kept"):
        get_file("renamed", origin=origin, **check)
    assert os.listdir(cache) == []


def test_a_stale_file_is_fetched_again(origin, cache, capsys):
    cache.mkdir(parents=True)
    (cache / "data.bin").write_bytes(b"stale")
    assert hash_file(get_file("data.bin", origin=origin, file_hash=SHA256)) == SHA256
    assert "another hash than expected" in capsys.readouterr().out
    (cache / "data.bin").write_bytes(b"stale")
    assert hash_file(get_file("data.bin", origin=origin, force_download=True)) == SHA256


def test_a_stale_file_stays_when_the_new_one_is_wrong(origin, cache):
    cache.mkdir(parents=True)
    (cache / "data.bin").write_bytes(b"stale")
    with pytest.raises(ValueError, match="was not kept"):
        get_file("data.bin", origin=origin, file_hash="0" * 64)
    assert (cache / "data.bin").read_bytes() == b"stale"


def test_a_short_answer_is_an_error(origin, cache, monkeypatch):
    monkeypatch.setattr(files, "_copy", lambda response, path: (3, 10))
    with pytest.raises(OSError, match="3 of 10 bytes arrived"):
        get_file(origin=origin)
    assert os.listdir(cache) == []


def test_wrong_requests(origin, tmp_path):
    with pytest.raises(ValueError, match="needs `origin`"):
        get_file("x")
    with pytest.raises(ValueError, match="without folders, got 'a/b'"):
        get_file("a/b", origin=origin)
    with pytest.raises(ValueError, match="hash_algorithm must be"):
        get_file(origin=origin, file_hash=SHA256, hash_algorithm="crc")
    with pytest.raises(OSError, match="could not fetch"):
        get_file(origin=(tmp_path / "nothing").as_uri())


def test_the_cache_can_lie_elsewhere(origin, tmp_path):
    path = get_file(origin=origin, cache_dir=tmp_path / "other", cache_subdir="sub")
    assert path == str(tmp_path / "other" / "sub" / "data.bin")


def _tar(path, members, mode="w:gz"):
    with tarfile.open(path, mode) as archive:
        for name, content in members:
            info = tarfile.TarInfo(name)
            if isinstance(content, bytes):
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content))
            else:
                info.type, info.linkname = content
                archive.addfile(info)
    return path


def _zip(path, members):
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members:
            archive.writestr(name, content)
    return path


@pytest.mark.parametrize("make", [_tar, _zip])
def test_archives_are_unpacked_where_keras_puts_them(tmp_path, cache, make, monkeypatch):
    origin = make(tmp_path / "things.archive", [("things/a.txt", b"a"), ("b.txt", b"b")]).as_uri()
    for fname, folder, kept in (
        (None, "things.archive", "things.archive_archive"),
        ("named.tgz", "named_extracted", "named.tgz"),
        ("plain", "plain", "plain_archive"),
    ):
        path = get_file(fname, origin=origin, extract=True)
        assert path == str(cache / folder)
        assert (cache / folder / "things" / "a.txt").read_bytes() == b"a"
        assert (cache / kept).exists()
    assert len(os.listdir(cache)) == 6
    monkeypatch.setattr(files, "extract_archive", None)
    assert get_file("plain", origin=origin, extract=True) == str(cache / "plain")


def test_untar_takes_tar_alone(tmp_path):
    assert get_file(origin=_tar(tmp_path / "a.tar", [("x", b"x")], "w").as_uri(), untar=True).endswith("a.tar")
    with pytest.raises(ValueError, match="no archive of format tar"):
        get_file(origin=_zip(tmp_path / "a.zip", [("x", b"x")]).as_uri(), untar=True)
    with pytest.raises(ValueError, match="archive_format must be"):
        extract_archive(tmp_path / "a.zip", tmp_path / "out", "rar")


def test_unpacking_again_replaces_the_folder(tmp_path):
    out = tmp_path / "out"
    extract_archive(_tar(tmp_path / "1", [("old", b"1")]), out)
    extract_archive(_tar(tmp_path / "2", [("new", b"2")]), out)
    assert os.listdir(out) == ["new"]


OUTSIDE = ["../evil", "/tmp/evil", "a/../../evil", "a\\..\\..\\evil", "C:/evil"]


@pytest.mark.parametrize("name", OUTSIDE)
@pytest.mark.parametrize("make", [_tar, _zip])
def test_archives_cannot_write_outside(tmp_path, make, name):
    archive = make(tmp_path / "bad", [("good", b"good"), (name, b"evil")])
    with pytest.raises(ValueError, match="lies outside the target folder"):
        extract_archive(archive, tmp_path / "in" / "out")
    assert os.listdir(tmp_path / "in") == []


@pytest.mark.parametrize(
    "members",
    [
        [("link", (tarfile.SYMTYPE, "../.."))],
        [("link", (tarfile.SYMTYPE, "/etc"))],
        [("d/link", (tarfile.SYMTYPE, "..")), ("d/link/out", (tarfile.SYMTYPE, "../../x"))],
        [("link", (tarfile.LNKTYPE, "../../secret"))],
        [("pipe", (tarfile.FIFOTYPE, ""))],
    ],
)
def test_links_cannot_lead_outside(tmp_path, members):
    archive = _tar(tmp_path / "bad", members)
    with pytest.raises(ValueError, match="was not extracted|holds links"):
        extract_archive(archive, tmp_path / "in" / "out")
    assert os.listdir(tmp_path / "in") == []
