// The canvas layer: all vector layers of a map in one grid of tiles, repainted in slices so that panning stays smooth.
import { decodeTile, unpackValues } from "./decode.js";
import { classify, lineScale, paintLayer, pointScale } from "./paint.js";
import { hitTile } from "./hit.js";

const TILE = 512;
const HIDE = 65535;
const SLICE_MS = 9;
const KEPT_TILES = 400;

// Where tiles and values come from: the server, or (in an exported page) the page itself.
async function asked(address) {
  const response = await fetch(address);
  if (!response.ok) throw new Error(`${response.status}`);
  return response.status === 204 ? null : response;
}

let source = {
  tile: async (key) => (await asked(`/atlas/tiles/${key}.mvt`))?.arrayBuffer() ?? null,
  codes: async (digest) => (await asked(`/atlas/values/${digest}.bin`)).arrayBuffer(),
  texts: async (digest) => (await asked(`/atlas/values/${digest}.json`)).json(),
};

export function useSource(other) {
  source = other;
}

const valueCache = new Map();

function once(address, read) {
  if (!valueCache.has(address)) {
    const answer = read();
    valueCache.set(address, answer);
    answer.catch(() => valueCache.delete(address));
    if (valueCache.size > 300) valueCache.delete(valueCache.keys().next().value);
  }
  return valueCache.get(address);
}

export function fetchCodes(digest) {
  return once(digest, () => source.codes(digest).then(unpackValues));
}

export function fetchTexts(digest) {
  return once(digest, () => source.texts(digest));
}

// How one layer looks now; a new stamp tells tiles to sort their features anew.
export class View {
  constructor(spec) {
    Object.assign(this, spec, { stamp: 0, classes: [], columns: {}, filters: [], texts: null, opacity: 1 });
    this.local = {};
    this.by = null;
    this.shown = spec.visible;
    this.isOn = spec.visible;
  }

  // Whether a person may switch it on: not while the page itself leaves out what it usually shows.
  get isOffered() {
    return this.shown || !this.isOn;
  }

  get shownOpacity() {
    return this.local.opacity ?? this.opacity;
  }

  get isVisible() {
    return this.local.visible ?? this.shown;
  }

  passes(id) {
    for (const [codes, allowed] of this.filters) if (!allowed.has(codes[id])) return false;
    return true;
  }

  codeOf(id) {
    if (!this.passes(id)) return HIDE;
    return this.by ? this.by[id] ?? 0 : 0;
  }

  styleOf(code) {
    return this.classes[code] || this.style;
  }

  // Only a layer that looks different is sorted, counted and painted anew.
  isNews(state) {
    return JSON.stringify(state) !== this.applied;
  }

  async apply(state) {
    const names = Object.keys(state.columns);
    const wanted = names.filter((name) => name === state.by || name in state.filters);
    const codes = await Promise.all(wanted.map((name) => fetchCodes(state.columns[name])));
    const columns = Object.fromEntries(wanted.map((name, i) => [name, codes[i]]));
    const texts = state.texts ? await fetchTexts(state.texts) : null;
    return () => {
      this.applied = JSON.stringify(state);
      this.stamp += 1;
      this.columns = columns;
      this.by = state.by ? columns[state.by] : null;
      this.classes = state.classes;
      this.filters = Object.entries(state.filters).map(([name, allowed]) => [columns[name], new Set(allowed)]);
      this.opacity = state.opacity;
      this.texts = texts;
      this.showTexts = state.showTexts;
      if (state.visible !== this.shown) delete this.local.visible;
      this.shown = state.visible;
    };
  }

  // Exact counts per code over all features, not only those on screen.
  counts() {
    if (!this.by || this.countedAt === this.stamp) return this.counted || null;
    const counted = new Array(Math.max(this.classes.length, 1)).fill(0);
    for (let id = 0; id < this.by.length; id += 1) {
      const code = this.codeOf(id);
      if (code !== HIDE) counted[code] = (counted[code] || 0) + 1;
    }
    this.countedAt = this.stamp;
    this.counted = counted;
    return counted;
  }
}

export function makeTiles(L) {
  return L.GridLayer.extend({
    options: { tileSize: TILE, minZoom: 1, maxZoom: 21, updateWhenZooming: false, keepBuffer: 1, noWrap: true, zIndex: 200 }, // over every picture

    initialize(options) {
      L.setOptions(this, options);
      this.views = options.layers.map((spec) => new View(spec));
      this.initial = this.views.map((view) => view.id);
      this._data = new Map();
      this._queue = [];
      this._ratio = Math.min(2, Math.ceil(window.devicePixelRatio || 1));
      this.failed = new Set();
    },

    view(id) {
      return this.views.find((view) => view.id === id);
    },

    async setStates(states) {
      this._turn = (this._turn || 0) + 1;
      const turn = this._turn;
      const changed = this.views.filter((view) => states[view.id] && view.isNews(states[view.id]));
      const changes = await Promise.all(changed.map((view) => view.apply(states[view.id])));
      if (turn !== this._turn) return;
      changes.forEach((change) => change());
      if (changed.length) await this.repaint();
    },

    createTile(coords, done) {
      const canvas = L.DomUtil.create("canvas", "leaflet-tile atlas-tile");
      canvas.width = TILE * this._ratio;
      canvas.height = TILE * this._ratio;
      canvas.atlas = coords;
      this._load(coords).then(() => this._enqueue(canvas, done));
      return canvas;
    },

    repaint() {
      const tiles = Object.values(this._tiles || {}).map((tile) => tile.el);
      return Promise.all(
        tiles.map((canvas) => this._load(canvas.atlas).then(() => new Promise((ok) => this._enqueue(canvas, ok)))),
      );
    },

    drawnViews(coords) {
      return this.views.filter((view) => view.isVisible && coords.z - 1 >= view.minZoom && this._touches(view, coords));
    },

    _touches(view, coords) {
      if (!view.bounds) return false;
      const [west, south, east, north] = view.bounds;
      const n = 2 ** (coords.z - 1);
      const row = (lat) => (0.5 - Math.asinh(Math.tan((lat * Math.PI) / 180)) / (2 * Math.PI)) * n;
      const column = (lon) => (lon / 360 + 0.5) * n;
      const reach = 0.06;
      return (
        column(west) < coords.x + 1 + reach &&
        column(east) > coords.x - reach &&
        row(north) < coords.y + 1 + reach &&
        row(south) > coords.y - reach
      );
    },

    _load(coords) {
      return Promise.all(this.drawnViews(coords).map((view) => this._fetch(view, coords)));
    },

    _fetch(view, { x, y, z }) {
      const key = `${view.digest}/${z - 1}/${x}/${y}`;
      let entry = this._data.get(key);
      if (entry) {
        this._data.delete(key);
        this._data.set(key, entry);
        return entry.promise;
      }
      entry = { tile: null };
      entry.promise = source
        .tile(key)
        .then((buffer) => {
          entry.tile = buffer ? decodeTile(buffer) : null;
        })
        .catch(() => {
          this.failed.add(view.id);
          this._data.delete(key);
          this.fire("atlasfailed", { layer: view.id });
        });
      this._data.set(key, entry);
      if (this._data.size > KEPT_TILES) this._data.delete(this._data.keys().next().value);
      return entry.promise;
    },

    tileOf(view, coords) {
      return this._data.get(`${view.digest}/${coords.z - 1}/${coords.x}/${coords.y}`)?.tile || null;
    },

    _enqueue(canvas, done) {
      const waiting = this._queue.find((item) => item.canvas === canvas);
      if (waiting) waiting.done.push(done);
      else this._queue.push({ canvas, done: [done] });
      if (!this._scheduled) {
        this._scheduled = true;
        const run = () => this._flush();
        if (document.hidden) setTimeout(run, 0);
        else requestAnimationFrame(run);
      }
    },

    _flush() {
      this._scheduled = false;
      const begin = performance.now();
      while (this._queue.length && performance.now() - begin < SLICE_MS) {
        const { canvas, done } = this._queue.shift();
        this._paint(canvas);
        done.forEach((ready) => ready(null, canvas));
      }
      if (this._queue.length) {
        this._scheduled = true;
        requestAnimationFrame(() => this._flush());
      } else this.fire("atlaspainted");
    },

    _paint(canvas) {
      const ctx = canvas.getContext("2d");
      ctx.clearRect(0, 0, canvas.width, canvas.height);
      for (const view of this.drawnViews(canvas.atlas)) {
        const tile = this.tileOf(view, canvas.atlas);
        if (tile?.main) paintLayer(ctx, tile.main, view, canvas.atlas.z, this._ratio, TILE);
      }
    },

    // The topmost feature at a place, or null.
    hit(latlng) {
      const zoom = this._tileZoom;
      if (zoom === undefined) return null;
      const at = this._map.project(latlng, zoom).divideBy(TILE);
      const coords = { x: Math.floor(at.x), y: Math.floor(at.y), z: zoom };
      const [x, y] = [(at.x - coords.x) * 4096, (at.y - coords.y) * 4096];
      for (const view of this.drawnViews(coords).reverse()) {
        const tile = view.interactive && this.tileOf(view, coords)?.main;
        if (!tile) continue;
        const style = view.style;
        const px =
          view.geometry === "point" ? style.radius * pointScale(zoom) + 3 : (style.width * lineScale(zoom)) / 2 + 5;
        const f = hitTile(tile, classify(tile, view), view.geometry, x, y, px * 8);
        if (f >= 0) return { layer: view.id, position: tile.ids[f], view };
      }
      return null;
    },

    // Every piece of a feature on the tiles now on screen: [tile coords, decoded tile, feature].
    pieces(layer, positions) {
      const view = this.view(layer);
      const found = [];
      if (!view) return found;
      for (const { el, current } of Object.values(this._tiles || {})) {
        const tile = current && this.tileOf(view, el.atlas)?.main;
        if (!tile) continue;
        for (let f = 0; f < tile.count; f += 1) if (positions.has(tile.ids[f])) found.push([el.atlas, tile, f]);
      }
      return found;
    },

    anchors(view) {
      const found = [];
      for (const { el, current } of Object.values(this._tiles || {})) {
        const tile = current && this.tileOf(view, el.atlas);
        const source = view.geometry === "point" ? tile?.main : tile?.anchors;
        if (!source) continue;
        for (let f = 0; f < source.count; f += 1) {
          const c = source.starts[source.parts[f]];
          const [x, y] = [source.xy[2 * c], source.xy[2 * c + 1]];
          if (x >= 0 && x < 4096 && y >= 0 && y < 4096 && view.passes(source.ids[f]))
            found.push([el.atlas, x, y, source.ids[f]]);
        }
      }
      return found;
    },
  });
}
