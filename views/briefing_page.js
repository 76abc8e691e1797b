// Searchable tables of a briefing page. Every value is put in as text, never as markup.
const SHOWN = 300;
for (const [name, table] of Object.entries(JSON.parse(document.getElementById("tables").textContent))) {
  const holder = document.createElement("details");
  const summary = holder.appendChild(document.createElement("summary"));
  summary.textContent = `${name}（${table.rows.length.toLocaleString("zh-CN")} 行）`;
  const box = holder.appendChild(document.createElement("input"));
  box.type = "search";
  box.placeholder = "搜索，多个词用空格隔开";
  box.setAttribute("aria-label", `搜索${name}`);
  const count = holder.appendChild(document.createElement("span"));
  count.className = "count";
  const frame = holder.appendChild(document.createElement("div"));
  frame.className = "frame";
  const grid = frame.appendChild(document.createElement("table"));
  const head = grid.createTHead().insertRow();
  for (const title of table.columns) head.appendChild(document.createElement("th")).textContent = title;
  const body = grid.createTBody();
  const index = table.rows.map((row) => row.join("\n").toLowerCase());
  const draw = () => {
    const words = box.value.toLowerCase().split(/\s+/).filter(Boolean);
    const found = table.rows.filter((_, at) => words.every((word) => index[at].includes(word)));
    body.replaceChildren();
    for (const row of found.slice(0, SHOWN)) {
      const line = body.insertRow();
      row.forEach((value, at) => {
        const cell = line.insertCell();
        cell.textContent = value;
        cell.className = table.numeric[at] ? "number" : value.length <= 14 ? "short" : "";
      });
    }
    const more = found.length > SHOWN ? `，只列前 ${SHOWN} 行，请缩小搜索` : "";
    count.textContent = `找到 ${found.length.toLocaleString("zh-CN")} 行${more}`;
  };
  box.addEventListener("input", draw);
  holder.addEventListener("toggle", () => holder.open && !body.rows.length && draw());
  document.getElementById("lists").appendChild(holder);
}
