/* What the window does by itself: keys, theme, folding, downloads, dropped files, and whether the status bar is true.
   Text of people and models is never made into markup here. */
const tasteTest = {
  el(id) { return document.getElementById(id); },

  button(id) {
    const found = this.el(id);
    return found && (found.tagName === "BUTTON" ? found : found.querySelector("button"));
  },

  press(id) {
    const button = this.button(id);
    if (button && !button.disabled && button.offsetParent) button.click();
  },

  /* One line of the source text, or all of it; without an argument the other one of the two. */
  fold(folded) {
    const box = this.el("tt-input"), button = this.button("tt-fold");
    if (!box) return;
    const now = box.classList.toggle("tt-folded", folded);
    const text = document.querySelector("#tt-source textarea");
    if (text && now) text.scrollTop = 0;
    if (button) {
      button.setAttribute("aria-expanded", String(!now));
      button.textContent = now ? "Show text" : "Hide text";
    }
  },

  /* The address of a kept comparison: a refresh or a saved link opens it again. */
  address(id) {
    const url = new URL(window.location);
    if (id) url.searchParams.set("comparison", id);
    else url.searchParams.delete("comparison");
    if (url.href !== window.location.href) history.replaceState(null, "", url);
  },

  /* What this browser keeps from one visit to the next, as text under a name. Not a gr.BrowserState: those of a tab
     that is not open are empty while the page loads. */
  keep(name, text) { if (text) localStorage.setItem(name, text); },

  recall(name) { return localStorage.getItem(name) || ""; },

  keepForm(name, fields, values) {
    this.keep(name, JSON.stringify(Object.fromEntries(fields.map((field, at) => [field, values[at]]))));
  },

  sure(id) {
    return id && window.confirm("Delete this comparison from this machine?") ? id : "";
  },

  /* Compare with a run's adapter: the address says which, so that a refresh keeps it. */
  openRun(run) {
    if (!run) return;
    const url = new URL(window.location);
    url.search = "";
    url.searchParams.set("adapter", run);
    window.location.assign(url);
  },

  /* Where a page is long, what was just filled in comes into view. */
  show(id) {
    const found = this.el(id);
    if (found) found.scrollIntoView({ block: "start" });
  },

  save(payload) {
    const file = JSON.parse(payload);
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([file.text], { type: file.mime }));
    link.download = file.name;
    document.body.append(link);
    link.click();
    link.remove();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  },

  async copy(payload) {
    await navigator.clipboard.writeText(JSON.parse(payload).text);
    const button = this.button("tt-copy-receipt");
    if (!button) return;
    const before = button.textContent;
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = before; }, 1500);
  },

  theme(name) {
    document.body.classList.toggle("dark", name === "dark");
    document.documentElement.style.colorScheme = name;
    const button = this.el("tt-theme");
    if (button) button.setAttribute("aria-pressed", String(name === "dark"));
  },

  switchTheme() {
    const next = document.body.classList.contains("dark") ? "light" : "dark";
    localStorage.setItem("taste-test-theme", next);
    this.theme(next);
  },

  startTheme() {
    const system = window.matchMedia("(prefers-color-scheme: dark)");
    const wanted = () => localStorage.getItem("taste-test-theme") || (system.matches ? "dark" : "light");
    this.theme(wanted());
    system.addEventListener("change", () => this.theme(wanted()));
  },

  keys(event) {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      this.press("tt-run");
    } else if (event.key === "Escape" && !event.defaultPrevented) {
      this.press("tt-cancel");
    }
  },

  /* A file dropped on the text goes the way of "Open a file". */
  drop(event) {
    const target = event.target instanceof Element && event.target.closest("#tt-input");
    const files = event.dataTransfer && event.dataTransfer.files;
    if (!target || !files || !files.length) return;
    event.preventDefault();
    const input = document.querySelector("#tt-more input[type=file]");
    if (!input) return;
    input.files = files;
    input.dispatchEvent(new Event("change", { bubbles: true }));
  },

  /* The server tells its state every two seconds while this page is looked at; longer silence is told as such. */
  lastHeard: Date.now(),
  ticks: 0,

  heard() {
    this.lastHeard = Date.now();
    this.ticks += 1;
    this.stale(false);
  },

  stale(now) {
    const bar = this.el("tt-status");
    if (!bar || bar.classList.contains("tt-stale") === now) return;
    bar.classList.toggle("tt-stale", now);
    bar.toggleAttribute("data-silent", now);
  },

  watch() {
    setInterval(() => {
      if (document.visibilityState !== "visible") this.lastHeard = Date.now();
      else if (Date.now() - this.lastHeard > 10000) this.stale(true);
    }, 1000);
  },

  landmarks() {
    const roles = [["tt-header", "banner", "Taste Test"], ["tt-sidebar", "complementary", "Settings"],
      ["tt-status", "contentinfo", "Status"]];
    for (const [id, role, label] of roles) {
      const found = this.el(id);
      if (found) { found.setAttribute("role", role); found.setAttribute("aria-label", label); }
    }
  },

  /* On a phone the sidebar would lie over everything: it starts folded there. */
  foldSidebar() {
    const sidebar = this.el("tt-sidebar");
    if (window.innerWidth < 900 && sidebar && sidebar.classList.contains("open"))
      sidebar.querySelector("button.toggle-button")?.click();
  },

  start() {
    this.startTheme();
    this.foldSidebar();
    this.landmarks();
    document.addEventListener("keydown", (event) => this.keys(event));
    document.addEventListener("dragover", (event) => {
      if (event.target instanceof Element && event.target.closest("#tt-input")) event.preventDefault();
    });
    document.addEventListener("drop", (event) => this.drop(event), true);
    document.addEventListener("click", (event) => {
      if (event.target instanceof Element && event.target.closest("#tt-theme")) this.switchTheme();
    });
    this.watch();
  },
};
