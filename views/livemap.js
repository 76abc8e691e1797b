// The exported page around the map: which need is shown, which statuses, a search, and the card of what was clicked.
function makePanel(atlas, data) {
  const at = (id) => document.getElementById(id);
  const made = (tag, text, className) => {
    const element = document.createElement(tag);
    if (text !== undefined) element.textContent = text;
    if (className) element.className = className;
    return element;
  };
  const shown = { theme: 0, off: new Set(), selected: {}, focus: null };
  const draw = () => {
    const states = structuredClone(data.themes[shown.theme].states);
    const codes = data.statuses.map((_, i) => i).filter((i) => !shown.off.has(i));
    if (shown.off.size) states[data.layer].filters = { class: codes.map((i) => i + 1) };
    atlas.apply({ ...data.patch, states, selected: shown.selected, focus: shown.focus });
  };
  const fill = (layer, position) => {
    const card = data.cards[layer]?.[position];
    const box = at("card");
    box.replaceChildren();
    if (!card) {
      box.append(made("p", data.words.click_one, "hint"));
      return;
    }
    box.append(made("h2", card.name), made("p", card.place, "hint"));
    const list = made("dl");
    card.rows.forEach(([name, sign, text]) => list.append(made("dt", name), made("dd", text, sign)));
    box.append(list);
  };
  const choose = (layer, position, isFar) => {
    shown.selected = layer === null ? {} : { [layer]: [position] };
    const bounds = layer === null ? null : data.cards[layer]?.[position]?.bounds;
    shown.focus = isFar && bounds ? { bounds, nonce: Date.now() } : shown.focus;
    fill(layer, position);
    draw();
  };
  data.themes.forEach((theme, i) => at("theme").append(new Option(theme.label, i)));
  at("theme").addEventListener("change", () => {
    shown.theme = Number(at("theme").value);
    draw();
  });
  data.statuses.forEach((text, i) => {
    const box = made("input");
    box.type = "checkbox";
    box.checked = true;
    box.addEventListener("change", () => {
      if (box.checked) shown.off.delete(i);
      else shown.off.add(i);
      draw();
    });
    const label = made("label");
    label.append(box, text);
    at("statuses").append(label);
  });
  const all = Object.entries(data.cards).flatMap(([layer, cards]) => cards.map((card, i) => ({ layer, i, card })));
  at("search").addEventListener("input", () => {
    const wanted = at("search").value.trim().toUpperCase();
    const found = wanted ? all.filter(({ card }) => card && card.keys.includes(wanted)).slice(0, 12) : [];
    at("found").replaceChildren(
      ...found.map(({ layer, i, card }) => {
        const button = made("button", `${card.name} · ${card.place}`);
        button.type = "button";
        button.addEventListener("click", () => {
          at("found").replaceChildren();
          choose(layer, i, true);
        });
        const item = made("li");
        item.append(button);
        return item;
      }),
    );
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") choose(null);
  });
  fill(null);
  return (event) => {
    if (event.kind === "click") choose(event.clicked?.[0] ?? null, event.clicked?.[1]);
  };
}
