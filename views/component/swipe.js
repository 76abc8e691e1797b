// Two maps one above the other; the upper is cut at a handle. Each answers the pointer on its own side.
import { element } from "./panel.js";
import { word } from "./words.js";

const [LEAST, MOST, STEP] = [12, 88, 4];

function follow(from, to, turn) {
  const act = (move) => {
    if (turn.busy) return;
    turn.busy = true;
    move();
    turn.busy = false;
  };
  from.on("move", () => act(() => to.setView(from.getCenter(), from.getZoom(), { animate: false })));
  from.on("zoomanim", ({ center, zoom }) => act(() => to.setView(center, zoom, { animate: true })));
}

export class Swipe {
  constructor(holder, make) {
    this.stage = element("div", "atlas-swipe");
    holder.replaceChildren(this.stage);
    const places = [0, 1].map(() => element("div", "atlas-swipe-side"));
    this.stage.append(...places);
    this.sides = places.map((place, i) => make(place, i, this.stage));
    this.titles = [0, 1].map((i) => element("div", `atlas-swipe-title atlas-swipe-title-${i}`));
    this.handle = element("div", "atlas-swipe-handle");
    this.handle.append(element("span", "", "⇔"));
    this.handle.tabIndex = 0;
    this.stage.append(...this.titles, this.handle);
    for (const [name, value] of Object.entries({
      role: "slider",
      "aria-label": word("swipe"),
      "aria-orientation": "horizontal",
      "aria-valuemin": LEAST,
      "aria-valuemax": MOST,
    }))
      this.handle.setAttribute(name, value);
    this.handle.title = word("swipe_how");
    this.listen();
    const [left, right] = this.sides.map((side) => side.map);
    const turn = { busy: false };
    follow(left, right, turn);
    follow(right, left, turn);
    this.cut(50);
  }

  // Leaflet and everything else of a page with one map asks for these.
  get map() {
    return this.sides[0].map;
  }

  get tiles() {
    return this.sides[0].tiles;
  }

  cut(share) {
    this.share = Math.min(MOST, Math.max(LEAST, share));
    this.sides[1].holder.style.clipPath = `inset(0 0 0 ${this.share}%)`;
    this.handle.style.left = `${this.share}%`;
    this.titles[0].style.right = `${100 - this.share}%`;
    this.titles[1].style.left = `${this.share}%`;
    this.handle.setAttribute("aria-valuenow", String(Math.round(this.share)));
    this.handle.setAttribute("aria-valuetext", `${Math.round(this.share)} %`);
  }

  listen() {
    const { handle, stage } = this;
    handle.addEventListener("pointerdown", (event) => {
      if (event.button) return;
      event.preventDefault();
      handle.focus();
      handle.setPointerCapture(event.pointerId);
      const move = ({ clientX }) => {
        const box = stage.getBoundingClientRect();
        this.cut(((clientX - box.left) / box.width) * 100);
      };
      handle.addEventListener("pointermove", move);
      handle.addEventListener("lostpointercapture", () => handle.removeEventListener("pointermove", move), { once: true });
    });
    handle.addEventListener("keydown", (event) => {
      const goal = {
        ArrowLeft: this.share - STEP,
        ArrowRight: this.share + STEP,
        Home: LEAST,
        End: MOST,
      }[event.key];
      if (goal === undefined) return;
      event.preventDefault();
      event.stopPropagation();
      this.cut(goal);
    });
  }

  async apply(data) {
    this.stage.style.height = `${data.sides[0].height}px`;
    this.titles.forEach((title, i) => (title.textContent = data.titles[i]));
    await Promise.all(this.sides.map((side, i) => side.apply(data.sides[i])));
  }

  dispose() {
    this.sides.forEach((side) => side.dispose());
  }
}
