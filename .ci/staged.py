"""Checks of the staged docs, as `nbdev_proc_nbs` leaves them for Quarto: `python .ci/check.py staged _proc`.
Quarto itself is not needed: addresses and anchors are worked out here by its rules."""
import json
import re
from collections import Counter
from functools import cached_property
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

from readme import ROOT, text

PAGE, SITE, PICTURE = 500_000, 10_000_000, 300_000  # bytes of one page, of all pages together (7 MB in 2026-11), of one picture
MD_LINK = re.compile(r'(!?)\[(?:[^\[\]]|\[[^\]]*\])*\]\(\s*<?([^)\s>]+)>?(?:\s+"[^"]*")?\s*\)')
BUILT_IN = 'cerulean cosmo cyborg darkly flatly journal litera lumen lux materia minty morph pulse quartz sandstone simplex sketchy slate solar spacelab superhero united vapor yeti zephyr default none'.split()


def slug(heading):
    "The anchor of a heading, by pandoc's rule: marks dropped, lower case, spaces to hyphens, nothing before the first letter"
    s = re.sub(r'!?\[([^\]]*)\]\([^)]*\)', r'\1', heading)
    s = re.sub(r'<[^>]+>|\\|-{2,3}|\.{3}', '', s)
    s = '-'.join(''.join(c for c in s.lower() if c.isalnum() or c.isspace() or c in '_-.').split())
    return re.sub(r'^[\W\d_]+', '', s) or 'section'


class Tags(HTMLParser):
    "Links, sources and ids of a piece of HTML"
    def __init__(self, html):
        super().__init__()
        self.links, self.loads, self.ids = [], [], []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        d = dict(attrs)
        if d.get('id'): self.ids.append(d['id'])
        if d.get('href'): (self.links if tag == 'a' else self.loads).append(d['href'])
        if d.get('src'): self.loads.append(d['src'])


class Page:
    "One staged notebook: its address, what it points to, and the anchors that others may point to"
    def __init__(self, path, site):
        self.path, self.name, self.size = path, path.relative_to(site).as_posix(), path.stat().st_size
        cells = json.loads(path.read_text(encoding='utf8'))['cells']
        front = '\n'.join(text(c['source']) for c in cells if c['cell_type'] == 'raw')
        m = re.search(r'^output-file: *(\S+)', front, re.M)
        self.html = (Path(self.name).parent/(m[1] if m else Path(self.name).with_suffix('.html').name)).as_posix()
        self.titled, self.prose, self.shown = bool(re.search(r'^title: *\S', front, re.M)), [], []
        for c in cells:
            if c['cell_type'] == 'markdown': self.prose.append(text(c['source']))
            for d in (o.get('data', {}) for o in c.get('outputs', [])):
                if 'text/markdown' in d: self.prose.append(text(d['text/markdown']))
                elif 'text/html' in d: self.shown.append(text(d['text/html']))

    @cached_property
    def plain(self): return [re.sub(r'^(```+|~~~+).*?^\1|<!--.*?-->', '', o, flags=re.S | re.M) for o in self.prose]

    @cached_property
    def tags(self): return Tags('\n'.join([*self.shown, *(re.sub(r'`[^`\n]*`', '', o) for o in self.plain)]))

    @cached_property
    def links(self):
        "(target, is it a picture or another thing that the page loads)"
        found = [(t, bool(bang)) for o in self.plain for bang, t in MD_LINK.findall(re.sub(r'`[^`\n]*`', '', o))]
        return found + [(o, False) for o in self.tags.links] + [(o, True) for o in self.tags.loads]

    @cached_property
    def anchors(self):
        found, seen = {*self.tags.ids}, Counter()
        for h in (h for o in self.plain for h in re.findall(r'^#{1,6}[ \t]+(.+?)[ \t]*#*$', o, re.M)):
            h, braces = re.sub(r'\{[^{}]*\}\s*$', '', h), re.search(r'\{[^{}]*?#([\w.:-]+)[^{}]*\}\s*$', h)
            if braces: found.add(braces[1]); continue
            s = slug(h)
            found.add(f'{s}-{seen[s]}' if seen[s] else s)
            seen[s] += 1
        return found


class Staged:
    "The folder with the staged pages and their configuration"
    def __init__(self, folder): self.folder = Path(folder).resolve()

    @cached_property
    def pages(self): return {p.name: p for o in sorted(self.folder.rglob('*.ipynb')) if '_docs' not in o.parts for p in [Page(o, self.folder)]}

    @cached_property
    def by_html(self): return {p.html: p for p in self.pages.values()}

    @cached_property
    def configs(self):
        import yaml
        return {o: yaml.safe_load((self.folder/o).read_text(encoding='utf8')) for o in ('_quarto.yml', 'nbdev.yml', 'sidebar.yml')}

    def entries(self):
        "What the sidebar points to"
        def walk(o):
            if isinstance(o, str): yield o
            elif isinstance(o, list):
                for x in o: yield from walk(x)
            elif isinstance(o, dict):
                yield from walk([o[k] for k in ('href', 'file', 'contents') if o.get(k)])
        return list(walk(self.configs['sidebar.yml']['website']['sidebar']['contents']))

    def resolve(self, page, target):
        "A link as (path in the site, anchor); None if it leads elsewhere"
        web = self.configs['nbdev.yml']['website']
        if target.startswith(web['site-url']): base, target = self.folder, target[len(web['site-url']):].lstrip('/') or 'index.html'
        else: base = page.path.parent
        if re.match(r'[a-zA-Z][\w+.-]*:|//', target): return None
        if target.startswith('/'): base, target = self.folder, target.lstrip('/')
        name, _, anchor = target.partition('#')
        name = unquote(name.split('?')[0])
        where = (base/name).resolve() if name else page.path
        return where, unquote(anchor)

    def find(self, where):
        "The page at a path, by the name of its notebook or by its address"
        if not where.is_relative_to(self.folder): return None
        name = where.relative_to(self.folder).as_posix()
        return self.pages.get(name) or self.by_html.get(name)


def staged_pages(site):
    "every notebook is staged, has a title, and an address of its own"
    want = {o.relative_to(ROOT/'nbs').as_posix() for o in (ROOT/'nbs').rglob('*.ipynb') if not any(p[0] in '._' for p in o.relative_to(ROOT/'nbs').parts)}
    yield from (f'{o} was not staged' for o in sorted(want - {*site.pages}))
    yield from (f'{o} has no notebook' for o in sorted({*site.pages} - want))
    yield from (f'{o.name} has no title' for o in site.pages.values() if not o.titled)
    for html, n in Counter(o.html for o in site.pages.values()).items():
        if n > 1: yield f'{n} pages would be written as {html}: ' + ', '.join(o.name for o in site.pages.values() if o.html == html)


def staged_links(site):
    "every link of the staged pages leads to a page or a file that is there, and to a heading of it"
    repo = site.configs['nbdev.yml']['website']['repo-url']
    for page in site.pages.values():
        for target, loads in page.links:
            if m := re.match(re.escape(repo) + r'/(?:blob|tree|raw)/[^/]+/([^#?]+)', target):
                if not (ROOT/m[1]).exists(): yield f'{page.name}: {target}: the repository has no {m[1]}'
            at = None if loads else site.resolve(page, target)
            if not at: continue
            where, anchor = at
            there = site.find(where)
            if there is None and not where.is_file(): yield f'{page.name}: {target} leads nowhere'
            elif there is None and not where.is_relative_to(site.folder): yield f'{page.name}: {target} leads out of the site'
            elif anchor and there is None: yield f'{page.name}: {target}: an anchor of what is no page'
            elif anchor and anchor not in there.anchors: yield f'{page.name}: {target}: no heading of {there.name} is called that'


def staged_pictures(site):
    "pictures are there and small, and no page loads anything from elsewhere"
    for page in site.pages.values():
        for target, loads in page.links:
            if not loads or target.startswith(('data:', '#')): continue
            at = site.resolve(page, target)
            if not at: yield f'{page.name}: loads {target[:80]}, which is not part of the site'
            elif not at[0].is_file() or not at[0].is_relative_to(site.folder): yield f'{page.name}: {target} is not there'
            elif at[0].stat().st_size > PICTURE: yield f'{page.name}: {target} has {at[0].stat().st_size/1e3:.0f} KB'


def staged_sidebar(site):
    "every page stands in the sidebar once, and every entry of the sidebar is a page"
    listed = Counter(site.entries())
    yield from (f'{o} is not in the sidebar' for o in site.pages if not listed[o])
    for o, n in listed.items():
        if o not in site.pages: yield f'the sidebar lists {o}, which is not staged'
        elif n > 1: yield f'the sidebar lists {o} {n} times'


def staged_rooms(site):
    "the table of rooms on the page of design has every page of the sidebar: run nbs/design.ipynb again where it has not"
    there = {target for o in site.pages['design.ipynb'].prose for _, target in MD_LINK.findall(o)}
    yield from (f'design.ipynb lists no {o}' for o in site.entries() if o not in there)


def staged_sizes(site):
    "no page is above 500 KB, and all pages together stay below 10 MB"
    yield from (f'{o.name}: {o.size/1e3:.0f} KB' for o in site.pages.values() if o.size > PAGE)
    total = sum(o.size for o in site.pages.values())
    if total > SITE: yield f'all pages: {total/1e6:.1f} MB, more than {SITE/1e6:.0f} MB'


def staged_config(site):
    "the configuration parses, what it names is there, and search, light and dark and open graph are on"
    cfg = site.configs['_quarto.yml']
    html, web = cfg['format']['html'], cfg['website']
    listed = lambda o: [] if o is None else [o] if isinstance(o, str) else list(o)
    names = listed(cfg.get('metadata-files')) + listed(cfg['project'].get('resources')) + listed(html.get('css')) + listed(html.get('include-in-header'))
    names += [o for o in (web.get('favicon'), web.get('image'), (web.get('navbar') or {}).get('logo')) if o]
    themes = html['theme']
    for o in listed(themes) if not isinstance(themes, dict) else [x for v in themes.values() for x in listed(v)]:
        if o not in BUILT_IN: names.append(o)
    yield from (f'_quarto.yml names {o}, which is not there' for o in names if not any(site.folder.glob(o.lstrip('/'))))
    if not isinstance(themes, dict) or {*themes} != {'light', 'dark'}: yield '_quarto.yml: format.html.theme has no light and dark form'
    if not (web.get('navbar') or {}).get('search') and not web.get('search'): yield '_quarto.yml: no search'
    if not web.get('open-graph'): yield '_quarto.yml: no open graph'
    for part in ('title', 'description', 'site-url', 'repo-url'):
        if not site.configs['nbdev.yml']['website'].get(part): yield f'nbdev.yml: no {part}'


def rendered(site, docs):
    "Quarto wrote every page under its address, with its pictures"
    yield from (f'{p.name}: no {p.html}' for p in site.pages.values() if not (docs/p.html).is_file())
    for page in site.pages.values():
        for target, loads in page.links:
            at = site.resolve(page, target) if loads and not target.startswith('data:') else None
            if at and not (docs/at[0].relative_to(site.folder)).is_file(): yield f'{page.name}: no {target}'
    yield from (f'no {o}' for o in ('index.html', 'search.json') if not (docs/o).is_file())


def checks(): return [f for k, f in globals().items() if k.startswith('staged_')]
