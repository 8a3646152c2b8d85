// Parts of a page that change by themselves ask for their newest state until there is nothing left to watch.
(() => {
  const SECONDS = 3;
  const FIRST = "[autofocus], .desk-form input:not([type=hidden])";

  async function refresh(part) {
    if (part.contains(document.activeElement)) return watch(part); // never take the link from under the keyboard
    const response = await fetch(part.dataset.refresh, { headers: { "X-Requested-With": "fetch" } });
    if (response.redirected) return; // signed out
    if (!response.ok) return watch(part);
    const fresh = new DOMParser().parseFromString(await response.text(), "text/html").body.firstElementChild;
    part.replaceWith(fresh);
    watch(fresh);
  }

  function watch(part) {
    if (part.dataset.refresh) setTimeout(() => refresh(part).catch(() => watch(part)), SECONDS * 1000);
  }

  document.addEventListener("DOMContentLoaded", () => document.querySelectorAll("[data-refresh]").forEach(watch));

  // The page is hidden until unfold's scripts have run, which is after the browser has looked for `autofocus`.
  window.addEventListener("load", () => {
    if (document.activeElement === document.body) document.querySelector(FIRST)?.focus();
  });

  // One character more than any name has: the desk says that it is too long, while a far longer address would be
  // refused by the server without a page.
  document.addEventListener("DOMContentLoaded", () => {
    for (const box of document.querySelectorAll("input[name=q]")) box.maxLength = 257;
  });

  // A list that is wider than the screen and holds no link can still be scrolled by keyboard.
  document.addEventListener("DOMContentLoaded", () => {
    for (const list of document.querySelectorAll("#content .overflow-x-auto:has(table)")) {
      if (!list.querySelector("a, button, input")) list.tabIndex = 0;
    }
  });

  // unfold's stylesheet makes room for the side bar from 1280 pixels on, its script opens it from 1281 on.
  const hasRoom = () => window.innerWidth >= 1280;
  const isOpen = () => hasRoom() && localStorage.getItem("sidebarOpen") !== "0";
  const sideBar = {
    sidebarToggle() {
      this.sidebarOpen = !this.sidebarOpen;
      if (hasRoom()) localStorage.setItem("sidebarOpen", this.sidebarOpen ? "1" : "0");
    },
  };

  document.addEventListener("alpine:init", () => {
    const unfolds = window.theme;
    window.theme = (...given) => {
      const theme = unfolds(...given);
      const resized = { ["x-resize.window"]() { this.sidebarOpen = isOpen(); } };
      return { ...theme, ...sideBar, sidebarOpen: isOpen(), themeBindings: { ...theme.themeBindings, ...resized } };
    };
  });
})();
