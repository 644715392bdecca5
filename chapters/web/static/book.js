// What is wider than the page can be scrolled from the keyboard.
for (const box of document.querySelectorAll("pre, .text_html, .table-wrapper, math"))
  if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
document.querySelector(".sidebar-drawer")?.setAttribute("aria-label", "Chapters");
// A link to a program or a solution opens it.
function open() {
  const aim = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  const box = aim?.closest("details") ?? aim?.querySelector(":scope > details");
  if (box) box.open = true;
}
addEventListener("hashchange", open);
open();
