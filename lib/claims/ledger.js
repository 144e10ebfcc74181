// Shows the rows of the ledger that the form above it asks for; the page's query can ask too, and is kept in step.
(function () {
  const form = document.currentScript.parentElement.querySelector("form.claim-filters");
  const table = form.parentElement.querySelector(".claims.rows > table");
  const bodies = Array.from(table.tBodies);
  const rows = Array.from(table.querySelectorAll("tr[id]"));
  const said = form.querySelector("output");

  function asked() {
    return Array.from(new FormData(form)).filter(([, value]) => value.trim() !== "");
  }

  function has(row, name, value) {
    if (name === "chapter") return row.dataset.chapter.split(" ").includes(value);
    if (name !== "words") return row.dataset[name] === value;
    const text = (row.textContent + " " + row.nextElementSibling.textContent).toLowerCase();
    return value.toLowerCase().trim().split(/\s+/).every((word) => text.includes(word));
  }

  function show() {
    const wanted = asked();
    let number = 0;
    rows.forEach((row) => {
      const shown = wanted.every(([name, value]) => has(row, name, value));
      row.hidden = row.nextElementSibling.hidden = !shown;
      number += shown;
    });
    bodies.forEach((body) => { body.hidden = !body.querySelector("tr[id]:not([hidden])"); });
    said.textContent = number + " of " + rows.length + " claims";
    return wanted;
  }

  function changed() {
    const query = new URLSearchParams(show()).toString();
    history.replaceState(null, "", query ? "?" + query : location.pathname);
  }

  new URLSearchParams(location.search).forEach((value, name) => {
    if (form.elements[name]) form.elements[name].value = value;
  });
  form.addEventListener("input", changed);
  form.addEventListener("reset", () => setTimeout(changed));
  form.addEventListener("submit", (event) => event.preventDefault());
  form.hidden = false;
  show();
})();
