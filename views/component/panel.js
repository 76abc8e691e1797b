// Legend with patterns and counts, and the readout of coordinates. Every text is set as text, never as markup.
import { patternOf, symbolOf } from "./paint.js";
import { formatPosition } from "./gk.js";

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

function opacityOf(view, onChange) {
  const slider = element("input", "atlas-legend-opacity");
  Object.assign(slider, { type: "range", min: 20, max: 100, step: 10, value: Math.round(view.shownOpacity * 100) });
  slider.title = "不透明度";
  slider.setAttribute("aria-label", `${view.label}：不透明度`);
  slider.addEventListener("input", () => onChange(view, { opacity: slider.value / 100 }));
  return slider;
}

function layerBlock(view, onChange) {
  const block = element("section", "atlas-legend-layer");
  const head = element("label", "atlas-legend-head");
  const box = element("input");
  box.type = "checkbox";
  box.checked = view.isVisible;
  box.addEventListener("change", () => onChange(view, { visible: box.checked }));
  head.append(box, element("span", "", view.label));
  const line = element("div", "atlas-legend-line");
  line.append(head);
  block.append(line);
  if (!view.isVisible) return block;
  line.append(opacityOf(view, onChange));
  const counts = view.counts();
  if (!view.classes.length) {
    block.append(row(view.style, view.geometry, view.style.label || view.label));
    return block;
  }
  view.classes.forEach((style, code) => {
    if (!style.label || (counts && !counts[code])) return;
    block.append(row(style, view.geometry, style.label, counts ? counts[code] : undefined));
  });
  return block;
}

export function makeLegend(L, map, tiles, redraw) {
  const control = L.control({ position: "bottomright" });
  const body = element("div", "atlas-legend-body");
  control.onAdd = () => {
    const box = element("details", "atlas-legend leaflet-control");
    box.open = map.getSize().x > 560;
    box.append(element("summary", "", "图例与图层"), body);
    L.DomEvent.disableClickPropagation(box);
    L.DomEvent.disableScrollPropagation(box);
    return box;
  };
  control.addTo(map);
  const change = (view, local) => {
    Object.assign(view.local, local);
    redraw("visible" in local);
  };
  control.refresh = () => body.replaceChildren(...[...tiles.views].reverse().map((view) => layerBlock(view, change)));
  return control;
}

export function makeReadout(L, map) {
  const control = L.control({ position: "bottomleft" });
  control.onAdd = () => {
    const box = element("div", "atlas-readout leaflet-control");
    const select = element("select");
    select.setAttribute("aria-label", "坐标格式");
    for (const [value, text] of [
      ["lonlat", "经纬度 CGCS2000"],
      ["dms", "度分秒"],
      ["gk", "高斯-克吕格 3° 带（米）"],
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
