// One tile of one layer onto a canvas. Features of a class are drawn in one stroke; the highest rank comes last.

const HIDDEN = 65535;
const UNITS = 4096;

export function classify(tile, view) {
  if (tile.stamp === view.stamp) return tile.classes;
  const classes = new Uint16Array(tile.count);
  for (let i = 0; i < tile.count; i += 1) classes[i] = view.codeOf(tile.ids[i]);
  tile.stamp = view.stamp;
  tile.classes = classes;
  return classes;
}

const patterns = new Map();

function patternCanvas(kind, ink, ratio) {
  const size = (kind === "cross" ? 16 : 8) * ratio;
  const canvas = document.createElement("canvas");
  canvas.width = size;
  canvas.height = size;
  const ctx = canvas.getContext("2d");
  ctx.strokeStyle = ink;
  ctx.fillStyle = ink;
  ctx.lineWidth = 1.6 * ratio;
  ctx.beginPath();
  const slope = (up) => {
    for (const shift of [-size, 0, size]) {
      ctx.moveTo(shift - 1, up ? size + 1 : -1);
      ctx.lineTo(shift + size + 1, up ? -1 : size + 1);
    }
  };
  if (kind === "hatch" || kind === "cross") slope(true);
  if (kind === "cross") slope(false);
  if (kind === "dots") {
    for (const [x, y] of [
      [2, 2],
      [6, 6],
    ]) {
      ctx.moveTo(x * ratio, y * ratio);
      ctx.arc(x * ratio, y * ratio, 1.3 * ratio, 0, 7);
    }
    ctx.fill();
  } else ctx.stroke();
  return canvas;
}

export function patternOf(ctx, kind, ink, ratio) {
  if (kind === "solid" || kind === "none") return null;
  const key = `${kind}|${ink}|${ratio}`;
  if (!patterns.has(key)) patterns.set(key, ctx.createPattern(patternCanvas(kind, ink, ratio), "repeat"));
  return patterns.get(key);
}

function symbolPath(ctx, kind, x, y, r) {
  ctx.beginPath();
  if (kind === "cross") {
    ctx.moveTo(x, y - r * 1.3);
    ctx.lineTo(x + r * 1.3, y);
    ctx.lineTo(x, y + r * 1.3);
    ctx.lineTo(x - r * 1.3, y);
    ctx.closePath();
  } else if (kind === "dots") {
    ctx.moveTo(x, y - r * 1.25);
    ctx.lineTo(x + r * 1.15, y + r * 0.85);
    ctx.lineTo(x - r * 1.15, y + r * 0.85);
    ctx.closePath();
  } else if (kind === "hatch") ctx.rect(x - r * 0.9, y - r * 0.9, r * 1.8, r * 1.8);
  else ctx.arc(x, y, r, 0, 7);
}

const symbols = new Map();

export function symbolOf(style, radius, ratio) {
  const key = `${style.pattern}|${style.color}|${style.ink}|${style.outline}|${radius}|${ratio}`;
  if (symbols.has(key)) return symbols.get(key);
  const half = Math.ceil((radius * 1.4 + 2) * ratio);
  const canvas = document.createElement("canvas");
  canvas.width = 2 * half;
  canvas.height = 2 * half;
  const ctx = canvas.getContext("2d");
  symbolPath(ctx, style.pattern, half, half, radius * ratio);
  ctx.fillStyle = style.color;
  ctx.fill();
  ctx.lineWidth = (radius < 3 ? 0.6 : 1.2) * ratio;
  ctx.strokeStyle = style.outline;
  ctx.stroke();
  if (style.pattern === "hatch" && radius >= 3) {
    ctx.beginPath();
    ctx.moveTo(half - radius * 0.9 * ratio, half + radius * 0.9 * ratio);
    ctx.lineTo(half + radius * 0.9 * ratio, half - radius * 0.9 * ratio);
    ctx.strokeStyle = style.ink;
    ctx.stroke();
  }
  symbols.set(key, canvas);
  return canvas;
}

export function tracePart(ctx, tile, part, k, close) {
  const { xy, starts } = tile;
  const end = starts[part + 1];
  let c = starts[part];
  ctx.moveTo(xy[2 * c] * k, xy[2 * c + 1] * k);
  for (c += 1; c < end; c += 1) ctx.lineTo(xy[2 * c] * k, xy[2 * c + 1] * k);
  if (close) ctx.closePath();
}

export function traceFeature(ctx, tile, f, k, close) {
  for (let part = tile.parts[f]; part < tile.parts[f + 1]; part += 1) tracePart(ctx, tile, part, k, close);
}

export function pointScale(zoom) {
  return Math.min(1.25, Math.max(0.5, 0.5 + (zoom - 9) * 0.12));
}

export function lineScale(zoom) {
  return Math.min(2, Math.max(0.55, 0.55 + (zoom - 8) * 0.14));
}

const DASHES = { cross: [7, 3], dots: [1.5, 3.5], hatch: [11, 4] };

function paintClass(ctx, tile, members, style, scene) {
  const { k, ratio, zoom, opacity, kind } = scene;
  if (kind === "point") {
    const symbol = symbolOf(style, Math.round(style.radius * pointScale(zoom) * 4) / 4, ratio);
    const half = symbol.width / 2;
    ctx.globalAlpha = opacity;
    for (const f of members) {
      const c = tile.starts[tile.parts[f]];
      ctx.drawImage(symbol, Math.round(tile.xy[2 * c] * k - half), Math.round(tile.xy[2 * c + 1] * k - half));
    }
    return;
  }
  ctx.beginPath();
  for (const f of members) traceFeature(ctx, tile, f, k, kind === "polygon");
  if (kind === "line") {
    const width = style.width * lineScale(zoom) * ratio;
    const dash = style.dash?.length ? style.dash : DASHES[style.pattern] || [];
    ctx.globalAlpha = opacity;
    ctx.setLineDash(dash.map((d) => d * ratio * Math.max(1, style.width / 2)));
    ctx.lineCap = style.pattern === "dots" ? "round" : "butt";
    ctx.lineJoin = "round";
    ctx.lineWidth = width;
    ctx.strokeStyle = style.color;
    ctx.stroke();
    ctx.setLineDash([]);
    return;
  }
  ctx.globalAlpha = opacity * 0.72;
  ctx.fillStyle = style.color;
  if (!scene.isOverBase || style.color !== "#ffffff") ctx.fill(); // what is merely white would hide a base map
  const pattern = patternOf(ctx, style.pattern, style.ink, ratio);
  if (pattern) {
    ctx.globalAlpha = opacity * 0.85;
    ctx.fillStyle = pattern;
    ctx.fill();
  }
  if (style.width > 0) {
    ctx.globalAlpha = opacity;
    ctx.lineJoin = "round";
    ctx.lineWidth = style.width * (zoom < 10 ? 0.6 : 1) * ratio;
    ctx.strokeStyle = style.outline;
    ctx.stroke();
  }
}

export function paintLayer(ctx, tile, view, zoom, ratio, size) {
  const classes = classify(tile, view);
  const byClass = new Map();
  for (let f = 0; f < tile.count; f += 1) {
    const code = classes[f];
    if (code === HIDDEN) continue;
    let members = byClass.get(code);
    if (!members) byClass.set(code, (members = []));
    members.push(f);
  }
  const order = [...byClass.keys()].sort((a, b) => view.styleOf(a).rank - view.styleOf(b).rank || a - b);
  const scene = { k: (size * ratio) / UNITS, ratio, zoom, opacity: view.shownOpacity, kind: view.geometry, isOverBase: view.isOverBase };
  for (const code of order) paintClass(ctx, tile, byClass.get(code), view.styleOf(code), scene);
  ctx.globalAlpha = 1;
}
