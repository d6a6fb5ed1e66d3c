#!/usr/bin/env python3
"Write README.md from nbs/index.ipynb, without Quarto: `python .ci/readme.py`, or `--check` to compare only."
import json
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
NOTE = '<!-- Made from nbs/index.ipynb by .ci/readme.py: edit the notebook. -->\n'
LINK = re.compile(r'(\]\(|src="|href=")(?![a-z]+:|#|/)([^)"\s]+)')
GIT = re.search(r'^git_url *= *(\S+)', (ROOT/'settings.ini').read_text(encoding='utf8'), re.M)[1]


def text(o): return ''.join(o) if isinstance(o, list) else (o or '')


def directives(src): return [o[2:].strip() for o in src.splitlines() if re.match(r'#\|', o)]


def fence(body, lang=''): return f'```{lang}\n{body.rstrip()}\n```'


def output(o):
    "The text of one stored output; pictures of the tour are linked from prose, so none is written here."
    if o['output_type'] == 'stream': return fence(text(o['text'])) if o.get('name') != 'stderr' else ''
    data = o.get('data', {})
    if 'text/markdown' in data: return text(data['text/markdown']).strip()
    return fence(text(data['text/plain'])) if 'text/plain' in data else ''


def cell_md(c):
    src = text(c['source']).strip()
    if c['cell_type'] == 'markdown': return LINK.sub(r'\1nbs/\2', src).replace(f'{GIT}/blob/main/', '')
    flags = directives(src)
    if 'hide' in flags or not src: return ''
    if any(o.startswith('default_exp') for o in flags): return ''
    body = '\n'.join(o for o in src.splitlines() if not re.match(r'#\|', o)).strip()
    shown = [] if 'output: false' in flags else map(output, c.get('outputs', []))
    return '\n\n'.join(o for o in [fence(body, 'python'), *shown] if o)


def readme():
    nb = json.loads((ROOT/'nbs/index.ipynb').read_text(encoding='utf8'))
    return NOTE + '\n' + '\n\n'.join(filter(None, map(cell_md, nb['cells']))) + '\n'


if __name__ == '__main__':
    new, path = readme(), ROOT/'README.md'
    if '--check' in sys.argv:
        if not path.exists() or path.read_text(encoding='utf8') != new:
            sys.exit('README.md differs from nbs/index.ipynb: run `python .ci/readme.py`')
    else: path.write_text(new, encoding='utf8')
