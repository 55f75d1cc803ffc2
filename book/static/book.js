// One switch per page for all its code, and a button that copies the citation.  Without scripts every cell has its own fold.
(() => {
  const KEY = "enu-code";
  const root = document.documentElement;

  function remembered(value) {  // storage may be forbidden, as in a private window
    try {
      if (value !== undefined) localStorage.setItem(KEY, value);
      return localStorage.getItem(KEY);
    } catch {
      return null;
    }
  }

  function button(text, press) {
    const made = document.createElement("button");
    made.type = "button";
    made.className = "btn btn-sm enu-button";
    made.textContent = text;
    made.addEventListener("click", press);
    return made;
  }

  function codeSwitch() {
    const folds = [...document.querySelectorAll("article .cell > details.hide.above-input")];
    const place = document.querySelector(".article-header-buttons");
    if (!folds.length || !place) return;
    const made = button("", () => {
      remembered(root.dataset.code === "shown" ? "hidden" : "shown");
      show(root.dataset.code !== "shown");
    });
    function show(on) {
      root.dataset.code = on ? "shown" : "hidden";
      for (const fold of folds) fold.open = on;
      made.textContent = on ? "Hide code" : "Show code";
    }
    place.prepend(made);
    show(remembered() === "shown");
  }

  function copies() {
    for (const block of document.querySelectorAll(".highlight-bibtex")) {
      const text = block.querySelector("pre");
      const said = document.createElement("span");
      said.setAttribute("role", "status");
      const made = button("Copy BibTeX", async () => {
        try {
          await navigator.clipboard.writeText(text.textContent);
          said.textContent = " Copied.";
        } catch {  // no permission: the text is selected, and the keyboard copies it
          getSelection().selectAllChildren(text);
          said.textContent = " Selected: copy it with Ctrl+C or Cmd+C.";
        }
      });
      block.before(made, said);
    }
  }

  // paper is white: a dark page is printed in the light colours
  let theme = null;
  addEventListener("beforeprint", () => {
    theme ??= root.dataset.theme;
    root.dataset.theme = "light";
  });
  addEventListener("afterprint", () => {
    root.dataset.theme = theme ?? root.dataset.theme;
    theme = null;
  });

  codeSwitch();
  copies();
})();
