// How a person arranged the layers: their order from below to above, what is hidden, how opaque. Written as one short
// text for the address, e.g. "villages*60,-roads,towns"; empty when all is as the page made it.

export function lookOf(tiles) {
  const ids = tiles.views.map((view) => view.id);
  const isChanged = ids.some((id, i) => id !== tiles.initial[i]);
  const parts = tiles.views.map(({ id, local }) => {
    const hidden = local.visible === undefined ? "" : local.visible ? "+" : "-";
    return `${hidden}${id}${local.opacity === undefined ? "" : `*${Math.round(local.opacity * 100)}`}`;
  });
  return isChanged || parts.some((part, i) => part !== ids[i]) ? parts.join(",") : "";
}

// Layers the text does not name stay above the one they are above of themselves.
function ordered(initial, named) {
  const order = named.filter((id) => initial.includes(id));
  initial.forEach((id, i) => {
    if (!order.includes(id)) order.splice(i ? order.indexOf(initial[i - 1]) + 1 : 0, 0, id);
  });
  return order;
}

// Returns whether anything changed.
export function applyLook(tiles, text) {
  if (text === lookOf(tiles)) return false;
  const found = new Map();
  for (const part of text ? text.split(",") : []) {
    const read = /^([+-]?)([A-Za-z0-9_]+)(?:\*(\d{1,3}))?$/.exec(part);
    if (read) found.set(read[2], { sign: read[1], opacity: read[3] });
  }
  for (const view of tiles.views) {
    const { sign, opacity } = found.get(view.id) || {};
    view.local = {};
    if (sign) view.local.visible = sign === "+";
    if (opacity) view.local.opacity = Math.min(100, Math.max(20, Number(opacity))) / 100;
  }
  reorder(tiles, ordered(tiles.initial, [...found.keys()]));
  return true;
}

export function reorder(tiles, ids) {
  const views = ids.map((id) => tiles.view(id));
  tiles.views.splice(0, tiles.views.length, ...views);
}
