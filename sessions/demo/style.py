"""How the pages look: readable in light and dark, on a phone and on a desk."""

from __future__ import annotations

import base64
import hashlib

CSS = """
:root {
  color-scheme: light dark;
  --page: #f6f7f9; --card: #ffffff; --line: #d3d8de; --text: #1b1f24; --quiet: #545d68;
  --strong: #1d4ed8; --on-strong: #ffffff; --note: #e8f0fe; --wrong: #fdecea; --badge: #dcf3e3;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #14171b; --card: #1d2126; --line: #3a414a; --text: #e7e9ec; --quiet: #a8b0ba;
    --strong: #9dbdff; --on-strong: #10151d; --note: #1f2b42; --wrong: #442321; --badge: #1d3a29;
  }
}
*, ::before, ::after { box-sizing: border-box; }
body {
  margin: 0; background: var(--page); color: var(--text);
  font: 1rem/1.55 system-ui, sans-serif; overflow-wrap: anywhere;
}
header, main { max-width: 42rem; margin-inline: auto; padding-inline: 1rem; }
header {
  display: flex; flex-wrap: wrap; align-items: center; gap: .25rem 1.25rem; padding-block: .75rem;
}
header nav { display: flex; flex-wrap: wrap; align-items: center; gap: .25rem 1.25rem; flex: 1; }
header form { margin-inline-start: auto; }
main {
  background: var(--card); border: 1px solid var(--line); border-radius: .75rem;
  padding: 1.25rem 1.25rem 1.5rem; width: calc(100% - 2rem);
}
h1 { font-size: 1.6rem; line-height: 1.25; margin: 0 0 1rem; }
h2 { font-size: 1.05rem; margin: 0; }
p { margin: 0 0 1rem; }
main > :last-child, form > :last-child { margin-bottom: 0; }
a { color: var(--strong); text-underline-offset: .15em; }
nav a { display: inline-flex; align-items: center; min-height: 2.75rem; }
a[aria-current] { color: inherit; font-weight: 600; text-decoration: none; }
label { display: block; font-weight: 600; margin-bottom: .25rem; }
input {
  font: inherit; color: inherit; background: var(--card); width: 100%; max-width: 24rem;
  min-height: 2.75rem; padding: .5rem .75rem; border: 1px solid var(--quiet); border-radius: .5rem;
}
button, .button {
  display: inline-flex; align-items: center; min-height: 2.75rem; padding: .5rem 1rem;
  font: inherit; font-weight: 600; cursor: pointer; text-decoration: none;
  color: var(--strong); background: none; border: 1px solid var(--strong); border-radius: .5rem;
}
.first { color: var(--on-strong); background: var(--strong); }
:focus-visible { outline: 3px solid var(--strong); outline-offset: 2px; }
.quiet { color: var(--quiet); }
.note { background: var(--note); border-radius: .5rem; padding: .6rem .9rem; }
.wrong { background: var(--wrong); }
.devices { list-style: none; margin: 0 0 1.25rem; padding: 0; }
.devices li {
  display: flex; flex-wrap: wrap; align-items: center; justify-content: space-between;
  gap: .75rem; padding-block: 1rem; border-top: 1px solid var(--line);
}
.devices dl { display: grid; grid-template-columns: auto 1fr; gap: 0 .75rem; margin: .25rem 0 0; }
.devices dt { color: var(--quiet); }
.devices dd { margin: 0; }
.badge {
  background: var(--badge); border-radius: 1rem; padding: .15rem .7rem; font-size: .9rem;
  font-weight: 600;
}
.unseen {
  position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%);
  white-space: nowrap;
}
"""

_DIGEST = base64.b64encode(hashlib.sha256(CSS.encode()).digest()).decode()

POLICY = (
    f"default-src 'none'; style-src 'sha256-{_DIGEST}'; img-src data:; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
"""What the pages may do: wear this style, send forms here, and nothing else (CSP Level 3)."""
