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

  /* What a button of an evaluation asks for goes into a hidden field of the page, which the tab listens to. */
  asked: 0,

  ask(kind, value) {
    const box = document.querySelector(`#tt-eval-ask-${kind} textarea, #tt-eval-ask-${kind} input`);
    if (!box) return;
    this.asked += 1;
    box.value = JSON.stringify({ v: value, n: this.asked });
    box.dispatchEvent(new Event("input", { bubbles: true }));
  },

  clicked(event) {
    const found = event.target instanceof Element && event.target.closest("[data-ask], [data-image]");
    if (!found) return;
    if (found.dataset.image) this.picture(found.dataset.chart, found.dataset.image);
    else this.ask(found.dataset.ask, found.dataset.value);
  },

  /* A click on a mark goes to the documents behind it. Plotly draws anew at times: whoever is pointed at is bound. */
  bindChart(event) {
    const chart = event.target instanceof Element && event.target.closest("#tt-tab-evaluate .js-plotly-plot");
    if (!chart || !chart.on || chart.ttBound === chart._ev) return;
    chart.ttBound = chart._ev;
    chart.on("plotly_click", (data) => {
      const box = chart.closest("[id^='tt-chart-']"), point = data.points && data.points[0];
      if (!box || !point) return;
      const at = point.pointNumber ?? point.pointIndex;
      this.ask("point", { chart: box.id.slice("tt-chart-".length), curve: point.curveNumber, point: at });
    });
  },

  /* PNG and SVG are always dark on white, whatever the window's colours: they are for papers and slides. */
  picture(name, format) {
    const chart = document.querySelector(`#tt-chart-${CSS.escape(name)} .js-plotly-plot`);
    if (!chart || !window.Plotly) return;
    const look = { paper_bgcolor: "#ffffff", plot_bgcolor: "#ffffff" };
    const layout = { ...chart.layout, ...look, font: { ...(chart.layout.font || {}), color: "#16191d" } };
    const size = { width: Math.max(chart.clientWidth, 640), height: chart.clientHeight || 400 };
    window.Plotly.downloadImage({ data: chart.data, layout }, { format, scale: 2, filename: `taste-test-${name}`, ...size });
  },

  /* The address of an evaluation: a saved link opens its tab. */
  evaluationAddress(id) {
    const url = new URL(window.location);
    if (id) url.searchParams.set("evaluation", id);
    else url.searchParams.delete("evaluation");
    if (url.href !== window.location.href) history.replaceState(null, "", url);
  },

  /* Another tab of the window; one that found no room stands in the list behind the dots. False: not there yet. */
  openTab(id, label) {
    const hidden = [...document.querySelectorAll("#tt-tabs > .tab-wrapper .overflow-dropdown button")];
    const tab = this.el(`${id}-button`) || hidden.find((button) => button.textContent === label);
    if (tab) tab.click();
    return Boolean(tab);
  },

  openEvaluation() {
    if (!new URL(window.location).searchParams.has("evaluation")) return;
    const wait = setInterval(() => {
      if (this.openTab("tt-tab-evaluate", "Evaluate")) clearInterval(wait);
    }, 50);
    setTimeout(() => clearInterval(wait), 20000);
  },

  /* What was searched for comes into view, once it is there. */
  showChart(found) {
    const [kind, name] = (found || "").split(":");
    const id = kind === "chart" ? `tt-chart-${name}` : kind === "page" ? "tt-eval-page-pick" : "";
    const wait = id && setInterval(() => {
      const box = this.el(id);
      if (box && box.offsetParent) { clearInterval(wait); box.scrollIntoView({ block: "center" }); }
    }, 100);
    setTimeout(() => clearInterval(wait), 5000);
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
    this.loaded();
  },

  /* What a model will see of a text is counted by that model: the Compare tab hears when another has been loaded. */
  base: "",

  loaded() {
    const shown = document.querySelector("#tt-status bdi"), now = shown ? shown.textContent : "";
    const box = document.querySelector("#tt-loaded textarea, #tt-loaded input");
    if (!box || now === this.base) return;
    this.base = now;
    box.value = now;
    box.dispatchEvent(new Event("input", { bubbles: true }));
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
      this.clicked(event);
    });
    document.addEventListener("pointerover", (event) => this.bindChart(event));
    this.watch();
    this.openEvaluation();
  },
};
