// What a reader meets on the page now on screen: Chinese words, pale words, words cut off, controls without a name.
() => {
  const parse = (c) => { const m = (c.match(/[\d.]+/g) || [0, 0, 0, 0]).map(Number); return m.length > 3 ? m : [...m, 1]; };
  const over = (f, b) => f.slice(0, 3).map((v, i) => v * f[3] + b[i] * (1 - f[3]));
  const light = (c) => {
    const l = c.slice(0, 3).map((v) => { v /= 255; return v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; });
    return 0.2126 * l[0] + 0.7152 * l[1] + 0.0722 * l[2];
  };
  const ratio = (a, b) => (Math.max(light(a), light(b)) + 0.05) / (Math.min(light(a), light(b)) + 0.05);
  const up = (e) => { const line = []; for (let n = e; n; n = n.parentElement) line.push(n); return line; };
  const ground = (line) => {
    const found = [];
    for (const n of line) { const c = parse(getComputedStyle(n).backgroundColor); if (c[3] > 0) found.push(c); if (c[3] === 1) break; }
    return found.reverse().reduce((b, c) => over(c, b), [255, 255, 255]);
  };
  const [chinese, pale, cut, nameless] = [new Set(), [], [], []];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const text = walker.currentNode.textContent.trim();
    const e = walker.currentNode.parentElement;
    if (!text || ["STYLE", "SCRIPT", "NOSCRIPT"].includes(e.tagName) || e.closest("[data-testid=stIconMaterial], #skip-links")) continue;
    const range = document.createRange();
    range.selectNodeContents(walker.currentNode);
    const box = range.getBoundingClientRect();
    const line = up(e);
    const alpha = line.reduce((o, n) => o * +getComputedStyle(n).opacity, 1);
    const style = getComputedStyle(e);
    if (box.width < 2 || box.height < 2 || style.visibility !== "visible" || alpha < 0.05) continue;
    if (/[\u3400-\u9fff]/.test(text)) chinese.add(text);
    if (e.closest("[disabled], [aria-disabled=true], [data-testid=stSliderThumbValue]")) continue;
    const [back, ink] = [ground(line), parse(style.color)];
    const contrast = ratio(over([...ink.slice(0, 3), ink[3] * alpha], back), back);
    const size = parseFloat(style.fontSize);
    if (contrast < (size >= 24 || (size >= 18.66 && +style.fontWeight >= 700) ? 3 : 4.5)) pale.push([text.slice(0, 30), contrast.toFixed(2)]);
  }
  for (const e of document.querySelectorAll("[data-testid=stMain] *")) {
    if (e.closest(".atlas-map, [data-testid=stDataFrame], svg, input, [data-testid=stExpanderDetails]")) continue;
    const [box, style] = [e.getBoundingClientRect(), getComputedStyle(e)];
    if (box.width > 0 && box.right > innerWidth + 1 && alphaOf(e)) cut.push(`${(e.textContent || e.tagName).trim().slice(0, 30)} → ${Math.round(box.right)}`);
    if (style.textOverflow === "ellipsis" && e.clientWidth > 0 && e.scrollWidth > e.clientWidth + 1 && e.closest("button")) cut.push(`cut: ${e.textContent.trim().slice(0, 30)}`);
  }
  function alphaOf(e) { return up(e).every((n) => getComputedStyle(n).overflowX === "visible" || n.dataset?.testid === "stMain" || n === e || n.getBoundingClientRect().right > innerWidth); }
  for (const e of document.querySelectorAll("button, a[href], select, [role=button], [role=slider]")) {
    if (!e.getClientRects().length) continue;
    const name = e.getAttribute("aria-label") || e.title || e.textContent.trim() || e.labels?.[0]?.textContent || e.getAttribute("aria-labelledby");
    if (!name) nameless.push(e.outerHTML.slice(0, 120));
  }
  for (const name of ["aria-label", "title", "placeholder", "alt"])
    for (const e of document.querySelectorAll(`[${name}]`))
      if (e.getClientRects().length && /[\u3400-\u9fff]/.test(e.getAttribute(name))) chinese.add(e.getAttribute(name));
  const main = document.querySelector("[data-testid=stMain]");
  return { chinese: [...chinese], pale, cut, nameless, lang: document.documentElement.lang,
    sideways: Math.max(document.documentElement.scrollWidth - innerWidth, main.scrollWidth - main.clientWidth) };
}
