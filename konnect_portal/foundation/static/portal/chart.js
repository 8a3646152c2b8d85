// What a column of a chart says: under the pointer, and by arrow keys. Without this a column's title says it.
document.querySelectorAll(".chart-plot").forEach((plot) => {
  const tip = plot.querySelector(".chart-tip");
  const columns = [...plot.querySelectorAll(".chart-column")];
  const said = columns.map((column) => {
    const title = column.querySelector("title");
    title.remove();
    return title.textContent;
  });
  let here = -1;

  const go = (column) => {
    columns[here]?.classList.remove("chart-here");
    here = column;
    columns[here]?.classList.add("chart-here");
    tip.style.left = 0;
    tip.textContent = said[here] ?? "";
    if (here < 0) return;
    const box = plot.getBoundingClientRect();
    const at = columns[here].getBoundingClientRect();
    const middle = at.left + at.width / 2 - box.left - tip.offsetWidth / 2;
    tip.style.left = `${Math.max(0, Math.min(middle, box.width - tip.offsetWidth))}px`;
  };
  const keys = {
    ArrowLeft: () => Math.max((here < 0 ? columns.length : here) - 1, 0),
    ArrowRight: () => Math.min(here + 1, columns.length - 1),
    Home: () => 0,
    End: () => columns.length - 1,
    Escape: () => -1,
  };

  plot.tabIndex = 0;
  plot.addEventListener("keydown", (event) => {
    if (!keys[event.key]) return;
    event.preventDefault();
    go(keys[event.key]());
  });
  plot.addEventListener("pointermove", (event) => {
    const column = columns.indexOf(event.target);
    if (column !== here && column >= 0) go(column);
  });
  plot.addEventListener("pointerleave", () => go(-1));
  plot.addEventListener("blur", () => go(-1));
});
