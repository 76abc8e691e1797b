// Tools that take over the pointer: box and lasso selection, distance and area.
import { areaSquareMetres, formatArea, formatLength, lengthMetres } from "./gk.js";
import { element } from "./panel.js";
import { word } from "./words.js";

const TOOLS = ["box", "lasso", "distance", "area"];

function trace(ctx, map, points, close) {
  ctx.beginPath();
  points.forEach(([lon, lat], i) => {
    const p = map.latLngToContainerPoint([lat, lon]);
    if (i) ctx.lineTo(p.x, p.y);
    else ctx.moveTo(p.x, p.y);
  });
  if (close) ctx.closePath();
}

function paint(ctx, map, tool) {
  if (!tool.points.length) return;
  const closed = tool.name !== "distance";
  trace(ctx, map, tool.points, closed);
  if (closed) {
    ctx.fillStyle = "rgba(214,0,108,.12)";
    ctx.fill();
  }
  ctx.setLineDash(tool.name === "box" || tool.name === "lasso" ? [6, 4] : []);
  ctx.strokeStyle = "#ffffff";
  ctx.lineWidth = 5;
  ctx.stroke();
  ctx.strokeStyle = "#d6006c";
  ctx.lineWidth = 2;
  ctx.stroke();
  ctx.setLineDash([]);
}

// Returns a control with `active`: the name of the tool in use, or null.
export function makeTools(L, map, overlay, onArea) {
  const control = L.control({ position: "topleft" });
  const tool = { name: null, points: [], dragging: false };
  const buttons = {};
  const answer = element("div", "atlas-answer");
  answer.setAttribute("role", "status");
  answer.hidden = true;
  map.getContainer().append(answer);
  const say = (text) => {
    answer.textContent = text;
    answer.hidden = !text;
  };
  const redraw = () => {
    overlay.drawing = tool.name || tool.points.length ? (ctx) => paint(ctx, map, tool) : null;
    overlay.schedule();
  };
  const measure = () => {
    if (tool.name === "distance") say(word("distance_is", { n: formatLength(lengthMetres(tool.points)) }));
    if (tool.name === "area" && tool.points.length > 2) say(word("area_is", { n: formatArea(areaSquareMetres(tool.points)) }));
  };
  const choose = (name) => {
    tool.name = tool.name === name ? null : name;
    tool.points = [];
    tool.dragging = false;
    for (const [key, button] of Object.entries(buttons)) button.setAttribute("aria-pressed", String(key === tool.name));
    map.getContainer().classList.toggle("atlas-drawing", Boolean(tool.name));
    const sweeping = tool.name === "box" || tool.name === "lasso";
    if (sweeping) map.dragging.disable();
    else map.dragging.enable();
    if (tool.name) map.doubleClickZoom.disable();
    else map.doubleClickZoom.enable();
    say(tool.name ? word(`${tool.name}_how`) : "");
    redraw();
  };
  const finish = () => {
    const { name, points } = tool;
    choose(null);
    tool.finished = performance.now();
    if ((name === "box" || name === "lasso") && points.length > 2) onArea(points);
    else if (name && points.length > 1) {
      tool.points = points;
      const done = name === "distance" ? formatLength(lengthMetres(points)) : formatArea(areaSquareMetres(points));
      say(word("measured", { what: word(`${name}_is`, { n: done }) }));
      overlay.drawing = (ctx) => paint(ctx, map, { name, points });
      overlay.schedule();
    }
  };
  // A box or lasso is swept with whatever points: mouse, pen or one finger. A second finger means a pinch.
  const container = map.getContainer();
  const abandon = () => {
    tool.dragging = false;
    tool.points = [];
    redraw();
  };
  container.addEventListener("pointerdown", (event) => {
    if (tool.name !== "box" && tool.name !== "lasso") return;
    if (!event.isPrimary) abandon();
    if (!event.isPrimary || event.button || event.target.closest(".leaflet-control")) return;
    event.preventDefault();
    const latlng = map.mouseEventToLatLng(event);
    Object.assign(tool, { dragging: true, pointer: event.pointerId, start: latlng, points: [[latlng.lng, latlng.lat]] });
  });
  const follow = (event) => {
    if (!tool.dragging || event.pointerId !== tool.pointer) return;
    const latlng = map.mouseEventToLatLng(event);
    const { start } = tool;
    if (tool.name === "box") {
      tool.points = [
        [start.lng, start.lat],
        [latlng.lng, start.lat],
        [latlng.lng, latlng.lat],
        [start.lng, latlng.lat],
      ];
    } else if (tool.points.length < 2000) tool.points.push([latlng.lng, latlng.lat]);
    redraw();
  };
  const release = (event) => {
    if (!tool.dragging || event.pointerId !== tool.pointer) return;
    if (event.type === "pointerup") finish();
    else abandon();
  };
  const ends = [["pointermove", follow], ["pointerup", release], ["pointercancel", release]];
  ends.forEach(([name, act]) => window.addEventListener(name, act));
  map.on("unload", () => ends.forEach(([name, act]) => window.removeEventListener(name, act)));
  map.on("click", ({ latlng }) => {
    if (tool.name !== "distance" && tool.name !== "area") return;
    tool.points.push([latlng.lng, latlng.lat]);
    measure();
    redraw();
  });
  map.on("dblclick", () => {
    if (tool.name === "distance" || tool.name === "area") finish();
  });
  map.getContainer().addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      if (tool.name) choose(tool.name);
      tool.points = [];
      say("");
      redraw();
    }
    if (event.key === "Enter" && tool.points.length) finish();
  });
  control.onAdd = () => {
    const box = element("div", "leaflet-bar atlas-tools");
    for (const name of TOOLS) {
      const button = element("button", `atlas-tool-${name}`, word(`${name}_tool`));
      button.type = "button";
      button.title = word(`${name}_how`);
      button.setAttribute("aria-pressed", "false");
      button.addEventListener("click", () => choose(name));
      buttons[name] = button;
      box.append(button);
    }
    L.DomEvent.disableClickPropagation(box);
    return box;
  };
  control.addTo(map);
  // The click that ends a sweep is not a click on the map.
  Object.defineProperty(control, "active", {
    get: () => tool.name || (performance.now() - (tool.finished ?? -1000) < 250 ? "finished" : null),
  });
  return control;
}
