"""A disk that fails at the n-th call: every file opened to be written, every write, fsync and rename of Python code counts."""

import errno
import io
import os
from contextlib import contextmanager


class Failing:
    """Counts calls; the n-th (from 1) fails. `kinds` remembers what was called, to see that a trial reached something."""

    def __init__(self, fail_at: int) -> None:
        self.fail_at = fail_at
        self.kinds: list[str] = []

    @property
    def has_failed(self) -> bool:
        return len(self.kinds) >= self.fail_at

    def call(self, kind: str) -> None:
        self.kinds.append(kind)
        if len(self.kinds) == self.fail_at:
            codes = {"write": errno.ENOSPC, "fsync": errno.EIO, "rename": errno.EACCES, "create": errno.ENOSPC}
            raise OSError(codes[kind], os.strerror(codes[kind]))


class _File:
    """A file opened to be written whose writes count; everything else is the file's own."""

    def __init__(self, file, counter: Failing) -> None:
        self._file, self._counter = file, counter

    def __getattr__(self, name):
        return getattr(self._file, name)

    def __enter__(self):
        self._file.__enter__()
        return self

    def __exit__(self, *what):
        return self._file.__exit__(*what)

    def __iter__(self):
        return iter(self._file)

    def write(self, data):
        self._counter.call("write")
        return self._file.write(data)

    def writelines(self, lines):
        for line in lines:
            self.write(line)


@contextmanager
def failing(fail_at: int, monkeypatch):
    """Let the n-th call fail within the block, and give the counter."""
    counter = Failing(fail_at)
    real_open, real_fdopen, real_os_open = io.open, os.fdopen, os.open
    real_fsync, real_replace, real_rename = os.fsync, os.replace, os.rename

    def opened(file, mode="r", *rest, **more):
        is_writing = any(letter in mode for letter in "wax+")
        if is_writing:
            counter.call("create")
        made = real_open(file, mode, *rest, **more)
        return _File(made, counter) if is_writing and not isinstance(file, int) else made

    def os_open(path, flags, *rest, **more):
        if flags & os.O_CREAT:
            counter.call("create")
        return real_os_open(path, flags, *rest, **more)

    def fdopened(descriptor, mode="r", *rest, **more):
        made = real_fdopen(descriptor, mode, *rest, **more)
        return _File(made, counter) if any(letter in mode for letter in "wax+") else made

    def counted(kind, real):
        def call(*arguments, **more):
            counter.call(kind)
            return real(*arguments, **more)

        return call

    with monkeypatch.context() as patch:
        patch.setattr(io, "open", opened)
        patch.setattr(os, "open", os_open)
        patch.setattr(os, "fdopen", fdopened)
        patch.setattr(os, "fsync", counted("fsync", real_fsync))
        patch.setattr(os, "replace", counted("rename", real_replace))
        patch.setattr(os, "rename", counted("rename", real_rename))
        yield counter
