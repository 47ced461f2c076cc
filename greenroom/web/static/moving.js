// A list whose order changes before one's eyes: what moves glides, the focus stays where it is.

const still = matchMedia("(prefers-reduced-motion: reduce)");

/** Puts the elements into this order as the list's children; others are taken out. */
export function reorder(list, elements) {
  const before = new Map([...list.children].map((one) => [one, one.getBoundingClientRect().top]));
  const focused = list.contains(document.activeElement) ? document.activeElement : null;
  const wanted = new Set(elements);
  for (const one of [...list.children]) if (!wanted.has(one)) one.remove();
  let place = list.firstElementChild;
  for (const one of elements) {
    if (one === place) place = place.nextElementSibling;
    else list.insertBefore(one, place);
  }
  if (focused && document.activeElement !== focused && list.contains(focused)) focused.focus({ preventScroll: true });
  if (still.matches) return;
  for (const one of elements) {
    const from = before.get(one);
    const moved = from === undefined ? 0 : from - one.getBoundingClientRect().top;
    if (moved) one.animate([{ transform: `translateY(${moved}px)` }, { transform: "none" }], { duration: 300, easing: "ease-out" });
    else if (from === undefined) one.animate([{ opacity: 0 }, { opacity: 1 }], { duration: 300 });
  }
}
