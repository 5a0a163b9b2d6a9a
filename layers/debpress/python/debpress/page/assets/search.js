"use strict";
// Searches as somebody types. The lists of packages are loaded when the field is first used, and
// nothing of what packages say is ever taken for markup: all of it is set as text.
(() => {
  const box = document.querySelector(".search");
  const field = document.getElementById("q");
  const root = box.dataset.root;
  const results = document.getElementById("results");
  const page = document.getElementById("page");
  const said = document.getElementById("said");
  const hits = document.getElementById("hits");
  const MOST = 50; // Hits that are shown.
  const AT_ONCE = 6; // Lists that are loaded side by side, as many as browsers take from one host.

  let packages = [];
  let loading = null;
  let loaded = false;

  // As debpress.layout.page_name spells it.
  const pageName = (name) =>
    Array.from(new TextEncoder().encode(name), (byte) => {
      const letter = String.fromCharCode(byte);
      if (/[a-z0-9.-]/.test(letter)) return letter;
      return letter === "+" ? "_" : "X" + byte.toString(16).padStart(2, "0");
    }).join("");

  const get = async (path) => {
    const answer = await fetch(root + path);
    if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
    return answer.json();
  };

  const load = async () => {
    const left = Object.keys((await get("index.json")).shelves);
    const worker = async () => {
      for (let name = left.shift(); name !== undefined; name = left.shift()) {
        const list = await get(`packages/list/${name}.json`);
        packages = packages.concat(
          list.packages.map((each) => ({
            ...each,
            text: each.description.toLowerCase(),
          })),
        );
        show();
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
    loaded = true;
    show();
  };

  const start = () => {
    loading ??= load().catch(() => {
      loading = null;
      packages = [];
      said.textContent = "The list of packages can't be loaded; type again to try again.";
    });
  };

  // Lower is better; null is no hit.
  const rank = (each, words, whole) => {
    for (const word of words) {
      if (!each.package.includes(word) && !each.text.includes(word)) return null;
    }
    if (each.package === whole) return 0;
    if (each.package.startsWith(whole)) return 1;
    if (each.package.includes(whole)) return 2;
    return words.every((word) => each.package.includes(word)) ? 3 : 4;
  };

  const span = (name, text) => {
    const made = document.createElement("span");
    made.className = name;
    made.textContent = text;
    return made;
  };

  const hit = (each) => {
    const row = document.createElement("li");
    const link = document.createElement("a");
    link.href = `${root}packages/${pageName(each.package)}.html`;
    link.textContent = each.package;
    const where = span("where", "");
    for (const [suite, has] of Object.entries(each.suites)) {
      const tag = span("tag", "");
      tag.append(span("quiet", suite), ` ${has.newest}`);
      where.append(tag);
    }
    row.append(link, " ", span("about", each.description), " ", where);
    return row;
  };

  function show() {
    const whole = field.value.trim().toLowerCase();
    results.hidden = whole === "";
    page.hidden = whole !== "";
    if (whole === "") return;
    const words = whole.split(/\s+/);
    const found = [];
    for (const each of packages) {
      const at = rank(each, words, words.join(" "));
      if (at !== null) found.push([at, each]);
    }
    found.sort(
      ([a, one], [b, other]) =>
        a - b || (one.package < other.package ? -1 : one.package > other.package ? 1 : 0),
    );
    hits.replaceChildren(...found.slice(0, MOST).map(([, each]) => hit(each)));
    if (!loaded) said.textContent = "Loading the list of packages…";
    else if (found.length === 0) said.textContent = "No package has that in its name or description.";
    else if (found.length > MOST) said.textContent = `${found.length} packages; the first ${MOST}:`;
    else said.textContent = found.length === 1 ? "1 package:" : `${found.length} packages:`;
    // For programs that drive a browser: what all of the packages were searched for.
    if (loaded) results.dataset.searched = whole;
  }

  let waiting = 0;
  field.addEventListener("focus", start);
  field.addEventListener("input", () => {
    start();
    clearTimeout(waiting);
    waiting = setTimeout(show, 60);
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && field.value !== "") {
      field.value = "";
      show();
      field.focus();
    }
  });
  box.hidden = false;
  if (field.value !== "") {
    start(); // The browser came back to a search.
    show();
  }

  for (const block of document.querySelectorAll("pre.copy")) {
    if (!navigator.clipboard) break; // Browsers give it to https and localhost alone.
    const code = block.querySelector("code");
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = "Copy";
    button.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(code.textContent);
        button.textContent = "Copied";
      } catch {
        button.textContent = "Not allowed";
      }
      setTimeout(() => (button.textContent = "Copy"), 2000);
    });
    block.classList.add("has-button");
    block.append(button);
  }
})();
