// The piano roll of flocoder.widgets: one ES module without imports, so that nothing is fetched from anywhere.
// Python puts the function `voice` (flocoder.players.VOICE) in front of it. Python holds the song; this file shows it,
// asks for edits by messages, and plays. nbs/10_widgets.ipynb explains the parts.

const GUT = 38, RULE = 22, PIECE = 8; // px of the keyboard, px of the ruler, seconds of a piece of rendered sound
const BLACK = new Set([1, 3, 6, 8, 10]), NAMES = 'C C♯ D D♯ E F F♯ G G♯ A A♯ B'.split(' ');
const name_of = p => NAMES[p % 12] + (Math.floor(p / 12) - 1);
const clamp = (x, a, b) => Math.min(Math.max(x, a), b);
function make(tag, cls = '', more = {}) { const e = Object.assign(document.createElement(tag), {className: cls}, more); e.setAttribute('data-lm-suppress-shortcuts', 'true'); return e; } // JupyterLab looks for this on what has the focus: its keys are ours

// ---- the score: typed arrays out of one buffer, and time
function unpack(score) {
  const n = score.n || 0, v = score.notes;
  const b = v ? v.buffer.slice(v.byteOffset, v.byteOffset + v.byteLength) : new ArrayBuffer(0); // aligned
  const s = {n, start: new Float64Array(b, 0, n), dur: new Float64Array(b, 8 * n, n), track: new Uint16Array(b, 16 * n, n),
    pitch: new Uint8Array(b, 18 * n, n), vel: new Uint8Array(b, 19 * n, n), reach: new Float64Array(n),
    bars: score.bars || [0, 4], tempos: score.tempos || [[0, 120]], tracks: score.tracks || []};
  for (let i = 0, far = 0; i < n; i++) s.reach[i] = far = Math.max(far, s.start[i] + s.dur[i]); // how far the notes up to i reach
  s.end = Math.max(s.bars[s.bars.length - 1], n ? s.reach[n - 1] : 0);
  let base = 0;
  s.clock = s.tempos.map(([at, qpm], i) => { if (i) base += (at - s.tempos[i - 1][0]) * 60 / s.tempos[i - 1][1]; return {at, spb: 60 / qpm, base}; });
  return s;
}
const seconds = (s, beat) => { const c = s.clock.findLast(c => c.at <= beat) || s.clock[0]; return c.base + (beat - c.at) * c.spb; };
const beat_at = (s, sec) => { const c = s.clock.findLast(c => c.base <= sec) || s.clock[0]; return c.at + (sec - c.base) / c.spb; };
function first(a, x) { let lo = 0, hi = a.length; while (lo < hi) { const m = (lo + hi) >> 1; if (a[m] > x) hi = m; else lo = m + 1; } return lo; } // first index with a[i] > x

// ---- the look of a track: a colour and a hatch, so that no eye depends on colour alone
function hatch(ctx, colour, kind, dpr) {
  const c = make('canvas', '', {width: 8 * dpr, height: 8 * dpr}), g = c.getContext('2d');
  g.scale(dpr, dpr); g.fillStyle = colour; g.fillRect(0, 0, 8, 8); g.strokeStyle = g.fillStyle = 'rgba(255,255,255,.7)'; g.lineWidth = 1.4;
  const line = (...p) => { g.beginPath(); for (let i = 0; i < p.length; i += 4) { g.moveTo(p[i], p[i + 1]); g.lineTo(p[i + 2], p[i + 3]); } g.stroke(); };
  [() => {}, () => line(-1, 9, 9, -1, -1, 1, 1, -1, 7, 9, 9, 7), () => { g.fillRect(1, 1, 2, 2); g.fillRect(5, 5, 2, 2); }, () => line(2, 0, 2, 8, 6, 0, 6, 8),
   () => line(-1, -1, 9, 9, 7, -1, 9, 1, -1, 7, 1, 9), () => line(0, 2, 8, 2, 0, 6, 8, 6), () => line(-1, -1, 9, 9, -1, 9, 9, -1), () => { g.fillRect(0, 0, 4, 4); g.fillRect(4, 4, 4, 4); }][kind % 8]();
  return ctx.createPattern(c, 'repeat');
}

// ---- sound: a look-ahead scheduler for the browser's voices, or pieces of sound that Python renders
class Sound {
  constructor(ask, changed) { Object.assign(this, {ask, changed, playing: false, kind: 'synth', level: 0, pieces: new Map()}); }
  load(score) { this.stop(); this.score = score; this.on = Float64Array.from(score.start, b => seconds(score, b)); this.off = Float64Array.from(score.start, (b, i) => seconds(score, b + score.dur[i])); this.total = this.off.reduce((a, b) => Math.max(a, b), 0); this.pieces.clear(); }
  mix(audible) { this.audible = audible; this.gains?.forEach((g, i) => g.gain.setTargetAtTime(audible(i) ? 1 : 0, this.A.currentTime, .01)); if (this.kind !== 'synth' && this.playing) { this.pieces.clear(); this.play(beat_at(this.score, this.now())); } }
  now() { return Math.max(this.A.currentTime - this.zero, 0); }
  get beat() { return beat_at(this.score, this.waiting ? this.from : this.now()); }
  play(beat) {
    this.stop(); const s = this.score, A = this.A = new (window.AudioContext || window.webkitAudioContext)();
    this.out = A.createGain(); this.out.gain.value = this.kind === 'synth' ? .14 : 1; this.ear = A.createAnalyser(); this.ear.fftSize = 1024; this.out.connect(this.ear); this.ear.connect(A.destination); this.wave = new Float32Array(1024);
    this.gains = s.tracks.map((_, i) => { const g = A.createGain(); g.gain.value = this.audible(i) ? 1 : 0; g.connect(this.out); return g; });
    this.from = seconds(s, beat); this.zero = A.currentTime + .08 - this.from; this.i = first(this.on, this.from - 1e-6); this.playing = true; this.waiting = this.kind !== 'synth'; this.next = Math.floor(this.from / PIECE); this.queued = new Set();
    A.resume?.(); this.tick(); this.timer = setInterval(() => this.tick(), 100); this.changed();
  }
  tick() {
    if (this.kind === 'synth') for (const s = this.score; this.i < s.n && this.on[this.i] < this.now() + .5; this.i++) { const i = this.i, k = s.track[i]; voice(this.A, this.gains[k], Math.max(this.zero + this.on[i], this.A.currentTime), this.off[i] - this.on[i], s.pitch[i], s.vel[i], s.tracks[k].drum); }
    else for (; this.next * PIECE < this.total + 2 && (this.waiting ? !this.queued.size : this.next * PIECE < this.now() + PIECE); this.next++) this.want(this.next);
    if (!this.waiting && this.now() > this.total + (this.kind === 'synth' ? .4 : 2)) this.stop();
  }
  want(k) { this.queued.add(k); this.pieces.has(k) ? this.queue(k) : this.ask(k); }
  async heard(k, data) { // a piece has come
    const A = this.A; if (!this.playing || !this.queued.has(k)) return;
    const buffer = await A.decodeAudioData(data); if (A !== this.A || !this.playing) return;
    this.pieces.set(k, buffer); this.queue(k);
  }
  queue(k) {
    if (this.waiting) { this.waiting = false; this.zero = this.A.currentTime + .05 - this.from; this.changed(); }
    const src = this.A.createBufferSource(), late = this.now() - k * PIECE; src.buffer = this.pieces.get(k); src.connect(this.out);
    if (late < src.buffer.duration) src.start(Math.max(this.zero + k * PIECE, this.A.currentTime), Math.max(late, 0));
  }
  measure() { if (!this.playing) return this.level = 0; this.ear.getFloatTimeDomainData(this.wave); let m = 0; for (const x of this.wave) m = Math.max(m, Math.abs(x)); return this.level = m; }
  stop() { if (!this.playing) return; this.playing = false; clearInterval(this.timer); this.A.close(); this.gains = null; this.level = 0; this.changed(); }
}

// ---- what lies in a selection (the same rule as selection_region in Python, for the eye only)
function insider(sel, s) {
  if (!sel || !Object.keys(sel).length) return null;
  const {beats, pitches, tracks, cells} = sel, grid = sel.grid || 8, rows = new Map();
  for (const [p, a, b] of cells || []) rows.set(p, [...(rows.get(p) || []), [a, b]]);
  return (b, p, t) => (!beats || (b >= beats[0] - 1e-9 && b < beats[1] - 1e-9)) && (!pitches || (p >= pitches[0] && p <= pitches[1])) && (!tracks || tracks.includes(t))
    && (!cells || (rows.get(p) || []).some(([x, y]) => { const c = Math.floor(b * grid + 1e-6); return c >= x && c < y; }));
}
function runs(set) { // painted cells 'pitch:column' as runs [pitch, first, after the last]
  const by = new Map(), out = [];
  for (const k of set) { const [p, c] = k.split(':').map(Number); by.set(p, [...(by.get(p) || []), c]); }
  for (const [p, cs] of [...by].sort((a, b) => a[0] - b[0])) { cs.sort((a, b) => a - b); let a = cs[0], z = a; for (const c of cs.slice(1).concat(NaN)) { if (c !== z + 1) { out.push([p, a, z + 1]); a = c; } z = c; } }
  return out;
}

const HELP = [['Space', 'play, stop'], ['← → ↑ ↓', 'move the cursor by a step or a semitone'], ['Page keys', 'move it by an octave; with Ctrl by a bar'], ['Shift + arrows', 'select a rectangle'], ['B, Shift+B', 'select the bar, or up to the bar, of the cursor'],
  ['R, Shift+R', 'select the row of the cursor, or all rows up to it'], ['T', 'take the active track into the selection, or out'], ['P', 'paint the cell at the cursor, or wipe it'], ['Esc', 'select nothing'], ['N, Shift+N', 'next or last note'], ['Enter', 'pick the note at the cursor; where there is none, add one'],
  ['Ctrl+A', 'pick all notes of the selection'], ['Ctrl + arrows', 'move the picked notes'], ['[ ]', 'shorten or lengthen them'], [', .', 'make them softer or louder'], ['G', 'give them to the active track'], ['Delete', 'delete them'], ['Ctrl+Z, Ctrl+Y', 'undo, redo'], ['A', 'next track'], ['M, S', 'mute or solo the active track'],
  ['+ −', 'zoom; with Shift the pitches'], ['1 2 3', 'tools: select, brush, notes'], ['?', 'this list']];

function render({model, el}) {
  // ---- the frame
  const root = make('div', 'flo-roll'), bar = make('div', 'flo-bar'), chips = make('div', 'flo-chips'), stage = make('div', 'flo-stage'), room = make('div', 'flo-room'), hold = make('div', 'flo-hold'), foot = make('div', 'flo-foot');
  const main = make('canvas'), top = make('canvas', 'flo-top'), status = make('span', 'flo-status'), help = make('div', 'flo-help', {hidden: true}), meter = make('meter', '', {min: 0, max: 1, value: 0, title: 'level'});
  status.setAttribute('role', 'status'); status.setAttribute('aria-live', 'polite'); meter.setAttribute('aria-label', 'level of the sound');
  stage.tabIndex = 0; stage.setAttribute('role', 'application'); stage.setAttribute('aria-label', 'piano roll; press ? for the keys');
  hold.append(main, top); room.append(hold); stage.append(room); foot.append(status, meter); root.append(bar, chips, stage, help, foot); el.append(root);
  help.innerHTML = HELP.map(([k, t]) => `<kbd>${k}</kbd> ${t}`).join('<br>');
  const G = main.getContext('2d', {alpha: false}), O = top.getContext('2d');
  let s, zx = 24, zy = 6, w = 0, h = 0, dpr = 1, looks = [], dirty = true, tool = 'select', active = 0, cur = {beat: 0, pitch: 60}, anchor = null, drag = null, sel = null, inside = null, painted = new Set(), marks = new Set(), frame = 0, gone = false;
  const editable = () => model.get('editable'), snap = () => 1 / Number(step.value), picked = () => model.get('picked'), say = t => { status.textContent = t; };
  const put = (k, v) => { model.set(k, v); model.save_changes(); }, edit = (op, args) => model.send({kind: 'edit', op, args});

  // ---- the tools above
  const button = (text, title, f, on) => { const b = make('button', 'flo-b', {type: 'button', textContent: text, title, onclick: f}); b.setAttribute('aria-label', title); if (on) b.dataset.tool = on; bar.append(b); return b; };
  const play = button('▶', 'play (Space)', () => toggle());
  const tools = {select: button('▭', 'select bars, rectangles, pitches (1)', () => use('select'), 'select'), brush: button('✎', 'paint what is to be made anew; Shift wipes (2)', () => use('brush'), 'brush'), notes: button('♪', 'pick, move, stretch and add notes (3)', () => use('notes'), 'notes')};
  const none = button('⌫', 'select nothing (Esc)', () => choose(null));
  const step = make('select', 'flo-b', {title: 'grid'}); for (const [v, t] of [[1, '1/4'], [2, '1/8'], [4, '1/16'], [8, '1/32'], [3, '1/8 triplet'], [6, '1/16 triplet']]) step.append(new Option(t, v)); step.value = '4'; step.setAttribute('aria-label', 'grid'); bar.append(step);
  const undo = button('↶', 'undo (Ctrl+Z)', () => model.send({kind: 'undo'})), redo = button('↷', 'redo (Ctrl+Y)', () => model.send({kind: 'redo'}));
  button('−', 'zoom out (-)', () => zoom(1 / 1.4)); button('+', 'zoom in (+)', () => zoom(1.4)); button('⤢', 'show all', () => fit());
  const kind = make('select', 'flo-b', {title: 'sound'}); kind.setAttribute('aria-label', 'sound'); for (const o of ['synth', 'soundfont']) kind.append(new Option(o, o)); kind.onchange = () => put('sound', kind.value); bar.append(kind);
  const keys_of = button('?', 'keys (?)', () => { help.hidden = !help.hidden; });
  for (const b of [...Object.values(tools), none, step, undo, redo, keys_of]) b.classList.add('flo-edit');
  const use = t => { tool = editable() ? t : 'select'; for (const k in tools) tools[k].setAttribute('aria-pressed', k === tool); stage.dataset.tool = tool; if (editable()) say({select: 'select: drag in the roll, on the ruler for bars, on the keys for pitches', brush: 'brush: paint what is to be made anew', notes: 'notes: click picks, drag moves, drag an end stretches, double click adds'}[tool]); };

  // ---- sound
  const audible = i => { const solo = model.get('solo'); return solo.length ? solo.includes(i) : !model.get('muted').includes(i); };
  const sound = new Sound(k => model.send({kind: 'sound', piece: k, seconds: PIECE, tracks: s.tracks.map((_, i) => i).filter(audible)}), () => { play.textContent = sound.playing ? '■' : '▶'; root.dataset.playing = sound.playing; if (sound.playing && !sound.waiting) say(''); if (model.get('playing') !== sound.playing) put('playing', sound.playing); touch(); });
  const toggle = () => { if (sound.playing) { cur.beat = Math.min(sound.beat, s.end); sound.stop(); } else { root.dataset.heard = 0; sound.kind = model.get('sound'); sound.play(cur.beat >= s.end - 1e-6 ? 0 : cur.beat); if (sound.waiting) say('the soundfont plays in a moment'); } };

  // ---- size, zoom
  const touch = () => { dirty = true; if (!frame && !gone) frame = requestAnimationFrame(tick); };
  const X = b => GUT + b * zx - stage.scrollLeft, Y = p => RULE + (127 - p) * zy - stage.scrollTop, beat_of = x => (x - GUT + stage.scrollLeft) / zx, pitch_of = y => clamp(127 - Math.floor((y - RULE + stage.scrollTop) / zy), 0, 127);
  function layout() {
    w = stage.clientWidth; h = stage.clientHeight; dpr = window.devicePixelRatio || 1;
    room.style.width = `${GUT + s.end * zx + 40}px`; room.style.height = `${RULE + 128 * zy}px`; hold.style.width = `${w}px`; hold.style.height = `${h}px`;
    for (const c of [main, top]) { c.width = w * dpr; c.height = h * dpr; c.style.width = `${w}px`; c.style.height = `${h}px`; }
    looks = s.tracks.map((t, i) => hatch(G, t.colour, i, dpr)); touch();
  }
  function zoom(k, vertical = false, x = w / 2) { if (vertical) { const mid = pitch_of(h / 2); zy = clamp(zy * k, 2, 24); layout(); stage.scrollTop = RULE + (127 - mid) * zy - h / 2; } else { const b = beat_of(x); zx = clamp(zx * k, 1, 200); layout(); stage.scrollLeft = b * zx + GUT - x; } touch(); }
  function fit() { let lo = 127, hi = 0; for (const p of s.pitch) { lo = Math.min(lo, p); hi = Math.max(hi, p); } if (!s.n) [lo, hi] = [48, 84]; w = stage.clientWidth; h = stage.clientHeight; zx = clamp((w - GUT - 12) / s.end, 1, 60); zy = clamp((h - RULE - 14) / (hi - lo + 5), 3, 14); layout(); stage.scrollLeft = 0; stage.scrollTop = (127 - hi - 2) * zy; }

  // ---- drawing: the roll below, what moves on top of it
  function seen() { const a = first(s.reach, beat_of(GUT)), b = first(s.start, beat_of(w)); return [a, b]; } // only these notes can be in sight
  function paint() {
    const [a, z] = seen(), b0 = Math.max(beat_of(GUT), 0), b1 = beat_of(w), p1 = pitch_of(RULE), p0 = pitch_of(h);
    G.setTransform(dpr, 0, 0, dpr, 0, 0); G.fillStyle = '#fff'; G.fillRect(0, 0, w, h); G.fillStyle = '#f1f1f4';
    for (let p = p0; p <= p1; p++) if (BLACK.has(p % 12)) G.fillRect(GUT, Y(p), w, zy);
    const lines = (from, to, by, colour) => { G.strokeStyle = colour; G.beginPath(); for (let k = Math.ceil(from / by); k * by <= to; k++) { const x = Math.round(X(k * by)) + .5; G.moveTo(x, RULE); G.lineTo(x, h); } G.stroke(); };
    G.lineWidth = 1; if (zx * snap() > 7) lines(b0, b1, snap(), '#ececf0'); if (zx > 6) lines(b0, b1, 1, '#dcdce2');
    G.strokeStyle = '#8a8a94'; G.beginPath(); for (const b of s.bars) if (b >= b0 - 1e-9 && b <= b1) { const x = Math.round(X(b)) + .5; G.moveTo(x, RULE); G.lineTo(x, h); } G.stroke();
    looks.forEach(l => l.setTransform(new DOMMatrix().translate(-stage.scrollLeft, -stage.scrollTop).scale(1 / dpr)));
    shade(); const chosen = new Set(picked()), thick = zy >= 5; let drawn = 0;
    const rim = [], left = GUT - stage.scrollLeft, up0 = RULE + 127 * zy - stage.scrollTop, tall = Math.max(Math.round(zy) - 1, 1);
    for (let k = 0; k < looks.length; k++) { // track by track, on whole pixels: the look changes seldom, and nothing has to be smoothed
      G.fillStyle = thick ? looks[k] : s.tracks[k].colour; const loud = audible(k); let alpha = -1;
      for (let i = a; i < z; i++) {
        if (s.track[i] !== k) continue;
        const p = s.pitch[i], y = Math.round(up0 - p * zy), x = Math.round(left + s.start[i] * zx), wide = Math.max(Math.round(s.dur[i] * zx) - 1, 1);
        if (x + wide < GUT || y > h || y + zy < RULE) continue;
        const seen = (loud && (!inside || inside(s.start[i], p, k)) ? 1 : .35) * (.6 + .05 * (s.vel[i] >> 4)); if (seen !== alpha) G.globalAlpha = alpha = seen;
        G.fillRect(x, y, wide, tall); drawn++;
        if (marks.has(i) || chosen.has(i)) rim.push(i, x, y, wide);
      }
    }
    G.globalAlpha = 1; G.fillStyle = G.strokeStyle = '#000'; G.lineWidth = 2;
    for (let j = 0; j < rim.length; j += 4) { const [i, x, y, wide] = rim.slice(j, j + 4); if (marks.has(i)) G.fillRect(x, y, clamp(wide >> 2, 1, 3), tall); if (chosen.has(i)) G.strokeRect(x, y, wide, tall); }
    G.globalAlpha = 1; stage.dataset.drawn = drawn; ruler(); keys();
  }
  function shade() { // the selection
    if (!sel) return;
    G.fillStyle = 'rgba(255,193,7,.20)'; G.strokeStyle = '#7a5600'; G.lineWidth = 1.5;
    if (sel.beats || sel.pitches) { const [b0, b1] = sel.beats || [0, s.end], [lo, hi] = sel.pitches || [0, 127], x = X(b0), y = Math.max(Y(hi), RULE), wide = (b1 - b0) * zx, tall = Math.min(Y(lo) + zy, h) - y; G.save(); G.beginPath(); G.rect(GUT, RULE, w, h); G.clip(); G.fillRect(x, y, wide, tall); G.setLineDash([5, 3]); G.strokeRect(x, y, wide, tall); G.restore(); }
    if (sel.cells) { const grid = sel.grid || 8; G.save(); G.beginPath(); G.rect(GUT, RULE, w, h); G.clip(); G.fillStyle = 'rgba(255,193,7,.38)'; for (const [p, a, b] of sel.cells) G.fillRect(X(a / grid), Y(p), (b - a) / grid * zx, zy); G.restore(); }
  }
  function ruler() {
    G.fillStyle = '#f6f6f8'; G.fillRect(0, 0, w, RULE); G.fillStyle = '#333'; G.font = '11px sans-serif'; G.textBaseline = 'middle';
    const every = Math.max(1, Math.ceil(30 / Math.max((s.bars[1] - s.bars[0]) * zx, 1)));
    for (let i = 0; i < s.bars.length - 1; i += every) { const x = X(s.bars[i]); if (x < GUT - 60 || x > w) continue; G.fillText(i + 1, x + 3, RULE / 2); G.fillRect(Math.round(x), RULE - 7, 1, 7); }
    if (sel?.beats) { G.fillStyle = '#7a5600'; G.fillRect(Math.max(X(sel.beats[0]), GUT), RULE - 4, (sel.beats[1] - sel.beats[0]) * zx, 4); }
  }
  function keys() {
    G.fillStyle = '#fff'; G.fillRect(0, RULE, GUT, h); G.font = '9px sans-serif';
    for (let p = pitch_of(h); p <= pitch_of(RULE); p++) { const y = Y(p); if (BLACK.has(p % 12)) { G.fillStyle = '#444'; G.fillRect(0, y, GUT * .6, zy); } else if (p % 12 === 0) { G.fillStyle = '#bbb'; G.fillRect(0, y + zy - 1, GUT, 1); if (zy > 3) { G.fillStyle = '#333'; G.fillText(name_of(p), GUT - 17, y + zy / 2); } } }
    G.fillStyle = '#bbb'; G.fillRect(GUT - 1, RULE, 1, h); G.fillStyle = '#f6f6f8'; G.fillRect(0, 0, GUT, RULE);
  }
  function over() {
    O.setTransform(dpr, 0, 0, dpr, 0, 0); O.clearRect(0, 0, w, h); O.save(); O.beginPath(); O.rect(GUT, 0, w, h); O.clip();
    const x = X(sound.playing ? sound.beat : cur.beat); O.fillStyle = sound.playing ? '#c00' : '#0a6'; O.fillRect(Math.round(x) - 1, 0, 2, h);
    if (document.activeElement === stage && !sound.playing) { O.strokeStyle = '#0a6'; O.lineWidth = 2; O.strokeRect(x, Y(cur.pitch), snap() * zx, zy); }
    if (drag?.box) { const [bx, by, bw, bh] = drag.box; O.fillStyle = 'rgba(255,193,7,.18)'; O.strokeStyle = '#7a5600'; O.setLineDash([5, 3]); O.fillRect(bx, by, bw, bh); O.strokeRect(bx, by, bw, bh); }
    if (drag?.shift) { const {beats, semitones, longer} = drag.shift; O.strokeStyle = '#000'; O.setLineDash([3, 2]); for (const i of picked()) O.strokeRect(X(s.start[i] + beats), Y(s.pitch[i] + semitones), Math.max((s.dur[i] + longer) * zx, 2), zy); }
    O.restore();
  }
  function tick() {
    frame = 0; if (gone) return;
    if (sound.playing) { // the page turns when the line comes to its end
      const x = X(sound.beat); if (!sound.waiting && (x > w - 24 || x < GUT)) stage.scrollLeft = Math.max(sound.beat * zx - 20, 0);
      meter.value = Math.min(sound.measure() * 1.5, 1); root.dataset.heard = Math.max(+root.dataset.heard || 0, sound.level); root.dataset.beat = sound.beat.toFixed(3); frame = requestAnimationFrame(tick);
    } else meter.value = 0;
    if (dirty) { dirty = false; paint(); }
    over();
  }

  // ---- selection and notes under the pointer
  function choose(next, send = true) {
    sel = next && Object.values(next).some(v => v != null) ? Object.fromEntries(Object.entries(next).filter(([, v]) => v != null)) : null; inside = insider(sel, s);
    painted = new Set((sel?.cells || []).flatMap(([p, a, b]) => Array.from({length: b - a}, (_, k) => `${p}:${a + k}`)));
    if (send) put('selection', sel); chips.querySelectorAll('[data-track]').forEach(c => c.setAttribute('aria-pressed', !!sel?.tracks?.includes(+c.dataset.track))); touch();
  }
  const bar_of = b => clamp(first(s.bars, b + 1e-9) - 1, 0, s.bars.length - 2), down = b => Math.floor(b / snap() + 1e-6) * snap(), up = b => Math.ceil(b / snap() - 1e-6) * snap();
  const bars = (i, j) => choose({...sel, cells: null, pitches: null, beats: [s.bars[Math.min(i, j)], s.bars[Math.max(i, j) + 1]]});
  function hit(b, p) { const [a, z] = seen(); for (let i = z - 1; i >= a; i--) if (s.pitch[i] === p && s.start[i] <= b && b < s.start[i] + Math.max(s.dur[i], 4 / zx)) return i; return -1; }
  function dab(x, y, wipe) { const g = 8, c = Math.floor(beat_of(x) * g), r = Math.max(1, Math.round(6 / zy)), wide = Math.max(1, Math.round(snap() * g / 2)); for (let p = pitch_of(y) - r; p <= pitch_of(y) + r; p++) for (let k = c - wide; k < c + wide; k++) if (p >= 0 && p < 128 && k >= 0 && k < s.end * g) painted[wipe ? 'delete' : 'add'](`${p}:${k}`); sel = {...(sel?.tracks ? {tracks: sel.tracks} : {}), grid: g, cells: runs(painted)}; inside = insider(sel, s); touch(); }
  const add = (beat, pitch) => edit('add', {notes: [[down(beat), snap(), pitch, 80, Math.min(active, Math.max(s.tracks.length - 1, 0))]]});
  const toggle_track = i => { const t = new Set(sel?.tracks || []); t.has(i) ? t.delete(i) : t.add(i); choose({...sel, tracks: t.size ? [...t].sort((a, b) => a - b) : null}); };
  const flip = (k, i) => { const t = new Set(model.get(k)); t.has(i) ? t.delete(i) : t.add(i); put(k, [...t]); };

  // ---- pointer
  const where = e => { const r = top.getBoundingClientRect(); return [e.clientX - r.left, e.clientY - r.top]; };
  const box = (x0, y0, x1, y1) => [Math.min(x0, x1), Math.min(y0, y1), Math.abs(x1 - x0), Math.abs(y1 - y0)];
  top.onpointerdown = e => {
    if (e.button > 0 && tool !== 'brush') return;
    const [x, y] = where(e), b = beat_of(x), p = pitch_of(y); stage.focus({preventScroll: true}); top.setPointerCapture(e.pointerId); e.preventDefault();
    if (!editable()) { cur.beat = clamp(b, 0, s.end); if (sound.playing) sound.play(cur.beat); return touch(); } // where it plays from
    if (y < RULE) { drag = {what: 'bars', from: e.shiftKey && sel?.beats ? bar_of(sel.beats[0]) : bar_of(b)}; bars(drag.from, bar_of(b)); cur.beat = s.bars[drag.from]; if (sound.playing) sound.play(cur.beat); return; }
    if (x < GUT) { drag = {what: 'keys', from: p}; return choose({...sel, cells: null, pitches: [p, p]}, false); }
    cur = {beat: Math.max(down(b), 0), pitch: p};
    if (tool === 'brush') { drag = {what: 'brush', wipe: e.shiftKey || e.button > 0}; return dab(x, y, drag.wipe); }
    if (tool === 'notes') {
      const i = hit(b, p), had = picked().includes(i);
      if (i < 0) { drag = {what: 'lasso', x, y}; return touch(); }
      put('picked', e.shiftKey ? had ? picked().filter(k => k !== i) : [...picked(), i] : had ? picked() : [i]); active = s.track[i]; show_active();
      drag = {what: x > X(s.start[i] + s.dur[i]) - 6 && s.dur[i] * zx > 12 ? 'stretch' : 'move', x, y}; return touch();
    }
    drag = {what: 'rectangle', x, y}; touch();
  };
  top.onpointermove = e => {
    if (!drag) return; const [x, y] = where(e), b = beat_of(x), p = pitch_of(y), by = up1 => Math.round((x - drag.x) / zx / snap()) * snap();
    if (drag.what === 'bars') bars(drag.from, bar_of(Math.max(b, 0)));
    else if (drag.what === 'keys') choose({...sel, pitches: [Math.min(drag.from, p), Math.max(drag.from, p)]}, false);
    else if (drag.what === 'brush') { const last = drag.last || [x, y], n = Math.ceil(Math.hypot(x - last[0], y - last[1]) / Math.max(1, Math.min(5, snap() * zx / 2))) || 1; for (let k = 1; k <= n; k++) dab(last[0] + (x - last[0]) * k / n, last[1] + (y - last[1]) * k / n, drag.wipe); drag.last = [x, y]; }
    else if (drag.what === 'move') drag.shift = {beats: by(), semitones: Math.round((drag.y - y) / zy), longer: 0};
    else if (drag.what === 'stretch') drag.shift = {beats: 0, semitones: 0, longer: by()};
    else drag.box = box(drag.x, drag.y, x, y);
    touch();
  };
  top.onpointerup = e => {
    if (!drag) return; const d = drag, [x, y] = where(e); drag = null; touch();
    if (d.what === 'keys' || d.what === 'brush') return choose(sel);
    if (d.shift) { const {beats, semitones, longer} = d.shift; if (longer) edit('resize', {ids: picked(), beats: longer}); else if (beats || semitones) edit('move', {ids: picked(), beats, semitones}); return; }
    if (!d.box || d.box[2] + d.box[3] < 6) { if (d.what === 'rectangle') choose(null); if (d.what === 'lasso') put('picked', []); return; }
    const [bx, by, bw, bh] = d.box, b0 = beat_of(bx), b1 = beat_of(bx + bw), hi = pitch_of(by), lo = pitch_of(by + bh);
    if (d.what === 'rectangle') choose({tracks: sel?.tracks, beats: [Math.max(down(b0), 0), Math.min(up(b1), s.end)], pitches: [lo, hi]});
    if (d.what === 'lasso') { const ids = []; for (let i = 0; i < s.n; i++) if (s.start[i] < b1 && s.start[i] + s.dur[i] > b0 && s.pitch[i] >= lo && s.pitch[i] <= hi) ids.push(i); put('picked', ids); }
  };
  top.ondblclick = e => { const [x, y] = where(e); if (tool === 'notes' && x > GUT && y > RULE && hit(beat_of(x), pitch_of(y)) < 0) add(beat_of(x), pitch_of(y)); };
  top.oncontextmenu = e => { if (tool === 'brush') e.preventDefault(); };
  stage.onwheel = e => { if (!e.ctrlKey) return; e.preventDefault(); zoom(e.deltaY < 0 ? 1.2 : 1 / 1.2, e.shiftKey, where(e)[0]); };
  stage.onscroll = touch; stage.onfocus = stage.onblur = touch;

  // ---- keyboard: all that the pointer can
  function reach(from) { const [a, b] = [from, cur]; choose({tracks: sel?.tracks, beats: [Math.min(a.beat, b.beat), Math.min(Math.max(a.beat, b.beat) + snap(), s.end)], pitches: [Math.min(a.pitch, b.pitch), Math.max(a.pitch, b.pitch)]}); }
  function into_sight() { const x = X(cur.beat), y = Y(cur.pitch); if (x < GUT || x > w - 20) stage.scrollLeft = Math.max(cur.beat * zx - w / 3, 0); if (y < RULE || y > h - zy - 14) stage.scrollTop = Math.max((127 - cur.pitch) * zy - h / 2, 0); }
  function walk(k, shift, ctrl) {
    const far = k.startsWith('Page'), size = s.bars[bar_of(cur.beat) + 1] - s.bars[bar_of(cur.beat)], dx = {ArrowLeft: -snap(), ArrowRight: snap()}[k] || 0, dy = {ArrowUp: 1, ArrowDown: -1, PageUp: 12, PageDown: -12}[k] || 0;
    if (ctrl && !far) { if (picked().length) edit('move', {ids: picked(), beats: dx, semitones: dy}); return; }
    if (shift && !anchor) anchor = {...cur};
    cur = far && ctrl ? {...cur, beat: clamp(cur.beat + Math.sign(dy) * -size, 0, s.end - snap())} : {beat: clamp(cur.beat + dx, 0, s.end - snap()), pitch: clamp(cur.pitch + dy, 0, 127)};
    if (shift) reach(anchor); else anchor = null;
    into_sight(); say(`bar ${bar_of(cur.beat) + 1}, beat ${(cur.beat - s.bars[bar_of(cur.beat)] + 1).toFixed(2)}, ${name_of(cur.pitch)}`); touch();
  }
  function next_note(back) { const i = picked().length ? picked()[0] + (back ? -1 : 1) : clamp(first(s.start, cur.beat - 1e-9), 0, s.n - 1); if (s.n) { const j = clamp(i, 0, s.n - 1); put('picked', [j]); cur = {beat: s.start[j], pitch: s.pitch[j]}; active = s.track[j]; show_active(); into_sight(); say(`${name_of(s.pitch[j])}, ${s.tracks[active].name}, ${s.dur[j].toFixed(2)} beats, velocity ${s.vel[j]}`); touch(); } }
  stage.onkeydown = e => {
    const k = e.key, ctrl = e.ctrlKey || e.metaKey, low = k.toLowerCase(), ids = picked(); let done = true;
    if (k.startsWith('Arrow') || k.startsWith('Page')) walk(k, e.shiftKey, ctrl);
    else if (ctrl && low === 'z') model.send({kind: e.shiftKey ? 'redo' : 'undo'}); else if (ctrl && low === 'y') model.send({kind: 'redo'});
    else if (ctrl && low === 'a') put('picked', Array.from(s.start, (_, i) => i).filter(i => !inside || inside(s.start[i], s.pitch[i], s.track[i])));
    else if (ctrl || e.altKey) done = false;
    else if (k === ' ') toggle(); else if (k === 'Escape') { put('picked', []); choose(null); } else if (k === 'Home') { cur.beat = 0; into_sight(); touch(); } else if (k === 'End') { cur.beat = Math.max(down(s.end - 1e-6), 0); into_sight(); touch(); }
    else if (low === 'b') { const i = bar_of(cur.beat); bars(e.shiftKey && sel?.beats ? bar_of(sel.beats[0]) : i, i); } else if (low === 'r' && editable()) choose({...sel, cells: null, pitches: e.shiftKey && sel?.pitches ? [Math.min(sel.pitches[0], cur.pitch), Math.max(sel.pitches[1], cur.pitch)] : [cur.pitch, cur.pitch]}); else if (low === 't' && editable()) toggle_track(active); else if (low === 'n') next_note(e.shiftKey);
    else if (low === 'a') { active = (active + 1) % Math.max(s.tracks.length, 1); show_active(); } else if (low === 'm') flip('muted', active); else if (low === 's') flip('solo', active);
    else if (k === '+' || k === '=') zoom(1.25); else if (k === '-') zoom(.8); else if (k === '*') zoom(1.25, true); else if (k === '_') zoom(.8, true);
    else if (k === '1' || k === '2' || k === '3') use(['select', 'brush', 'notes'][k - 1]); else if (k === '?') help.hidden = !help.hidden;
    else if (k === 'p' || k === 'P') { const at = `${cur.pitch}:${Math.floor(cur.beat * 8)}`, wipe = painted.has(at); for (let c = 0; c < Math.max(1, Math.round(snap() * 8)); c++) painted[wipe ? 'delete' : 'add'](`${cur.pitch}:${Math.floor(cur.beat * 8) + c}`); choose(painted.size ? {tracks: sel?.tracks, grid: 8, cells: runs(painted)} : null); }
    else if (!editable()) done = false;
    else if (k === 'Enter') { const i = hit(cur.beat, cur.pitch); i < 0 ? add(cur.beat, cur.pitch) : put('picked', ids.includes(i) ? ids.filter(o => o !== i) : [...ids, i]); }
    else if (k === 'Delete' || k === 'Backspace') { if (ids.length) edit('delete', {ids}); } else if (k === '[' || k === ']') { if (ids.length) edit('resize', {ids, beats: k === ']' ? snap() : -snap()}); }
    else if (k === ',' || k === '.') { if (ids.length) edit('velocity', {ids, by: k === '.' ? 8 : -8}); } else if (low === 'g') { if (ids.length) edit('to_track', {ids, track: active}); }
    else done = false;
    if (done) { e.preventDefault(); e.stopPropagation(); }
  };

  // ---- tracks
  function show_active() { chips.querySelectorAll('.flo-chip').forEach((c, i) => c.classList.toggle('flo-active', i === active)); }
  function list_tracks() {
    chips.replaceChildren(...s.tracks.map((t, i) => {
      const chip = make('span', 'flo-chip'), swatch = make('canvas', 'flo-swatch', {width: 18, height: 12}), g = swatch.getContext('2d'); g.fillStyle = hatch(g, t.colour, i, 1); g.fillRect(0, 0, 18, 12);
      const name = make('button', 'flo-b flo-name', {type: 'button', textContent: t.name, title: `take ${t.name} into the selection, or out (T)`, onclick: () => { active = i; show_active(); if (editable()) toggle_track(i); }}); name.dataset.track = i;
      const small = (text, k) => { const b = make('button', 'flo-b flo-ms', {type: 'button', textContent: text, title: `${k === 'solo' ? 'solo' : 'mute'} ${t.name}`, onclick: () => flip(k, i)}); b.dataset[k] = i; b.setAttribute('aria-label', b.title); return b; };
      chip.append(swatch, name, small('M', 'muted'), small('S', 'solo')); return chip;
    })); show_active(); mixer();
  }
  function mixer() { for (const k of ['muted', 'solo']) chips.querySelectorAll(`[data-${k}]`).forEach(b => b.setAttribute('aria-pressed', model.get(k).includes(+b.dataset[k]))); sound.mix(audible); touch(); }

  // ---- files: dropped in, and handed out
  root.ondragover = e => { if (model.get('droppable')) { e.preventDefault(); root.classList.add('flo-drop'); } };
  root.ondragleave = () => root.classList.remove('flo-drop');
  root.ondrop = async e => { root.classList.remove('flo-drop'); if (!model.get('droppable')) return; e.preventDefault(); for (const f of e.dataTransfer.files) model.send({kind: 'file', name: f.name}, undefined, [await f.arrayBuffer()]); };
  function message(msg, buffers) {
    const data = () => { const v = buffers[0]; return v.buffer.slice(v.byteOffset, v.byteOffset + v.byteLength); };
    if (msg.kind === 'sound') { if (msg.rev === model.get('score').rev) sound.heard(msg.piece, data()); }
    else if (msg.kind === 'download') { const a = make('a', '', {href: URL.createObjectURL(new Blob([data()], {type: msg.mime})), download: msg.name}); document.body.append(a); a.click(); a.remove(); setTimeout(() => URL.revokeObjectURL(a.href), 10000); }
    else if (msg.kind === 'play') sound.playing || toggle(); else if (msg.kind === 'stop') sound.stop();
  }

  // ---- from Python
  function load(again) {
    const keep = again && s && s.bars.length === (model.get('score').bars || []).length;
    s = unpack(model.get('score')); sound.load(s); sound.audible = audible; active = clamp(active, 0, Math.max(s.tracks.length - 1, 0)); cur.beat = Math.min(cur.beat, s.end); list_tracks(); choose(model.get('selection'), false);
    keep ? layout() : fit(); undo.disabled = !model.get('score').undo; redo.disabled = !model.get('score').redo; root.dataset.notes = s.n;
  }
  const look = () => { stage.style.height = `${model.get('height')}px`; root.classList.toggle('flo-view', !editable()); marks = new Set(model.get('marks')); kind.value = model.get('sound'); touch(); };
  const heard = {'change:score': () => load(true), 'change:selection': () => choose(model.get('selection'), false), 'change:picked': touch, 'change:muted': mixer, 'change:solo': mixer, 'change:height': () => { look(); layout(); }, 'change:editable': look, 'change:marks': look, 'change:sound': look, 'change:status': () => say(model.get('status')), 'msg:custom': message};
  for (const k in heard) model.on(k, heard[k]);
  look(); use('select'); load(false); say(model.get('status'));
  const eye = new ResizeObserver(() => { if (stage.clientWidth && stage.clientWidth !== w) w ? layout() : fit(); }); eye.observe(stage);
  return () => { gone = true; sound.stop(); cancelAnimationFrame(frame); eye.disconnect(); for (const k in heard) model.off(k, heard[k]); };
}
export default {render};
