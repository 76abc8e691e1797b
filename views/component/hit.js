// Which feature lies under a point of a tile. Coordinates and tolerances in tile units.

function nearestPoint(tile, classes, x, y, reach) {
  let best = reach * reach;
  let found = -1;
  for (let f = 0; f < tile.count; f += 1) {
    if (classes[f] === 65535) continue;
    const c = tile.starts[tile.parts[f]];
    const dx = tile.xy[2 * c] - x;
    const dy = tile.xy[2 * c + 1] - y;
    const square = dx * dx + dy * dy;
    if (square <= best) {
      best = square;
      found = f;
    }
  }
  return found;
}

function toSegment(px, py, ax, ay, bx, by) {
  const [dx, dy] = [bx - ax, by - ay];
  const square = dx * dx + dy * dy;
  const t = square ? Math.min(1, Math.max(0, ((px - ax) * dx + (py - ay) * dy) / square)) : 0;
  return (px - ax - t * dx) ** 2 + (py - ay - t * dy) ** 2;
}

function nearestLine(tile, classes, x, y, reach) {
  let best = reach * reach;
  let found = -1;
  for (let f = 0; f < tile.count; f += 1) {
    const b = 4 * f;
    if (classes[f] === 65535 || x < tile.boxes[b] - reach || x > tile.boxes[b + 2] + reach) continue;
    if (y < tile.boxes[b + 1] - reach || y > tile.boxes[b + 3] + reach) continue;
    for (let part = tile.parts[f]; part < tile.parts[f + 1]; part += 1) {
      for (let c = tile.starts[part] + 1; c < tile.starts[part + 1]; c += 1) {
        const { xy } = tile;
        const square = toSegment(x, y, xy[2 * c - 2], xy[2 * c - 1], xy[2 * c], xy[2 * c + 1]);
        if (square <= best) {
          best = square;
          found = f;
        }
      }
    }
  }
  return found;
}

function coveringArea(tile, classes, x, y) {
  let found = -1;
  for (let f = 0; f < tile.count; f += 1) {
    const b = 4 * f;
    if (classes[f] === 65535 || x < tile.boxes[b] || x > tile.boxes[b + 2]) continue;
    if (y < tile.boxes[b + 1] || y > tile.boxes[b + 3]) continue;
    let inside = false;
    for (let part = tile.parts[f]; part < tile.parts[f + 1]; part += 1) {
      const [from, to] = [tile.starts[part], tile.starts[part + 1]];
      for (let c = from, d = to - 1; c < to; d = c, c += 1) {
        const [ax, ay, bx, by] = [tile.xy[2 * c], tile.xy[2 * c + 1], tile.xy[2 * d], tile.xy[2 * d + 1]];
        if (ay > y !== by > y && x < ((bx - ax) * (y - ay)) / (by - ay) + ax) inside = !inside;
      }
    }
    if (inside) found = f;
  }
  return found;
}

export function hitTile(tile, classes, geometry, x, y, reach) {
  if (geometry === "point") return nearestPoint(tile, classes, x, y, reach);
  if (geometry === "line") return nearestLine(tile, classes, x, y, reach);
  return coveringArea(tile, classes, x, y);
}
