"use strict";
// Sorts and filters the table of claims. Without it the page is whole: this only adds to it.
(() => {
  const table = document.querySelector("table.overview");
  const controls = document.querySelector(".controls");
  if (!table || !controls) return;
  const status = controls.querySelector("[role=status]");
  const filters = [...controls.querySelectorAll("[data-filter]")];
  const order = controls.querySelector("[data-order]");
  const heads = [...table.querySelectorAll("th[data-sort]")];
  const groups = [...table.tBodies];
  const rows = [...table.querySelectorAll("tr[data-verdict]")];
  const home = rows.map((row) => row.parentNode);
  const words = rows.map((row) => row.textContent.toLowerCase());
  const flat = table.appendChild(document.createElement("tbody"));
  let key = "";
  let descending = false;

  const shows = (row, index) =>
    filters.every(({ dataset, value }) => {
      if (!value) return true;
      if (dataset.filter === "text") return words[index].includes(value.trim().toLowerCase());
      return row.dataset[dataset.filter] === value;
    });

  const compare = (one, other) => {
    const [a, b] = [one.dataset[key], other.dataset[key]];
    if (a === "" || b === "") return (a === "") - (b === ""); // what is unknown comes last
    const difference = Number.isNaN(Number(a)) ? a.localeCompare(b) : Number(a) - Number(b);
    return descending ? -difference : difference;
  };

  const arrange = () => {
    if (key) flat.append(...[...rows].sort(compare));
    else rows.forEach((row, index) => home[index].append(row));
    table.classList.toggle("flat", Boolean(key));
    let told = "in the order of the papers";
    for (const head of heads) {
      const mine = head.dataset.sort === key;
      head.removeAttribute("aria-sort");
      if (!mine) continue;
      head.setAttribute("aria-sort", descending ? "descending" : "ascending");
      told = `sorted by ${head.textContent.trim().toLowerCase()}, ${descending ? "descending" : "ascending"}`;
    }
    order.value = key && `${key} ${descending ? "descending" : "ascending"}`;
    return told;
  };

  const update = () => {
    const told = arrange();
    let shown = 0;
    rows.forEach((row, index) => {
      row.hidden = !shows(row, index);
      shown += !row.hidden;
    });
    for (const group of groups) {
      group.hidden = Boolean(key) || !group.querySelector("tr[data-verdict]:not([hidden])");
    }
    const count = shown === rows.length ? `All ${shown}` : `${shown} of ${rows.length}`;
    status.textContent = `${count} claims, ${told}.`;
  };

  const sortBy = (name, first) => {
    if (key !== name) [key, descending] = [name, first === "descending"];
    else if (descending === (first === "descending")) descending = !descending;
    else key = "";
    update();
  };

  for (const head of heads) {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    button.addEventListener("click", () => sortBy(head.dataset.sort, head.dataset.first));
    head.append(button);
  }
  for (const filter of filters) filter.addEventListener("input", update);
  order.addEventListener("input", () => {
    const [name, way] = order.value.split(" ");
    [key, descending] = [name, way === "descending"];
    update();
  });
  controls.querySelector("button").addEventListener("click", () => {
    for (const filter of filters) filter.value = "";
    key = "";
    update();
  });
  controls.hidden = false;
  update();
})();
