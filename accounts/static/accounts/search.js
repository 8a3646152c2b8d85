// The search box: it looks while somebody types; arrow keys choose, Enter opens the first or the chosen one, Escape
// closes. Without this the form leads to a page with the same.
(() => {
  const SHORTEST = 3;
  const PAUSE = 150; // milliseconds without a key

  function equip(form) {
    const input = form.querySelector("[role=combobox]");
    const popup = form.querySelector(".desk-popup");
    const status = form.querySelector("[role=status]");
    let timer, asking, looked;

    const options = () => [...popup.querySelectorAll("[role=option]")];
    const chosen = () => popup.querySelector("[aria-selected=true]");
    const term = () => input.value.trim();

    function show(isOpen) {
      popup.hidden = !isOpen;
      input.setAttribute("aria-expanded", isOpen && options().length > 0);
      if (!isOpen) choose(null);
    }

    function choose(option) {
      chosen()?.setAttribute("aria-selected", "false");
      option?.setAttribute("aria-selected", "true");
      option?.scrollIntoView({ block: "nearest" });
      if (option) input.setAttribute("aria-activedescendant", option.id);
      else input.removeAttribute("aria-activedescendant");
    }

    function step(by) {
      const all = options();
      if (popup.hidden) show(all.length > 0);
      const at = all.indexOf(chosen());
      choose(all[at < 0 && by < 0 ? all.length - 1 : (at + by + all.length) % all.length] ?? null);
    }

    async function look() {
      clearTimeout(timer);
      asking?.abort();
      const wanted = term();
      if (wanted.length < SHORTEST) return forget();
      if (wanted === looked) return show(true);
      asking = new AbortController();
      form.setAttribute("aria-busy", "true");
      const address = `${form.dataset.found}?${new URLSearchParams({ q: wanted })}`;
      const response = await fetch(address, { headers: { "X-Requested-With": "fetch" }, signal: asking.signal });
      const text = await response.text();
      form.removeAttribute("aria-busy");
      if (!response.ok || response.redirected) return forget();
      popup.innerHTML = text;
      looked = wanted;
      status.textContent = options().length ? `${options().length} found` : popup.textContent.trim();
      show(true);
    }

    function forget() {
      popup.replaceChildren();
      looked = undefined;
      status.textContent = "";
      show(false);
    }

    const lookQuietly = () => look().catch(() => form.removeAttribute("aria-busy")); // aborted, or no network

    async function open() {
      if (term() !== looked) await look();
      const option = chosen() ?? options()[0];
      if (option) location.assign(option.href);
      else form.submit();
    }

    input.addEventListener("input", () => {
      clearTimeout(timer);
      timer = setTimeout(lookQuietly, PAUSE);
    });

    input.addEventListener("keydown", (event) => {
      if (event.isComposing) return;
      if (event.key === "ArrowDown") step(1);
      else if (event.key === "ArrowUp") step(-1);
      else if (event.key === "Enter") open().catch(() => form.submit());
      else if (event.key === "Escape" && !popup.hidden) show(false);
      else return;
      event.preventDefault();
    });

    input.addEventListener("focus", () => show(term() === looked));
    form.addEventListener("focusout", (event) => form.contains(event.relatedTarget) || show(false));
    document.addEventListener("keydown", (event) => {
      if (event.key !== "k" || !(event.ctrlKey || event.metaKey)) return;
      event.preventDefault();
      input.focus();
      input.select();
    });
  }

  document.addEventListener("DOMContentLoaded", () => document.querySelectorAll("form[data-found]").forEach(equip));
})();
