// The words on the map, given with it from the one catalogue (group `map`); nothing is written here.
let held = {};

export function useWords(words) {
  held = words || {};
}

export function word(key, figures = {}) {
  return (held[key] ?? key).replace(/\{(\w+)\}/g, (_, name) => figures[name] ?? "");
}
