"""Every code block of the tutorial runs, those of one language together as one program."""

import os
import subprocess
import sys
from pathlib import Path

from blocks import ROOT, program

TUTORIAL = "docs/tutorial.md"


def run(command: list[str], **options) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, **options)
    assert done.returncode == 0, f"{command}:\n{done.stdout}\n{done.stderr}"


def test_rust(tmp_path: Path) -> None:
    main = tmp_path / "tutorial.rs"
    body = program(TUTORIAL, "rust")
    main.write_text(f"fn main() -> causelog::Result<()> {{\n{body}\nOk(())\n}}\n", encoding="utf-8")
    built = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "debug"
    run(["cargo", "build", "--locked", "--quiet", "-p", "causelog"], cwd=ROOT)
    library = ["--extern", f"causelog={built / 'libcauselog.rlib'}", "-L", f"dependency={built / 'deps'}"]
    binary = tmp_path / "tutorial"
    run(["rustc", "--edition", "2024", *library, "-o", str(binary), str(main)])
    run([str(binary)])


def test_python(tmp_path: Path) -> None:
    run([sys.executable, "-W", "error", "-c", program(TUTORIAL, "python")], cwd=tmp_path)


def test_node(tmp_path: Path) -> None:
    modules = tmp_path / "node_modules"
    modules.mkdir()
    (modules / "causelog").symlink_to(ROOT / "bindings" / "node", target_is_directory=True)
    main = tmp_path / "tutorial.js"
    main.write_text(program(TUTORIAL, "js"), encoding="utf-8")
    run(["node", str(main)], cwd=tmp_path)
