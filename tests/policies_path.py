"""The policy the tests of the tracker's pages use."""

from pathlib import Path

POLICY = Path(__file__).resolve().parents[1] / "policies" / "zhanjiang-edz-2016.toml"
