"`python .ci/pieces.py FOLDER N`: the folder holds N pieces, each a MIDI file with notes, a picture and a sound."
import json
import sys
from pathlib import Path

from flocoder.data import Song

folder, n = Path(sys.argv[1]), int(sys.argv[2])
mids = sorted(folder.glob('*.mid'))
assert len(mids) == n, f'{len(mids)} MIDI files in {folder}, not {n}'
for m in mids:
    song = Song.from_midi(m)
    assert len(song.notes) > 0, f'{m} holds no notes'
    png, wav = m.with_suffix('.png').read_bytes(), m.with_suffix('.wav').read_bytes()
    assert png[:8] == b'\x89PNG\r\n\x1a\n' and wav[:4] == b'RIFF' and len(wav) > 100_000, m
    print(f'{m.name}: {len(song.notes)} notes, {song.n_bars} bars, {song.duration:.1f} s, {len(png)} and {len(wav)} bytes')
json.loads((folder/'manifest.json').read_text())
