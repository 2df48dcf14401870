// The page works without this script, as a report. With it the parts of the page follow
// what happens, buttons answer beside themselves, and lists grow in place.
"use strict";
(() => {
  const token = document.querySelector("meta[name=csrf-token]").content;
  const parts = document.getElementById("parts");

  // Times are shown in the zone of who looks.
  const local = new Intl.DateTimeFormat(undefined, { dateStyle: "short", timeStyle: "medium" });
  const localTimes = (root) => {
    for (const t of root.querySelectorAll("time")) t.textContent = local.format(new Date(t.dateTime));
  };
  const parsed = (html) => {
    const root = new DOMParser().parseFromString(html, "text/html").body;
    localTimes(root);
    return root;
  };

  // morph makes the element a what b is, and leaves what is the same as it is: the focus,
  // what was opened, and what must not be read out again.
  const keyOf = (n) => (n.nodeType === Node.ELEMENT_NODE ? n.id || n.dataset.key || "" : "");
  const morph = (a, b) => {
    if (a.isEqualNode(b) || a.nodeType === Node.ELEMENT_NODE && a.hasAttribute("data-keep")) return;
    if (a.nodeType !== b.nodeType || a.nodeName !== b.nodeName || keyOf(a) !== keyOf(b)) {
      a.replaceWith(b);
      return;
    }
    if (a.nodeType !== Node.ELEMENT_NODE) {
      a.data = b.data;
      return;
    }
    for (const { name, value } of [...b.attributes]) if (a.getAttribute(name) !== value) a.setAttribute(name, value);
    for (const { name } of [...a.attributes]) {
      if (!b.hasAttribute(name) && !(name === "open" && a.nodeName === "DETAILS")) a.removeAttribute(name);
    }
    const wanted = new Set([...b.childNodes].map(keyOf));
    const known = new Map([...a.childNodes].filter(keyOf).map((n) => [keyOf(n), n]));
    let at = a.firstChild;
    for (const n of [...b.childNodes]) {
      while (at && keyOf(at) && !wanted.has(keyOf(at))) {
        const gone = at;
        at = at.nextSibling;
        gone.remove();
      }
      const key = keyOf(n), same = known.get(key);
      if (same) {
        if (same === at) at = at.nextSibling;
        else a.insertBefore(same, at);
        morph(same, n);
      } else if (!key && at && !keyOf(at) && at.nodeName === n.nodeName) {
        const old = at;
        at = at.nextSibling;
        morph(old, n);
      } else {
        a.insertBefore(n, at);
      }
    }
    while (at) {
      const gone = at;
      at = at.nextSibling;
      gone.remove();
    }
  };

  // say is for everybody, those who listen included.
  const answers = document.getElementById("answers");
  const say = (text) => {
    const p = document.createElement("p");
    p.textContent = text;
    answers.append(p);
    while (answers.childElementCount > 3) answers.firstChild.remove();
    setTimeout(() => p.remove(), 8000);
  };

  // update shows the parts of the page as they are now.
  let said = "", mayBeSaid = 0;
  const update = ({ keys, parts: changed }) => {
    const focused = document.activeElement;
    const section = focused && focused.closest && focused.closest(".part");
    let at = parts.firstElementChild;
    for (const key of keys) {
      let now = document.getElementById(key);
      const fresh = changed[key] && parsed(changed[key]).firstElementChild;
      if (!now) now = fresh;
      else if (fresh) morph(now, fresh);
      if (now === at) at = at.nextElementSibling;
      else parts.insertBefore(now, at);
    }
    while (at) {
      const gone = at;
      at = at.nextElementSibling;
      gone.remove();
    }
    if (section && !focused.isConnected) { // what had the focus is gone: it stays near by
      const title = section.isConnected ? section.querySelector("h2") : document.getElementById("main");
      title.tabIndex = -1;
      title.focus({ preventScroll: true });
    }
    const { title, say: news } = document.getElementById("overall").dataset;
    if (document.title !== title) document.title = title;
    if (said && news !== said && Date.now() > mayBeSaid) {
      say(news);
      mayBeSaid = Date.now() + 10000;
    }
    said = news;
  };

  const live = document.getElementById("live");
  if (live) {
    let stale = false;
    const follow = () => {
      const source = new EventSource(document.getElementById("main").dataset.live);
      source.onopen = () => {
        live.classList.remove("lost");
        live.textContent = "Live: what is shown is how it is now.";
        if (stale) say("The page is live again.");
        stale = false;
      };
      source.onmessage = (e) => update(JSON.parse(e.data));
      source.onerror = () => {
        if (!stale) {
          live.classList.add("lost");
          live.textContent = `Not connected since ${local.format(new Date())}: what is shown may have changed. Trying again.`;
        }
        stale = true;
        if (source.readyState === EventSource.CLOSED) setTimeout(follow, 10000);
      };
    };
    follow();
  }

  // Buttons are answered beside themselves.
  document.addEventListener("submit", async (e) => {
    const form = e.target;
    if (!form.matches("form.act")) return;
    e.preventDefault();
    const button = e.submitter, answer = form.querySelector(".answer");
    const buttons = [...form.querySelectorAll("button")];
    for (const b of buttons) b.setAttribute("aria-disabled", "true");
    if (form.dataset.busy) return;
    form.dataset.busy = "1";
    answer.textContent = "…";
    let text, good = false;
    try {
      const reply = await fetch(button.formAction, {
        method: "POST",
        headers: { "X-CSRF-Token": token, Accept: "application/json" },
        body: new URLSearchParams(new FormData(form)),
      });
      if ((reply.headers.get("Content-Type") || "").startsWith("application/json")) ({ text, good } = await reply.json());
      else text = (await reply.text()).trim();
    } catch {
      text = "The daemon did not answer. Try again when the page is live.";
    }
    delete form.dataset.busy;
    for (const b of buttons) b.removeAttribute("aria-disabled");
    answer.textContent = text;
    say(`${button.textContent.trim()}: ${text}`);
    const item = form.closest("ul[data-keep] > li"); // such a list does not follow by itself
    if (good && item) setTimeout(() => item.remove(), 3000);
  });

  // Lists grow in place.
  const grow = async (link) => {
    const list = document.getElementById(link.dataset.into);
    if (link.dataset.busy) return;
    link.dataset.busy = "1";
    try {
      const reply = await fetch(link.href);
      if (!reply.ok) throw new Error(reply.statusText);
      const page = parsed(await reply.text());
      if (!list.hasAttribute("data-keep") && list.id !== "files") list.replaceChildren();
      const items = [...page.querySelectorAll("#files > li")];
      list.append(...items);
      list.setAttribute("data-keep", "");
      const next = page.querySelector("a.more");
      const holder = link.parentElement;
      holder.setAttribute("data-keep", "");
      if (next) {
        next.dataset.into = list.id;
        link.replaceWith(next);
        if ("auto" in next.dataset && list.childElementCount < 200) grow(next);
        else if (!("auto" in next.dataset)) next.focus();
      } else {
        const end = page.querySelector(".end");
        holder.replaceChildren(...(end ? end.childNodes : []));
        if (items[0] && !("auto" in link.dataset)) items[0].querySelector("a").focus();
      }
    } catch {
      delete link.dataset.busy;
      say("The daemon did not answer. Try again.");
    }
  };
  document.addEventListener("click", (e) => {
    const link = e.target.closest && e.target.closest("a.more");
    if (!link || e.ctrlKey || e.metaKey || e.shiftKey || e.button) return;
    e.preventDefault();
    grow(link);
  });

  localTimes(document);
  for (const link of document.querySelectorAll("a.more[data-auto]")) grow(link);
})();
