// The operator's pages: times in the reader's zone, keys, and changes as they come.
// Everything else works without it. All HTML comes from the server's templates,
// escaped; nothing is built from text here.
(() => {
  "use strict";
  const one = (css, from = document) => from.querySelector(css);
  const all = (css, from = document) => [...from.querySelectorAll(css)];
  const body = one("#body"), link = one("#link"), words = JSON.parse(document.body.dataset.words);

  // ---- time, as the reader writes it, where that is the language of the page
  const locale = navigator.languages.find((l) => l.startsWith(document.documentElement.lang)) || document.documentElement.lang;
  const full = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "medium" });
  const short = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "short" });
  const ages = new Intl.RelativeTimeFormat(locale, { numeric: "auto" });
  const age = (at) => {
    const s = Math.round((at - Date.now()) / 1000);
    for (const [unit, size] of [["day", 86400], ["hour", 3600], ["minute", 60]]) {
      if (Math.abs(s) >= size) return ages.format(Math.trunc(s / size), unit);
    }
    return s > -5 && s < 5 ? words.now : ages.format(s, "second");
  };
  const tell = () => {
    for (const el of all("time[data-as]")) {
      const at = new Date(el.dateTime), text = el.dataset.as === "ago" ? age(at) : short.format(at);
      if (el.textContent !== text) el.textContent = text;
      const title = full.format(at);
      if (el.title !== title) el.title = title;
    }
  };

  // ---- changes: what is the same stays, so that nobody loses their place
  const alike = (a, b) => a.nodeType === b.nodeType && a.nodeName === b.nodeName && a.dataset?.id === b.dataset?.id;
  const attributes = (old, now) => {
    for (const a of [...old.attributes]) {
      if (!now.hasAttribute(a.name) && a.name !== "open" && a.name !== "title") old.removeAttribute(a.name);
    }
    for (const a of now.attributes) if (old.getAttribute(a.name) !== a.value) old.setAttribute(a.name, a.value);
  };
  const morph = (old, now) => {
    let at = old.firstChild;
    for (const fresh of [...now.childNodes]) {
      let same = at;
      while (same && !alike(same, fresh)) same = same.nextSibling;
      if (!same) {
        old.insertBefore(fresh, at);
        continue;
      }
      while (at !== same) {
        const gone = at;
        at = at.nextSibling;
        gone.remove();
      }
      at = same.nextSibling;
      if (same.nodeType !== Node.ELEMENT_NODE) {
        if (same.data !== fresh.data) same.data = fresh.data;
        continue;
      }
      const chosen = same.classList.contains("sel");
      attributes(same, fresh);
      if (chosen) same.classList.add("sel");
      if (same.nodeName !== "TIME") morph(same, fresh); // tell words those
    }
    while (at) {
      const gone = at;
      at = at.nextSibling;
      gone.remove();
    }
  };
  let source;
  const state = (name) => {
    link.dataset.state = name;
    link.textContent = words[name];
  };
  const open = () => {
    state("wait");
    source = new EventSource(document.body.dataset.live);
    source.onopen = () => state("live");
    source.onerror = () => {
      state("off");
      if (source.readyState !== EventSource.CLOSED) return;
      fetch(location.href, { method: "HEAD" }).then((r) => (r.status === 401 ? location.reload() : setTimeout(open, 5000)), () => setTimeout(open, 5000));
    };
    source.addEventListener("edition", (e) => {
      if (JSON.parse(e.data) !== document.body.dataset.edition) location.reload();
    });
    source.addEventListener("body", (e) => {
      const t = document.createElement("template");
      t.innerHTML = JSON.parse(e.data);
      morph(body, t.content);
      tell();
    });
  };
  if (document.body.dataset.live) {
    open();
    addEventListener("pagehide", () => source.close());
    addEventListener("pageshow", (e) => { if (e.persisted) location.reload(); });
  }

  // ---- the person
  const rows = () => all("[data-row]", body);
  const move = (step) => {
    const list = rows(), i = list.findIndex((el) => el.classList.contains("sel"));
    if (!list.length) return;
    list[i]?.classList.remove("sel");
    const next = list[i < 0 ? 0 : Math.min(list.length - 1, Math.max(0, i + step))];
    next.classList.add("sel");
    next.scrollIntoView({ block: "nearest" });
  };
  const keys = {
    "/": () => one("input[type=search], .filter input:not([type=hidden])")?.focus(),
    j: () => move(1),
    k: () => move(-1),
    Enter: () => one(".sel a[href]", body)?.click(),
    Escape: () => one(".sel", body)?.classList.remove("sel"),
  };
  addEventListener("keydown", (e) => {
    if (e.ctrlKey || e.metaKey || e.altKey) return;
    if (e.target.closest("input, select, textarea")) {
      if (e.key === "Escape") e.target.blur();
      return;
    }
    if (e.key === "Enter" && e.target.closest("a, button, summary")) return;
    const page = /^[1-9]$/.test(e.key) && one(`.nav a[data-key="${e.key}"]`);
    if (!page && !Object.hasOwn(keys, e.key)) return;
    e.preventDefault();
    if (page) page.click();
    else keys[e.key]();
  });
  addEventListener("pageshow", (e) => { if (e.persisted) all("button[disabled]").forEach((b) => { b.disabled = false; }); });
  addEventListener("submit", (e) => {
    if (e.target.method === "post") setTimeout(() => all("button", e.target).forEach((b) => { b.disabled = true; }));
  });
  addEventListener("error", (e) => { if (e.target.tagName === "IMG") e.target.classList.add("broken"); }, true);
  for (const img of all("img")) if (img.complete && !img.naturalWidth) img.classList.add("broken");
  one(".nav [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
  tell();
  setInterval(tell, 15000);
})();
