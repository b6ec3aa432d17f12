"""Texts that someone may try to store."""

from __future__ import annotations

REFUSED = {
    "expansion": "a ${system(touch /tmp/x)}",
    "preprocessor-expansion": "$${domain}",
    "split-expansion": "$$${x}",
    "exec": '<X-PRE-PROCESS cmd="exec" data="touch /tmp/x"/>',
    "exec-without-bracket": "x-Pre-Process",
    "old-exec": "<!--#exec touch /tmp/x -->",
    "instruction": "<?xml version='1.0'?>",
    "newline": "two\nlines",
    "carriage-return": "two\rlines",
    "nul": "a\x00b",
    "escape": "a\x1b[2Jb",
    "next-line": "a\x85b",
    "line-separator": "a\u2028b",
    "surrogate": "a\ud800b",
    "array": "ARRAY::a|:b",
}

INERT = {
    "markup": "<b>bold</b></user></users>",
    "include": "<include> and </include>",
    "quotes": "\"double\" and 'single'",
    "cdata": "]]> <![CDATA[ x",
    "entity": "&#36;{x} &amp;#36;{y} &lt;X-PRE &quot;",
    "comment": "<!-- x -- y -->",
    "dollars": "$1 $$ {x} $",
    "backslashes": "\\n \\' \\",
    "dial-string": "a,b|c:_:[x=y]{z=w}^^;@%",
    "unicode": "Büro 東京 🦊",
    "long": "x" * 300,
}
