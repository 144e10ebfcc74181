// What Sphinx writes that a screen reader would stumble over.
document.addEventListener("DOMContentLoaded", () => {
  // The works are marked as a list, but each with a role that is deprecated and no item of a list.
  for (const work of document.querySelectorAll(".citation-list > .citation")) work.setAttribute("role", "listitem");
  // The parameters of a long signature are written as definitions without terms: they are lines of code.
  for (const lines of document.querySelectorAll("dt.sig > dl")) lines.setAttribute("role", "presentation");
});
