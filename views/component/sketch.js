// Drawing and editing one line: click to add, drag to move, midpoints to insert, right-click or Delete to remove,
// undo and redo; what is near a road or the starting place snaps to it. Costed stretches lie under the line.
import { word } from "./words.js";
import { element } from "./panel.js";
import { formatLength, lengthMetres } from "./gk.js";

const SPAN_PX = 512;
const SNAP_PX = 12;
const MOST_HANDLES = 250;
const MIDPOINT_PX = 44;
const KINDS = {
  new: { color: "#b2182b", dashArray: "10 6", weight: 5 },
  soft: { color: "#e08214", dashArray: null, weight: 5 },
  hardened: { color: "#1b7837", dashArray: null, weight: 5 },
  unknown: { color: "#6b6b6b", dashArray: "2 6", weight: 5 },
  access: { color: "#3c4a54", dashArray: "3 5", weight: 3 },
  beyond: { color: "#9aa7b0", dashArray: "3 6", weight: 3 },
  computed: { color: "#2166ac", dashArray: "1 7", weight: 4 },
  shortfall: { color: "#d6006c", dashArray: "4 6", weight: 2 },
};

function nearestOn(tile, x, y, reach, keep) {
  let best = reach * reach;
  let found = null;
  const { xy } = tile;
  for (let f = 0; f < tile.count; f += 1) {
    const b = 4 * f;
    if (x < tile.boxes[b] - reach || x > tile.boxes[b + 2] + reach) continue;
    if (y < tile.boxes[b + 1] - reach || y > tile.boxes[b + 3] + reach || !keep(tile.ids[f])) continue;
    for (let part = tile.parts[f]; part < tile.parts[f + 1]; part += 1) {
      for (let c = tile.starts[part] + 1; c < tile.starts[part + 1]; c += 1) {
        const [ax, ay, bx, by] = [xy[2 * c - 2], xy[2 * c - 1], xy[2 * c], xy[2 * c + 1]];
        const [dx, dy] = [bx - ax, by - ay];
        const square = dx * dx + dy * dy;
        const t = square ? Math.min(1, Math.max(0, ((x - ax) * dx + (y - ay) * dy) / square)) : 0;
        const far = (x - ax - t * dx) ** 2 + (y - ay - t * dy) ** 2;
        if (far < best) {
          best = far;
          found = [ax + t * dx, ay + t * dy];
        }
      }
    }
  }
  return found;
}

// One sketch on one map. `send` gets the finished line as [[lon, lat], …], or null when it was dropped.
export class Sketch {
  constructor(L, map, tiles, send) {
    Object.assign(this, { L, map, tiles, send, points: [], past: [], future: [], mode: null, start: null, last: 0 });
    this.under = L.layerGroup().addTo(map);
    this.over = L.layerGroup().addTo(map);
    this.bar = element("div", "atlas-sketch");
    this.bar.hidden = true;
    this.bar.setAttribute("role", "toolbar");
    this.hint = element("output", "atlas-sketch-hint");
    this.hint.setAttribute("role", "status");
    this.bar.append(this.hint);
    this.buttons = {};
    for (const [name, act] of Object.entries({
      undo: () => this.undo(),
      redo: () => this.redo(),
      finish: () => this.finish(),
      again: () => this.again(),
      cancel: () => this.cancel(),
    })) {
      const button = element("button", `atlas-sketch-${name}`, word(`sketch_${name}`));
      button.type = "button";
      button.addEventListener("click", (event) => {
        event.stopPropagation();
        act();
      });
      this.buttons[name] = button;
      this.bar.append(button);
    }
    L.DomEvent.disableClickPropagation(this.bar);
    map.getContainer().append(this.bar);
    map.on("click", (event) => this.click(event));
    map.on("dblclick", (event) => this.doubleClick(event));
    map.on("mousemove", (event) => this.move(event));
    map.on("zoomend moveend", () => this.mode && this.draw());
    map.getContainer().addEventListener("keydown", (event) => this.key(event), true);
  }

  get isActive() {
    return Boolean(this.mode);
  }

  // A new `token` begins anew; the same token only brings new costed stretches.
  apply(sketch) {
    if (!sketch) {
      if (this.mode || this.token) this.close();
      return;
    }
    this.parts = sketch.parts || [];
    this.start = sketch.start;
    if (sketch.token !== this.token) {
      this.token = sketch.token;
      this.past = [];
      this.future = [];
      this.points = (sketch.line || []).map((at) => [...at]);
      this.original = this.points.map((at) => [...at]);
      this.mode = sketch.editable ? (this.points.length > 1 ? "edit" : "draw") : null;
      if (this.mode === "draw" && this.start) this.points = [[...this.start]];
      if (this.mode) {
        this.map.doubleClickZoom.disable();
        this.look();
      }
    }
    this.bar.hidden = !this.mode;
    this.map.getContainer().classList.toggle("atlas-drawing", this.mode === "draw");
    this.draw();
  }

  // What is to be drawn on comes into view.
  look() {
    const places = [...this.points, ...this.parts.flatMap(([, line]) => line)].map(([lon, lat]) => [lat, lon]);
    if (places.length) this.map.fitBounds(places, { padding: [70, 70], maxZoom: 16, animate: false });
  }

  close() {
    this.mode = null;
    this.token = null;
    this.points = [];
    this.parts = [];
    this.bar.hidden = true;
    this.map.getContainer().classList.remove("atlas-drawing");
    this.map.doubleClickZoom.enable();
    this.draw();
  }

  remember() {
    this.past.push(this.points.map((at) => [...at]));
    if (this.past.length > 200) this.past.shift();
    this.future = [];
  }

  changed() {
    this.draw();
    if (this.mode === "edit" && this.points.length > 1) this.send(this.points);
  }

  undo() {
    if (!this.past.length) return;
    this.future.push(this.points);
    this.points = this.past.pop();
    this.settle();
  }

  redo() {
    if (!this.future.length) return;
    this.past.push(this.points);
    this.points = this.future.pop();
    this.settle();
  }

  // Going back over the first places means drawing again.
  settle() {
    if (this.points.length < 2) this.mode = "draw";
    this.map.getContainer().classList.toggle("atlas-drawing", this.mode === "draw");
    this.changed();
  }

  finish() {
    if (this.mode !== "draw" || this.points.length < 2) return;
    this.mode = "edit";
    this.ended = performance.now();
    this.map.getContainer().classList.remove("atlas-drawing");
    this.changed();
  }

  again() {
    this.remember();
    this.points = this.start ? [[...this.start]] : [];
    this.mode = "draw";
    this.map.getContainer().classList.add("atlas-drawing");
    this.draw();
  }

  cancel() {
    this.points = [];
    this.send(null);
    this.close();
  }

  // The nearest of the starting place, a vertex of the roads' lines and the roads themselves, or the place itself.
  snapped(latlng) {
    const at = this.map.latLngToContainerPoint(latlng);
    if (this.start) {
      const home = this.map.latLngToContainerPoint([this.start[1], this.start[0]]);
      if (home.distanceTo(at) <= SNAP_PX) return { at: [...this.start], name: "start" };
    }
    const zoom = this.tiles._tileZoom;
    const view = this.tiles.view("roads");
    if (zoom === undefined || !view?.isVisible) return { at: [latlng.lng, latlng.lat], name: null };
    const place = this.map.project(latlng, zoom).divideBy(SPAN_PX);
    const coords = { x: Math.floor(place.x), y: Math.floor(place.y), z: zoom };
    const tile = this.tiles.tileOf(view, coords)?.main;
    if (tile) {
      const unit = 4096 / SPAN_PX / this.map.getZoomScale(this.map.getZoom(), zoom);
      const found = nearestOn(tile, (place.x - coords.x) * 4096, (place.y - coords.y) * 4096, SNAP_PX * unit, (id) => view.passes(id));
      if (found) {
        const spot = this.L.point((coords.x + found[0] / 4096) * SPAN_PX, (coords.y + found[1] / 4096) * SPAN_PX);
        const here = this.map.unproject(spot, zoom);
        return { at: [here.lng, here.lat], name: "road" };
      }
    }
    return { at: [latlng.lng, latlng.lat], name: null };
  }

  click({ latlng, originalEvent }) {
    if (this.mode !== "draw" || originalEvent?.detail > 1) return;
    const { at } = this.snapped(latlng);
    const end = this.points[this.points.length - 1];
    if (end && end[0] === at[0] && end[1] === at[1]) return;
    this.remember();
    this.points.push(at);
    this.draw();
  }

  doubleClick({ originalEvent }) {
    if (this.mode !== "draw") return;
    originalEvent?.preventDefault();
    this.finish();
  }

  move({ latlng }) {
    if (this.mode !== "draw") return;
    const { at, name } = this.snapped(latlng);
    const end = this.points[this.points.length - 1];
    this.rubber?.remove();
    this.target?.remove();
    if (end) {
      const ends = [end, at].map(([lon, lat]) => [lat, lon]);
      this.rubber = this.L.polyline(ends, { color: "#d6006c", weight: 2, dashArray: "4 5", interactive: false }).addTo(this.map);
    }
    if (name)
      this.target = this.L.circleMarker([at[1], at[0]], { radius: 7, color: "#d6006c", weight: 2, fill: false, interactive: false }).addTo(this.map);
    this.tell(name);
  }

  key(event) {
    if (!this.mode) return;
    const isCommand = event.ctrlKey || event.metaKey;
    const name = event.key.toLowerCase();
    const did = () => {
      event.preventDefault();
      event.stopPropagation();
    };
    if (event.key === "Escape") {
      did();
      this.cancel();
    } else if (event.key === "Enter" && this.mode === "draw" && !(event.target instanceof HTMLButtonElement)) {
      did();
      this.finish();
    } else if (isCommand && name === "z") {
      did();
      if (event.shiftKey) this.redo();
      else this.undo();
    } else if (isCommand && name === "y") {
      did();
      this.redo();
    } else if (event.key === "Backspace" || event.key === "Delete") {
      did();
      if (this.mode === "draw") this.undo();
      else this.remove(this.chosen ?? -1);
    }
  }

  remove(place) {
    if (place < 0 || place >= this.points.length || this.points.length <= 2) return;
    this.remember();
    this.points.splice(place, 1);
    this.chosen = Math.min(place, this.points.length - 1);
    this.changed();
  }

  tell(name = null) {
    const length = this.points.length > 1 ? formatLength(lengthMetres(this.points)) : "";
    const snap = name ? word(`sketch_snap_${name}`) : "";
    this.hint.textContent = [word(this.mode === "draw" ? "sketch_how_draw" : "sketch_how_edit"), length, snap].filter(Boolean).join("　");
    this.buttons.undo.disabled = !this.past.length;
    this.buttons.redo.disabled = !this.future.length;
    this.buttons.finish.hidden = this.mode !== "draw";
    this.buttons.finish.disabled = this.points.length < 2;
    this.buttons.again.hidden = this.mode !== "edit";
  }

  draw() {
    const { L } = this;
    this.rubber?.remove();
    this.target?.remove();
    this.under.clearLayers();
    this.over.clearLayers();
    for (const [kind, line] of this.parts || []) {
      const places = line.map(([lon, lat]) => [lat, lon]);
      const style = KINDS[kind] || KINDS.new;
      L.polyline(places, { color: "#ffffff", weight: style.weight + 3, opacity: 0.85, interactive: false }).addTo(this.under);
      L.polyline(places, { ...style, interactive: false, className: `atlas-part-${kind}` }).addTo(this.under);
    }
    if (!this.mode) return;
    const latlngs = this.points.map(([lon, lat]) => [lat, lon]);
    if (latlngs.length > 1) L.polyline(latlngs, { color: "#d6006c", weight: 2, interactive: false }).addTo(this.over);
    const view = this.map.getBounds().pad(0.1);
    const seen = this.points.map((_, place) => place).filter((place) => view.contains(latlngs[place]));
    const isFull = seen.length <= MOST_HANDLES;
    for (const place of isFull ? seen : seen.filter((p) => p === 0 || p === this.points.length - 1)) this.handle(place, latlngs[place]);
    if (this.mode === "edit" && isFull) for (const place of seen) this.midpoint(place, latlngs);
    this.tell();
    if (!isFull) this.hint.textContent = word("sketch_zoom_in", { n: seen.length });
  }

  marker(latlng, className, title) {
    const icon = this.L.divIcon({ className, iconSize: [14, 14] });
    return this.L.marker(latlng, { icon, draggable: this.mode === "edit", keyboard: true, title, autoPan: true });
  }

  handle(place, latlng) {
    const isEnd = place === 0 || place === this.points.length - 1;
    const marker = this.marker(latlng, `atlas-vertex${isEnd ? " atlas-vertex-end" : ""}`, word("sketch_vertex"));
    marker.on("dragstart", () => this.remember());
    marker.on("drag", ({ latlng: at }) => {
      this.points[place] = this.snapped(at).at;
      this.preview();
    });
    marker.on("dragend", () => {
      this.ended = performance.now();
      this.changed();
    });
    marker.on("contextmenu", ({ originalEvent }) => {
      originalEvent.preventDefault();
      originalEvent.stopPropagation();
      this.remove(place);
    });
    marker.on("click", ({ originalEvent }) => {
      this.L.DomEvent.stop(originalEvent);
      if (this.mode === "draw") {
        if (place === this.points.length - 1) this.finish();
        return;
      }
      this.chosen = place;
    });
    marker.on("mouseover", () => {
      this.chosen = place;
    });
    marker.addTo(this.over);
    marker.getElement()?.addEventListener("focus", () => {
      this.chosen = place;
    });
  }

  midpoint(place, latlngs) {
    if (place + 1 >= latlngs.length) return;
    const [one, two] = [latlngs[place], latlngs[place + 1]].map((at) => this.map.latLngToLayerPoint(at));
    if (one.distanceTo(two) < MIDPOINT_PX) return;
    const middle = this.map.layerPointToLatLng(one.add(two).divideBy(2));
    const marker = this.marker(middle, "atlas-midpoint", word("sketch_midpoint"));
    let isIn = false;
    const insert = (at) => {
      if (!isIn) {
        this.remember();
        this.points.splice(place + 1, 0, at);
      } else this.points[place + 1] = at;
      isIn = true;
    };
    marker.on("drag", ({ latlng }) => {
      insert(this.snapped(latlng).at);
      this.preview();
    });
    marker.on("dragend", () => {
      this.ended = performance.now();
      this.changed();
    });
    marker.on("click", ({ originalEvent }) => {
      this.L.DomEvent.stop(originalEvent);
      insert([middle.lng, middle.lat]);
      this.changed();
    });
    marker.addTo(this.over);
  }

  // While a handle is dragged only a thin line follows; the handles stay where they are.
  preview() {
    this.rubber?.remove();
    const places = this.points.map(([lon, lat]) => [lat, lon]);
    this.rubber = this.L.polyline(places, { color: "#d6006c", weight: 2, dashArray: "4 5", interactive: false }).addTo(this.map);
    this.tell();
  }
}
