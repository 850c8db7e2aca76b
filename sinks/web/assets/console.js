// The console's page: puts what the server sends in its place. All HTML comes
// from the server's templates, escaped; nothing is built from text here.
(() => {
  "use strict";
  const one = (css, from = document) => from.querySelector(css);
  const all = (css, from = document) => [...from.querySelectorAll(css)];
  const keep = 120; // messages, as the server keeps
  const panes = ["discord", "slack"].map((name) => {
    const el = one("#" + name);
    return { name, el, log: one(".log", el), scroll: one(".scroll", el), newer: one(".newer", el), unseen: 0, replied: "" };
  });
  const words = JSON.parse(document.body.dataset.words);
  const filter = one("#filter"), pause = one("#pause"), link = one("#link"), say = one("#say"), main = one("#panes");
  let source, paused = false, connected = false, selected = 0, position = document.body.dataset.position;
  const held = new Map();

  // ---- time, in the reader's own zone and, where that is the language of the page, as they write it
  const locale = navigator.languages.find((l) => l.startsWith(document.documentElement.lang)) || document.documentElement.lang;
  const clock = new Intl.DateTimeFormat(locale, { hour: "numeric", minute: "2-digit" });
  const full = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "short" });
  const ages = new Intl.RelativeTimeFormat(locale, { numeric: "auto" });
  const day = (at) => new Date(at.getFullYear(), at.getMonth(), at.getDate()).getTime();
  const age = (at) => {
    const s = Math.round((at - Date.now()) / 1000);
    for (const [unit, size] of [["day", 86400], ["hour", 3600], ["minute", 60]]) {
      if (Math.abs(s) >= size) return ages.format(Math.trunc(s / size), unit);
    }
    return s > -5 ? words.now : ages.format(s, "second");
  };
  const show = {
    ago: age,
    slack: (at) => clock.format(at),
    discord: (at) => {
      const days = Math.round((day(new Date()) - day(at)) / 86400000);
      if (days === 0) return words.today.replace("#", clock.format(at));
      if (days === 1) return words.yesterday.replace("#", clock.format(at));
      return full.format(at);
    },
  };
  const tell = (root) => {
    for (const el of all("time[data-as]", root)) {
      const at = new Date(el.dateTime), text = show[el.dataset.as](at);
      if (el.textContent !== text) el.textContent = text;
      el.title ||= full.format(at);
    }
  };

  // ---- messages
  const parse = (html) => {
    const t = document.createElement("template");
    t.innerHTML = html;
    return t.content;
  };
  const atBottom = (p) => p.scroll.scrollTop > -60;
  const inView = (p, el) => {
    const box = p.scroll.getBoundingClientRect(), at = el.getBoundingClientRect();
    return at.bottom <= box.bottom + 4 && at.bottom > box.top;
  };
  const tellNewer = (p) => {
    if (atBottom(p)) p.unseen = 0;
    const talk = p.replied && document.getElementById(p.replied);
    if (!talk || inView(p, talk)) p.replied = "";
    p.newer.hidden = !p.unseen && !p.replied;
    p.newer.classList.toggle("up", !p.unseen);
    p.newer.textContent = p.unseen ? "↓ " + words.fresh.replace("#", p.unseen) : "↑ " + words.reply;
  };
  const put = (p, card) => {
    const fresh = parse(card[p.name]).firstElementChild;
    const old = document.getElementById(p.name[0] + card.n);
    tell(fresh);
    if (old) {
      const thread = one("details", old), now = one("details", fresh);
      if (now) {
        now.open = thread?.open ?? false;
        p.replied = fresh.id;
      }
      fresh.classList.toggle("sel", old.classList.contains("sel"));
      fresh.classList.add("moved");
      old.replaceWith(fresh);
      return;
    }
    fresh.classList.add("fresh");
    const after = [...p.log.children].findLast((el) => Number(el.dataset.n) < card.n);
    if (after) after.after(fresh);
    else p.log.prepend(fresh);
    while (p.log.children.length > keep) p.log.firstElementChild.remove();
    p.unseen++;
  };
  const take = (card) => {
    panes.forEach((p) => put(p, card));
    sift([card.n]);
    panes.forEach(tellNewer);
    say.textContent = card.say;
  };
  const rows = (n) => panes.map((p) => document.getElementById(p.name[0] + n)).filter(Boolean);
  const sift = (only) => {
    const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const n of only || [...panes[0].log.children].map((el) => el.dataset.n)) {
      const pair = rows(n);
      const text = pair.map((el) => el.dataset.event + " " + el.textContent).join(" ").toLowerCase();
      const out = !words.every((w) => text.includes(w));
      pair.forEach((el) => el.classList.toggle("out", out));
    }
  };

  // ---- the stream
  const state = () => {
    const name = !connected ? "wait" : paused ? "paused" : "live";
    link.dataset.state = name;
    const text = name === "paused" && held.size ? words.held.replace("#", held.size) : words[name];
    if (link.textContent !== text) link.textContent = text;
  };
  const open = () => {
    state();
    source = new EventSource("/console/events?after=" + encodeURIComponent(position));
    const on = (name, f) => source.addEventListener(name, (e) => {
      if (e.lastEventId) position = e.lastEventId;
      f(JSON.parse(e.data));
      state();
    });
    source.onopen = () => { connected = true; state(); };
    source.onerror = () => {
      connected = false;
      state();
      if (source.readyState === EventSource.CLOSED) setTimeout(open, 5000);
    };
    on("reset", (edition) => {
      if (edition !== document.body.dataset.edition) return location.reload();
      held.clear();
      panes.forEach((p) => { p.log.replaceChildren(); p.unseen = 0; tellNewer(p); });
    });
    on("card", (card) => (paused ? held.set(card.n, card) : take(card)));
    on("state", (now) => {
      const fresh = parse(now.head);
      tell(fresh);
      one("#status").replaceChildren(fresh);
      for (const el of all(".waiting")) el.replaceChildren(parse(now.wait));
    });
  };

  // ---- the person
  const setPaused = (on) => {
    paused = on;
    pause.setAttribute("aria-pressed", on);
    pause.textContent = on ? words.go : words.pause;
    if (!on) {
      held.forEach(take);
      held.clear();
    }
    state();
  };
  const select = (n) => {
    all(".sel").forEach((el) => el.classList.remove("sel"));
    selected = n;
    for (const el of rows(n)) {
      el.classList.add("sel");
      el.scrollIntoView({ block: "nearest" });
    }
  };
  const move = (step) => {
    const shown = [...panes[0].log.children].filter((el) => !el.classList.contains("out")).map((el) => Number(el.dataset.n));
    if (!shown.length) return;
    const i = shown.indexOf(selected);
    select(i < 0 ? shown.at(-1) : shown[Math.min(shown.length - 1, Math.max(0, i + step))]);
  };
  const choose = (name) => {
    main.dataset.show = name;
    for (const tab of all("[data-tab]")) tab.setAttribute("aria-selected", tab.dataset.tab === name);
  };
  const keys = {
    "/": () => filter.focus(),
    p: () => setPaused(!paused),
    j: () => move(1),
    k: () => move(-1),
    Enter: () => rows(selected).forEach((el) => { const t = one("details", el); if (t) t.open = !t.open; }),
    Escape: () => { filter.value = ""; sift(); select(0); },
  };
  addEventListener("keydown", (e) => {
    if (e.ctrlKey || e.metaKey || e.altKey) return;
    const on = e.target;
    if (on === filter) {
      if (e.key === "Escape") { keys.Escape(); filter.blur(); }
      return;
    }
    if (e.key === "Enter" && on.closest("a, button, summary")) return;
    const page = /^[1-9]$/.test(e.key) && one(`.nav a[data-key="${e.key}"]`);
    if (!page && !Object.hasOwn(keys, e.key)) return;
    e.preventDefault();
    if (page) page.click();
    else keys[e.key]();
  });
  filter.addEventListener("input", () => sift());
  filter.form.addEventListener("submit", (e) => e.preventDefault());
  pause.addEventListener("click", () => setPaused(!paused));
  for (const tab of all("[data-tab]")) tab.addEventListener("click", () => choose(tab.dataset.tab));
  for (const p of panes) {
    p.scroll.addEventListener("scroll", () => tellNewer(p), { passive: true });
    p.newer.addEventListener("click", () => {
      if (p.unseen) p.scroll.scrollTop = 0;
      else document.getElementById(p.replied)?.scrollIntoView({ block: "end" });
    });
  }
  // A picture that does not come leaves its place to what stands behind it.
  addEventListener("error", (e) => { if (e.target.tagName === "IMG") e.target.classList.add("broken"); }, true);
  for (const img of all("img")) if (img.complete && !img.naturalWidth) img.classList.add("broken");

  addEventListener("pagehide", () => source.close());
  addEventListener("pageshow", (e) => { if (e.persisted) open(); });
  tell(document);
  setInterval(() => tell(document), 15000);
  open();
})();
