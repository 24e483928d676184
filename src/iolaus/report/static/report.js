(function () {
  "use strict";
  var root = document.documentElement;

  function all(selector, within) {
    return Array.prototype.slice.call((within || document).querySelectorAll(selector));
  }

  // Theme: the system's choice until the reader makes another. Storage may be barred on file: pages.
  var toggle = document.getElementById("theme");
  function stored(value) {
    try {
      if (value) window.localStorage.setItem("iolaus-theme", value);
      return window.localStorage.getItem("iolaus-theme");
    } catch (error) {
      return null;
    }
  }
  function dark() {
    var chosen = root.getAttribute("data-theme");
    return chosen ? chosen === "dark" : window.matchMedia("(prefers-color-scheme: dark)").matches;
  }
  function label() {
    toggle.textContent = dark() ? "Light" : "Dark";
    toggle.setAttribute("aria-label", "Switch to " + (dark() ? "light" : "dark") + " colours");
  }
  var before = stored();
  if (before === "dark" || before === "light") root.setAttribute("data-theme", before);
  toggle.hidden = false;
  label();
  toggle.addEventListener("click", function () {
    var next = dark() ? "light" : "dark";
    root.setAttribute("data-theme", next);
    stored(next);
    label();
  });

  // Accounts: sort by a column, filter by id.
  function key(row, column) {
    var cell = row.cells[column];
    return cell.hasAttribute("data-v") ? parseFloat(cell.getAttribute("data-v")) : cell.textContent.trim();
  }
  function sort(table, header, column) {
    var down = header.getAttribute("aria-sort") !== "descending";
    all("th", table).forEach(function (other) { other.removeAttribute("aria-sort"); });
    header.setAttribute("aria-sort", down ? "descending" : "ascending");
    var body = table.tBodies[0];
    var rows = all("tr", body).map(function (row, i) { return { row: row, key: key(row, column), i: i }; });
    rows.sort(function (a, b) {
      var order = a.key < b.key ? -1 : a.key > b.key ? 1 : 0;
      return (down ? -order : order) || a.i - b.i;
    });
    rows.forEach(function (entry) { body.appendChild(entry.row); });
  }
  all("table[data-sortable]").forEach(function (table) {
    all("thead th", table).forEach(function (header, column) {
      var button = document.createElement("button");
      button.type = "button";
      while (header.firstChild) button.appendChild(header.firstChild);
      header.appendChild(button);
      button.addEventListener("click", function () { sort(table, header, column); });
    });
  });
  all("[data-filter]").forEach(function (box) {
    var input = box.querySelector("input");
    var said = box.querySelector("output");
    var rows = all("tbody tr", document.getElementById(box.getAttribute("data-filter")));
    box.hidden = false;
    input.addEventListener("input", function () {
      var wanted = input.value.trim().toLowerCase();
      var shown = 0;
      rows.forEach(function (row) {
        var hit = row.cells[0].textContent.toLowerCase().indexOf(wanted) >= 0;
        row.hidden = !hit;
        if (hit) shown += 1;
      });
      said.textContent = wanted ? shown + " of " + rows.length + " rows" : "";
    });
  });

  // Graph: pointing at an account lights its links and names it below.
  all("figure.graph").forEach(function (figure) {
    var svg = figure.querySelector("svg");
    var said = figure.querySelector(".said");
    var resting = said.textContent;
    function light(target) {
      var dot = target && target.getAttribute ? target.getAttribute("data-n") : null;
      all(".lit", svg).forEach(function (part) { part.classList.remove("lit"); });
      svg.classList.toggle("pointed", dot !== null);
      if (dot === null) { said.textContent = resting; return; }
      target.classList.add("lit");
      all("line", svg).forEach(function (line) {
        var a = line.getAttribute("data-a"), b = line.getAttribute("data-b");
        if (a !== dot && b !== dot) return;
        line.classList.add("lit");
        var other = svg.querySelector('circle[data-n="' + (a === dot ? b : a) + '"]');
        if (other) other.classList.add("lit");
      });
      said.textContent = target.querySelector("title").textContent;
    }
    svg.addEventListener("pointerover", function (event) { light(event.target); });
    svg.addEventListener("pointerleave", function () { light(null); });
  });
})();
