// Mounts a map once and keeps it: later runs of the page only bring a patch.
import { useWords, word } from "./words.js";
import { fetchCodes, makeTiles } from "./tiles.js";
import { makeOverlay } from "./overlay.js";
import { makeBases } from "./base.js";
import { applyLook, lookOf } from "./look.js";
import { element, makeLegend, makeReadout, makeTooltip } from "./panel.js";
import { makeTools } from "./tools.js";
import { Swipe } from "./swipe.js";
import { Sketch } from "./sketch.js";
import { areaSquareMetres, gaussKrueger, lengthMetres, zoneOf } from "./gk.js";

const mounted = new WeakMap();
const lastViews = new Map();
const pairs = new Set(); // maps that are held against each other (key pair_…) move together
const loading = new Map();
const linked = new Map(); // which link each map has followed
let inAddress = null; // the map whose place stands in the address
let leading = false; // a map that is moved by another does not move it back

function loadOnce(address, begin) {
  if (!loading.has(address)) {
    loading.set(address, begin(address));
    loading.get(address).catch(() => loading.delete(address));
  }
  return loading.get(address);
}

function loadScript(address) {
  return new Promise((ok, fail) => {
    const script = element("script");
    script.src = address;
    script.async = false;
    script.addEventListener("load", ok);
    script.addEventListener("error", () => fail(new Error(address)));
    document.head.append(script);
  });
}

function loadStyle(address) {
  return new Promise((ok, fail) => {
    const link = element("link");
    link.rel = "stylesheet";
    link.href = address;
    link.addEventListener("load", ok);
    link.addEventListener("error", () => fail(new Error(address)));
    document.head.append(link);
  });
}

async function loadAssets(definition) {
  await Promise.all([
    ...definition.styles.map((address) => loadOnce(address, loadStyle)),
    (async () => {
      for (const address of definition.scripts) await loadOnce(address, loadScript);
    })(),
  ]);
}

async function fetchDefinition(hash) {
  const answer = await fetch(`/atlas/map/${hash}.json`);
  if (!answer.ok) throw new Error(`${answer.status} ${hash}`);
  return answer.json();
}

async function definitionOf(hash) {
  const definition = await loadOnce(hash, fetchDefinition);
  const [module] = await Promise.all([
    import(new URL(`/atlas/map/${hash}.js`, window.location.origin).href),
    loadAssets(definition),
  ]);
  return { ...definition, compose: module.default };
}

function viewOf(map) {
  const bounds = map.getBounds();
  const centre = map.getCenter();
  return {
    bounds: [bounds.getWest(), bounds.getSouth(), bounds.getEast(), bounds.getNorth()],
    zoom: map.getZoom(),
    center: [centre.lng, centre.lat],
  };
}

// Where the map stands is part of the address, so that a copied address, a reload and a step back show the same place.
// Streamlit writes the rest and knows nothing of this part: it is put back whenever it writes.
function writePlace() {
  const map = inAddress?.map;
  if (!map?._mapPane || window.location.pathname !== inAddress.path || window.location.protocol === "file:") return;
  const centre = map.getCenter();
  const place = [centre.lng.toFixed(5), centre.lat.toFixed(5), map.getZoom()].map(Number).join(",");
  const address = new URL(window.location.href);
  if (address.searchParams.get("view") === place) return;
  address.searchParams.set("view", place);
  replaceState(window.history.state, "", address);
}

const replaceState = window.history.replaceState.bind(window.history);
if (!window.history.atlasWrites) {
  window.history.atlasWrites = true;
  const push = window.history.pushState.bind(window.history);
  window.history.pushState = (...state) => {
    push(...state);
    window.dispatchEvent(new Event("atlas-pushed"));
  };
}
window.addEventListener("atlas-pushed", writePlace);

// Leaflet's own controls in the reader's language, metric only; folium's plugins under the names folium uses.
function localise(L, stage) {
  Object.assign(L.Control.Zoom.prototype.options, { zoomInTitle: word("zoom_in"), zoomOutTitle: word("zoom_out") });
  L.Control.Scale.prototype.options.imperial = false;
  L.Control.Scale.include({
    _updateMetric(span) {
      const metres = this._getRoundNum(span);
      this._updateScale(this._mScale, metres < 1000 ? word("m", { n: metres }) : word("km", { n: metres / 1000 }), metres / span);
    },
  });
  L.control.fullscreen = (options) => new L.Control.FullScreen({ ...options, fullscreenElement: stage || false });
}

// One map on the page. `definition` says what is composed; `apply` takes a patch.
export class AtlasMap {
  constructor(holder, definition, L, send, stage) {
    this.holder = holder;
    this.send = send;
    this.swiped = Boolean(stage); // a swipe moves its maps itself
    this.nonce = 0;
    this.applied = {};
    useWords(definition.words);
    this.root = element("div", "atlas-map");
    this.root.setAttribute("role", "application");
    this.root.setAttribute("aria-label", word("how_to_move", { title: definition.title || word("map") }));
    const focus = this.root.focus.bind(this.root);
    this.root.focus = (options) => focus({ preventScroll: true, ...options }); // a click into the map leaves the page where it is
    this.root.addEventListener("pointerdown", () => this.root.classList.add("atlas-by-pointer"), true);
    this.root.addEventListener("keydown", () => this.root.classList.remove("atlas-by-pointer"), true);
    this.root.addEventListener("blur", () => this.root.classList.remove("atlas-by-pointer"));
    holder.replaceChildren(this.root);
    const Tiles = makeTiles(L);
    localise(L, stage);
    const atlas = { vectorTiles: (options) => (this.tiles = new Tiles(options)) };
    this.map = definition.compose(L, atlas, this.root);
    this.map.attributionControl?.setPrefix(false);
    this.map.boxZoom.disable();
    this.L = L;
    this.overlay = new (makeOverlay(L))(this.tiles).addTo(this.map);
    this.tooltip = makeTooltip(this.root);
    this.tools = makeTools(L, this.map, this.overlay, (ring) => this.report("area", { ring, layers: this.onScreen() }));
    this.sketch = new Sketch(L, this.map, this.tiles, (line) => this.report("drawn", { line: line || [] }));
    this.bases = makeBases(L, this.map, definition.bases || [], this.tiles, (isMissing) => this.missBase(isMissing));
    this.legend = makeLegend(L, this.map, this.tiles, this.bases, {
      position: definition.legend,
      redraw: (relist) => this.refresh(relist),
      done: () => this.tellLook(),
    });
    makeReadout(L, this.map);
    this.listen();
  }

  listen() {
    this.map.on("click", ({ latlng }) => this.click(latlng));
    this.map.on("mousemove", (event) => {
      this.pointer = event;
      if (this.awaiting) return;
      this.awaiting = true;
      requestAnimationFrame(() => {
        this.awaiting = false;
        this.hover(this.pointer);
      });
    });
    this.map.on("mouseout", () => this.hover(null));
    this.map.on("movestart", () => this.hover(null));
    this.map.on("moveend", () => this.moved());
    this.root.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && event.target === this.root && !this.tools.active && !this.sketch.isActive) this.click(this.map.getCenter());
    });
    this.tiles.on("atlasfailed", () => this.complain(word("layers_missing")));
    this.resize = new ResizeObserver(() => this.map.invalidateSize({ debounceMoveend: true }));
    this.resize.observe(this.root);
  }

  onScreen() {
    return this.tiles.views.filter((view) => view.isVisible && view.interactive).map((view) => view.id);
  }

  report(kind, more) {
    this.nonce = Math.max(this.nonce + 1, Date.now());
    this.send("event", { kind, nonce: this.nonce, ...more, ...viewOf(this.map) });
  }

  click(latlng) {
    if (this.tools.active || this.sketch.isActive) return;
    const found = this.tiles.hit(latlng);
    this.overlay.select(found ? [[found.layer, found.position]] : []);
    this.report("click", { clicked: found ? [found.layer, found.position] : null });
  }

  hover(event) {
    const found = event && !this.tools.active && !this.sketch.isActive && !this.map.dragging.moving() ? this.tiles.hit(event.latlng) : null;
    this.root.classList.toggle("atlas-over", Boolean(found));
    this.overlay.hover(found);
    this.tooltip(found, event?.containerPoint);
  }

  moved() {
    if (this.key) lastViews.set(this.key, viewOf(this.map));
    if (this.key) this.write();
    if (pairs.has(this)) this.lead();
    if (!this.reportsView) return;
    clearTimeout(this.settling);
    this.settling = setTimeout(() => this.report("view", {}), 600);
  }

  lead() {
    if (leading) return;
    leading = true;
    const [centre, zoom] = [this.map.getCenter(), this.map.getZoom()];
    for (const other of pairs) {
      if (other === this) continue;
      const isThere = other.map.getZoom() === zoom && other.map.getCenter().distanceTo(centre) < 1;
      if (!isThere) other.map.setView(centre, zoom, { animate: false });
    }
    leading = false;
  }

  complain(text) {
    if (!this.banner) {
      this.banner = element("div", "atlas-banner");
      this.banner.setAttribute("role", "alert");
      this.root.append(this.banner);
    }
    this.banner.textContent = text;
  }

  missBase(isMissing) {
    if (!isMissing) this.notice?.remove();
    else if (!this.notice?.isConnected) {
      this.notice = element("div", "atlas-notice", word("base_missing"));
      this.notice.setAttribute("role", "status");
      this.root.append(this.notice);
    }
  }

  // Tell the page how the layers are arranged, so that a link or bookmark shows them likewise.
  tellLook() {
    this.report("look", { look: lookOf(this.tiles), base: this.bases.chosen });
    this.lookNonce = this.nonce;
  }

  // What the page says of the arrangement holds unless the person has changed it since.
  arrange(look) {
    if (!look || look.nonce < (this.lookNonce || 0)) return;
    this.bases.choose(look.base);
    if (applyLook(this.tiles, look.text) && this.applied.states) this.refresh(true);
  }

  async refresh(relist) {
    if (relist) this.legend.refresh();
    await this.tiles.repaint();
    this.overlay.schedule();
  }

  // At once, but no oftener than browsers take addresses while a map is dragged by keys or wheel.
  write() {
    clearTimeout(this.writing);
    const wait = (this.written ?? 0) + 150 - performance.now();
    if (wait > 0) {
      this.writing = setTimeout(() => this.write(), wait);
      return;
    }
    this.written = performance.now();
    writePlace();
  }

  // A link is followed once; a map composed anew stays where the person left it.
  follow(patch) {
    const text = JSON.stringify(patch.view);
    if (!patch.view || linked.get(patch.key) === text) return false;
    linked.set(patch.key, text);
    this.map.setView([patch.view[1], patch.view[0]], patch.view[2], { animate: false });
    return true;
  }

  place(patch, kept) {
    if (this.follow(patch)) return;
    if (kept) this.map.setView([kept.center[1], kept.center[0]], kept.zoom, { animate: false });
    else this.fit(patch.bounds, false);
  }

  fit([west, south, east, north], animate) {
    const isStill = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
    const options = { animate: animate && !isStill, maxZoom: 16, padding: [12, 12] };
    this.map.fitBounds(
      [
        [south, west],
        [north, east],
      ],
      options,
    );
  }

  changed(name, value) {
    const text = JSON.stringify(value ?? null);
    if (this.applied[name] === text) return false;
    this.applied[name] = text;
    return true;
  }

  async apply(patch) {
    const isFirst = !this.key;
    const kept = lastViews.get(patch.key);
    const isAsked = patch.reportsView && !this.reportsView && !isFirst;
    this.reportsView = patch.reportsView;
    this.root.style.height = `${patch.height}px`;
    if (isFirst) {
      this.map.invalidateSize({ animate: false });
      this.place(patch, kept);
      this.key = patch.key; // from here on the view is the person's; where the map is composed is nobody's
      lastViews.set(this.key, viewOf(this.map));
      if (this.key.startsWith("pair_") && !this.swiped) pairs.add(this);
      inAddress = this;
      this.path = window.location.pathname;
      writePlace();
    } else this.follow(patch);
    if (isAsked) this.report("view", {});
    this.arrange(patch.look);
    if (this.changed("focus", patch.focus) && patch.focus) this.fit(patch.focus.bounds, !isFirst);
    if (this.changed("selected", patch.selected)) this.overlay.select(await this.selection(patch.selected));
    if (this.changed("states", patch.states)) {
      await this.restyle(patch.states);
    }
    if (this.changed("sketch", patch.sketch)) this.sketch.apply(patch.sketch);
    if (this.changed("flash", patch.flash) && patch.flash) this.overlay.flash(patch.flash.feature);
  }

  async restyle(states) {
    try {
      await this.tiles.setStates(states);
      this.banner?.remove();
      this.banner = null;
    } catch {
      delete this.applied.states;
      this.complain(word("states_missing"));
    }
    this.legend.refresh();
    this.overlay.schedule();
  }

  async selection(selected) {
    const lists = await Promise.all(
      Object.entries(selected || {}).map(async ([layer, positions]) => {
        const all = typeof positions === "string" ? await fetchCodes(positions) : positions;
        return Array.from(all, (position) => [layer, position]);
      }),
    );
    return lists.flat();
  }

  lengthOf(points) {
    return lengthMetres(points);
  }

  areaOf(points) {
    return areaSquareMetres(points);
  }

  projected(lon, lat) {
    const zone = zoneOf(lon);
    return [...gaussKrueger(lon, lat, zone.meridian), zone.code];
  }

  dispose() {
    this.resize.disconnect();
    pairs.delete(this);
    if (inAddress === this) inAddress = null;
    clearTimeout(this.settling);
    clearTimeout(this.writing);
    this.map.remove();
  }
}

async function build(holder, data, send) {
  if (!data.sides) return new AtlasMap(holder, await definitionOf(data.map), window.L, send);
  const corners = ["bottomleft", "bottomright"];
  const definitions = await Promise.all(data.sides.map((side) => definitionOf(side.map)));
  return new Swipe(holder, (place, i, stage) => {
    const tell = (name, value) => send(name, { ...value, side: i });
    return new AtlasMap(place, { ...definitions[i], legend: corners[i] }, window.L, tell, stage);
  });
}

function disposerOf(parent) {
  return async () => {
    const place = mounted.get(parent);
    mounted.delete(parent);
    place?.holder.remove(); // a page that mounts again gets a new holder: never two maps one above the other
    (await place?.ready)?.dispose();
  };
}

export default async function mount({ data, parentElement, setStateValue }) {
  let place = mounted.get(parentElement);
  if (!place) {
    place = { holder: element("div", "atlas-holder"), hash: null, dispose: disposerOf(parentElement) };
    parentElement.append(place.holder);
    mounted.set(parentElement, place);
  }
  place.send = setStateValue;
  place.latest = data;
  if (place.hash !== data.map) {
    place.hash = data.map;
    const before = place.ready;
    const send = (name, value) => place.send(name, value);
    place.ready = (async () => {
      (await before)?.dispose();
      return build(place.holder, data, send);
    })();
  }
  try {
    const atlas = await place.ready;
    if (place.latest === data) await atlas.apply(data);
    place.holder.dataset.ready = data.map;
    place.holder.atlas = atlas;
  } catch (error) {
    place.holder.replaceChildren(element("div", "atlas-banner", `${data.failed} ${error.message}`));
    throw error;
  }
  return place.dispose;
}
