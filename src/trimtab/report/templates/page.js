"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const byId = new Map(data.segments.map((segment) => [segment.id, segment]));
  const children = new Map(data.segments.map((segment) => [segment.id, []]));
  for (const segment of data.segments) if (children.has(segment.parent)) children.get(segment.parent).push(segment.id);
  const PAGE = 40;

  // Text only ever enters the page through textContent: names and reasons come from users.
  function make(tag, attributes, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes || {})) {
      if (value !== null && value !== undefined && value !== false) element.setAttribute(name, value === true ? "" : value);
    }
    for (const child of children.flat()) if (child !== null && child !== undefined) element.append(child);
    return element;
  }
  function figure(value, digits = 3) {
    if (value === null || value === undefined) return "not finite";
    const size = Math.abs(value);
    if (size === 0) return "0";
    const shown = size >= 10 ** digits && size < 1e9 ? String(Math.round(size)) : size >= 1e-4 && size < 1e9 ? size.toPrecision(digits) : String(Number(size.toPrecision(digits)));
    return (value < 0 ? "−" : "") + shown;
  }
  const signed = (value, digits = 2) => value === null ? "not finite" : value === 0 ? "0" : (value > 0 ? "+" : "−") + figure(Math.abs(value), digits);
  // Rows of figures are embedded as text, split where they are needed; what is not finite becomes null.
  const numbers = (text) => text === "" ? [] : text.split(" ").map((word) => Number.isFinite(Number(word)) ? Number(word) : null);
  const KINDS = { start: "new run", continue: "continues", fork: "fork", user: "asked for", replay: "replay" };

  function outcome(segment) {
    const before = segment.before === null ? null : figure(segment.before);
    const after = segment.diverged ? "diverged" : figure(segment.after);
    return before === null ? after : `${before} → ${after}`;
  }
  function gain(segment) {
    if (segment.diverged || segment.reward === null) return make("span", { class: "worse" }, "diverged");
    return make("span", { class: segment.reward > 0 ? "better" : segment.reward < 0 ? "worse" : null }, signed(segment.reward));
  }
  function changes(segment) {
    if (segment.kind === "start") return "new run";
    if (!segment.changes.length) return "everything left as it was";
    return segment.changes.map((place) => `${data.names[place]} ${moved(segment, place)}`).join(" · ");
  }
  // What a setting was before is what it is at the parent.
  function moved(segment, place) {
    return `${byId.get(segment.parent).settings[place]} → ${segment.settings[place]}`;
  }
  function tags(segment) {
    const found = [];
    const tag = (text, tone) => found.push(make("span", { class: "tag " + (tone || "") }, text), " ");
    if (segment.kind !== "continue" && segment.kind !== "start") tag(KINDS[segment.kind], "accent");
    if (explored(segment).length) tag("explored");
    if (segment.diverged) tag("diverged", "warn");
    if (segment.ended) tag("branch ended", "warn");
    if (segment.id === data.best) tag("best", "accent");
    return found;
  }

  function pairs(entries) {
    return make("dl", { class: "pairs" }, entries.map(([name, value]) => make("div", {}, make("dt", {}, name), make("dd", {}, value))));
  }
  function story(segment) {
    const parent = segment.parent === null ? `starts run ${segment.run}` : `${KINDS[segment.kind]} segment ${segment.parent}`;
    const lines = [make("p", {}, `${parent[0].toUpperCase()}${parent.slice(1)}: ${data.reasons[segment.reason] || "no reason given"}.`)];
    const worth = segment.reward === null ? "" : ` Reward ${signed(segment.reward, 3)}.`;
    const others = Object.entries(segment.metrics).map(([name, value]) => ` ${name} ${figure(value)};`).join("");
    lines.push(make("p", {}, `Validation ${data.metric} ${outcome(segment)}; training loss ${figure(segment.train)};${others} ${figure(segment.seconds, 2)} s.${worth}`));
    if (segment.predicted) {
      const [mean, deviation] = numbers(segment.predicted);
      lines.push(make("p", {}, `Predicted error at the end of the run: ${figure(mean)} ± ${figure(deviation, 2)}; here it is ${figure(segment.error)}.`));
    }
    if (segment.ended) lines.push(make("p", {}, `The ${segment.ended[1]} ended this branch: ${segment.ended[0]}.`));
    return lines;
  }

  // The values of all moves of all heads stand in one row: cut it into the heads of the team that decided.
  function heads(segment) {
    if (segment.team === undefined) return [];
    const values = numbers(segment.values), spreads = numbers(segment.spreads || "");
    let start = 0;
    return data.teams[segment.team].map((head, i) => {
      const end = start + head.moves.length, part = (row) => row.slice(start, end);
      const choice = { ...head, chosen: segment.chosen[i], explored: explored(segment).includes(i), values: part(values), spreads: part(spreads) };
      start = end;
      return choice;
    });
  }
  const explored = (segment) => segment.explored || [];

  // A bar is a move's value against that of leaving the setting alone (or, if that is no move, the mean of all).
  function head({ name, agent, moves, chosen, explored, values, spreads }, segment) {
    const possible = values.filter((value) => value !== null);
    const keep = values[moves.indexOf("keep")];
    const zero = keep !== null && keep !== undefined ? keep : possible.reduce((sum, value) => sum + value, 0) / (possible.length || 1);
    const reach = Math.max(1e-12, ...values.map((value, i) => value === null ? 0 : Math.abs(value - zero) + (spreads[i] || 0)));
    const place = data.names.indexOf(name);
    const now = segment.changes.includes(place) ? moved(segment, place) : segment.settings[place];
    const title = make("header", {}, make("b", {}, name), make("span", { class: "now" }, now || ""), explored ? make("span", { class: "tag" }, "explored") : null);
    const rows = moves.map((label, i) => move(label, values[i], spreads[i] || 0, zero, reach, { chosen: i === chosen, explored: i === chosen && explored }));
    return make("div", { class: "head", title: `decided by ${agent}` }, title, rows);
  }
  function move(label, value, spread, zero, reach, is) {
    const track = make("div", { class: "track" }, make("span", { class: "zero", style: "left:50%" }));
    if (value !== null) {
      const place = (v) => 50 + 50 * Math.max(-1, Math.min(1, (v - zero) / reach));
      const span = (kind, a, b) => track.append(make("span", { class: kind, style: `left:${Math.min(a, b)}%;width:${Math.abs(b - a)}%` }));
      span("bar", 50, place(value));
      if (spread > 0) span("whisker", place(value - spread), place(value + spread));
    }
    const kind = ["move", is.chosen && "chosen", is.explored && "explored", value === null && "not"].filter(Boolean).join(" ");
    const said = value === null ? "not possible" : `${figure(value)} ± ${figure(spread, 2)}`;
    return make("div", { class: kind, title: `${label}: ${said}${is.chosen ? is.explored ? ", chosen to explore" : ", chosen" : ""}` },
      make("span", { class: "label" }, label), track, make("span", { class: "num" }, value === null ? "–" : figure(value)));
  }

  function body(segment) {
    const parts = story(segment);
    if (segment.team !== undefined) {
      parts.push(make("h4", {}, "What they could have done, and how they valued it"));
      parts.push(make("div", { class: "heads" }, heads(segment).map((choice) => head(choice, segment))));
    }
    if (segment.features) {
      const names = segment.features[0], values = numbers(segment.features[1]);
      parts.push(make("h4", {}, "What they saw"), pairs(data.features[names].map((name, i) => [name, figure(values[i])])));
    }
    parts.push(make("h4", {}, "Settings"), pairs(data.names.map((name, i) => [name, segment.settings[i]])));
    return make("div", { class: "body" }, parts);
  }

  function row(segment) {
    const summary = make("summary", {}, make("span", { class: "n" }, segment.id), make("span", {}, outcome(segment)), gain(segment),
      make("span", { class: "d" }, changes(segment), " ", tags(segment)));
    const details = make("details", { "data-id": segment.id }, summary);
    details.addEventListener("toggle", () => { if (details.open && details.children.length === 1) details.append(body(segment)); });
    return details;
  }

  const FILTERS = [
    ["Best path", (s) => s.path], ["All", () => true], ["Forks", (s) => s.kind === "fork" || s.kind === "user"],
    ["Explored", (s) => explored(s).length > 0], ["Diverged or ended", (s) => s.diverged || s.ended],
  ];
  function list(test) {
    const target = document.getElementById("list");
    const chosen = data.segments.filter(test);
    let shown = 0;
    const more = make("button", { class: "more", type: "button" });
    const grow = () => {
      more.before(...chosen.slice(shown, shown + PAGE).map(row));
      shown = Math.min(chosen.length, shown + PAGE);
      more.textContent = `Show ${Math.min(PAGE, chosen.length - shown)} more of ${chosen.length - shown}`;
      more.hidden = shown >= chosen.length;
    };
    more.addEventListener("click", grow);
    target.replaceChildren(more);
    grow();
  }
  function filters() {
    const bar = document.getElementById("filters");
    const press = (button, test) => {
      for (const other of bar.children) other.setAttribute("aria-pressed", other === button);
      list(test);
    };
    for (const [name, test] of FILTERS) {
      const count = data.segments.filter(test).length;
      if (!count) continue;
      const button = make("button", { type: "button", "aria-pressed": "false" }, name, make("i", {}, count));
      button.addEventListener("click", () => press(button, test));
      bar.append(button);
    }
    if (bar.firstChild) bar.firstChild.click();
  }

  function tree() {
    const drawing = document.getElementById("tree");
    const panel = document.getElementById("panel");
    const dots = new Map([...drawing.querySelectorAll(".dot")].map((dot) => [Number(dot.dataset.id), dot]));
    const tip = make("div", { id: "tip", hidden: true });
    document.body.append(tip);
    let current = null;
    function choose(id, focus) {
      const dot = dots.get(id), segment = byId.get(id);
      if (!dot || !segment) return;
      if (current) { current.classList.remove("chosen"); current.setAttribute("tabindex", "-1"); }
      current = dot;
      dot.classList.add("chosen");
      dot.setAttribute("tabindex", "0");
      if (focus) dot.focus();
      panel.hidden = false;
      panel.replaceChildren(make("h3", {}, `Segment ${id}`, make("span", { class: "overline" }, `number ${segment.index + 1} of ${segment.horizon} in run ${segment.run}`), ...tags(segment)), body(segment));
    }
    const drawnAncestor = (id) => { while (id !== null && !dots.has(id)) id = byId.get(id).parent; return id; };
    const drawnChild = (id) => {
      let next = children.get(id);
      while (next.length) {
        const found = next.find((child) => dots.has(child));
        if (found !== undefined) return found;
        next = children.get(next[0]);
      }
      return null;
    };
    const order = [...dots.keys()];
    function neighbour(id, key) {
      if (key === "ArrowLeft") return drawnAncestor(byId.get(id).parent);
      if (key === "ArrowRight") return drawnChild(id);
      const y = (one) => dots.get(one).transform.baseVal[0].matrix.f, x = (one) => dots.get(one).transform.baseVal[0].matrix.e;
      const side = order.filter((one) => key === "ArrowDown" ? y(one) > y(id) : y(one) < y(id));
      const nearest = (one) => Math.abs(y(one) - y(id)) * 1000 + Math.abs(x(one) - x(id));
      return side.length ? side.reduce((a, b) => nearest(b) < nearest(a) ? b : a) : null;
    }
    drawing.addEventListener("click", (event) => { const dot = event.target.closest(".dot"); if (dot) choose(Number(dot.dataset.id)); });
    drawing.addEventListener("keydown", (event) => {
      const dot = event.target.closest(".dot");
      if (!dot) return;
      const id = Number(dot.dataset.id);
      if (event.key === "Enter" || event.key === " ") choose(id);
      else if (event.key.startsWith("Arrow")) { const next = neighbour(id, event.key); if (next !== null) choose(next, true); }
      else return;
      event.preventDefault();
    });
    drawing.addEventListener("pointermove", (event) => {
      const dot = event.target.closest(".dot"), segment = dot && byId.get(Number(dot.dataset.id));
      tip.hidden = !segment;
      if (!segment) return;
      tip.textContent = `${segment.id}: ${data.metric} ${outcome(segment)}. ${changes(segment)}`;
      tip.style.left = Math.max(8, Math.min(event.clientX + 14, innerWidth - tip.offsetWidth - 8)) + "px";
      tip.style.top = event.clientY + (event.clientY > innerHeight - 80 ? -14 - tip.offsetHeight : 18) + "px";
    });
    drawing.addEventListener("pointerleave", () => { tip.hidden = true; });
    choose(data.best !== null && dots.has(data.best) ? data.best : order[0]);
  }

  if (document.getElementById("tree")) tree();
  if (document.getElementById("list")) filters();
})();
