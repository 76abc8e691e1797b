// What lies above the tiles and follows the pointer or the page: names, selection, flash, measured lines.
import { lineScale, pointScale, traceFeature } from "./paint.js";

const SPAN = 512;
const FLASHES = 3;
const FLASH_MS = 1500;

export function makeOverlay(L) {
  return L.Layer.extend({
    initialize(tiles) {
      this.tiles = tiles;
      this.selected = new Map();
      this.hovered = null;
      this.drawing = null;
    },

    onAdd(map) {
      this.canvas = L.DomUtil.create("canvas", "atlas-overlay leaflet-zoom-hide");
      map.getPanes().overlayPane.appendChild(this.canvas);
      map.on("moveend zoomend resize viewreset", this.schedule, this);
      this.tiles.on("atlaspainted", this.schedule, this);
      this.schedule();
    },

    onRemove(map) {
      this.canvas.remove();
      map.off("moveend zoomend resize viewreset", this.schedule, this);
      this.tiles.off("atlaspainted", this.schedule, this);
    },

    select(features) {
      this.selected = new Map();
      for (const [layer, position] of features) {
        if (!this.selected.has(layer)) this.selected.set(layer, new Set());
        this.selected.get(layer).add(position);
      }
      this.schedule();
    },

    hover(feature) {
      const [was, now] = [this.hovered, feature];
      if (was?.layer === now?.layer && was?.position === now?.position) return;
      this.hovered = feature;
      this.schedule();
    },

    flash(feature) {
      this.flashing = { feature, from: performance.now() };
      this.schedule();
    },

    schedule() {
      if (this.pending) return;
      this.pending = true;
      const run = () => {
        this.pending = false;
        if (this._map?._mapPane) this.draw(); // a map taken off the page has none
      };
      if (document.hidden) setTimeout(run, 0);
      else requestAnimationFrame(run);
    },

    draw() {
      const map = this._map;
      const size = map.getSize();
      const ratio = window.devicePixelRatio || 1;
      if (this.canvas.width !== size.x * ratio || this.canvas.height !== size.y * ratio) {
        this.canvas.width = size.x * ratio;
        this.canvas.height = size.y * ratio;
        this.canvas.style.width = `${size.x}px`;
        this.canvas.style.height = `${size.y}px`;
      }
      L.DomUtil.setPosition(this.canvas, map.containerPointToLayerPoint([0, 0]));
      const ctx = this.canvas.getContext("2d");
      ctx.setTransform(ratio, 0, 0, ratio, 0, 0);
      ctx.clearRect(0, 0, size.x, size.y);
      if (this.hovered) this.outline(ctx, this.hovered.layer, new Set([this.hovered.position]), ["#ffffff", "#444444"], 1);
      for (const [layer, positions] of this.selected) this.outline(ctx, layer, positions, ["#ffffff", "#d6006c"], 2);
      this.drawFlash(ctx);
      this.drawNames(ctx, size);
      this.drawing?.(ctx, map);
    },

    origin(coords) {
      const corner = L.point(coords.x * SPAN, coords.y * SPAN).subtract(this._map.getPixelOrigin());
      return this._map.layerPointToContainerPoint(corner);
    },

    outline(ctx, layer, positions, [halo, ink], weight) {
      const view = this.tiles.view(layer);
      if (!view?.isVisible) return;
      const zoom = this._map.getZoom();
      for (const [coords, tile, f] of this.tiles.pieces(layer, positions)) {
        const at = this.origin(coords);
        ctx.save();
        ctx.translate(at.x, at.y);
        ctx.beginPath();
        if (view.geometry === "point") {
          const c = tile.starts[tile.parts[f]];
          ctx.arc(tile.xy[2 * c] / 8, tile.xy[2 * c + 1] / 8, view.style.radius * pointScale(zoom) + 5, 0, 7);
        } else {
          ctx.rect(0, 0, SPAN, SPAN);
          ctx.clip();
          ctx.beginPath();
          traceFeature(ctx, tile, f, 1 / 8, view.geometry === "polygon");
        }
        const base = view.geometry === "line" ? view.style.width * lineScale(zoom) : 0;
        ctx.lineJoin = "round";
        ctx.strokeStyle = halo;
        ctx.lineWidth = base + 3 * weight + 1;
        ctx.stroke();
        ctx.strokeStyle = ink;
        ctx.lineWidth = base + 1.6 * weight;
        ctx.stroke();
        ctx.restore();
      }
    },

    drawFlash(ctx) {
      if (!this.flashing) return;
      const age = performance.now() - this.flashing.from;
      if (age > FLASH_MS) {
        this.flashing = null;
        return;
      }
      const on = Math.floor((age / FLASH_MS) * FLASHES * 2) % 2 === 0;
      const [layer, position] = this.flashing.feature;
      if (on) this.outline(ctx, layer, new Set([position]), ["#ffe600", "#d6006c"], 3);
      this.schedule();
    },

    drawNames(ctx, size) {
      const taken = [];
      const high = parseFloat(getComputedStyle(this._map.getContainer()).getPropertyValue("--atlas-names")) || 12; // pixels
      ctx.font = `${high}px 'Noto Sans CJK SC', 'Microsoft YaHei', sans-serif`;
      ctx.textAlign = "center";
      ctx.textBaseline = "middle";
      for (const view of [...this.tiles.views].reverse()) {
        if (!view.isVisible || !view.showTexts || !view.texts) continue;
        for (const [coords, x, y, id] of this.tiles.anchors(view)) {
          const text = view.texts[id];
          const at = this.origin(coords).add([x / 8, y / 8 - (view.geometry === "point" ? high : 0)]);
          if (!text || at.x < 0 || at.y < 0 || at.x > size.x || at.y > size.y) continue;
          const half = ctx.measureText(text).width / 2 + 3;
          const box = [at.x - half, at.y - 0.75 * high, at.x + half, at.y + 0.75 * high];
          if (taken.some((b) => box[0] < b[2] && box[2] > b[0] && box[1] < b[3] && box[3] > b[1])) continue;
          taken.push(box);
          ctx.lineWidth = 3.5;
          ctx.strokeStyle = "rgba(255,255,255,.92)";
          ctx.strokeText(text, at.x, at.y);
          ctx.fillStyle = "#16202a";
          ctx.fillText(text, at.x, at.y);
        }
      }
    },
  });
}
