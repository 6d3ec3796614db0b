// What pages do beyond what works without a script: keys, the drawer, live, brush, views, copies.
// It writes nothing that it was given as markup: what comes from the server is parsed there and
// adopted, and every other text is set as text.
"use strict";
(() => {
  const $ = (selector, within = document) => within.querySelector(selector);
  const $$ = (selector, within = document) => [...within.querySelectorAll(selector)];
  const root = document.documentElement;
  const said = $("#said");
  const say = (text) => { if (said) said.textContent = text; };

  // Storage may be switched off.
  const stored = {
    get(name) { try { return localStorage.getItem("countersign." + name); } catch { return null; } },
    set(name, value) { try { localStorage.setItem("countersign." + name, value); return true; } catch { return false; } },
    forget(name) { try { localStorage.removeItem("countersign." + name); } catch { /* There is nothing. */ } },
  };

  // ---- theme
  const isDark = () => root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  function toggleTheme() {
    root.dataset.theme = isDark() ? "light" : "dark";
    stored.set("theme", root.dataset.theme);
    say(root.dataset.theme === "dark" ? "Dark" : "Light");
  }

  // ---- help
  const help = $("#help");
  const toggleHelp = () => { if (help) help.open ? help.close() : help.showModal(); };

  // ---- times
  const units = [["d", 86400], ["h", 3600], ["min", 60], ["s", 1]];
  function ago(time) {
    const seconds = Math.floor((Date.now() - time) / 1000);
    if (seconds < -5 || seconds >= 30 * 86400) return null;
    if (seconds < 10) return "just now";
    const [unit, length] = units.find(([, length]) => seconds >= length);
    return `${Math.floor(seconds / length)} ${unit} ago`;
  }
  function freshenTimes() {
    for (const element of $$("time[datetime]")) {
      const time = Date.parse(element.dateTime);
      if (Number.isNaN(time)) continue;
      const text = ago(time);
      if (text && element.textContent !== text) element.textContent = text;
      if (!element.dataset.local) {
        element.dataset.local = "1";
        element.title += "\n" + new Date(time).toLocaleString(undefined, { timeZoneName: "short" });
      }
    }
  }
  freshenTimes();
  setInterval(freshenTimes, 15000);

  // ---- menus: one at a time; a choice holds at once
  const form = $("[data-filters]");
  const openMenus = () => $$("details.menu[open]");
  document.addEventListener("toggle", (event) => {
    if (event.target.matches?.("details.menu[open]")) {
      for (const other of openMenus()) if (other !== event.target) other.open = false;
    }
  }, true);
  document.addEventListener("click", (event) => {
    for (const menu of openMenus()) if (!menu.contains(event.target)) menu.open = false;
  });
  // What is empty is no part of an address, unless a time was taken out.
  form?.addEventListener("submit", () => {
    for (const field of $$("input", form)) if (!field.value.trim() && !field.defaultValue) field.disabled = true;
  });
  // Whoever comes back sees what the address says, and nothing that was chosen later or not applied.
  addEventListener("pageshow", (event) => {
    for (const field of $$("input:disabled")) field.disabled = false;
    if (event.persisted || performance.getEntriesByType("navigation")[0]?.type === "back_forward") form?.reset();
  });

  // ---- copies
  async function copy(text, what) {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      const area = document.createElement("textarea");
      area.value = text;
      area.className = "unseen";
      document.body.append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
    }
    say(what + " copied");
  }
  function confirmOn(button) {
    const label = button.lastChild;
    const text = label.textContent;
    if (text === "Copied") return;
    label.textContent = "Copied";
    setTimeout(() => { label.textContent = text; }, 1600);
  }
  async function onCopy(button) {
    if (button.dataset.copyFrom) {
      await copy(document.getElementById(button.dataset.copyFrom).textContent, "The text");
    } else if (button.dataset.copyJson) {
      const answer = await fetch(button.dataset.copyJson, { headers: { accept: "application/json" } });
      if (!answer.ok) return say("The event could not be loaded");
      await copy(JSON.stringify(await answer.json(), null, 2), "The event");
    } else {
      const text = button.dataset.copy;
      await copy("copyAddress" in button.dataset ? new URL(text, location.href).href : text, "The text");
    }
    confirmOn(button);
  }

  // ---- drawer
  const drawer = $("#drawer");
  let opener = null;
  const rows = () => $$("#rows > tr");
  const rowOf = (key) => document.getElementById("e-" + key);
  function choose(row, focus = true) {
    for (const other of rows()) other.removeAttribute("aria-current");
    if (!row) return;
    row.setAttribute("aria-current", "true");
    if (focus) $("a.open", row)?.focus({ preventScroll: true });
    row.scrollIntoView({ block: "nearest" });
  }
  function address(key) {
    const url = new URL(location.href);
    if (key) url.searchParams.set("event", key); else url.searchParams.delete("event");
    return url;
  }
  let wanted = null;
  async function openDrawer(row, push = true) {
    const link = $("a.open", row);
    opener = link;
    wanted = row.dataset.key;
    choose(row, false);
    const body = $(".drawer-body", drawer);
    const page = $("[data-drawer-page]", drawer);
    page.href = link.href;
    drawer.hidden = false;
    const loading = document.createElement("p");
    loading.className = "loading";
    loading.textContent = "Loading the event…";
    body.replaceChildren(loading);
    if (push) history.pushState({ event: wanted }, "", address(wanted));
    drawer.focus();
    try {
      const answer = await fetch(link.href);
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      if (wanted !== row.dataset.key) return;
      const found = $("#event", page) ?? $("main > section", page);
      if (!found) throw new Error("no event");
      body.replaceChildren(document.adoptNode(found));
      const act = new URL(link.href).hash;
      if (act) $(act, body)?.classList.add("chosen");
      drawer.setAttribute("aria-label", $("h1", body)?.textContent ?? "Event");
      drawer.scrollTop = 0;
      freshenTimes();
    } catch {
      loading.textContent = "The event could not be loaded. Open it as a page, or try again.";
      body.replaceChildren(loading);
    }
  }
  function closeDrawer(push = true) {
    if (!drawer || drawer.hidden) return false;
    wanted = null;
    drawer.hidden = true;
    $(".drawer-body", drawer).replaceChildren();
    if (push) history.pushState({}, "", address(null));
    opener?.focus();
    return true;
  }
  addEventListener("popstate", () => {
    const key = new URL(location.href).searchParams.get("event");
    const row = key && rowOf(key);
    if (row) openDrawer(row, false); else closeDrawer(false);
  });
  if (drawer) {
    const key = new URL(location.href).searchParams.get("event");
    const row = key && rowOf(key);
    if (row) openDrawer(row, false);
    else if (key) {
      // It is no longer on this page of the list.
      location.replace(root.dataset.audit + "/events/" + encodeURIComponent(key.split(".")[0]));
    }
  }

  // ---- clicks
  document.addEventListener("click", (event) => {
    if (event.defaultPrevented || event.button !== 0) return;
    const target = event.target;
    const copied = target.closest("[data-copy], [data-copy-json], [data-copy-from]");
    if (copied) return void onCopy(copied);
    if (target.closest("[data-theme-toggle]")) return toggleTheme();
    if (target.closest("[data-help]")) return toggleHelp();
    if (target.closest("[data-close]")) return void closeDrawer();
    if (target.closest("[data-live]")) return toggleLive();
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const row = target.closest("#rows > tr");
    if (!row || !drawer || String(getSelection())) return;
    const link = target.closest("a");
    if (link && !link.classList.contains("open")) return;
    event.preventDefault();
    openDrawer(row);
  });

  // ---- keys
  function step(by) {
    const all = rows();
    if (!all.length) return;
    const at = all.findIndex((row) => row.hasAttribute("aria-current"));
    const next = all[Math.min(all.length - 1, Math.max(0, at < 0 ? 0 : at + by))];
    if (drawer && !drawer.hidden) openDrawer(next); else choose(next);
  }
  const keys = {
    "/": () => { const field = $("#q"); field?.focus(); field?.select(); },
    j: () => step(1),
    k: () => step(-1),
    n: () => $("a[rel=next]")?.click(),
    p: () => $("a[rel=first]")?.click(),
    l: () => $("[data-live]") && toggleLive(),
    t: toggleTheme,
    "?": toggleHelp,
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const typing = event.target.closest?.("input, textarea, select");
    if (event.key === "Escape") {
      const menu = openMenus()[0];
      if (menu) { menu.open = false; $("summary", menu).focus(); }
      else if (help?.open) return;
      else if (typing && typing.type !== "checkbox") typing.blur();
      else if (!closeDrawer()) choose(null);
      return;
    }
    if (typing && typing.type !== "checkbox") return;
    if (help?.open && event.key !== "?") return;
    const action = keys[event.key];
    if (action) { event.preventDefault(); action(); }
  });

  // ---- the drawing: arrow keys from bar to bar, and a brush
  function setUpChart() {
    const plot = $(".plot");
    if (!plot) return;
    const bars = $$("svg a", plot);
    bars.at(-1)?.setAttribute("tabindex", "0");
    plot.addEventListener("keydown", (event) => {
      const at = bars.indexOf(document.activeElement);
      const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      const next = at >= 0 && by && bars[at + by];
      if (!next) return;
      event.preventDefault();
      bars[at].setAttribute("tabindex", "-1");
      next.setAttribute("tabindex", "0");
      next.focus();
    });
    const brush = $(".brush", plot);
    const { begin, step, bars: length } = plot.closest("figure").dataset;
    const count = Number(length);
    let from = null;
    const barAt = (x) => {
      const box = plot.getBoundingClientRect();
      const at = Math.floor((x - box.left) / box.width * count);
      return Math.min(count - 1, Math.max(0, at));
    };
    const show = (a, b) => {
      const width = plot.clientWidth / count;
      brush.style.left = `${Math.min(a, b) * width}px`;
      brush.style.width = `${(Math.abs(a - b) + 1) * width}px`;
      brush.hidden = false;
    };
    plot.addEventListener("dragstart", (event) => event.preventDefault());
    plot.addEventListener("pointerdown", (event) => {
      if (event.button === 0 && count) from = barAt(event.clientX);
    });
    addEventListener("pointermove", (event) => {
      if (from !== null && (!brush.hidden || barAt(event.clientX) !== from)) show(from, barAt(event.clientX));
    });
    addEventListener("pointerup", (event) => {
      if (from === null) return;
      const [first, last] = [from, barAt(event.clientX)].sort((a, b) => a - b);
      from = null;
      if (brush.hidden) return;
      plot.addEventListener("click", (click) => click.preventDefault(), { once: true, capture: true });
      const url = new URL(location.href);
      for (const name of ["since", "until", "cursor", "offset", "event"]) url.searchParams.delete(name);
      const time = (bar) => new Date(Number(begin) + bar * Number(step)).toISOString().replace(".000Z", "Z");
      url.searchParams.set("since", time(first));
      url.searchParams.set("until", time(last + 1));
      location.assign(url);
    });
  }
  setUpChart();

  // ---- live: word comes by server-sent events, and the page is asked for anew. Whoever watches takes
  // silence for quiet: where nothing can come any more, the page says so.
  const live = $("[data-live]");
  const liveNote = $("#live-note");
  const RETRY = 5000;
  let watching = false;
  let source = null;
  let due = null;
  let again = null;
  let silence = null;
  // A connection that died unnoticed: the log says every few seconds that it is there.
  function heard() {
    clearTimeout(silence);
    silence = setTimeout(() => { source?.close(); lostLive(); }, live.dataset.silence * 1000);
  }
  const soon = (wait = 400) => { due ??= setTimeout(() => refresh().catch(lostLive), wait); };
  function noteLive(text = "", link = null) {
    liveNote.hidden = !text;
    $("span", liveNote).textContent = text;
    const way = $("a", liveNote);
    way.hidden = !link;
    if (link) [way.textContent, way.href] = link;
    say(text);
  }
  async function refresh() {
    due = null;
    // Nobody asks for this: a session that nobody uses ends all the same.
    const answer = await fetch(location.href, { cache: "no-store", headers: { "countersign-live": "1" } });
    if (!watching) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = $("#results", page);
    const old = $("#results");
    if (!watching) return;
    if (!fresh || !old) return answer.status >= 500 ? lostLive() : endLive();
    const known = new Set(rows().map((row) => row.dataset.key));
    const current = $("#rows > tr[aria-current]")?.dataset.key;
    const focused = document.activeElement?.closest?.("#rows > tr")?.dataset.key;
    const adopted = document.adoptNode(fresh);
    for (const row of $$("#rows > tr", adopted)) if (!known.has(row.dataset.key)) row.classList.add("new");
    old.replaceWith(adopted);
    const arrived = $$("#rows > tr.new").length;
    if (current && rowOf(current)) choose(rowOf(current), false);
    if (focused && rowOf(focused)) $("a.open", rowOf(focused))?.focus({ preventScroll: true });
    if (wanted && rowOf(wanted)) opener = $("a.open", rowOf(wanted));
    freshenTimes();
    setUpChart();
    if (arrived) say(arrived === 1 ? "1 new event" : `${arrived} new events`);
  }
  function hangUp() {
    source?.close();
    source = null;
    clearTimeout(due);
    clearTimeout(again);
    clearTimeout(silence);
    due = again = silence = null;
  }
  function stopLive() {
    hangUp();
    watching = false;
    delete live.dataset.state;
    live.setAttribute("aria-pressed", "false");
  }
  // By itself, for good.
  function endLive(why = "Your session or token no longer holds, or may not see this") {
    stopLive();
    noteLive(`Live has ended: nothing new shows up here. ${why}.`, ["Reload the page", location.href]);
  }
  // For a while: it is tried until it works again.
  function lostLive() {
    if (!watching) return;
    live.dataset.state = "lost";
    if (liveNote.hidden) noteLive("Live has lost the connection: nothing new shows up here until it is back. It tries again by itself.");
    if (source?.readyState !== EventSource.CONNECTING) {
      hangUp();
      again = setTimeout(startLive, RETRY);
    }
  }
  // No stream is told why it was refused.
  async function refused(address) {
    const asked = new AbortController();
    try {
      const answer = await fetch(address, { cache: "no-store", signal: asked.signal });
      if (!watching) return;
      if (answer.ok || answer.status >= 500) lostLive();
      else if (answer.status === 401) endLive();
      else endLive("The log says: " + (await answer.json()).detail);
    } catch {
      lostLive();
    } finally {
      asked.abort();
    }
  }
  function startLive() {
    hangUp();
    const results = $("#results");
    if ("ended" in results.dataset) {
      const url = new URL(location.href);
      url.searchParams.delete("until");
      url.searchParams.set("live", "1");
      stopLive();
      return noteLive("Live is off: this view ends at a time that is past, so nothing new can show up in it.", ["Watch without an end", url.href]);
    }
    watching = true;
    const filters = results.dataset.api;
    const address = root.dataset.api + "/stream" + (filters ? "?" + filters : "");
    const stream = source = new EventSource(address);
    live.setAttribute("aria-pressed", "true");
    for (const news of ["audit", "reset"]) stream.addEventListener(news, () => soon());
    for (const sign of ["open", "audit", "reset", "heartbeat"]) stream.addEventListener(sign, heard);
    heard();
    let opened = Boolean(live.dataset.state);
    stream.addEventListener("open", () => {
      if (opened) soon();
      opened = true;
      delete live.dataset.state;
      noteLive();
      say("Live: new events show up by themselves");
    });
    stream.addEventListener("error", () => {
      if (stream !== source) return;
      if (stream.readyState === EventSource.CLOSED) refused(address); else lostLive();
    });
  }
  function toggleLive() {
    const url = new URL(location.href);
    if (watching) {
      stopLive();
      noteLive();
      say("Live is off");
      url.searchParams.delete("live");
    } else {
      url.searchParams.set("live", "1");
      // What is new is on the first page.
      if (url.searchParams.has("cursor")) {
        url.searchParams.delete("cursor");
        return location.assign(url);
      }
      startLive();
    }
    history.replaceState(history.state, "", url);
  }
  if (live) {
    if (new URL(location.href).searchParams.get("live")) startLive();
    addEventListener("offline", lostLive);
    addEventListener("online", () => { if (watching) startLive(); });
    addEventListener("pagehide", hangUp);
    addEventListener("pageshow", (event) => { if (event.persisted && watching) startLive(); });
  }

  // ---- saved views: each reader's own, so that who signs in next in this browser is shown none of them
  const shelf = "views." + root.dataset.reader;
  stored.forget("views");
  const views = $("[data-views]");
  const saved = () => { try { const list = JSON.parse(stored.get(shelf) ?? "[]"); return Array.isArray(list) ? list : []; } catch { return []; } };
  function showViews() {
    if (!views) return;
    views.replaceChildren(...saved().map((view, index) => {
      const line = document.createElement("div");
      line.className = "view";
      const link = document.createElement("a");
      // An address of this page and of nothing else.
      link.href = root.dataset.audit + (String(view.query).startsWith("?") ? view.query : "");
      link.textContent = view.name;
      const remove = document.createElement("button");
      remove.type = "button";
      remove.className = "icon-button";
      remove.setAttribute("aria-label", "Forget the view " + view.name);
      remove.textContent = "×";
      remove.addEventListener("click", () => {
        stored.set(shelf, JSON.stringify(saved().filter((_, other) => other !== index)));
        showViews();
        say("The view is forgotten");
      });
      line.append(link, remove);
      return line;
    }));
  }
  $("[data-save-view]")?.addEventListener("click", () => {
    const name = prompt("Name of this view")?.trim();
    if (!name) return;
    const url = new URL(location.href);
    for (const own of ["cursor", "event", "live"]) url.searchParams.delete(own);
    const list = saved().filter((view) => view.name !== name);
    list.push({ name: name.slice(0, 80), query: url.search });
    say(stored.set(shelf, JSON.stringify(list.slice(-50))) ? "The view is saved in this browser" : "This browser stores nothing");
    showViews();
  });
  showViews();
})();
