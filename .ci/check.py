#!/usr/bin/env python3
"""Checks of the repository that need no model: `python .ci/check.py`, from anywhere; standard library and yaml only.
`python .ci/check.py command NAME` prints the README's command line that stands under the marker `<!-- command: NAME -->`.
`python .ci/check.py staged _proc` checks the staged docs, as `nbdev_proc_nbs` leaves them; `rendered _docs` what Quarto made of them."""
import ast
import json
import re
import sys
from configparser import ConfigParser
from pathlib import Path

import readme
import staged

ROOT = Path(__file__).resolve().parents[1]
NBS, LIB = ROOT/'nbs', ROOT/'flocoder'
ORDER = 'data players rolls store loaders collection bundle soundfont training runs sweep compose editing windows vqvae flow sampling tokens octuple logits streams grammar text phrases diffusion unmasking autoregressive writing bottleneck latents audio wavecodec codegen metrics structure ear copies infilling model_metrics report evaluate leaderboard bench widgets codes session composer verbs soundroom studio workshop menu app cli'.split()
LIGHT = 'data players rolls store collection bundle soundfont compose editing windows vqvae flow sampling text phrases bottleneck latents audio wavecodec codegen metrics structure ear copies infilling model_metrics report evaluate leaderboard widgets codes session composer verbs soundroom studio workshop menu app cli'.split()
HEAVY = 'fastai matplotlib pretty_midi music21 pyarrow scipy'.split()
NAMES = {'yaml': 'pyyaml'}
MACHINE = re.compile(r'/(?:home|root|Users|work|tmp)/[\w.-]+/')


def command(name):
    m = re.search(rf'<!-- command: {name} -->\s*```\w*\n(.+)\n```', (ROOT/'README.md').read_text(encoding='utf8'))
    if not m: sys.exit(f'README.md has no one-line command under <!-- command: {name} -->')
    return m[1]


def notebooks(): return sorted(o for o in NBS.rglob('*.ipynb') if not any(p[0] in '._' for p in o.relative_to(NBS).parts))
def cells(path): return json.loads(path.read_text(encoding='utf8'))['cells']
def source(c): return readme.text(c['source'])
def settings():
    p = ConfigParser(delimiters=['='], interpolation=None)
    p.read(ROOT/'settings.ini', encoding='utf8')
    return p['DEFAULT']


def project(reqs): return {re.split(r'[<>=!~\[; ]', o)[0].lower().replace('-', '_') for o in reqs.splitlines() if o}


def imports(path):
    "(top-level name, line, whether it runs when the module is imported) of every import."
    tree = ast.parse(path.read_text(encoding='utf8'))
    late = {id(n) for f in ast.walk(tree) if isinstance(f, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)) for n in ast.walk(f)}
    for n in ast.walk(tree):
        if isinstance(n, ast.Import): names = [a.name for a in n.names]
        elif isinstance(n, ast.ImportFrom): names = [('flocoder' + (f'.{n.module}' if n.module else '')) if n.level else n.module]
        else: continue
        for o in names: yield o, n.lineno, id(n) not in late


def modules(): return [o for o in sorted(LIB.glob('*.py')) if o.stem[0] != '_']


def check_quarto():
    "_quarto.yml parses, and nbs/_quarto.yml is a link to it"
    import yaml
    cfg = yaml.safe_load((ROOT/'_quarto.yml').read_text())
    if cfg['project']['type'] != 'website': yield '_quarto.yml describes no website'
    link = NBS/'_quarto.yml'
    if not (link.is_symlink() and link.resolve() == ROOT/'_quarto.yml'): yield 'nbs/_quarto.yml is no link to ../_quarto.yml'


def check_sidebar():
    "every notebook stands in the sidebar, and every entry exists"
    import yaml
    def walk(o):
        if isinstance(o, str): yield o
        elif isinstance(o, list):
            for x in o: yield from walk(x)
        elif isinstance(o, dict): yield from walk(o.get('href') or o.get('contents') or [])
    listed = list(walk(yaml.safe_load((NBS/'sidebar.yml').read_text())['website']['sidebar']['contents']))
    have = [o.relative_to(NBS).as_posix() for o in notebooks()]
    yield from (f'{o} is not in nbs/sidebar.yml' for o in have if o not in listed)
    yield from (f'nbs/sidebar.yml lists {o}, which does not exist' for o in listed if o not in have)


def check_notebooks():
    "notebooks are small and clean: < 500 KB, at most 80 cells, no stderr, errors, widget state, counts or machine paths"
    for p in notebooks():
        raw = p.read_text(encoding='utf8')
        nb = json.loads(raw)
        if len(raw.encode()) >= 500_000: yield f'{p.name}: {len(raw.encode())/1e3:.0f} KB'
        if len(nb['cells']) > 80: yield f"{p.name}: {len(nb['cells'])} cells"
        if nb['metadata'].get('widgets'): yield f'{p.name}: widget state'
        if m := MACHINE.search(raw): yield f'{p.name}: names a path of one machine: {m[0]}'
        for i, c in enumerate(nb['cells']):
            if c.get('execution_count') is not None: yield f'{p.name} cell {i}: an execution count'
            for o in c.get('outputs', []):
                if o['output_type'] == 'error': yield f'{p.name} cell {i}: an error output'
                if o.get('name') == 'stderr': yield f'{p.name} cell {i}: stderr output'
                if any('widget' in k for k in o.get('data', {})): yield f'{p.name} cell {i}: a widget output'


def check_titles():
    "the first cell of a notebook holds its title and one line: the docs stage drops whatever else stands there"
    for p in notebooks():
        if not re.fullmatch(r'# [^\n]+\n+> [^\n]+', source(cells(p)[0]).strip()): yield f'{p.name}: write a title, a line after >, and the story in the cell below'


QUIET = {
    '00d_bundle', '00e_training', '00j_sweep', # settings and files, a straight line, curves
    '00k_soundfont', # single notes, measured
    '04b_logits', # a choice among numbers
    '08b_codegen', '10e_soundroom', '11c_vqwave', 'audio_scores', # sound without notes
    '09i_bench', # seconds and bytes
    '10a_verbs', # a toy verb
    '10i_app', # a server and its lock
    'train_on_gpu', # machines and settings
    'design', 'glossary', # text
}


def check_players():
    "chapters with music store a roll with a player"
    for p in notebooks():
        shown = (readme.text(o.get('data', {}).get('text/html')) for c in cells(p) for o in c.get('outputs', []))
        if p.stem not in QUIET and not any('data-notes=' in o for o in shown): yield f'{p.name}: end a cell in a Song, and store its output'


def check_imports_alone():
    "imports stand in cells of their own: the docs stage runs every cell that contains one"
    for p in notebooks():
        for i, c in enumerate(cells(p)):
            if c['cell_type'] != 'code': continue
            src = '\n'.join('' if re.match(r'\s*[%!]', o) else o for o in source(c).splitlines())
            body = ast.parse(src).body
            kinds = {isinstance(n, (ast.Import, ast.ImportFrom)) for n in body}
            if len(kinds) > 1: yield f'{p.name} cell {i}: imports and other code in one cell'


def check_directives():
    "directives are the first lines of their cell, and flags carry no value"
    for p in notebooks():
        for i, c in enumerate(cells(p)):
            if c['cell_type'] != 'code': continue
            seen = False
            for line in source(c).splitlines():
                if line.startswith('#|'):
                    if seen: yield f'{p.name} cell {i}: `{line}` below code'
                    if re.match(r'#\|\s*(slow|notest|cuda)\s*:', line): yield f'{p.name} cell {i}: write `{line.split(":")[0]}`'
                elif line.strip(): seen = True


def check_modules():
    "modules are under 600 lines, import downward only, never import nbdev, and load fast where they must"
    for p in modules():
        n = len(p.read_text(encoding='utf8').splitlines())
        if n >= 600: yield f'{p.name}: {n} lines'
        if p.stem not in ORDER: yield f'{p.name}: not in the order of rooms (.ci/check.py)'; continue
        for name, line, now in imports(p):
            top, *rest = name.split('.')
            if top == 'nbdev': yield f'{p.name}:{line}: imports nbdev'
            if top == 'flocoder' and rest and rest[0] in ORDER and now and ORDER.index(rest[0]) >= ORDER.index(p.stem):
                yield f'{p.name}:{line}: imports {name}, which stands below it'
            if now and p.stem in LIGHT and top in HEAVY: yield f'{p.name}:{line}: imports {top} at module level'
            if now and p.stem in ('verbs', 'soundroom', 'studio', 'workshop', 'menu', 'app', 'cli') and top in ('torch', 'numpy'): yield f'{p.name}:{line}: the command line must start without {top}'


def check_requirements():
    "what modules import is required, and what is required is imported; extras are imported late"
    cfg = settings()
    need, extra = project(cfg['requirements']), project(cfg['app_requirements'] + '\n' + cfg['audio_requirements'] + '\n' + cfg['bach_requirements'] + '\n' + cfg['cuda_requirements'])
    dev, used = project(cfg['dev_requirements']), set()
    for p in modules():
        for name, line, now in imports(p):
            top = name.split('.')[0]
            top = NAMES.get(top, top).lower()
            if top in sys.stdlib_module_names or top in ('flocoder', '__future__'): continue
            used.add(top)
            if top in need: continue
            if top in extra and not now: continue
            where = 'only a development requirement' if top in dev else 'an extra, imported at module level' if top in extra else 'no requirement'
            yield f'{p.name}:{line}: {top} is {where} in settings.ini'
    yield from (f'settings.ini requires {o}, which no module imports' for o in sorted(need - used))


def check_pins():
    "every pin carries a dated reason on the line above it"
    lines = (ROOT/'settings.ini').read_text(encoding='utf8').splitlines()
    for a, b in zip(lines, lines[1:]):
        if re.match(r'\s+[\w-]+\s*(==|<|~=)', b) and not re.match(r'\s+# 20\d\d-\d\d: ', a): yield f'settings.ini: {b.strip()} has no dated reason above it'


def check_version():
    "settings.ini and flocoder.__version__ agree"
    v = re.search(r"__version__ = ['\"](.+?)['\"]", (LIB/'__init__.py').read_text())
    if not v or v[1] != settings()['version']: yield f"settings.ini says {settings()['version']}, flocoder/__init__.py {v and v[1]}"


def check_links():
    "every relative link and picture of the README, the guides and the notebooks resolves"
    pages = [(o, o.read_text(encoding='utf8')) for o in ROOT.glob('*.md')]
    pages += [(o, '\n\n'.join(source(c) for c in cells(o) if c['cell_type'] == 'markdown')) for o in notebooks()]
    for p, body in pages:
        body = re.sub(r'```.*?```|`[^`\n]*`', '', body, flags=re.S)
        for _, target in readme.LINK.findall(body):
            target = target.split('#')[0].split('?')[0]
            alt = (p.parent/target).with_suffix('.ipynb') if target.endswith('.html') else p.parent/target
            if target and not alt.exists(): yield f'{p.name}: {target} does not resolve'


def check_readme():
    "README.md is what nbs/index.ipynb renders, and holds the two commands"
    path = ROOT/'README.md'
    if not path.exists() or path.read_text(encoding='utf8') != readme.readme(): yield 'README.md is stale: run `python .ci/readme.py`'
    for o in ('music', 'tests'): command(o)


def report(found_by, *args):
    "Print PASS or FAIL and what was found, for every check; whether all is well"
    bad = 0
    for f in found_by:
        try: found = list(f(*args))
        except (Exception, SystemExit) as e: found = [f'{type(e).__name__}: {e}']
        print(f'{"FAIL" if found else "PASS"} {f.__doc__}')
        for o in found: print('     ', o)
        bad += bool(found)
    return not bad


def main():
    if sys.argv[1:2] == ['command']: return print(command(sys.argv[2]))
    if sys.argv[1:2] == ['staged']: sys.exit(not report(staged.checks(), staged.Staged(sys.argv[2])))
    if sys.argv[1:2] == ['rendered']: sys.exit(not report([staged.rendered], staged.Staged('_proc'), Path(sys.argv[2])))
    sys.exit(not report(f for k, f in list(globals().items()) if k.startswith('check_')))


if __name__ == '__main__': main()
