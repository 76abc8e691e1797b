// What stands around every page and Streamlit cannot be told: the language of the page, ways past the menu, words it
// writes in English only, and a Tab key that leaves a table instead of walking through its cells.
let words = {};
let watching = false;

// Turning a page and then writing what was kept for it is one step, so that one step back leads to the page before.
function oneStepATurn() {
  let [touched, turned] = [0, -1];
  for (const name of ["pointerdown", "keydown"])
    window.addEventListener(name, () => (touched = performance.now()), true);
  const { history } = window;
  const push = history.pushState.bind(history);
  history.pushState = (state, title, address) => {
    const isTurn = new URL(address ?? "", window.location.href).pathname !== window.location.pathname;
    if (isTurn) turned = performance.now();
    if (!isTurn && turned > touched) {
      history.replaceState(state, title, address);
      window.dispatchEvent(new Event("atlas-pushed"));
    } else push(state, title, address);
  };
}

function rename(root) {
  for (const name of ["aria-label", "title"])
    for (const element of root.querySelectorAll(`[${name}]`)) {
      const said = words[element.getAttribute(name)];
      if (said) element.setAttribute(name, said);
    }
  for (const element of root.querySelectorAll('a[href^="#"], [data-testid="stTopNavDropdownLink"], [data-testid="stTooltipContent"] p, [role="dialog"] h2, [role="dialog"] p, [role="dialog"] div')) {
    const text = element.textContent.trim();
    const said = words[text] || (/^\d+ more$/.test(text) && words.more?.replace("{n}", parseInt(text, 10)));
    if (said && element.children.length === 0) element.textContent = said;
  }
  for (const element of root.querySelectorAll('[data-testid="stTopNavSection"], [data-testid="stTopNav"] .rc-overflow-item-rest *'))
    if (element.children.length === 0 && /^\d+ more$/.test(element.textContent.trim()) && words.more)
      element.textContent = words.more.replace("{n}", parseInt(element.textContent, 10));
}

function skipLinks(data) {
  document.getElementById("skip-links")?.remove();
  const box = document.createElement("nav");
  box.id = "skip-links";
  box.setAttribute("aria-label", data.skip);
  for (const [text, wanted] of [
    [data.to_map, ".atlas-map"],
    [data.to_table, '[data-testid="stDataFrame"] canvas, [data-testid="stTable"]'],
  ]) {
    const link = document.createElement("button");
    link.type = "button";
    link.textContent = text;
    link.addEventListener("click", () => {
      const found = [...document.querySelectorAll(wanted)].find((element) => element.getClientRects().length);
      if (!found) return;
      if (!found.hasAttribute("tabindex")) found.tabIndex = -1;
      found.focus();
      found.scrollIntoView({ block: "center" });
    });
    box.append(link);
  }
  document.body.prepend(box);
}

function leaveTable(event) {
  if (event.key === "Tab" && event.target.closest?.('[data-testid="stDataFrame"]')) event.stopImmediatePropagation();
}

export default function shell({ data }) {
  document.documentElement.lang = data.lang;
  words = data.words;
  skipLinks(data);
  rename(document.body);
  if (watching) return;
  watching = true;
  oneStepATurn();
  window.addEventListener("keydown", leaveTable, true);
  let waiting = false;
  new MutationObserver(() => {
    if (waiting) return;
    waiting = true;
    setTimeout(() => {
      waiting = false;
      rename(document.body);
    }, 250);
  }).observe(document.body, { childList: true, subtree: true });
}
