/* Runs inside a page that is worked by keyboard: says what there is to do, and what has the focus. */
globalThis.byKeyboard = (() => {
  const reachable =
    "a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex]";
  const doable = "a[href^=http], a[href^='/'], a[href^='#'], button, summary";
  const usable = (one) => one.checkVisibility() && !one.disabled;
  const stops = () =>
    [...document.querySelectorAll(reachable)].filter((one) => usable(one) && one.tabIndex >= 0);
  /* Ids and what they name are the same kind of thing. */
  const shape = (path) => path.replaceAll(/\/[^/]*\d[^/]*/g, "/*");
  const words = (one) => one.textContent.trim().replaceAll(/\s+/g, " ");
  const here = new URL(location.href);
  /** @type {Element[]} */
  let things = [];

  /* Of a button without one, the property says the address of the page. */
  function actionOf(button) {
    const own = button.getAttribute("formaction") ?? button.form.getAttribute("action") ?? "";
    return new URL(own, here);
  }

  function kindOf(one) {
    if (one.matches("a")) {
      const to = new URL(one.href);
      const within = to.pathname === here.pathname && to.search === here.search && to.hash !== "";
      const path = shape(to.pathname).split("/").slice(0, 4).join("/");
      return `link ${within ? "within" : path} ${[...new Set(to.searchParams.keys())]}`;
    }
    if (one.matches("summary")) return `details ${shape(here.pathname)} ${words(one)}`;
    if (one.type === "button") return `button ${Object.keys(one.dataset)}`;
    const names = [...one.form.elements].map(({ name }) => name).filter((name) => name !== "");
    const own = one.firstChild?.nodeValue?.trim() ?? "";
    return `form ${one.form.method} ${shape(actionOf(one).pathname)} ${[...new Set(names)]} ${own}`;
  }

  return {
    /* What can be done here and is no kind of what was done elsewhere, in its order. */
    todo(done) {
      things = [...document.querySelectorAll(doable)].filter(usable);
      const seen = new Set(done);
      return things.flatMap((one, at) => {
        const kind = kindOf(one);
        if (seen.has(kind)) return [];
        seen.add(kind);
        return [{ at, kind, what: kind.split(" ")[0] }];
      });
    },
    /* Leaves the focus one press of Tab before a thing, or before its form. */
    before(at) {
      const thing = things[at];
      const form = thing.form ?? undefined;
      const all = stops();
      const here = (one) => one === thing || (form && one.form === form);
      const after = (one) => thing.compareDocumentPosition(one) & Node.DOCUMENT_POSITION_FOLLOWING;
      const first = all.findIndex((one) => here(one) || after(one));
      if (first > 0) all[first - 1].focus({ preventScroll: true });
      else {
        document.activeElement.blur();
        getSelection().collapse(document.body, 0);
      }
    },
    /* What has the focus, as somebody meets it who wants that thing. */
    focus(at) {
      const one = document.activeElement;
      const thing = things[at];
      const within = thing.form ? one.form === thing.form : one === thing;
      return {
        is: one === thing ? "it" : within && !one.matches("button") ? "field" : "other",
        id: stops().indexOf(one),
        name: one.name ?? "",
        type: one.matches("select") ? "select" : (one.type ?? ""),
        value: one.value ?? "",
        checked: one.checked === true,
        index: one.selectedIndex ?? 0,
        count: one.options?.length ?? 0,
        least: Math.max(one.minLength ?? 0, 0),
        readOnly: one.readOnly === true,
      };
    },
    /* What pressing a thing stands for: a request, another state of it, another place of the page. */
    means(at) {
      const one = things[at];
      if (one.matches("a")) return { method: "GET", url: one.href };
      const form = one.form;
      if (!form) return { method: "", url: "" };
      const sent = new URLSearchParams();
      for (const [name, value] of new FormData(form, one)) sent.append(name, value);
      const url = actionOf(one);
      if (form.method === "get") url.search = String(sent);
      const script = form.dataset.passkey;
      if (script) return { method: "POST", url: new URL(`${script}/options`, here).href };
      return {
        method: form.method.toUpperCase(),
        url: url.href,
        ...(form.method === "post" ? { body: String(sent) } : {}),
        wrong: [...form.elements]
          .filter((field) => !field.checkValidity())
          .map((field) => `${field.name}: ${field.validationMessage}`),
      };
    },
    state(at) {
      const one = things[at];
      return `${one.parentElement.open === true} ${words(one)} ${location.hash}`;
    },
  };
})();
