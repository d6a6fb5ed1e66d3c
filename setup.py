"Packaging: everything stands in settings.ini; this file only hands it to setuptools."
from configparser import ConfigParser
from pathlib import Path

from setuptools import find_packages, setup

HERE = Path(__file__).parent
parser = ConfigParser(delimiters=['='], interpolation=None)
parser.read(HERE/'settings.ini', encoding='utf8')
cfg = parser['DEFAULT']


def lines(key): return [o for o in cfg.get(key, '').splitlines() if o]


setup(
    name=cfg['lib_name'],
    version=cfg['version'],
    description=cfg['description'],
    long_description=(HERE/'README.md').read_text(encoding='utf8'),
    long_description_content_type='text/markdown',
    author=cfg['author'],
    author_email=cfg['author_email'],
    license='MIT',
    license_files=['LICENSE'],
    url=cfg['git_url'],
    project_urls={'Documentation': cfg['doc_host'] + cfg['doc_baseurl']},
    keywords=cfg['keywords'].split(),
    classifiers=[
        'Development Status :: 3 - Alpha',
        'Intended Audience :: Developers',
        'Programming Language :: Python :: 3',
        'Topic :: Multimedia :: Sound/Audio :: MIDI',
        'Topic :: Scientific/Engineering :: Artificial Intelligence'],
    packages=find_packages(include=[cfg['lib_path'], cfg['lib_path'] + '.*']),
    package_data={cfg['lib_path']: ['weights/*.safetensors', 'weights/*.md', 'static/*']},
    python_requires='>=' + cfg['min_python'],
    install_requires=lines('requirements'),
    extras_require={k: lines(f'{k}_requirements') for k in ('app', 'audio', 'bach', 'cuda', 'dev')},
    entry_points={'console_scripts': lines('console_scripts')},
    zip_safe=False)
