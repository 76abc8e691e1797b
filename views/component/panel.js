// Legend with patterns and counts, and the readout of coordinates. Every text is set as text, never as markup.
import { patternOf, symbolOf } from "./paint.js";
import { word } from "./words.js";
import { formatPosition } from "./gk.js";
import { reorder } from "./look.js";

export function element(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

function swatch(style, geometry) {
  const canvas = element("canvas", "atlas-swatch");
  const ratio = Math.min(2, Math.ceil(window.devicePixelRatio || 1));
  [canvas.width, canvas.height] = [26 * ratio, 16 * ratio];
  const ctx = canvas.getContext("2d");
  if (geometry === "point") {
    const symbol = symbolOf(style, Math.min(style.radius, 6), ratio);
    ctx.drawImage(symbol, (canvas.width - symbol.width) / 2, (canvas.height - symbol.height) / 2);
  } else if (geometry === "line") {
    ctx.strokeStyle = style.color;
    ctx.lineWidth = Math.min(5, Math.max(2, style.width)) * ratio;
    const dash = style.dash?.length ? style.dash : { cross: [7, 3], dots: [1.5, 3.5], hatch: [11, 4] }[style.pattern] || [];
    ctx.setLineDash(dash.map((d) => d * ratio));
    ctx.beginPath();
    ctx.moveTo(0, canvas.height / 2);
    ctx.lineTo(canvas.width, canvas.height / 2);
    ctx.stroke();
  } else {
    ctx.fillStyle = style.color;
    ctx.fillRect(0, 0, canvas.width, canvas.height);
    const pattern = patternOf(ctx, style.pattern, style.ink, ratio);
    if (pattern) {
      ctx.fillStyle = pattern;
      ctx.fillRect(0, 0, canvas.width, canvas.height);
    }
    ctx.strokeStyle = style.outline;
    ctx.lineWidth = 2 * ratio;
    ctx.strokeRect(0, 0, canvas.width, canvas.height);
  }
  return canvas;
}

function row(style, geometry, text, count) {
  const line = element("div", "atlas-legend-row");
  line.append(swatch(style, geometry), element("span", "atlas-legend-text", text));
  if (count !== undefined) line.append(element("span", "atlas-legend-count", count.toLocaleString("zh-CN")));
  return line;
}

function slider(text, value, onInput, onDone) {
  const made = element("input", "atlas-legend-opacity");
  Object.assign(made, { type: "range", min: 20, max: 100, step: 10, value: Math.round(value * 100) });
  made.title = word("opacity");
  made.setAttribute("aria-label", word("opacity_of", { name: text }));
  made.addEventListener("input", () => onInput(made.value / 100));
  made.addEventListener("change", onDone);
  return made;
}

// A grip moves its layer up and down: dragged, or by the arrow keys.
function gripOf(view, panel) {
  const grip = element("button", "atlas-legend-grip", "⠿");
  grip.type = "button";
  grip.title = word("reorder");
  grip.setAttribute("aria-label", word("reorder_of", { name: view.label }));
  grip.addEventListener("keydown", (event) => {
    const step = { ArrowUp: 1, ArrowDown: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    event.stopPropagation();
    panel.shift(view, step);
  });
  grip.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    event.preventDefault();
    grip.focus();
    const block = grip.closest(".atlas-legend-layer");
    block.classList.add("atlas-dragged");
    const blocks = () => [...panel.body.querySelectorAll(".atlas-legend-layer")];
    const move = ({ pointerId, clientY }) => {
      if (pointerId !== event.pointerId) return;
      const others = blocks().filter((other) => other !== block);
      const below = others.find((other) => {
        const box = other.getBoundingClientRect();
        return clientY < box.top + box.height / 2;
      });
      const next = below || others.at(-1).nextElementSibling;
      if (next !== block && next !== block.nextElementSibling) panel.body.insertBefore(block, next);
    };
    const watch = (act) => ["pointerup", "pointercancel"].forEach((name) => window[act](name, end));
    const end = ({ pointerId }) => {
      if (pointerId !== event.pointerId) return;
      window.removeEventListener("pointermove", move);
      watch("removeEventListener");
      block.classList.remove("atlas-dragged");
      panel.settle(blocks().map((other) => other.dataset.layer).reverse());
    };
    window.addEventListener("pointermove", move);
    watch("addEventListener");
  });
  return grip;
}

function layerBlock(view, panel) {
  const block = element("section", "atlas-legend-layer");
  block.dataset.layer = view.id;
  const head = element("label", "atlas-legend-head");
  const box = element("input");
  box.type = "checkbox";
  box.checked = view.isVisible;
  box.addEventListener("change", () => panel.change(view, { visible: box.checked }, true));
  const own = view.style.label || view.label;
  const isOne = !view.classes.length && own === view.label; // one look under the layer's own name needs no second line
  head.append(box, ...(isOne ? [swatch(view.style, view.geometry)] : []), element("span", "", view.label));
  const line = element("div", "atlas-legend-line");
  line.append(head);
  if (panel.tiles.views.length > 1) line.prepend(gripOf(view, panel));
  block.append(line);
  if (!view.isVisible) return block;
  const fade = (opacity) => panel.change(view, { opacity }, false);
  line.append(slider(view.label, view.shownOpacity, fade, () => panel.done()));
  const counts = view.counts();
  if (!view.classes.length) {
    if (!isOne) block.append(row(view.style, view.geometry, own));
    return block;
  }
  view.classes.forEach((style, code) => {
    if (!style.label || (counts && !counts[code])) return;
    block.append(row(style, view.geometry, style.label, counts ? counts[code] : undefined));
  });
  return block;
}

function baseBlock(bases, panel) {
  const block = element("section", "atlas-legend-base");
  const line = element("div", "atlas-legend-line");
  const head = element("label", "atlas-legend-head");
  const select = element("select");
  for (const [id, title] of [["", word("no_base")], ...bases.bases.map((base) => [base.id, base.title])]) {
    const option = element("option", "", title);
    option.value = id;
    select.append(option);
  }
  select.value = bases.chosen;
  select.addEventListener("change", () => {
    bases.choose(select.value);
    panel.refresh();
    panel.done();
  });
  head.append(element("span", "", word("base")), select);
  line.append(head);
  if (bases.chosen) line.append(slider(word("base"), bases.opacity, bases.fade, () => {}));
  block.append(line);
  return block;
}

// The legend is the layer panel: what is on top stands on top. `hooks.redraw(relist)` paints anew, `hooks.done()` tells
// the page how the person arranged it.
export function makeLegend(L, map, tiles, bases, hooks) {
  const control = L.control({ position: hooks.position || "bottomright" });
  const body = element("div", "atlas-legend-body");
  control.onAdd = () => {
    const box = element("details", "atlas-legend leaflet-control");
    box.open = map.getSize().x > 640;
    box.append(element("summary", "", word("legend")), body);
    L.DomEvent.disableClickPropagation(box);
    L.DomEvent.disableScrollPropagation(box);
    return box;
  };
  control.addTo(map);
  const panel = { body, tiles, done: hooks.done };
  panel.change = (view, local, isFinal) => {
    Object.assign(view.local, local);
    hooks.redraw("visible" in local);
    if (isFinal) hooks.done();
  };
  panel.settle = (ids) => {
    reorder(tiles, ids);
    hooks.redraw(true);
    hooks.done();
  };
  panel.shift = (view, step) => {
    const ids = tiles.views.map(({ id }) => id);
    const from = ids.indexOf(view.id);
    const to = from + step;
    if (to < 0 || to >= ids.length) return;
    [ids[from], ids[to]] = [ids[to], ids[from]];
    panel.settle(ids);
  };
  panel.refresh = () => {
    const held = body.contains(document.activeElement) ? document.activeElement : null;
    const [layer, kind] = [held?.closest("[data-layer]")?.dataset.layer, held?.className];
    if (body.querySelector(".atlas-dragged")) return;
    const blocks = [...tiles.views].reverse().filter((view) => view.isVisible || view.local.visible === false || view.isOffered).map((view) => layerBlock(view, panel));
    if (bases.bases.length) blocks.push(baseBlock(bases, panel));
    body.replaceChildren(...blocks);
    if (!held) return;
    const place = layer ? blocks.find((block) => block.dataset.layer === layer) : blocks.at(-1);
    const same = [...(place?.querySelectorAll("button, input, select") || [])].find((other) => other.className === kind);
    same?.focus({ preventScroll: true });
  };
  control.refresh = panel.refresh;
  return control;
}

export function makeReadout(L, map) {
  const control = L.control({ position: "bottomleft" });
  control.onAdd = () => {
    const box = element("div", "atlas-readout leaflet-control");
    const select = element("select");
    select.setAttribute("aria-label", word("coordinates"));
    for (const [value, text] of [
      ["lonlat", word("lonlat")],
      ["dms", word("dms")],
      ["gk", word("gk")],
    ]) {
      const option = element("option", "", text);
      option.value = value;
      select.append(option);
    }
    const shown = element("output", "", "—");
    let last = map.getCenter();
    const show = (event) => {
      last = event?.latlng || last;
      shown.textContent = formatPosition(last.lng, last.lat, select.value);
    };
    select.addEventListener("change", () => show());
    map.on("mousemove", show);
    box.append(select, shown);
    L.DomEvent.disableClickPropagation(box);
    return box;
  };
  return control.addTo(map);
}

export function makeTooltip(container) {
  const box = element("div", "atlas-tooltip");
  box.setAttribute("role", "status");
  box.hidden = true;
  container.append(box);
  return (found, point) => {
    box.hidden = !found;
    if (!found) return;
    const { view, position } = found;
    const name = view.texts?.[position] || "";
    const style = view.by ? view.classes[view.by[position]] : null;
    box.replaceChildren(element("strong", "", name || view.label));
    if (style?.label) box.append(element("span", "", style.label));
    const right = point.x > container.clientWidth - 220;
    box.style.left = `${point.x + (right ? -16 : 16)}px`;
    box.style.top = `${point.y + 12}px`;
    box.style.transform = right ? "translateX(-100%)" : "";
  };
}
