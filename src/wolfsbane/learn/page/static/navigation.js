// The list of sections: where one is, and exercises that open when they are linked to.

/** Mark in the list of sections the one that is being read. */
export function joinContents(nav) {
  const links = [...nav.querySelectorAll("a")];
  const parts = [...document.querySelectorAll("section.part")];
  const seen = new Set();
  const mark = () => {
    const current = parts.findLast((part) => seen.has(part));
    for (const link of links) {
      if (link.hash === `#${current?.id}`) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    }
  };
  const watch = new IntersectionObserver(
    (changes) => {
      for (const { target, isIntersecting } of changes) {
        if (isIntersecting) seen.add(target);
        else seen.delete(target);
      }
      mark();
    },
    { rootMargin: "0px 0px -70% 0px" },
  );
  for (const part of parts) watch.observe(part);
  joinMenu(nav.querySelector("details"));
}

/** Open the exercise that the address names. */
export function openLinked() {
  const linked = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (!linked?.matches("details.item")) return;
  linked.open = true;
  linked.querySelector("summary").focus();
  linked.scrollIntoView();
}

function joinMenu(menu) {
  menu.addEventListener("click", (event) => {
    if (event.target.closest("a")) menu.open = false;
  });
  menu.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !menu.open) return;
    menu.open = false;
    menu.querySelector("summary").focus();
  });
}
