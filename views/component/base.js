// Base maps: pictures from our own server, laid where they belong. Our layers, clicks and coordinates stay in CGCS2000;
// a service drawn in GCJ-02 is moved under them tile by tile, one in longitude and latitude is stretched row by row.

const SEMI_MAJOR = 6378245;
const SQUARED = 0.00669342162296594323;
const SIDE = 256;

function waves(x, y) {
  const { PI, sin, sqrt, abs } = Math;
  const shared = ((20 * sin(6 * PI * x) + 20 * sin(2 * PI * x)) * 2) / 3;
  let north = -100 + 2 * x + 3 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * sqrt(abs(x)) + shared;
  north += ((20 * sin(PI * y) + 40 * sin((PI / 3) * y)) * 2) / 3;
  north += ((160 * sin((PI / 12) * y) + 320 * sin((PI / 30) * y)) * 2) / 3;
  let east = 300 + x + 2 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * sqrt(abs(x)) + shared;
  east += ((20 * sin(PI * x) + 40 * sin((PI / 3) * x)) * 2) / 3;
  east += ((150 * sin((PI / 12) * x) + 300 * sin((PI / 30) * x)) * 2) / 3;
  return [east, north];
}

// The same published formula as geo/shift.py, which the tests hold against this one.
export function shifted(lon, lat) {
  if (lon < 72.004 || lon > 137.8347 || lat < 0.8293 || lat > 55.8271) return [lon, lat];
  const [east, north] = waves(lon - 105, lat - 35);
  const phi = (lat * Math.PI) / 180;
  const magic = 1 - SQUARED * Math.sin(phi) ** 2;
  const metresNorth = (SEMI_MAJOR * (1 - SQUARED)) / (magic * Math.sqrt(magic));
  const metresEast = (SEMI_MAJOR / Math.sqrt(magic)) * Math.cos(phi);
  const degree = 180 / Math.PI;
  return [lon + (east / metresEast) * degree, lat + (north / metresNorth) * degree];
}

export function unshifted(lon, lat) {
  let [x, y] = [lon, lat];
  for (let i = 0; i < 12; i += 1) {
    const [ahead, up] = shifted(x, y);
    [x, y] = [x + lon - ahead, y + lat - up];
    if (Math.abs(lon - ahead) + Math.abs(lat - up) < 1e-10) break;
  }
  return [x, y];
}

function makeSheet(L, base, sheet) {
  const Placed = L.TileLayer.extend({
    _getTiledPixelBounds(centre) {
      const bounds = L.TileLayer.prototype._getTiledPixelBounds.call(this, centre);
      if (!base.is_shifted) return bounds;
      const [lon, lat] = shifted(centre.lng, centre.lat);
      const away = this._map.project([lat, lon], this._tileZoom).subtract(this._map.project(centre, this._tileZoom));
      return L.bounds(bounds.min.add(away), bounds.max.add(away));
    },

    _pxBoundsToTileRange(bounds) {
      const range = L.TileLayer.prototype._pxBoundsToTileRange.call(this, bounds);
      if (base.matrix !== "c") return range;
      const row = (y) => (90 - this._map.unproject([0, y], this._tileZoom).lat) / (360 / 2 ** this._tileZoom);
      const last = Math.max(0, 2 ** (this._tileZoom - 1) - 1);
      range.min.y = Math.max(0, Math.floor(row(bounds.min.y)));
      range.max.y = Math.min(last, Math.ceil(row(bounds.max.y)) - 1);
      return range;
    },

    _northOf(row) {
      const lat = Math.max(-85, Math.min(85, 90 - (row * 360) / 2 ** this._tileZoom));
      return Math.round(this._map.project([lat, 0], this._tileZoom).y - this._level.origin.y);
    },

    _getTilePos(coords) {
      const plain = L.TileLayer.prototype._getTilePos.call(this, coords);
      if (base.matrix === "c") return L.point(plain.x, this._northOf(coords.y));
      if (!base.is_shifted) return plain;
      const middle = L.point(coords.x + 0.5, coords.y + 0.5).multiplyBy(SIDE);
      const place = this._map.unproject(middle, coords.z);
      const [lon, lat] = unshifted(place.lng, place.lat);
      return this._map.project([lat, lon], coords.z).subtract([SIDE / 2, SIDE / 2]).subtract(this._level.origin).round();
    },

    _addTile(coords, container) {
      L.TileLayer.prototype._addTile.call(this, coords, container);
      const tile = this._tiles[this._tileCoordsToKey(coords)]?.el;
      if (!tile) return;
      if (base.matrix === "c") tile.style.height = `${this._northOf(coords.y + 1) - this._northOf(coords.y)}px`;
      if (base.is_shifted) tile.style.width = tile.style.height = `${SIDE + 1}px`; // no seam where neighbours move apart
    },
  });
  return new Placed(`/atlas/base/${base.id}/${sheet}/{z}/{x}/{y}`, {
    className: "atlas-base",
    zIndex: 0,
    minZoom: 1,
    maxZoom: 21,
    maxNativeZoom: base.max_zoom,
    noWrap: true,
    keepBuffer: 1,
    updateWhenZooming: false,
    attribution: sheet ? "" : base.notice,
  });
}

// One map's choice of base map. `say` tells the person when pictures do not come; everything else goes on.
export function makeBases(L, map, bases, tiles, say) {
  let sheets = [];
  const chooser = { bases, chosen: "", opacity: 1 };
  const watch = (layer) => {
    let failed = 0;
    layer.on("loading", () => (failed = 0));
    layer.on("tileerror", () => say((failed += 1) > 0));
    layer.on("load", () => failed || say(false));
    return layer;
  };
  chooser.choose = (id) => {
    const base = bases.find((item) => item.id === id);
    if ((base?.id || "") === chooser.chosen) return;
    sheets.forEach((layer) => layer.remove());
    say(false);
    chooser.chosen = base?.id || "";
    sheets = base ? Array.from({ length: base.sheets }, (_, i) => watch(makeSheet(L, base, i)).addTo(map)) : [];
    chooser.fade(chooser.opacity);
    tiles.views.forEach((view) => (view.isOverBase = Boolean(base)));
    if (tiles._map) tiles.repaint();
  };
  chooser.fade = (opacity) => {
    chooser.opacity = opacity;
    sheets.forEach((layer) => layer.setOpacity(opacity));
  };
  return chooser;
}
